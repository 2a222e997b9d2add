//! What is known of a picture file besides what it shows: size, format, compression, metadata, digests.
//! A detector must not live on these; `train::audit` measures how far they alone would get one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Picture, jpeg};
use crate::hex::hex;
use crate::pixels;

/// The facts of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// Width when upright, in pixels.
    pub width: u32,
    /// Height when upright, in pixels.
    pub height: u32,
    /// Name of the format, as people write it (`JPEG`).
    pub format: String,
    /// Length of the file.
    pub bytes: u64,
    /// libjpeg's quality 1…100 whose quantisation tables are the file's, or the nearest to them.
    pub jpeg_quality: Option<u8>,
    /// Chroma subsampling, as `4:2:0`; `4:0:0` where there is no colour.
    pub jpeg_subsampling: Option<String>,
    /// Whether the file carries EXIF.
    pub exif: bool,
    /// Of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// [`perceptual_hash`] of the picture, 16 hexadecimal digits.
    pub perceptual: String,
}

impl Facts {
    /// Reads the facts of a file whose picture is already decoded.
    #[must_use]
    pub fn read(bytes: &[u8], picture: &Picture) -> Self {
        let header = jpeg::Header::read(bytes);
        Self {
            width: picture.width,
            height: picture.height,
            format: picture.format.clone(),
            bytes: bytes.len() as u64,
            jpeg_quality: header.as_ref().and_then(jpeg::Header::quality),
            jpeg_subsampling: header.as_ref().and_then(jpeg::Header::subsampling),
            exif: header.is_some_and(|header| header.exif) || png_has_exif(bytes) || webp_has_exif(bytes),
            sha256: sha256(bytes),
            perceptual: format!("{:016x}", perceptual_hash(picture)),
        }
    }

    /// A number of its own for every file, the same on every machine: the first eight bytes of its digest.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.sha256.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }
}

/// SHA-256 of a file, 64 hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// 64-bit difference hash (Krawetz 2013): the picture in 9 × 8 grey pixels; each bit tells whether a
/// pixel is brighter than its left neighbour, row by row, the first in the highest bit.
#[must_use]
pub fn perceptual_hash(picture: &Picture) -> u64 {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let small = pixels::resize(&picture.rgb, width, height, 9, 8); // [8, 9, 3]
    // ITU-R 601 in Pillow's fixed point (`Convert.c`, L24).
    let grey = |rgb: &[u8]| {
        let [red, green, blue] = [rgb[0], rgb[1], rgb[2]].map(u32::from);
        (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16
    };
    let grey: Vec<u32> = small.chunks_exact(3).map(grey).collect(); // [8, 9]
    let pairs = grey.chunks_exact(9).flat_map(|row| row.windows(2));
    pairs.fold(0, |hash, pair| hash << 1 | u64::from(pair[1] > pair[0]))
}

/// Whether a PNG has an `eXIf` chunk (PNG third edition, 11.3.4.3).
fn png_has_exif(bytes: &[u8]) -> bool {
    let Some(mut rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") else { return false };
    while let Some((&[a, b, c, d, ref kind @ ..], after)) = rest.split_first_chunk::<8>() {
        if kind == b"eXIf" {
            return true;
        }
        let skipped = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(4); // and the checksum
        rest = after.get(skipped..).unwrap_or_default();
    }
    false
}

/// Whether a WebP has an `EXIF` chunk (RFC 9649, section 2.7.1.5).
fn webp_has_exif(bytes: &[u8]) -> bool {
    if !bytes.starts_with(b"RIFF") || bytes.get(8..12) != Some(b"WEBP") {
        return false;
    }
    let mut rest = &bytes[12..];
    while let Some((&[ref kind @ .., a, b, c, d], after)) = rest.split_first_chunk::<8>() {
        if kind == b"EXIF" {
            return true;
        }
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        rest = after.get(length.saturating_add(length % 2)..).unwrap_or_default(); // padded to even
    }
    false
}
