//! Decoding against Pillow, and what is said of files that are none.
//! `tests/reference.py samples` made `golden/pictures`.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::path::PathBuf;

use safelight::Error;
use safelight::picture::{Limits, Picture};
use safetensors::SafeTensors;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures")
}

fn decode(bytes: &[u8]) -> Result<Picture, Error> {
    Picture::decode(bytes, &Limits::default())
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let names = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.ends_with(".safetensors")).map(|name| (name.clone(), sample(&name))).collect()
}

/// Every format must give Pillow's very bytes but JPEG, which leaves the rounding of the inverse transform
/// and the upsampling of colour to the decoder: zune-jpeg's differ from libjpeg-turbo's by a few levels at
/// hard edges (largest here 4, mean 0.29, both in 4:2:0).
#[test]
fn every_kind_of_file_looks_as_in_pillow() {
    let expected = sample("expected.safetensors");
    let expected = SafeTensors::deserialize(&expected).unwrap();
    assert!(expected.len() >= 40);
    for (name, view) in expected.tensors() {
        let picture = decode(&sample(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!([picture.height as usize, picture.width as usize, 3], view.shape(), "{name}");
        let differences: Vec<u8> = picture.rgb.iter().zip(view.data()).map(|(a, b)| a.abs_diff(*b)).collect();
        let mean = differences.iter().map(|&d| f64::from(d)).sum::<f64>() / differences.len() as f64;
        let largest = differences.iter().copied().max().unwrap();
        let (largest_allowed, mean_allowed) = if name.starts_with("jpeg") { (4, 0.3) } else { (0, 0.0) };
        assert!(largest <= largest_allowed && mean <= mean_allowed, "{name}: mean {mean:.3}, largest {largest}");
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let format = |bytes: &[u8]| match decode(bytes) {
        Err(Error::PictureFormat { found }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(decode(b""), Err(Error::PictureEmpty));
    assert_eq!(format(b"\0\0\0\x1cftypavif\0\0\0\0"), "an AVIF picture");
    assert_eq!(format(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"), "an AVIF picture");
    assert_eq!(format(b"\0\0\0\x1cftypheic\0\0\0\0"), "a HEIC picture");
    assert_eq!(format(b"\0\0\0\x1cftypisom\0\0\0\0"), "a video");
    assert_eq!(format(b"<!DOCTYPE html><title>photo.jpg</title>"), "a web page");
    assert_eq!(format(b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"), "an SVG drawing");
    assert_eq!(format(b"%PDF-1.7"), "a PDF document");
    assert_eq!(format(b"Dear editor,"), "a text file");
    assert_eq!(format(&[1, 2, 3, 4, 200]), "unknown content");
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bomb.extend(60_000_u32.to_be_bytes());
    bomb.extend(60_000_u32.to_be_bytes());
    bomb.extend([8, 2, 0, 0, 0]);
    bomb.extend(crc32(&bomb[12..29]).to_be_bytes());
    bomb.extend(b"\0\0\0\x01IDAT\x78");
    bomb.extend(crc32(b"IDAT\x78").to_be_bytes());
    assert_eq!(decode(&bomb), Err(Error::PicturePixels { width: 60_000, height: 60_000, limit: 100_000_000 }));
}

#[test]
fn a_file_that_is_too_long_is_refused_unread() {
    let limits = Limits { bytes: 10, pixels: 100 };
    assert_eq!(Picture::decode(&[0; 11], &limits), Err(Error::PictureBytes { bytes: 11, limit: 10 }));
}

/// Decoders that paint what is missing grey would have it judged.
#[test]
fn a_file_cut_short_is_damaged() {
    for (name, bytes) in samples() {
        let code = decode(&bytes[..bytes.len() * 2 / 5]).map_err(|error| error.code());
        assert_eq!(code, Err("picture-damaged"), "{name}");
    }
    // jpeg-thumbnail.jpg holds a whole JPEG in its comment, whose end is not the picture's.
    for name in ["jpeg-420.jpg", "jpeg-progressive.jpg", "jpeg-restart.jpg", "jpeg-thumbnail.jpg"] {
        let bytes = sample(name);
        for length in 3..bytes.len() {
            let code = decode(&bytes[..length]).map_err(|error| error.code());
            assert_eq!(code, Err("picture-damaged"), "{name}, {length} bytes");
        }
    }
}

/// What only this decoder lacks is reported like a foreign format, so that the browser is asked.
#[test]
fn a_rare_kind_of_file_is_not_called_damaged() {
    let mut bytes = sample("bmp-rgb.bmp");
    bytes[30] = 4; // compression: a JPEG inside
    assert_eq!(decode(&bytes).unwrap_err().code(), "picture-format");
}

/// Every prefix and many changes of every sample: an error or a picture, never a panic.
#[test]
fn damaged_files_never_panic() {
    let limits = Limits { bytes: 1 << 20, pixels: 1 << 20 };
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize
    };
    for (_, bytes) in samples() {
        for length in 0..bytes.len() {
            let _ = Picture::decode(&bytes[..length], &limits);
        }
        for round in 0..400 {
            let mut changed = bytes.clone();
            for _ in 0..=round % 4 {
                // Headers are where a change does most.
                let reach = if round % 2 == 0 { changed.len().min(64) } else { changed.len() };
                let at = random() % reach;
                changed[at] = random() as u8;
            }
            let _ = Picture::decode(&changed, &limits);
        }
    }
}

#[test]
fn browser_pixels_are_laid_on_white() {
    let rgba = [0, 0, 0, 255, 0, 0, 0, 0, 10, 20, 30, 128];
    let picture = Picture::from_rgba(&rgba, 3, 1, "AVIF", &Limits::default()).unwrap();
    assert_eq!(picture.rgb, [0, 0, 0, 255, 255, 255, 132, 137, 142]);
    assert_eq!(picture.format, "AVIF");
    assert_eq!(Picture::from_rgba(&[], 0, 0, "AVIF", &Limits::default()).unwrap_err().code(), "picture-damaged");
    assert_eq!(Picture::from_rgba(&rgba, 4, 1, "AVIF", &Limits::default()).unwrap_err().code(), "picture-damaged");
}

/// PNG's checksum.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
