//! Figures of a training or an evaluation in every tier, on pictures that the head was not
//! trained on. What a set is too small to show is left out, with a sentence that says why.

use serde::{Deserialize, Serialize};

use crate::metrics::Estimate;
use crate::metrics::bootstrap::Resampled;
use crate::metrics::calibration::Bin;

/// Figures in one tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TierReport {
    /// Name of the tier.
    pub tier: String,
    /// Pictures that were scored.
    pub n: usize,
    /// ROC area.
    pub auc: Option<Estimate>,
    /// What the intervals of this tier draw anew; reports of before have it by picture.
    #[serde(default)]
    pub resampled: Resampled,
    /// Share of pictures on the right side of probability ½.
    pub accuracy: Option<Estimate>,
    /// True-positive rate at 1 % false positives.
    pub tpr_at1: Option<Estimate>,
    /// True-positive rate at 5 % false positives.
    pub tpr_at5: Option<Estimate>,
    /// Share of real pictures with the verdict "generated".
    pub fpr_at_threshold: Option<f64>,
    /// Expected calibration error, both classes counting the same.
    pub expected_calibration_error: Option<f64>,
    /// Why figures are missing, sentences.
    pub reason: Option<String>,
    /// By source; pictures without one are left out.
    pub sources: Vec<SourceReport>,
    /// Points of false- and true-positive rate.
    pub roc: Vec<[f64; 2]>,
    /// Predicted against observed.
    pub reliability: Vec<Bin>,
    /// Truth against verdict.
    pub confusion: Confusion,
}

/// Figures of one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    /// Its name.
    pub source: String,
    /// Its pictures.
    pub n: usize,
    /// ROC area of its pictures; where they are of one class, against the other class of all sources.
    pub auc: Option<Estimate>,
    /// Share of its real pictures with the verdict "generated".
    pub fpr_at_threshold: Option<f64>,
}

/// How many pictures got which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Of the generated ones.
    pub generated: Verdicts,
    /// Of the real ones.
    pub real: Verdicts,
}

/// Pictures by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// "Likely generated".
    pub generated: usize,
    /// "Can't tell".
    pub unsure: usize,
    /// "Likely real".
    pub real: usize,
}

impl Verdicts {
    /// All of them.
    #[must_use]
    pub fn total(self) -> usize {
        self.generated + self.unsure + self.real
    }

    /// Which share of them `part` is; 0 of none.
    #[must_use]
    pub fn share(self, part: usize) -> f64 {
        part as f64 / self.total().max(1) as f64
    }
}

/// A picture that was judged wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its number in the set.
    pub index: usize,
    /// Its probability of being generated.
    pub probability: f32,
    /// The truth.
    pub generated: bool,
}

impl TierReport {
    pub(super) fn empty(tier: &str, n: usize) -> Self {
        Self {
            tier: tier.to_owned(),
            n,
            auc: None,
            resampled: Resampled::default(),
            accuracy: None,
            tpr_at1: None,
            tpr_at5: None,
            fpr_at_threshold: None,
            expected_calibration_error: None,
            reason: None,
            sources: Vec::new(),
            roc: Vec::new(),
            reliability: Vec::new(),
            confusion: Confusion::default(),
        }
    }

    /// A tier without any figure, because of `reason`.
    #[must_use]
    pub fn without_figures(tier: &str, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::empty(tier, 0) }
    }
}
