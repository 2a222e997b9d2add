//! What a detector says of itself.

use serde::Serialize;

use crate::device::DeviceInfo;
use crate::head::info::Thresholds;
use crate::head::{Figures, OperatingPoint};

/// What a detector says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetectorInfo {
    /// Where it computes.
    pub device: DeviceInfo,
    /// The model.
    pub pack: PackInfo,
    /// The head.
    pub head: HeadSummary,
}

/// The model, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackInfo {
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// SHA-256 of the weight file.
    pub sha256: String,
    /// Whether it has a text tower.
    pub text: bool,
    /// Whether the tokenizer, which captions need besides, is loaded.
    pub tokenizer: bool,
}

/// The head, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadSummary {
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Day of training, ISO 8601.
    pub trained: String,
    /// Whether it reads captions.
    pub captions: bool,
    /// Whether there is none yet, and what stands here only stands in for it.
    pub blank: bool,
    /// From where a probability is called real or generated.
    pub thresholds: Thresholds,
    /// Other limits to choose from.
    #[serde(rename = "operatingPoints")]
    pub operating_points: Vec<OperatingPoint>,
    /// Which pictures those were measured on, in words.
    #[serde(rename = "operatingPointsSource")]
    pub operating_points_source: String,
    /// What it reached on sources it never saw.
    pub figures: Figures,
}
