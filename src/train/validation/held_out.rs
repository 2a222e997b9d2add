//! From held-out logits to probabilities and verdicts that were not fitted on the pictures they judge.

use super::folds::Folds;
use super::judged::Judged;
use super::limits::{Aims, LIKELY, calibrate, operating_points, probability, thresholds};
use super::report::{Mistake, TierReport};
use crate::head::Label;
use crate::head::info::{Calibration, OperatingPoint, Thresholds};
use crate::train::data::set::TrainingSet;

/// Held-out logits by tier.
pub struct Held<'a> {
    set: &'a TrainingSet,
    folds: &'a Folds,
    aims: Aims,
    /// Name and logits `[n]` of each tier.
    tiers: Vec<(String, Vec<f32>)>,
}

impl<'a> Held<'a> {
    /// `logits` `[n, l]`. Where a tier has several looks their logits are averaged.
    pub fn new(set: &'a TrainingSet, logits: &[f32], folds: &'a Folds, aims: Aims) -> Self {
        let mean = |row: &[f32], of: &[usize]| of.iter().map(|&at| row[at]).sum::<f32>() / of.len().max(1) as f32;
        let rows = || logits.chunks(set.looks().max(1));
        let tier = |(name, of): (String, Vec<usize>)| (name, rows().map(|row| mean(row, &of)).collect());
        Self { set, folds, aims, tiers: set.tiers().into_iter().map(tier).collect() }
    }

    /// Calibration and thresholds from all pictures: those of the finished head.
    pub fn calibrated(&self) -> (Calibration, Thresholds) {
        self.fitted(&(0..self.set.len()).collect::<Vec<_>>())
    }

    /// Calibration from these pictures in all tiers, and thresholds: to accuse wrongly is the worse
    /// mistake, so the upper one holds in every tier; the lower one holds over all of them together.
    fn fitted(&self, pictures: &[usize]) -> (Calibration, Thresholds) {
        if self.folds.count == 0 {
            return (Calibration { scale: 1.0, shift: 0.0 }, Thresholds { real: 0.0, generated: 1.0 });
        }
        let generated: Vec<bool> = pictures.iter().map(|&index| self.set.pictures[index].generated).collect();
        let of_tier = |tier: &[f32]| pictures.iter().map(|&index| tier[index]).collect::<Vec<f32>>();
        let logits: Vec<f32> = self.tiers.iter().flat_map(|(_, tier)| of_tier(tier)).collect();
        let calibration = calibrate(&logits, &generated.repeat(self.tiers.len()));
        let sources: Vec<&str> = pictures.iter().map(|&index| self.set.pictures[index].source.as_str()).collect();
        let limits = |logits: &[f32], times: usize| {
            let probabilities: Vec<f32> = logits.iter().map(|&logit| probability(calibration, logit)).collect();
            thresholds(&probabilities, &generated.repeat(times), &sources.repeat(times), self.aims)
        };
        let all = limits(&logits, self.tiers.len());
        let of_tiers = self.tiers.iter().map(|(_, tier)| limits(&of_tier(tier), 1).generated);
        let upper = of_tiers.fold(all.generated, f32::max);
        (calibration, Thresholds { real: all.real.min(upper).min(1.0 - LIKELY), generated: upper.max(LIKELY) })
    }

    /// The operating points of the finished head, from all held-out pictures.
    pub fn operating_points(&self) -> Vec<OperatingPoint> {
        let (calibration, _) = self.calibrated();
        if self.folds.count == 0 || calibration.scale <= 0.0 {
            return Vec::new();
        }
        let of_tier = |tier: &[f32]| tier.iter().map(|&logit| probability(calibration, logit)).collect();
        let tiers: Vec<Vec<f32>> = self.tiers.iter().map(|(_, tier)| of_tier(tier)).collect();
        let sources: Vec<&str> = self.set.pictures.iter().map(|picture| picture.source.as_str()).collect();
        operating_points(&tiers, &self.set.generated(), &sources)
    }

    /// One tier, each fold judged by what the other folds say.
    fn judged(&self, logits: &[f32]) -> Judged {
        let n = self.set.len();
        let mut judged = Judged {
            logits: logits.to_vec(),
            probabilities: vec![0.5; n],
            verdicts: vec![Label::Unsure; n],
            generated: self.set.generated(),
            sources: self.set.sources(),
        };
        for fold in 0..self.folds.count {
            let (others, held) = self.folds.split(fold);
            let (calibration, thresholds) = self.fitted(&others);
            for index in held {
                let probability = probability(calibration, logits[index]);
                judged.probabilities[index] = probability;
                judged.verdicts[index] = thresholds.label(probability);
            }
        }
        judged
    }

    /// The report of every tier.
    pub fn tiers(&self) -> Vec<TierReport> {
        let reason = "There are too few pictures or sources to hold any out, so nothing can be said.";
        let tier = |(name, logits): &(String, Vec<f32>)| match self.folds.count {
            0 => TierReport::without_figures(name, reason),
            _ => self.judged(logits).report(name),
        };
        self.tiers.iter().map(tier).collect()
    }

    /// The worst mistakes in the first tier.
    pub fn worst(&self) -> Vec<Mistake> {
        match self.tiers.first() {
            Some((_, logits)) if self.folds.count > 0 => self.judged(logits).worst(),
            _ => Vec::new(),
        }
    }

    /// What calibration and thresholds are not worth.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let real = self.set.pictures.iter().filter(|picture| !picture.generated).count();
        let needed = (1.0 / self.aims.false_positives).ceil() as usize;
        if self.folds.count == 0 {
            warnings.push(
                "Nothing could be held out: the head answers “can't tell” to nearly everything, and its \
                 probabilities are not calibrated."
                    .to_owned(),
            );
        } else if real + 1 < needed {
            warnings.push(format!(
                "With {real} real pictures no threshold can promise {:.0} % false alarms; it lies above all of them.",
                100.0 * self.aims.false_positives
            ));
        }
        if self.folds.count > 0 && self.calibrated().0.scale <= 0.0 {
            let message = "On pictures it did not learn from, this head tells nothing: it answers “can't tell”.";
            warnings.push(message.to_owned());
        }
        warnings
    }
}
