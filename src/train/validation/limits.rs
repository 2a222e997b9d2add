//! From logits of held-out pictures to probabilities and to the limits at which the verdict changes.

use std::collections::BTreeMap;

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

/// Sources of real pictures that 5 % needs: with a further one there are twenty.
const SOURCES: usize = 19;

/// A real picture: its probability, and its source.
type Real<'a> = (f32, &'a str);

/// The lowest limit that at most `rate` of further real pictures like these are expected at or above: the
/// split-conformal quantile of their probabilities (Vovk et al. 2005). `None` where there are too few for
/// that (19 for 5 %).
fn limit_over_pictures(rate: f64, real: &[Real]) -> Option<f32> {
    let mut values: Vec<f32> = real.iter().map(|&(value, _)| value).collect();
    values.sort_by(f32::total_cmp);
    values.get(rank(values.len(), rate).checked_sub(1)?).map(|value| value.next_up().min(1.0))
}

/// The same for a picture of a further source, every source counting as much as any other: hierarchical
/// conformal prediction (Lee, Barber, Willett, arXiv 2306.06342). The further source counts as one that lies
/// above any limit, so rates below [`strictest`] have its limit. `None` where that is not known.
fn limit_over_sources(rate: f64, real: &[Real]) -> Option<f32> {
    let rate = rate.max(strictest(real)?);
    let sizes = sizes(real);
    let allowed = rate * (sizes.len() + 1) as f64 - 1.0 + 1e-9; // in sources; rounding must not lose a whole one
    let mut falling = real.to_vec();
    falling.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut above = 0.0;
    let first_below = falling.iter().find(|&(_, source)| {
        above += 1.0 / sizes.get(source).copied().unwrap_or(1.0);
        above > allowed
    });
    first_below.map(|&(value, _)| value.next_up().min(1.0))
}

/// The strictest rate that the sources of real pictures can show for a further one; `None` where they are too
/// few for 5 %, or a picture has none: then only pictures are counted.
fn strictest(real: &[Real]) -> Option<f64> {
    let sizes = sizes(real);
    (sizes.len() >= SOURCES && !sizes.contains_key("")).then(|| 1.0 / (sizes.len() + 1) as f64)
}

/// How many pictures each source has.
fn sizes<'a>(real: &[Real<'a>]) -> BTreeMap<&'a str, f64> {
    let mut sizes = BTreeMap::new();
    for &(_, source) in real {
        *sizes.entry(source).or_default() += 1.0;
    }
    sizes
}

/// The higher of the two: it holds for pictures like these, and, where there are sources enough, for others.
fn limit_at(rate: f64, real: &[Real]) -> Option<f32> {
    let over_pictures = limit_over_pictures(rate, real)?;
    Some(limit_over_sources(rate, real).map_or(over_pictures, |limit| limit.max(over_pictures)))
}

/// Limits of "likely generated" for false-positive rates from the strictest on, each holding in every tier.
/// `tiers` holds the calibrated probabilities of the same pictures in each, `[n]`. Rates that would call less
/// than "likely" generated, or that there are too few real pictures or sources for, are left out.
#[must_use]
pub fn operating_points(tiers: &[Vec<f32>], generated: &[bool], sources: &[&str]) -> Vec<OperatingPoint> {
    let of_tiers: Vec<Vec<Real>> = tiers.iter().map(|tier| real_pictures(tier, generated, sources)).collect();
    let shown = |rate: f64| of_tiers.iter().all(|real| strictest(real).is_none_or(|least| least <= rate));
    let fake = |tier: &[f32]| -> Vec<f32> {
        tier.iter().zip(generated).filter(|&(_, &generated)| generated).map(|(&value, _)| value).collect()
    };
    let at = |rate: f64| {
        let limits = of_tiers.iter().map(|real| limit_at(rate, real));
        let threshold = limits.collect::<Option<Vec<f32>>>()?.into_iter().reduce(f32::max)?;
        let found = tiers.iter().map(|tier| share_at_least(threshold, &fake(tier)));
        let true_positive_rate = found.reduce(f64::min)?;
        Some(OperatingPoint { false_positive_rate: rate, threshold, true_positive_rate })
    };
    let rates = RATES.into_iter().filter(|&rate| shown(rate));
    rates.filter_map(at).filter(|point| point.threshold >= LIKELY).collect()
}

/// The real pictures of a tier.
fn real_pictures<'a>(probabilities: &[f32], generated: &[bool], sources: &[&'a str]) -> Vec<Real<'a>> {
    let rows = probabilities.iter().zip(generated).zip(sources);
    rows.filter(|((_, generated), _)| !**generated).map(|((&value, _), source)| (value, *source)).collect()
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

/// Thresholds on probabilities, with "can't tell" between them. The upper one is a conformal limit: of further
/// real pictures like these, and where there are sources enough of further sources, at most
/// `aims.false_positives` are expected at or above it; the lower one likewise for further generated pictures.
/// With too few pictures for that (19 for 5 %) it lies beyond all of them. Where the classes are so far apart
/// that the two would cross, both are their mean and nothing is unsure.
#[must_use]
pub fn thresholds(probabilities: &[f32], generated: &[bool], sources: &[&str], aims: Aims) -> Thresholds {
    let real = real_pictures(probabilities, generated, sources);
    let above_all = || real.iter().map(|&(value, _)| value).reduce(f32::max).map(|value| value.next_up().min(1.0));
    let upper = limit_at(aims.false_positives, &real).or_else(above_all).unwrap_or(0.5);
    let rows = probabilities.iter().zip(generated);
    let mut fake: Vec<f32> = rows.filter(|&(_, &generated)| generated).map(|(&value, _)| value).collect();
    fake.sort_by(|a, b| b.total_cmp(a));
    let place = rank(fake.len(), aims.misses).clamp(1, fake.len().max(1));
    let lower = fake.get(place - 1).map_or(0.5, |value| value.next_down().max(0.0));
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
        let real: Vec<Real> = (0..99).map(|index| (index as f32 / 100.0, "")).collect();
        // 100 places for a further picture: 5 of them above the limit.
        assert!((limit_at(0.05, &real).unwrap() - 0.94).abs() < 1e-6);
        assert!((limit_at(0.01, &real).unwrap() - 0.98).abs() < 1e-6);
        assert_eq!(limit_at(0.005, &real), None);
        assert_eq!(limit_at(0.1, &[]), None);
    }

    /// 29 sources of one low picture each, and one of 300 high ones: over pictures it decides everything; over
    /// sources it is one of 31 places, and the further source is another.
    #[test]
    fn a_limit_over_sources_counts_each_source_once() {
        let names: Vec<String> = (0..30).map(|index| format!("s{index}")).collect();
        let low = (0..29).map(|index| (index as f32 / 100.0, names[index].as_str()));
        let real: Vec<Real> = low.chain((0..300).map(|index| (0.5 + index as f32 / 1000.0, "s29"))).collect();
        // 10 % of 31 places: 3.1, of which the further source takes one, so 2.1 sources may lie above.
        assert!((limit_over_sources(0.1, &real).unwrap() - 0.27).abs() < 1e-6);
        // 5 %: 0.55 of a source, so 165 of the 300.
        assert!((limit_over_sources(0.05, &real).unwrap() - (0.5 + 134.0 / 1000.0)).abs() < 1e-6);
        let strict = limit_over_sources(0.01, &real);
        assert_eq!(strict, limit_over_sources(1.0 / 31.0, &real), "30 sources cannot show 1 %");
        assert!(strict.unwrap() > 0.79);
        assert_eq!(limit_over_sources(0.1, &real[..18]), None);
        assert_eq!(limit_at(0.1, &real), limit_over_pictures(0.1, &real), "the higher of the two holds");
    }

    /// Two of 22 sources are loud: the limit over sources lies far above the one over pictures, and 22 sources
    /// show no rate below 1 in 23.
    #[test]
    fn rates_that_the_sources_cannot_show_are_left_out() {
        let names: Vec<String> = (0..22).map(|source| format!("s{source}")).collect();
        let sources: Vec<&str> = (0..4400).map(|index| names[index % 2000 % 22].as_str()).collect();
        let loud = |index: usize| matches!(index % 2000 % 22, 3 | 7) && index.is_multiple_of(3);
        let value = |index: usize| if loud(index) { 0.99 } else { 0.7 + (index % 211) as f32 / 1000.0 };
        let tier: Vec<f32> = (0..4400).map(|index| if index < 2200 { value(index) } else { 0.95 }).collect();
        let generated: Vec<bool> = (0..4400).map(|index| index >= 2200).collect();
        let points = operating_points(&[tier], &generated, &sources);
        let rates: Vec<f64> = points.iter().map(|point| point.false_positive_rate).collect();
        assert_eq!(rates, [0.05, 0.1]);
        assert!(points[0].threshold > 0.99 && points[1].threshold <= points[0].threshold, "{points:?}");
    }

    #[test]
    fn thresholds_hold_their_shares() {
        let probabilities: Vec<f32> = (0..200).map(|index| (index % 100) as f32 / 100.0).collect();
        let generated: Vec<bool> = (0..200).map(|index| index >= 100).collect();
        let found = thresholds(&probabilities, &generated, &[""; 200], Aims::default());
        // 96 of 100 real ones lie below the upper threshold, 91 of 100 generated ones above the lower.
        assert!((found.generated - 0.95).abs() < 1e-6 && (found.real - 0.09).abs() < 1e-6, "{found:?}");
        let called = |p: f32| p >= found.generated;
        assert_eq!(probabilities[..100].iter().filter(|&&p| called(p)).count(), 4);
        let apart = thresholds(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true], &[""; 4], Aims::default());
        assert!((apart.real - 0.5).abs() < 1e-6 && (apart.generated - 0.5).abs() < 1e-6);
    }
}
