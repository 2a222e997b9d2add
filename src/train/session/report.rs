//! The report of a training.

use serde::{Deserialize, Serialize};

use crate::train::audit::AuditReport;
use crate::train::trainer::config::TrainConfig;
use crate::train::validation::report::{Mistake, TierReport};

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainingReport {
    /// Pictures in all.
    pub pictures: usize,
    /// Of them generated.
    pub generated: usize,
    /// Of them real.
    pub real: usize,
    /// Named sources.
    pub sources: usize,
    /// Folds of the validation; 0 where there was none.
    pub folds: usize,
    /// Epochs that the head learnt for.
    pub epochs: usize,
    /// Whether somebody ended a stage early.
    pub stopped: bool,
    /// Whether every fold held out whole sources.
    pub grouped: bool,
    /// Figures by tier: as given first where there is that, equalised last.
    pub tiers: Vec<TierReport>,
    /// The worst mistakes in the first tier, the worst first.
    pub worst: Vec<Mistake>,
    /// What the facts alone give away.
    pub audit: Option<AuditReport>,
    /// How it was trained.
    pub config: TrainConfig,
    /// What a person should know before relying on it, in sentences.
    pub warnings: Vec<String>,
}
