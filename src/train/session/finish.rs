//! The end of a session: the head's file and the report.

use std::collections::BTreeSet;

use super::base::{self, Known};
use super::report::TrainingReport;
use super::{Naming, Session};
use crate::features::FeatureSpec;
use crate::head::HeadFile;
use crate::head::info::{FORMAT, Figures, HeadInfo, PackRef};
use crate::train::validation::held_out::Held;
use crate::train::validation::limits::Aims;
use crate::{Error, Result};

impl Session {
    /// The head and the report. `pack` and `features` say what the image-level rows were taken with; whether
    /// there are captions, the set knows.
    ///
    /// # Errors
    /// [`Error::TrainingSet`] where epochs are left; [`Error::DeviceFailed`].
    pub async fn finish(
        self,
        naming: Naming,
        pack: PackRef,
        features: FeatureSpec,
        aims: Aims,
    ) -> Result<(HeadFile, TrainingReport)> {
        let is_done = self.is_done() && self.stage_of_trainer == self.folds.count;
        let Some(trainer) = self.trainer.filter(|_| is_done) else {
            return Err(Error::TrainingSet { message: "its training is not finished".to_owned() });
        };
        let epochs = trainer.epochs_done();
        let (history, is_stopped) = (&self.so_far.history, self.so_far.stopped > 0);
        let logits = if epochs < history.epochs(self.config.keep_best).unwrap_or_default() {
            history.held_out_after(epochs) // somebody stopped it; nothing chose so few
        } else {
            history.held_out(self.config.keep_best)
        };
        let last = Box::pin(trainer.finish()).await?;
        let held = Held::new(&self.set, &logits, &self.folds, aims);
        let mut warnings = held.warnings();
        if is_stopped {
            let all = self.config.epochs;
            let message = "Training was stopped early: the head learnt for";
            warnings
                .push(format!("{message} {epochs} of {all} epochs, and the figures are of heads that did the same."));
        }
        if self.folds.count > 0 {
            warnings.extend(self.known.as_ref().and_then(Known::warning));
        }
        let generated = self.set.pictures.iter().filter(|picture| picture.generated).count();
        let base = self.base.as_ref().map(|base| &base.info);
        let sources = base::named_sources(&self.set);
        let report = TrainingReport {
            pictures: self.set.len(),
            generated,
            real: self.set.len() - generated,
            sources: sources.len(),
            folds: self.folds.count,
            epochs,
            stopped: is_stopped,
            grouped: self.folds.grouped && self.folds.count > 0,
            tiers: held.tiers(),
            worst: held.worst(),
            audit: self.audit,
            config: self.config,
            warnings,
        };
        let (calibration, thresholds) = held.calibrated();
        let figures = figures(&report, self.known.as_ref());
        // With what the base learnt from, which this head has learnt from too.
        let of_base = base.into_iter().flat_map(HeadInfo::source_names).map(str::to_owned);
        let source_names: BTreeSet<String> = sources.into_iter().chain(of_base).collect();
        let info = HeadInfo {
            format: FORMAT,
            id: naming.id,
            name: naming.name,
            date: naming.date,
            pack,
            features: FeatureSpec { caption: self.set.reads_captions(), ..features },
            dimension: self.set.row_dimension(),
            layers: last.hidden.len(),
            calibration,
            thresholds,
            operating_points: held.operating_points(),
            operating_points_source: figures.source.clone(),
            training: serde_json::json!({
                "config": report.config,
                "pictures": report.pictures,
                "generated": report.generated,
                "sources": report.sources,
                "sourceNames": source_names,
                "pictureDigests": base::digests(&self.set, base),
                "digestsOfAll": base::are_all(&self.set, base),
                "folds": report.folds,
                "epochs": report.epochs,
                "grouped": report.grouped,
                "losses": last.losses,
                "aims": aims,
            }),
            figures,
        };
        let (hidden, output_weight, output_bias) = (last.hidden, last.output_weight, last.output_bias);
        Ok((HeadFile { info, hidden, output_weight, output_bias }, report))
    }
}

/// The first tier of the report, as the head's file has it: it is as given, which is what a check sees, where there is
/// that. `known` is what the base knows of the pictures.
fn figures(report: &TrainingReport, known: Option<&Known>) -> Figures {
    let tier = report.tiers.first();
    let confusion = tier.map(|tier| tier.confusion).unwrap_or_default();
    let auc = tier.and_then(|tier| tier.auc);
    let of = if report.grouped { "of sources that were held out" } else { "that were held out" };
    let source = if auc.is_some() {
        format!("pictures {of}, in {} folds{}", report.folds, known.map_or("", Known::of_folds))
    } else {
        "too few pictures to say".to_owned()
    };
    let all = report.pictures.max(1) as f64;
    Figures {
        source,
        n: tier.map_or(0, |tier| tier.n),
        auc: auc.map_or(0.5, |auc| auc.value),
        auc_interval: auc.map_or([0.0, 1.0], |auc| auc.interval),
        real_called_generated: confusion.real.share(confusion.real.generated),
        generated_called_real: confusion.generated.share(confusion.generated.real),
        unsure: (confusion.real.unsure + confusion.generated.unsure) as f64 / all,
    }
}
