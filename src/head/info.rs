//! What a head's file says of the head: features, calibration, limits, figures.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::features::FeatureSpec;
use crate::{Error, Result};

/// The head format this version reads and writes.
pub const FORMAT: u32 = 1;

/// What stands in the head's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadInfo {
    /// [`FORMAT`].
    pub format: u32,
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Day of training, ISO 8601.
    pub date: String,
    /// The pack whose features it reads.
    pub pack: PackRef,
    /// What those features are.
    pub features: FeatureSpec,
    /// Their length `d`.
    pub dimension: usize,
    /// Hidden layers.
    pub layers: usize,
    /// From logit to probability.
    pub calibration: Calibration,
    /// From probability to verdict.
    pub thresholds: Thresholds,
    /// Other limits of "likely generated" to choose from, the strictest first; heads of before have none.
    #[serde(default)]
    pub operating_points: Vec<OperatingPoint>,
    /// Which pictures those were measured on, in words; empty in heads of before, where it is those of the figures.
    #[serde(default)]
    pub operating_points_source: String,
    /// How it was trained.
    pub training: serde_json::Value,
    /// What it reached on pictures of sources it never saw.
    pub figures: Figures,
}

/// A pack, by name and by what it really is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackRef {
    /// The pack's id.
    pub id: String,
    /// SHA-256 of its weight file.
    pub sha256: String,
}

/// Platt's scaling: probability = σ(scale · logit + shift).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Factor of the logit.
    pub scale: f32,
    /// What is added to it.
    pub shift: f32,
}

/// Probabilities at which the verdict changes; between them it is "can't tell".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// At most this: likely real.
    pub real: f32,
    /// At least this: likely generated.
    pub generated: f32,
}

/// A limit of "likely generated", and what it costs: measured on pictures that were held out of training
/// ([`HeadInfo::operating_points_source`]). Other sources may differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatingPoint {
    /// Share of real pictures that are expected at or above the limit, in the tier with the most of them.
    pub false_positive_rate: f64,
    /// The limit, a probability.
    pub threshold: f32,
    /// Share of generated pictures at or above it, in the tier with the fewest of them.
    pub true_positive_rate: f64,
}

/// Figures on sources that the head never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Which pictures, in words.
    pub source: String,
    /// How many.
    pub n: usize,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Its 95 % interval.
    pub auc_interval: [f64; 2],
    /// Share of real pictures with the verdict "generated".
    pub real_called_generated: f64,
    /// Share of generated pictures with the verdict "real".
    pub generated_called_real: f64,
    /// Share of all pictures without a verdict.
    pub unsure: f64,
}

impl HeadInfo {
    pub(super) fn validate(&self) -> Result<()> {
        if self.format != FORMAT {
            return Err(refuse(format!("its format is {}, this version reads {FORMAT}", self.format)));
        }
        if self.dimension == 0 || self.layers > 16 {
            return Err(refuse("it has no input or too many layers".to_owned()));
        }
        let Thresholds { real, generated } = self.thresholds;
        let in_order = (0.0..=1.0).contains(&real) && real <= generated && generated <= 1.0;
        if !in_order || !self.calibration.scale.is_finite() || !self.calibration.shift.is_finite() {
            return Err(refuse("its thresholds or its calibration make no sense".to_owned()));
        }
        let sound = |point: &OperatingPoint| {
            let OperatingPoint { false_positive_rate, threshold, true_positive_rate } = *point;
            let shares = [false_positive_rate, true_positive_rate, f64::from(threshold)];
            shares.iter().all(|share| (0.0..=1.0).contains(share))
        };
        if !self.operating_points.iter().all(sound) {
            return Err(refuse("its operating points make no sense".to_owned()));
        }
        Ok(())
    }

    /// Which pictures the operating points were measured on, in words.
    #[must_use]
    pub fn rates_source(&self) -> &str {
        if self.operating_points_source.is_empty() { &self.figures.source } else { &self.operating_points_source }
    }

    /// The sources whose pictures it learnt from; heads of before do not tell.
    #[must_use]
    pub fn source_names(&self) -> Vec<&str> {
        self.names_in("sourceNames").collect()
    }

    /// The pictures that it learnt from, each by the first 16 digits of its file's SHA-256: enough to see whether a
    /// picture is one of them, not to get it back. Heads of before do not tell.
    #[must_use]
    pub fn picture_digests(&self) -> BTreeSet<&str> {
        self.names_in("pictureDigests").collect()
    }

    /// Whether [`HeadInfo::picture_digests`] are all of them, those of the heads that it started from too.
    #[must_use]
    pub fn tells_pictures(&self) -> bool {
        self.is_blank() || self.training.get("digestsOfAll").and_then(serde_json::Value::as_bool).unwrap_or_default()
    }

    fn names_in(&self, list: &str) -> impl Iterator<Item = &str> {
        let names = self.training.get(list).and_then(serde_json::Value::as_array);
        names.into_iter().flatten().filter_map(serde_json::Value::as_str)
    }

    /// Calls pictures generated from the measured limit with this false-positive rate on.
    ///
    /// # Errors
    /// [`Error::OperatingPoint`] where none was measured for it.
    pub fn operate_at(&mut self, false_positive_rate: f64) -> Result<()> {
        let is_meant = |point: &&OperatingPoint| (point.false_positive_rate - false_positive_rate).abs() < 1e-9;
        let Some(point) = self.operating_points.iter().find(is_meant) else {
            let percent = |rate: f64| format!("{} %", 100.0 * rate);
            let rates = self.operating_points.iter().map(|point| percent(point.false_positive_rate));
            return Err(Error::OperatingPoint {
                wanted: percent(false_positive_rate),
                measured: if self.operating_points.is_empty() {
                    "none".to_owned()
                } else {
                    rates.collect::<Vec<_>>().join(", ")
                },
            });
        };
        self.thresholds = Thresholds { real: self.thresholds.real.min(point.threshold), generated: point.threshold };
        Ok(())
    }
}

fn refuse(message: String) -> Error {
    Error::HeadFormat { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> HeadInfo {
        let point = |false_positive_rate, threshold, true_positive_rate| OperatingPoint {
            false_positive_rate,
            threshold,
            true_positive_rate,
        };
        HeadInfo {
            format: FORMAT,
            id: String::new(),
            name: String::new(),
            date: String::new(),
            pack: PackRef { id: String::new(), sha256: String::new() },
            features: FeatureSpec {
                views: vec![],
                embedding: true,
                blocks: vec![],
                patch_means: vec![],
                caption: false,
            },
            dimension: 1,
            layers: 0,
            calibration: Calibration { scale: 1.0, shift: 0.0 },
            thresholds: Thresholds { real: 0.3, generated: 0.9 },
            operating_points: vec![point(0.01, 0.95, 0.4), point(0.05, 0.8, 0.7)],
            operating_points_source: String::new(),
            training: serde_json::Value::Null,
            figures: Figures {
                source: String::new(),
                n: 0,
                auc: 0.5,
                auc_interval: [0.0, 1.0],
                real_called_generated: 0.0,
                generated_called_real: 0.0,
                unsure: 1.0,
            },
        }
    }

    #[test]
    fn a_measured_rate_moves_the_limit_and_another_is_refused() {
        let mut head = info();
        head.operate_at(0.05).unwrap();
        assert_eq!(head.thresholds, Thresholds { real: 0.3, generated: 0.8 });
        let error = head.operate_at(0.02).unwrap_err();
        assert_eq!(error.code(), "operating-point");
        assert!(error.to_string().contains("1 %, 5 %"), "{error}");
    }

    #[test]
    fn a_head_of_before_has_no_operating_points_and_senseless_ones_are_refused() {
        let mut json = serde_json::to_value(info()).unwrap();
        json.as_object_mut().unwrap().remove("operating_points");
        let before: HeadInfo = serde_json::from_value(json).unwrap();
        assert!(before.operating_points.is_empty() && before.validate().is_ok());
        let mut head = info();
        head.operating_points[0].threshold = 1.5;
        assert_eq!(head.validate().unwrap_err().code(), "head-format");
    }
}
