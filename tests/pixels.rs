//! Resizing and normalising against Pillow: exact equality, by SHA-256 of the bytes.
//! `tests/reference.py resize` made `golden/pixels/*.txt`.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use safelight::picture::{Limits, Picture};
use safelight::pixels;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

/// The noise of `grain` in `tests/reference_samples.py`: `[h, w, 3]`.
fn grain(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3_u32 {
                let value = x.wrapping_mul(73_856_093) ^ y.wrapping_mul(19_349_663) ^ channel.wrapping_mul(83_492_791);
                let value = (value ^ (value >> 13)).wrapping_mul(0x5BD1_E995);
                bytes.push((value >> 24) as u8);
            }
        }
    }
    bytes
}

fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Lines of numbers that end with a digest.
fn golden(text: &str) -> Vec<(Vec<u32>, &str)> {
    text.lines()
        .map(|line| {
            let (numbers, digest) = line.rsplit_once(' ').unwrap();
            (numbers.split(' ').map(|number| number.parse().unwrap()).collect(), digest)
        })
        .collect()
}

#[test]
fn resizing_gives_pillows_bytes() {
    let lines = golden(include_str!("golden/pixels/resize.txt"));
    assert!(lines.len() >= 20);
    for (size, expected) in lines {
        let [width, height, to_width, to_height] = size[..] else { panic!("four sizes a line") };
        let got = pixels::resize(
            &grain(width, height),
            width as usize,
            height as usize,
            to_width as usize,
            to_height as usize,
        );
        assert_eq!(digest(&got), expected, "{width} × {height} → {to_width} × {to_height}");
    }
}

#[test]
fn clips_pixels_are_pillows_and_numpys() {
    let lines = golden(include_str!("golden/pixels/clip.txt"));
    assert!(lines.len() >= 10);
    for (size, expected) in lines {
        let [width, height, side] = size[..] else { panic!("three sizes a line") };
        let picture = Picture { width, height, rgb: grain(width, height), format: "PNG".to_owned() };
        let pixels = pixels::clip_pixels(&picture, side as usize);
        assert_eq!(digest(&bytes(&pixels)), expected, "{width} × {height} → {side}");
    }
}

/// The pictures that CLIP's own goldens are made of: file → pixels, as the reference fed them.
#[test]
fn the_pictures_of_clips_goldens_give_the_reference_pixels() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/clip");
    let goldens = std::fs::read(format!("{folder}/vit-b16.safetensors")).unwrap();
    let (_, header) = SafeTensors::read_metadata(&goldens).unwrap();
    let digests = header.metadata().as_ref().unwrap();
    assert_eq!(digests.len(), 16);
    for (name, expected) in digests {
        let file = std::fs::read(format!("{folder}/pictures/{name}")).unwrap();
        let picture = Picture::decode(&file, &Limits::default()).unwrap();
        assert_eq!(&digest(&bytes(&pixels::clip_pixels(&picture, 224))), expected, "{name}");
    }
}

#[test]
fn a_strip_of_a_million_pixels_costs_no_more_than_its_square() {
    let picture = Picture { width: 1, height: 1_000_000, rgb: vec![200; 3_000_000], format: "PNG".to_owned() };
    assert_eq!(pixels::clip_pixels(&picture, 224).len(), 3 * 224 * 224);
}
