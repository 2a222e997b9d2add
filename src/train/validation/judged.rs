//! Pictures of one tier as a head judged them, and every figure of that. What there are too few
//! pictures for is left out, with a sentence that says so.

use super::report::{Confusion, Mistake, SourceReport, TierReport};
use crate::head::Label;
use crate::metrics::bootstrap::Units;
use crate::metrics::calibration::{class_weights, reliability};
use crate::metrics::{Estimate, Figure, ROUNDS, Ranked, Scored};

/// Pictures of one tier as a head judged them, all `[n]`.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// The head's logits.
    pub logits: Vec<f32>,
    /// Calibrated on other pictures.
    pub probabilities: Vec<f32>,
    /// By thresholds chosen on other pictures.
    pub verdicts: Vec<Label>,
    /// The truth.
    pub generated: Vec<bool>,
    /// Where they come from.
    pub sources: Vec<String>,
}

/// Pictures of each class that an area or an accuracy needs.
pub const FOR_AUC: usize = 10;

/// Real pictures that a true-positive rate at 1 % and at 5 % needs, and the rate of the false alarms:
/// with fewer, one picture is more than the rate.
const FOR_TPR: [(f64, usize); 2] = [(0.01, 100), (0.05, 20)];

/// Pictures of each class that a calibration error needs: ten a bin, when they spread.
const FOR_CALIBRATION: usize = 50;

/// Mistakes that are listed.
const WORST: usize = 24;

/// Bootstrap rounds for the interval of one source among many.
const SOURCE_ROUNDS: usize = 200;

impl Judged {
    fn count(&self, class: bool) -> usize {
        self.generated.iter().filter(|&&generated| generated == class).count()
    }

    /// Figures of these pictures as the tier `name`.
    #[must_use]
    pub fn report(&self, name: &str) -> TierReport {
        let (generated, real) = (self.count(true), self.count(false));
        let enough = |n: usize| generated.min(real) >= n;
        let mut missing = Vec::new();
        let mut report = TierReport::empty(name, self.logits.len());
        report.confusion = self.confusion();
        report.sources = self.by_source();
        if enough(FOR_AUC) {
            self.curve(&mut report, real, &mut missing);
        } else {
            missing.push(format!(
                "ROC area, accuracy and rates need at least {FOR_AUC} pictures of each class; \
                 there are {generated} generated and {real} real ones."
            ));
        }
        if real >= FOR_TPR[1].1 {
            report.fpr_at_threshold = self.false_positives(|_| true);
        }
        if enough(FOR_CALIBRATION) {
            let weights = class_weights(&self.generated);
            let (bins, error) = reliability(&self.probabilities, &self.generated, &weights);
            (report.reliability, report.expected_calibration_error) = (bins, Some(error));
        } else {
            missing.push(format!("The calibration error needs at least {FOR_CALIBRATION} pictures of each class."));
        }
        report.reason = (!missing.is_empty()).then(|| missing.join(" "));
        report
    }

    /// What the ROC curve and the middle of the probabilities say.
    fn curve(&self, report: &mut TierReport, real: usize, missing: &mut Vec<String>) {
        let Some(ranked) = Ranked::new(self.scored()) else { return };
        let figures = [Figure::Auc, Figure::TprAt(FOR_TPR[0].0), Figure::TprAt(FOR_TPR[1].0)];
        let units = Units::sources(&self.generated, &self.sources);
        report.resampled = units.resampled();
        let estimates = ranked.estimates(&figures, &units, ROUNDS, 1);
        report.auc = estimates.first().copied();
        report.roc = ranked.points();
        let right = self.probabilities.iter().zip(&self.generated).map(|(&p, &generated)| (p >= 0.5) == generated);
        report.accuracy = Estimate::share(&right.collect::<Vec<_>>(), &units, 1);
        for ((rate, needed), (field, estimate)) in
            FOR_TPR.into_iter().zip([&mut report.tpr_at1, &mut report.tpr_at5].into_iter().zip(&estimates[1..]))
        {
            if real >= needed {
                *field = Some(*estimate);
            } else {
                missing.push(format!(
                    "The rate at {:.0} % false positives needs at least {needed} real pictures; there are {real}.",
                    100.0 * rate
                ));
            }
        }
    }

    /// The mistakes at probability ½ that are furthest from it, the worst first.
    #[must_use]
    pub fn worst(&self) -> Vec<Mistake> {
        let each = self.probabilities.iter().zip(&self.generated).enumerate();
        let mut wrong: Vec<Mistake> = each
            .filter(|&(_, (&probability, &generated))| (probability >= 0.5) != generated)
            .map(|(index, (&probability, &generated))| Mistake { index, probability, generated })
            .collect();
        wrong.sort_by(|a, b| (b.probability - 0.5).abs().total_cmp(&(a.probability - 0.5).abs()));
        wrong.truncate(WORST);
        wrong
    }

    /// Truth against verdict.
    #[must_use]
    pub fn confusion(&self) -> Confusion {
        let mut confusion = Confusion::default();
        for (&generated, verdict) in self.generated.iter().zip(&self.verdicts) {
            let row = if generated { &mut confusion.generated } else { &mut confusion.real };
            match verdict {
                Label::Generated => row.generated += 1,
                Label::Unsure => row.unsure += 1,
                Label::Real => row.real += 1,
            }
        }
        confusion
    }

    fn scored(&self) -> Scored<'_> {
        Scored { scores: &self.logits, generated: &self.generated }
    }

    /// Share of the real pictures among those that `holds` (by index) with the verdict "generated".
    fn false_positives(&self, holds: impl Fn(usize) -> bool) -> Option<f64> {
        let real = (0..self.generated.len()).filter(|&index| !self.generated[index] && holds(index));
        let verdicts: Vec<bool> = real.map(|index| self.verdicts[index] == Label::Generated).collect();
        let called = verdicts.iter().filter(|&&called| called).count();
        (!verdicts.is_empty()).then(|| called as f64 / verdicts.len() as f64)
    }

    fn by_source(&self) -> Vec<SourceReport> {
        let mut names: Vec<&String> = self.sources.iter().filter(|source| !source.is_empty()).collect();
        names.sort();
        names.dedup();
        let report = |name: &String| {
            let own: Vec<usize> = (0..self.sources.len()).filter(|&index| self.sources[index] == *name).collect();
            let of = |class: bool| own.iter().filter(|&&index| self.generated[index] == class).count();
            let (generated, real) = (of(true), of(false));
            // The class that it lacks is lent by all the others.
            let lacks = |class: bool| (class && generated == 0) || (!class && real == 0);
            let compared =
                (0..self.sources.len()).filter(|&index| self.sources[index] == *name || lacks(self.generated[index]));
            let (scores, truth): (Vec<f32>, Vec<bool>) =
                compared.map(|index| (self.logits[index], self.generated[index])).unzip();
            let ones = truth.iter().filter(|&&generated| generated).count();
            let auc = if ones.min(truth.len() - ones) >= FOR_AUC {
                let ranked = Ranked::new(Scored { scores: &scores, generated: &truth });
                let units = Units::pictures(&truth);
                ranked.and_then(|ranked| ranked.estimates(&[Figure::Auc], &units, SOURCE_ROUNDS, 1).into_iter().next())
            } else {
                None
            };
            let enough = real >= FOR_TPR[1].1;
            let fpr_at_threshold =
                if enough { self.false_positives(|index| self.sources[index] == *name) } else { None };
            SourceReport { source: name.clone(), n: own.len(), auc, fpr_at_threshold }
        };
        names.into_iter().map(report).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Real pictures of sources r0 and r1 and generated ones of g; logits overlap a little.
    fn judged(each: usize) -> Judged {
        let mut judged = Judged::default();
        for index in 0..2 * each {
            let generated = index % 2 == 0;
            let logit = ((index * 7919) % 101) as f32 / 50.0 - 1.0 + if generated { 0.8 } else { -0.8 };
            judged.logits.push(logit);
            judged.probabilities.push(1.0 / (1.0 + (-logit).exp()));
            judged.verdicts.push(match logit {
                0.9.. => Label::Generated,
                ..-0.9 => Label::Real,
                _ => Label::Unsure,
            });
            judged.generated.push(generated);
            judged.sources.push(if generated { "g".to_owned() } else { format!("r{}", index / 2 % 2) });
        }
        judged
    }

    #[test]
    fn a_large_set_has_every_figure() {
        let report = judged(120).report("web");
        assert_eq!((report.n, report.reason.as_deref()), (240, None));
        let auc = report.auc.unwrap();
        assert!(auc.interval[0] < auc.value && auc.value < auc.interval[1] && auc.value > 0.8, "{auc:?}");
        assert!(report.tpr_at1.unwrap().value <= report.tpr_at5.unwrap().value);
        assert!(report.accuracy.is_some() && report.expected_calibration_error.is_some());
        assert_eq!(report.roc.first(), Some(&[0.0, 0.0]));
        assert_eq!(report.roc.last(), Some(&[1.0, 1.0]));
        let names: Vec<_> = report.sources.iter().map(|source| (source.source.as_str(), source.n)).collect();
        assert_eq!(names, [("g", 120), ("r0", 60), ("r1", 60)]);
        assert!(report.sources.iter().all(|source| source.auc.is_some()));
        assert_eq!(report.sources[0].fpr_at_threshold, None);
        let real = report.confusion.real;
        assert_eq!(real.generated + real.unsure + real.real, 120);
        assert!((report.fpr_at_threshold.unwrap() - real.generated as f64 / 120.0).abs() < 1e-12);
    }

    #[test]
    fn a_small_set_says_what_it_cannot_show() {
        let report = judged(30).report("web");
        assert!(report.auc.is_some() && report.tpr_at5.is_some());
        assert!(report.tpr_at1.is_none() && report.expected_calibration_error.is_none());
        let reason = report.reason.unwrap();
        assert!(reason.contains("1 % false positives needs at least 100 real pictures; there are 30"), "{reason}");
        let report = judged(4).report("web");
        assert!(report.auc.is_none() && report.accuracy.is_none() && report.roc.is_empty());
        assert!(report.reason.unwrap().contains("at least 10 pictures of each class"));
    }

    #[test]
    fn the_worst_mistakes_come_first() {
        let worst = judged(60).worst();
        assert!(!worst.is_empty() && worst.len() <= WORST);
        assert!(worst.iter().all(|mistake| (mistake.probability >= 0.5) != mistake.generated));
        let distance = |mistake: &Mistake| (mistake.probability - 0.5).abs();
        assert!(worst.windows(2).all(|pair| distance(&pair[0]) >= distance(&pair[1])));
    }
}
