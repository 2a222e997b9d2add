//! The answer about one picture.

use serde::Serialize;

use crate::device::DeviceInfo;
use crate::head::Label;
use crate::head::info::Thresholds;

/// The answer about one picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In a word.
    pub label: Label,
    /// Calibrated probability of being generated, 0…1.
    pub probability: f32,
    /// Where the word changes.
    pub thresholds: Thresholds,
    /// What was checked.
    pub picture: PictureInfo,
    /// How it was looked at, in words.
    pub views: Vec<&'static str>,
    /// What the caption had to do with it.
    pub caption: CaptionUse,
    /// Where it was computed.
    pub device: DeviceInfo,
    /// How long it took.
    pub ms: Milliseconds,
}

/// What a caption had to do with a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptionUse {
    /// The head read it with the picture.
    Used,
    /// The head reads captions, and there was none.
    Missing,
    /// The head reads none.
    Unread,
}

/// The picture, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PictureInfo {
    /// Width when upright, in pixels.
    pub width: u32,
    /// Height when upright, in pixels.
    pub height: u32,
    /// Name of the format, as people write it.
    pub format: String,
}

/// Time spent in each stage, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Milliseconds {
    /// Bytes to picture; 0 where the browser decoded.
    pub decode: f64,
    /// Picture to pixels.
    pub pixels: f64,
    /// The towers, with reading back.
    pub clip: f64,
    /// Features and head.
    pub head: f64,
}

impl Milliseconds {
    /// All stages together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.decode + self.pixels + self.clip + self.head
    }
}
