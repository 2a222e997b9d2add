//! Facts of files against Pillow. `tests/reference.py facts` made `golden/facts`.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use safelight::picture::facts::Facts;
use safelight::picture::{Limits, Picture};
use safetensors::SafeTensors;

fn golden(path: &str) -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)).unwrap()
}

fn facts(bytes: &[u8]) -> Facts {
    Facts::read(bytes, &Picture::decode(bytes, &Limits::default()).unwrap())
}

/// Everything equal but the hash of JPEGs, whose pixels differ from libjpeg's by a few levels: where
/// two of the 72 grey pixels are nearly alike, a bit may turn.
#[test]
fn facts_are_those_that_pillow_reads() {
    let expected: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&golden("facts/samples.json")).unwrap();
    assert!(expected.len() >= 40);
    for (name, expected) in expected {
        let mut expected = expected;
        let got = facts(&golden(&format!("pictures/{name}")));
        let hash = u64::from_str_radix(expected["perceptual"].as_str().unwrap(), 16).unwrap();
        let differ = (hash ^ u64::from_str_radix(&got.perceptual, 16).unwrap()).count_ones();
        assert!(differ <= if name.starts_with("jpeg") { 2 } else { 0 }, "{name}: {differ} bits differ");
        expected["perceptual"] = got.perceptual.clone().into();
        expected["jpegQuality"] = got.jpeg_quality.into(); // Pillow knows none
        assert_eq!(serde_json::to_value(&got).unwrap(), expected, "{name}");
    }
}

#[test]
fn the_quality_is_the_one_pillow_was_given() {
    let bytes = golden("facts/qualities.safetensors");
    let files = SafeTensors::deserialize(&bytes).unwrap();
    assert!(files.len() > 50);
    for (name, view) in files.tensors() {
        let got = facts(view.data());
        let expected = name.split('-').next().unwrap().parse().unwrap_or(80);
        let subsampling = if name.contains("grey") { "4:0:0" } else { "4:2:0" };
        // The tables of `odd` are some per cent coarser than libjpeg's at 80: the nearest are those of 78.
        let expected = if name == "odd" { 78 } else { expected };
        assert_eq!((got.jpeg_quality, got.jpeg_subsampling.as_deref()), (Some(expected), Some(subsampling)), "{name}");
    }
}

/// A header that lies gives less, and never a panic.
#[test]
fn damaged_headers_give_what_they_can() {
    for name in ["jpeg-orientation-6.jpg", "png-orientation.png", "webp-orientation.webp"] {
        let bytes = golden(&format!("pictures/{name}"));
        let picture = Picture::decode(&bytes, &Limits::default()).unwrap();
        assert!(Facts::read(&bytes, &picture).exif, "{name}");
        for length in 0..bytes.len() {
            let _ = Facts::read(&bytes[..length], &picture);
            let mut changed = bytes.clone();
            changed[length] ^= 0xff;
            let _ = Facts::read(&changed, &picture);
        }
    }
}
