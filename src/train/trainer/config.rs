//! Hyper-parameters, with the paper's as one preset.

use serde::{Deserialize, Serialize};

use crate::train::data::dataset::Weighting;
use crate::{Error, Result};

/// Everything that decides a run, besides its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Width of the hidden layers.
    pub width: usize,
    /// Hidden layers.
    pub layers: usize,
    /// Probability that a hidden value is dropped.
    pub dropout: f64,
    /// Passes over the dataset.
    pub epochs: usize,
    /// Most rows a step.
    pub batch: usize,
    /// `AdamW`'s highest learning rate.
    pub learning_rate: f64,
    /// `AdamW`'s decoupled weight decay, of every parameter, as `PyTorch` does by default.
    pub weight_decay: f64,
    /// Seed of initialisation, dropout and batches.
    pub seed: u64,
    /// What is minimised.
    pub loss: LossConfig,
    /// Radius ρ of SAM's first step; 0 switches SAM off.
    pub sam_rho: f64,
    /// How the learning rate falls.
    pub schedule: Schedule,
    /// How much each row counts.
    pub weighting: Weighting,
    /// Probability that a row's caption is left out of a step, where captions are read: so one head learns to
    /// do with and without.
    pub caption_dropout: f64,
    /// Whether a head learns for as many epochs as its folds found best, where that is clearly before the last one.
    pub keep_best: bool,
}

/// γ · `CVaR_α`(cross-entropy) + (1 − γ) · AUC loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LossConfig {
    /// α, the share of worst rows that counts, 0…1; `None`: the plain mean.
    pub cvar_alpha: Option<f64>,
    /// 1 − γ, 0…1; 0 switches the AUC loss off.
    pub auc_weight: f64,
    /// η, in logits.
    pub auc_margin: f64,
    /// p, at least 1.
    pub auc_power: f64,
}

/// The learning rate over a run; it never rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Half a cosine, from the highest rate to zero.
    Cosine,
    /// The highest rate throughout.
    Constant,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { cvar_alpha: Some(0.8), auc_weight: 0.5, auc_margin: 0.6, auc_power: 2.0 }
    }
}

/// The paper's recipe on a head and batches of the size that a folder of pictures feeds.
impl Default for TrainConfig {
    fn default() -> Self {
        Self { width: 256, epochs: 12, batch: 256, weighting: Weighting::Root, keep_best: true, ..Self::paper() }
    }
}

impl TrainConfig {
    /// The configuration of arXiv 2404.12908.
    #[must_use]
    pub fn paper() -> Self {
        Self {
            width: 1536,
            layers: 3,
            dropout: 0.335,
            epochs: 32,
            batch: 2048,
            learning_rate: 1e-3,
            weight_decay: 0.01,
            seed: 1,
            loss: LossConfig::default(),
            sam_rho: 0.05,
            schedule: Schedule::Cosine,
            weighting: Weighting::None,
            caption_dropout: 0.5,
            keep_best: false,
        }
    }

    /// A head that is already good, led to a few hundred new pictures: small batches and many passes. With a third of this
    /// rate it stays too near to where it was, with three times as much a few pictures throw it off (README has the areas).
    #[must_use]
    pub fn fine_tune() -> Self {
        Self { epochs: 20, batch: 64, ..Self::default() }
    }

    /// `paper`, `default` or `fine-tune`.
    ///
    /// # Errors
    /// [`Error::TrainConfig`] for another name.
    pub fn preset(name: &str) -> Result<Self> {
        match name {
            "paper" => Ok(Self::paper()),
            "default" => Ok(Self::default()),
            "fine-tune" => Ok(Self::fine_tune()),
            other => Err(refuse(format!("there is no preset named {other}; there are paper, default and fine-tune"))),
        }
    }

    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`Error::TrainConfig`], naming the first field that is out of its range.
    pub fn validate(&self) -> Result<()> {
        let within = |name: &str, value: f64, low: f64, high: f64| {
            // NaN is in no range.
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(refuse(format!("{name} is {value}, not {low}…{high}")))
            }
        };
        within("width", self.width as f64, 1.0, 8192.0)?;
        within("layers", self.layers as f64, 1.0, 16.0)?;
        within("dropout", self.dropout, 0.0, 0.95)?;
        within("epochs", self.epochs as f64, 1.0, 10_000.0)?;
        // The pairwise losses need [batch, batch] numbers.
        within("batch", self.batch as f64, 4.0, 4096.0)?;
        within("learningRate", self.learning_rate, 1e-9, 1.0)?;
        within("weightDecay", self.weight_decay, 0.0, 10.0)?;
        within("captionDropout", self.caption_dropout, 0.0, 1.0)?;
        within("samRho", self.sam_rho, 0.0, 10.0)?;
        within("loss.aucWeight", self.loss.auc_weight, 0.0, 1.0)?;
        within("loss.aucMargin", self.loss.auc_margin, 0.0, 100.0)?;
        within("loss.aucPower", self.loss.auc_power, 1.0, 10.0)?;
        // JavaScript's numbers are exact to here.
        within("seed", self.seed as f64, 0.0, 9_007_199_254_740_991.0)?;
        self.loss.cvar_alpha.map_or(Ok(()), |alpha| within("loss.cvarAlpha", alpha, 0.001, 1.0))
    }

    /// The learning rate of step `step` of `steps`.
    #[must_use]
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let turn = std::f64::consts::PI * step as f64 / steps.max(1) as f64;
                self.learning_rate * 0.5 * (1.0 + turn.cos())
            }
        }
    }
}

fn refuse(message: String) -> Error {
    Error::TrainConfig { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_others_refused() {
        for name in ["paper", "default", "fine-tune"] {
            TrainConfig::preset(name).unwrap().validate().unwrap();
        }
        assert_eq!(TrainConfig::preset("Paper").unwrap_err().code(), "train-config");
    }

    #[test]
    fn fields_left_out_have_defaults_and_unknown_ones_are_refused() {
        let config: TrainConfig = serde_json::from_str(r#"{"epochs": 3, "loss": {"cvarAlpha": null}}"#).unwrap();
        assert_eq!(config.epochs, 3);
        assert_eq!(config.loss, LossConfig { cvar_alpha: None, ..LossConfig::default() });
        assert!(serde_json::from_str::<TrainConfig>(r#"{"epoch": 3}"#).is_err());
    }

    #[test]
    fn nonsense_is_named() {
        let wrong = [
            ("dropout", TrainConfig { dropout: f64::NAN, ..TrainConfig::default() }),
            ("batch", TrainConfig { batch: 1, ..TrainConfig::default() }),
            ("learningRate", TrainConfig { learning_rate: -1.0, ..TrainConfig::default() }),
        ];
        for (name, config) in wrong {
            let message = config.validate().unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }

    #[test]
    fn the_cosine_never_rises() {
        let config = TrainConfig::paper();
        let rates: Vec<f64> = (0..=64).map(|step| config.rate(step, 64)).collect();
        assert!((rates[0] - 1e-3).abs() < 1e-12 && rates[64].abs() < 1e-12);
        assert!(rates.windows(2).all(|pair| pair[1] < pair[0]));
    }
}
