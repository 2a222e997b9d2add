//! A whole training, epoch by epoch: one head a fold for honest figures, then the head that is kept,
//! with calibration and thresholds from the held-out logits. It can be stopped, saved and gone on with
//! between any two epochs.
//!
//! No figure chooses anything that it measures: after which epoch a fold is judged the other folds say (`epochs`), and
//! the probabilities and verdicts of a fold come from calibration and thresholds of the other folds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::audit::AuditReport;
use super::data::dataset::Dataset;
use super::data::duplicates;
use super::data::set::TrainingSet;
use super::trainer::Trainer;
use super::trainer::config::TrainConfig;
use super::validation::folds::Folds;
use super::validation::held_out::Held;
use super::validation::limits::Aims;
use super::validation::report::TierReport;
use crate::Result;
use crate::device::Device;
use crate::head::HeadFile;
use crate::metrics::Scored;
use crate::progress::Progress;
use base::Known;
use epochs::History;

mod base;
mod epochs;
mod finish;
pub mod report;
mod state;
#[cfg(test)]
mod tests;

/// Folds, where the set has the sources or pictures for as many.
pub const FOLDS: usize = 5;

/// What a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// A head for validation, which is not kept.
    Fold,
    /// The head that is kept.
    Final,
}

/// How one epoch went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochReport {
    /// For validation or to be kept.
    pub stage: Stage,
    /// Which fold, from 0.
    pub fold: usize,
    /// Folds in all.
    pub folds: usize,
    /// Which epoch of its stage, from 0.
    pub epoch: usize,
    /// Epochs of its stage, unless it is stopped.
    pub epochs: usize,
    /// Mean loss of the epoch's batches.
    pub loss: f32,
    /// ROC area on the fold's held-out rows.
    pub validation_auc: Option<f64>,
    /// Milliseconds that it took.
    pub ms: f64,
}

/// What the finished head is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Day of training, ISO 8601.
    pub date: String,
}

/// A training that is under way.
pub struct Session {
    set: Arc<TrainingSet>,
    config: TrainConfig,
    base: Option<HeadFile>,
    /// What the base knows of the set.
    known: Option<Known>,
    device: Device,
    audit: Option<AuditReport>,
    folds: Folds,
    so_far: SoFar,
    /// Of the stage that is under way, or was last.
    trainer: Option<Box<Trainer>>,
    /// Which stage that is.
    stage_of_trainer: usize,
    /// Treatments (by index) whose rows are trained on; all are judged.
    trains_on: Vec<usize>,
    /// What the present fold holds out: pictures, and all their rows.
    held_out: Option<(Vec<usize>, Dataset)>,
    stop: bool,
}

/// How far a session is.
#[derive(Debug, Clone, Default, PartialEq)]
struct SoFar {
    /// Finished stages: folds, then the final one.
    stages: usize,
    /// Stages that somebody ended early.
    stopped: usize,
    /// What the folds said after their epochs.
    history: History,
}

impl Session {
    /// A session that has not begun. `folds` at most; 0 leaves validation out. With `base` every stage
    /// starts from that head; the folds do not where it knows pictures of the set, or may.
    ///
    /// # Errors
    /// [`crate::Error::TrainingSet`], [`crate::Error::TrainConfig`], [`crate::Error::HeadFormat`].
    pub async fn new(
        set: impl Into<Arc<TrainingSet>>,
        config: TrainConfig,
        base: Option<HeadFile>,
        folds: usize,
        device: &Device,
    ) -> Result<Self> {
        config.validate()?;
        let set = set.into();
        base.as_ref().map_or(Ok(()), |base| base.require_dimension(set.row_dimension()))?;
        let duplicates = duplicates::find(&set.pictures, &mut ()).await?;
        let cluster = duplicates::clusters(set.len(), &duplicates);
        let folds = Folds::deal(&set.generated(), &set.sources(), &cluster, folds);
        let history = History::new(folds.count, config.epochs, set.len() * set.looks());
        let so_far = SoFar { history, ..SoFar::default() };
        let mut session = Self::assemble(set, config, base, folds, so_far, device);
        session.begin()?; // what is wrong with the set or the base is said now
        Ok(session)
    }

    fn assemble(
        set: Arc<TrainingSet>,
        config: TrainConfig,
        base: Option<HeadFile>,
        folds: Folds,
        so_far: SoFar,
        device: &Device,
    ) -> Self {
        Self {
            trains_on: set.learnt_from(),
            known: base.as_ref().map(|base| Known::of(&set, &base.info)),
            set,
            config,
            base,
            device: device.clone(),
            audit: None,
            folds,
            so_far,
            trainer: None,
            stage_of_trainer: 0,
            held_out: None,
            stop: false,
        }
    }

    /// Adds an audit to the report.
    #[must_use]
    pub fn with_audit(mut self, audit: AuditReport) -> Self {
        self.audit = Some(audit);
        self
    }

    /// Trains on the rows of these treatments (by index) only; all are judged.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn train_on(mut self, treatments: Vec<usize>) -> Result<Self> {
        self.trains_on = treatments;
        self.begin()?;
        Ok(self)
    }

    /// Whether nothing is left to train.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.so_far.stages > self.folds.count
    }

    /// Epochs of all stages together, at most: for a bar.
    #[must_use]
    pub fn epochs(&self) -> usize {
        (self.folds.count + 1) * self.config.epochs
    }

    /// Ends the present stage with what it has, once it has an epoch.
    pub fn stop(&mut self) {
        self.stop = true;
    }

    /// The next epoch: first of each fold, then of the final head; `None` when there is none left.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`], after which it can be called again; [`crate::Error::DeviceFailed`],
    /// [`crate::Error::NotFinite`].
    pub async fn epoch(&mut self, progress: &mut impl Progress) -> Result<Option<EpochReport>> {
        if std::mem::take(&mut self.stop) && self.epochs_done() > 0 && !self.is_done() {
            self.so_far.stopped += 1;
            self.so_far.stages += 1;
        }
        if self.is_done() {
            return Ok(None);
        }
        if self.trainer.is_none() || self.stage_of_trainer != self.so_far.stages {
            self.begin()?;
        }
        let Some(trainer) = &mut self.trainer else { return Ok(None) };
        let Some(report) = trainer.epoch(progress).await? else { return Ok(None) };
        let validation_auc = self.validate(report.epoch + 1).await?;
        let is_fold = self.is_fold();
        let report = EpochReport {
            stage: if is_fold { Stage::Fold } else { Stage::Final },
            fold: self.so_far.stages.min(self.folds.count.saturating_sub(1)),
            folds: self.folds.count,
            epoch: report.epoch,
            epochs: if is_fold { report.epochs } else { self.epochs_to_keep() },
            loss: report.loss,
            validation_auc,
            ms: report.ms,
        };
        self.so_far.stages += usize::from(report.epoch + 1 >= report.epochs);
        Ok(Some(report))
    }

    /// Runs what is left of the folds, and gives the figures without a final head.
    ///
    /// # Errors
    /// As [`Session::epoch`].
    pub async fn validate_only(mut self, aims: Aims, progress: &mut impl Progress) -> Result<Vec<TierReport>> {
        while self.is_fold() {
            self.epoch(progress).await?;
        }
        let logits = self.so_far.history.held_out(self.config.keep_best);
        Ok(Held::new(&self.set, &logits, &self.folds, aims).tiers())
    }

    /// Whether the present stage is a fold.
    fn is_fold(&self) -> bool {
        self.so_far.stages < self.folds.count
    }

    /// Epochs that the head is to learn for.
    fn epochs_to_keep(&self) -> usize {
        self.so_far.history.epochs(self.config.keep_best).unwrap_or(self.config.epochs)
    }

    /// Epochs of the present stage that are done.
    fn epochs_done(&self) -> usize {
        let present = self.trainer.as_ref().filter(|_| self.stage_of_trainer == self.so_far.stages);
        present.map_or(0, |trainer| trainer.epochs_done())
    }

    /// Pictures that the present stage trains on.
    fn kept(&self) -> Vec<usize> {
        if self.is_fold() { self.folds.split(self.so_far.stages).0 } else { (0..self.set.len()).collect() }
    }

    /// The rows that the present stage trains on.
    fn training_rows(&self) -> Dataset {
        self.set.rows(&self.kept(), &self.trains_on)
    }

    fn begin(&mut self) -> Result<()> {
        self.trainer = None; // its rows go before the next stage's come
        let data = self.training_rows();
        let (config, base) = self.start();
        let trainer = Trainer::new(data, config, base, &self.device)?;
        self.trainer = Some(Box::new(trainer));
        self.stage_of_trainer = self.so_far.stages;
        self.hold_out();
        Ok(())
    }

    /// Lays the present fold's held-out rows ready.
    fn hold_out(&mut self) {
        self.held_out = self.is_fold().then(|| {
            let held = self.folds.split(self.so_far.stages).1;
            let rows = self.set.rows(&held, &(0..self.set.looks()).collect::<Vec<_>>());
            (held, rows)
        });
    }

    /// Keeps what the present fold says of its held-out rows after `epochs` epochs, and gives their area.
    async fn validate(&mut self, epochs: usize) -> Result<Option<f64>> {
        let (Some((held, rows)), Some(trainer)) = (&self.held_out, &self.trainer) else { return Ok(None) };
        let scores = trainer.logits(rows).await?;
        let area = Scored { scores: &scores, generated: &rows.generated }.auc();
        self.so_far.history.record(self.stage_of_trainer, epochs, held, &scores, area);
        Ok(area)
    }
}
