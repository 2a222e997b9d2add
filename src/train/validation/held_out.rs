//! From held-out logits to probabilities and verdicts that were not fitted on the pictures they judge.

use super::folds::Folds;
use super::judged::Judged;
use super::limits::{Aims, LIKELY, calibrate, operating_points, probability, thresholds};
use super::report::{Mistake, TierReport};
use crate::head::Label;
use crate::head::info::{Calibration, OperatingPoint, Thresholds};
use crate::train::data::set::TrainingSet;

/// The logit of every look at every picture from a head that was trained without it, `[n, l]`; after how many epochs,
/// each fold and the finished head have their own.
pub struct Logits<'a> {
    /// Those that fold `k` is judged by, `[folds]`.
    pub of_folds: Vec<&'a [f32]>,
    /// Those of heads that learnt for as long as the finished one.
    pub of_head: &'a [f32],
}

/// Logits `[n]` of each tier.
type Tiers = Vec<Vec<f32>>;

/// Held-out logits by tier.
pub struct Held<'a> {
    set: &'a TrainingSet,
    folds: &'a Folds,
    aims: Aims,
    names: Vec<String>,
    /// Of each fold, to judge it and to calibrate those that judge it.
    of_folds: Vec<Tiers>,
    /// To calibrate the finished head.
    of_head: Tiers,
}

impl<'a> Held<'a> {
    /// Where a tier has several looks their logits are averaged.
    pub fn new(set: &'a TrainingSet, logits: &Logits, folds: &'a Folds, aims: Aims) -> Self {
        let (names, looks): (Vec<String>, Vec<Vec<usize>>) = set.tiers().into_iter().unzip();
        let mean = |row: &[f32], of: &[usize]| of.iter().map(|&at| row[at]).sum::<f32>() / of.len().max(1) as f32;
        let tier = |logits: &[f32], of: &[usize]| logits.chunks(set.looks().max(1)).map(|row| mean(row, of)).collect();
        let tiers = |logits: &[f32]| looks.iter().map(|of| tier(logits, of)).collect::<Tiers>();
        let of_folds = logits.of_folds.iter().map(|logits| tiers(logits)).collect();
        Self { set, folds, aims, of_folds, of_head: tiers(logits.of_head), names }
    }

    /// Calibration and thresholds from all pictures: those of the finished head.
    pub fn calibrated(&self) -> (Calibration, Thresholds) {
        self.fitted(&(0..self.set.len()).collect::<Vec<_>>(), &self.of_head)
    }

    /// Calibration from these pictures in all tiers, and thresholds: to accuse wrongly is the worse
    /// mistake, so the upper one holds in every tier; the lower one holds over all of them together.
    fn fitted(&self, pictures: &[usize], tiers: &Tiers) -> (Calibration, Thresholds) {
        if self.folds.count == 0 {
            return (Calibration { scale: 1.0, shift: 0.0 }, Thresholds { real: 0.0, generated: 1.0 });
        }
        let generated: Vec<bool> = pictures.iter().map(|&index| self.set.pictures[index].generated).collect();
        let of_tier = |tier: &[f32]| pictures.iter().map(|&index| tier[index]).collect::<Vec<f32>>();
        let logits: Vec<f32> = tiers.iter().flat_map(|tier| of_tier(tier)).collect();
        let calibration = calibrate(&logits, &generated.repeat(tiers.len()));
        let sources: Vec<&str> = pictures.iter().map(|&index| self.set.pictures[index].source.as_str()).collect();
        let limits = |logits: &[f32], times: usize| {
            let probabilities: Vec<f32> = logits.iter().map(|&logit| probability(calibration, logit)).collect();
            thresholds(&probabilities, &generated.repeat(times), &sources.repeat(times), self.aims)
        };
        let all = limits(&logits, tiers.len());
        let of_tiers = tiers.iter().map(|tier| limits(&of_tier(tier), 1).generated);
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
        let tiers: Tiers = self.of_head.iter().map(|tier| of_tier(tier)).collect();
        let sources: Vec<&str> = self.set.pictures.iter().map(|picture| picture.source.as_str()).collect();
        operating_points(&tiers, &self.set.generated(), &sources)
    }

    /// One tier (by index), each fold judged by what the other folds say.
    fn judged(&self, tier: usize) -> Judged {
        let n = self.set.len();
        let mut judged = Judged {
            logits: vec![0.0; n],
            probabilities: vec![0.5; n],
            verdicts: vec![Label::Unsure; n],
            generated: self.set.generated(),
            sources: self.set.sources(),
        };
        for (fold, tiers) in self.of_folds.iter().enumerate() {
            let (others, held) = self.folds.split(fold);
            let (calibration, thresholds) = self.fitted(&others, tiers);
            for index in held {
                let logit = tiers[tier][index];
                let probability = probability(calibration, logit);
                judged.logits[index] = logit;
                judged.probabilities[index] = probability;
                judged.verdicts[index] = thresholds.label(probability);
            }
        }
        judged
    }

    /// The report of every tier.
    pub fn tiers(&self) -> Vec<TierReport> {
        let reason = "There are too few pictures or sources to hold any out, so nothing can be said.";
        let tier = |(tier, name): (usize, &String)| match self.folds.count {
            0 => TierReport::without_figures(name, reason),
            _ => self.judged(tier).report(name),
        };
        self.names.iter().enumerate().map(tier).collect()
    }

    /// The worst mistakes in the first tier.
    pub fn worst(&self) -> Vec<Mistake> {
        if self.folds.count > 0 && !self.names.is_empty() { self.judged(0).worst() } else { Vec::new() }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::data::set::LabelledPicture;
    use crate::treatment::Treatment;

    /// A head that learnt for half as long says half as much; its probabilities must be right all the same, and the
    /// figures of the folds are no other.
    #[test]
    fn the_head_is_calibrated_by_heads_that_learnt_as_long_as_it_did() {
        let mut set = TrainingSet::new(1, vec![Treatment::AsGiven]);
        let mut state = 5;
        let mut logits = Vec::new();
        for index in 0..200 {
            let generated = index % 2 == 0;
            set.add(LabelledPicture { generated, ..LabelledPicture::default() }, &[0.0]).unwrap();
            let noise = (crate::random::random(&mut state) % 4000) as f32 / 1000.0 - 2.0;
            logits.push(noise + if generated { 1.0 } else { -1.0 });
        }
        let half: Vec<f32> = logits.iter().map(|logit| logit / 2.0).collect();
        let folds = Folds::deal(&set.generated(), &set.sources(), &(0..200).collect::<Vec<_>>(), 4);
        let held = |of_head| {
            let logits = Logits { of_folds: vec![&logits[..]; folds.count], of_head };
            Held::new(&set, &logits, &folds, Aims::default())
        };
        let (alike, shorter) = (held(&logits), held(&half));
        let [whole, halved] = [&alike, &shorter].map(|held| f64::from(held.calibrated().0.scale));
        assert!((halved / whole - 2.0).abs() < 0.05, "{whole} {halved}");
        assert!(alike.tiers()[0].auc.is_some());
        assert_eq!(alike.tiers(), shorter.tiers());
    }
}
