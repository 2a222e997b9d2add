//! What a head is worth on sources it never saw: grouped folds, then calibration and thresholds from
//! the logits of pictures whose source was held out.

use std::collections::BTreeMap;

use super::config::TrainConfig;
use super::dataset::Dataset;
use super::trainer::train;
use crate::device::Device;
use crate::head::file::{Calibration, HeadInfo, Thresholds};
use crate::head::{Head, HeadFile};
use crate::progress::{self, Progress};
use crate::{Error, Result};

/// Share of real pictures of unseen sources that may be called generated.
pub const FALSE_POSITIVES: f64 = 0.05;

/// Share of generated pictures of unseen sources that may be called real.
pub const MISSES: f64 = 0.10;

/// Assigns each picture a fold `0..k` by its source, the large sources of each class dealt out first,
/// so that every fold holds both classes.
#[must_use]
pub fn folds(data: &Dataset, k: usize) -> Vec<usize> {
    let mut sizes: BTreeMap<(bool, &str), usize> = BTreeMap::new();
    for (generated, source) in data.generated.iter().zip(&data.sources) {
        *sizes.entry((*generated, source.as_str())).or_default() += 1;
    }
    let mut of_source: BTreeMap<&str, usize> = BTreeMap::new();
    for class in [false, true] {
        let mut sources: Vec<_> = sizes.iter().filter(|((generated, _), _)| *generated == class).collect();
        sources.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
        let mut filled = vec![0_usize; k.max(1)];
        for ((_, source), size) in sources {
            // A source with both classes stays in the fold it was given first.
            let smallest = (0..filled.len()).min_by_key(|&fold| filled[fold]).unwrap_or(0);
            let fold = *of_source.entry(source).or_insert(smallest);
            filled[fold] += size;
        }
    }
    data.sources.iter().map(|source| of_source.get(source.as_str()).copied().unwrap_or(0)).collect()
}

/// The logit of every picture from a head that was trained without the picture's fold, `[n]`.
///
/// # Errors
/// As [`train`]; [`Error::TrainingSet`] where a fold leaves one class only.
pub async fn held_out_logits(
    data: &Dataset,
    info: &HeadInfo,
    config: &TrainConfig,
    k: usize,
    device: &Device,
    progress: &mut impl Progress,
) -> Result<Vec<f32>> {
    let folds = folds(data, k);
    let mut logits = vec![0.0; data.len()];
    for fold in 0..k {
        progress::step(progress, fold, k)?;
        let (held, kept): (Vec<_>, Vec<_>) = (0..data.len()).partition(|&index| folds[index] == fold);
        if held.is_empty() {
            return Err(Error::TrainingSet { message: format!("it has fewer than {k} sources") });
        }
        let trained = train(&data.subset(&kept), config, device, &mut ()).await?;
        let file = HeadFile {
            info: info.clone(),
            hidden: trained.hidden,
            output_weight: trained.output_weight,
            output_bias: trained.output_bias,
        };
        let scores = Head::new(&file).logits(data.subset(&held).features).await?;
        for (index, score) in held.into_iter().zip(scores) {
            logits[index] = score;
        }
    }
    progress::step(progress, k, k)?;
    Ok(logits)
}

/// Platt's scaling by Newton's method on the weighted log loss (Platt 1999; Lin, Lin, Weng 2007).
#[must_use]
pub fn calibrate(logits: &[f32], generated: &[bool], weights: &[f32]) -> Calibration {
    let (mut scale, mut shift) = (1.0_f64, 0.0_f64);
    for _ in 0..50 {
        let (mut g, mut h) = ([1e-6 * (scale - 1.0), 0.0], [1e-6, 0.0, 1e-6]);
        for ((&logit, &class), &weight) in logits.iter().zip(generated).zip(weights) {
            let (z, weight) = (f64::from(logit), f64::from(weight));
            let p = 1.0 / (1.0 + (-(scale * z + shift)).exp());
            let (error, curve) = (weight * (p - f64::from(u8::from(class))), weight * p * (1.0 - p));
            g = [g[0] + error * z, g[1] + error];
            h = [h[0] + curve * z * z, h[1] + curve * z, h[2] + curve];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        if determinant.abs() < 1e-12 {
            break;
        }
        let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
        // Newton overshoots where the sigmoid is flat; half a unit a round is enough to get there.
        scale -= step[0].clamp(-0.5, 0.5);
        shift -= step[1].clamp(-0.5, 0.5);
        if step.iter().all(|part| part.abs() < 1e-9) {
            break;
        }
    }
    Calibration { scale: scale as f32, shift: shift as f32 }
}

/// Thresholds on probabilities: [`FALSE_POSITIVES`] of the real pictures lie at or above the upper one,
/// [`MISSES`] of the generated ones at or below the lower one. Where the classes are so far apart that
/// the two would cross, both are their mean and nothing is unsure.
#[must_use]
pub fn thresholds(probabilities: &[f32], generated: &[bool]) -> Thresholds {
    let sorted = |class: bool| {
        let pairs = probabilities.iter().zip(generated);
        let mut values: Vec<f32> = pairs.filter(|&(_, &truth)| truth == class).map(|(&value, _)| value).collect();
        values.sort_by(f32::total_cmp);
        values
    };
    let at = |values: &[f32], share: f64| {
        let last = values.len().saturating_sub(1);
        values.get((last as f64 * share).round() as usize).copied().unwrap_or(0.5)
    };
    let upper = at(&sorted(false), 1.0 - FALSE_POSITIVES);
    let lower = at(&sorted(true), MISSES);
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

    #[test]
    fn a_source_lies_in_one_fold_and_every_fold_has_both_classes() {
        let sources: Vec<String> = (0..60).map(|index| format!("{}", index % 10)).collect();
        let generated = (0..60).map(|index| index % 10 < 5).collect();
        let data = Dataset { features: vec![0.0; 60], dimension: 1, generated, sources };
        let folds = folds(&data, 5);
        for index in 0..60 {
            assert_eq!(folds[index], folds[index % 10]);
        }
        for fold in 0..5 {
            let classes: Vec<bool> =
                (0..60).filter(|&index| folds[index] == fold).map(|index| data.generated[index]).collect();
            assert!(classes.contains(&true) && classes.contains(&false));
        }
    }

    #[test]
    fn calibration_finds_the_line_that_made_the_labels() {
        // Logit z is generated with probability σ(z/2 − 1): labels as shares, by repetition.
        let (mut logits, mut generated, mut weights) = (vec![], vec![], vec![]);
        for step in -20..=20 {
            let z = step as f32 / 4.0;
            let p = 1.0 / (1.0 + (-(z / 2.0 - 1.0)).exp());
            for (class, weight) in [(true, p), (false, 1.0 - p)] {
                logits.push(z);
                generated.push(class);
                weights.push(weight);
            }
        }
        let found = calibrate(&logits, &generated, &weights);
        assert!((found.scale - 0.5).abs() < 1e-3 && (found.shift + 1.0).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn thresholds_hold_their_shares() {
        let probabilities: Vec<f32> = (0..200).map(|index| (index % 100) as f32 / 100.0).collect();
        let generated: Vec<bool> = (0..200).map(|index| index >= 100).collect();
        let found = thresholds(&probabilities, &generated);
        assert!((found.generated - 0.94).abs() < 0.011 && (found.real - 0.10).abs() < 0.011, "{found:?}");
    }
}
