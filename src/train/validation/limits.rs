//! From logits of held-out pictures to probabilities and to the limits at which the verdict changes.

use serde::{Deserialize, Serialize};

use super::logistic::Logistic;
use crate::head::info::{Calibration, OperatingPoint, Thresholds};
use crate::metrics::calibration::class_weights;

/// What share of mistakes the thresholds are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Aims {
    /// Real pictures that may be called generated.
    pub false_positives: f64,
    /// Generated pictures that may be called real.
    pub misses: f64,
}

impl Default for Aims {
    fn default() -> Self {
        Self { false_positives: 0.05, misses: 0.10 }
    }
}

/// Platt's scaling (Platt 1999) with his softened targets; both classes count the same, so the
/// probability is the one where every second picture is generated. Where higher logits do not mean
/// generated, the scale is 0: everything is ½.
#[must_use]
pub fn calibrate(logits: &[f32], generated: &[bool]) -> Calibration {
    let ones = generated.iter().filter(|&&generated| generated).count() as f64;
    let zeros = generated.len() as f64 - ones;
    let target = |generated| if generated { (ones + 1.0) / (ones + 2.0) } else { 1.0 / (zeros + 2.0) };
    let targets: Vec<f64> = generated.iter().map(|&generated| target(generated)).collect();
    let rows: Vec<Vec<f64>> = logits.iter().map(|&logit| vec![f64::from(logit)]).collect();
    let line = Logistic::fit(&rows, &targets, &class_weights(generated), 1e-9);
    match line.weights.first() {
        Some(&scale) if scale > 0.0 => Calibration { scale: scale as f32, shift: line.bias as f32 },
        _ => Calibration { scale: 0.0, shift: 0.0 },
    }
}

/// σ(scale · logit + shift).
#[must_use]
pub fn probability(calibration: Calibration, logit: f32) -> f32 {
    1.0 / (1.0 + (-(calibration.scale * logit + calibration.shift)).exp())
}

/// "Likely" is said from two to one on, whatever the rates allow: a picture that is as likely the other
/// thing is called neither.
pub const LIKELY: f32 = 2.0 / 3.0;

/// The false-positive rates that operating points are given for.
const RATES: [f64; 5] = [0.005, 0.01, 0.02, 0.05, 0.1];

/// The lowest limit that at most `rate` of further real pictures like these are expected at or above: the
/// split-conformal quantile of their probabilities (Vovk et al. 2005). `None` where there are too few for
/// that (19 for 5 %).
fn limit_at(rate: f64, mut real: Vec<f32>) -> Option<f32> {
    real.sort_by(f32::total_cmp);
    real.get(rank(real.len(), rate).checked_sub(1)?).map(|value| value.next_up().min(1.0))
}

/// Limits of "likely generated" for false-positive rates from the strictest on, each holding in every tier.
/// `tiers` holds the calibrated probabilities of the same pictures in each, `[n]`. Rates that would call less
/// than "likely" generated, or that there are too few real pictures for, are left out.
#[must_use]
pub fn operating_points(tiers: &[Vec<f32>], generated: &[bool]) -> Vec<OperatingPoint> {
    let of_class = |tier: &[f32], class: bool| -> Vec<f32> {
        tier.iter().zip(generated).filter(|&(_, &truth)| truth == class).map(|(&value, _)| value).collect()
    };
    let at = |rate: f64| {
        let limits = tiers.iter().map(|tier| limit_at(rate, of_class(tier, false)));
        let threshold = limits.collect::<Option<Vec<f32>>>()?.into_iter().reduce(f32::max)?;
        let found = tiers.iter().map(|tier| share_at_least(threshold, &of_class(tier, true)));
        let true_positive_rate = found.reduce(f64::min)?;
        Some(OperatingPoint { false_positive_rate: rate, threshold, true_positive_rate })
    };
    RATES.into_iter().filter_map(at).filter(|point| point.threshold >= LIKELY).collect()
}

/// Share of `values` that are at least `limit`.
fn share_at_least(limit: f32, values: &[f32]) -> f64 {
    values.iter().filter(|&&value| value >= limit).count() as f64 / values.len().max(1) as f64
}

/// How many of `n` lie on the right side where `share` of further ones may lie on the wrong one; more than
/// `n` where `n` are too few.
fn rank(n: usize, share: f64) -> usize {
    // Rounding must not turn a whole number into the next one.
    ((n + 1) as f64 * (1.0 - share) - 1e-9).ceil() as usize
}

/// Thresholds on probabilities, with "can't tell" between them. The upper one is the split-conformal
/// quantile of the real pictures (Vovk et al. 2005): of further real pictures like these at most
/// `aims.false_positives` are expected at or above it; the lower one likewise for generated ones. With
/// too few pictures for that (19 for 5 %) it lies beyond all of them. Where the classes are so far apart
/// that the two would cross, both are their mean and nothing is unsure.
#[must_use]
pub fn thresholds(probabilities: &[f32], generated: &[bool], aims: Aims) -> Thresholds {
    let sorted = |class: bool| {
        let pairs = probabilities.iter().zip(generated);
        let mut values: Vec<f32> = pairs.filter(|&(_, &truth)| truth == class).map(|(&value, _)| value).collect();
        values.sort_by(f32::total_cmp);
        values
    };
    let rank = |n: usize, share: f64| rank(n, share).clamp(1, n.max(1));
    let (real, mut fake) = (sorted(false), sorted(true));
    fake.reverse();
    let upper = real.get(rank(real.len(), aims.false_positives) - 1).map_or(0.5, |value| value.next_up().min(1.0));
    let lower = fake.get(rank(fake.len(), aims.misses) - 1).map_or(0.5, |value| value.next_down().max(0.0));
    if lower <= upper {
        Thresholds { real: lower, generated: upper }
    } else {
        let middle = f32::midpoint(lower, upper);
        Thresholds { real: middle, generated: middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With as many pictures of both classes Platt's softening is all that separates the two sides.
    #[test]
    fn calibration_finds_scikit_learns_line() {
        #[derive(serde::Deserialize)]
        struct Golden {
            generated: Vec<bool>,
            logits: Vec<f32>,
            platt: Calibration,
        }
        let golden: Golden = serde_json::from_str(include_str!("../../../tests/golden/metrics.json")).unwrap();
        let rows: Vec<Vec<f64>> = golden.logits.iter().map(|&logit| vec![f64::from(logit)]).collect();
        let targets: Vec<f64> = golden.generated.iter().map(|&class| f64::from(u8::from(class))).collect();
        let plain = Logistic::fit(&rows, &targets, &vec![1.0; rows.len()], 0.0);
        assert!((plain.weights[0] as f32 - golden.platt.scale).abs() < 1e-4);
        assert!((plain.bias as f32 - golden.platt.shift).abs() < 1e-4);
        // A third is generated: with equal classes the line moves up by ln 2.
        let balanced = calibrate(&golden.logits, &golden.generated);
        assert!((balanced.scale - golden.platt.scale).abs() < 0.1, "{balanced:?}");
        assert!((balanced.shift - golden.platt.shift - 2.0_f32.ln()).abs() < 0.15, "{balanced:?}");
    }

    #[test]
    fn calibration_survives_perfect_and_reversed_logits() {
        let generated: Vec<bool> = (0..20).map(|index| index >= 10).collect();
        let logits: Vec<f32> = (0..20).map(|index| index as f32 - 9.5).collect();
        let perfect = calibrate(&logits, &generated);
        let best = probability(perfect, 9.5);
        assert!(perfect.scale > 0.0 && best > 0.9 && best < 0.9999, "{perfect:?} {best}");
        let reversed: Vec<f32> = logits.iter().map(|logit| -logit).collect();
        assert_eq!(calibrate(&reversed, &generated), Calibration { scale: 0.0, shift: 0.0 });
    }

    #[test]
    fn a_limit_needs_enough_real_pictures() {
        let real: Vec<f32> = (0..99).map(|index| index as f32 / 100.0).collect();
        // 100 places for a further picture: 5 of them above the limit.
        assert!((limit_at(0.05, real.clone()).unwrap() - 0.94).abs() < 1e-6);
        assert!((limit_at(0.01, real.clone()).unwrap() - 0.98).abs() < 1e-6);
        assert_eq!(limit_at(0.005, real), None);
        assert_eq!(limit_at(0.1, vec![]), None);
    }

    #[test]
    fn thresholds_hold_their_shares() {
        let probabilities: Vec<f32> = (0..200).map(|index| (index % 100) as f32 / 100.0).collect();
        let generated: Vec<bool> = (0..200).map(|index| index >= 100).collect();
        let found = thresholds(&probabilities, &generated, Aims::default());
        // 96 of 100 real ones lie below the upper threshold, 91 of 100 generated ones above the lower.
        assert!((found.generated - 0.95).abs() < 1e-6 && (found.real - 0.09).abs() < 1e-6, "{found:?}");
        let called = |p: f32| p >= found.generated;
        assert_eq!(probabilities[..100].iter().filter(|&&p| called(p)).count(), 4);
        let apart = thresholds(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true], Aims::default());
        assert!((apart.real - 0.5).abs() < 1e-6 && (apart.generated - 0.5).abs() < 1e-6);
    }
}
