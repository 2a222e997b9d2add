//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

/// Bins of equal width between 0 and 1.
pub const BINS: usize = 10;

/// Pictures whose probabilities are alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Their mean probability of being generated.
    pub predicted: f64,
    /// The share of them that is generated.
    pub observed: f64,
    /// How many they are.
    pub n: usize,
}

/// The bins that are not empty, in rising order, and the expected calibration error: the mean over the
/// pictures of their bin's |predicted − observed| (Naeini, Cooper, Hauskrecht 2015). `weights` `[n]`
/// let both classes count the same where there are more pictures of one.
#[must_use]
pub fn reliability(probabilities: &[f32], generated: &[bool], weights: &[f64]) -> (Vec<Bin>, f64) {
    let mut sums = [(0.0, 0.0, 0.0, 0_usize); BINS]; // weight, probability, generated, pictures
    for ((&probability, &generated), &weight) in probabilities.iter().zip(generated).zip(weights) {
        let probability = f64::from(probability);
        // An edge belongs to the bin below it, as in scikit-learn.
        let bin = ((probability * BINS as f64).ceil() as usize).saturating_sub(1);
        let sum = &mut sums[bin.min(BINS - 1)];
        sum.0 += weight;
        sum.1 += weight * probability;
        sum.2 += weight * f64::from(u8::from(generated));
        sum.3 += 1;
    }
    let total: f64 = sums.iter().map(|sum| sum.0).sum();
    let error: f64 = sums.iter().map(|sum| (sum.1 - sum.2).abs()).sum();
    let filled = sums.into_iter().filter(|sum| sum.0 > 0.0);
    let bins = filled.map(|(weight, p, g, n)| Bin { predicted: p / weight, observed: g / weight, n }).collect();
    (bins, if total > 0.0 { error / total } else { 0.0 })
}

/// Weights `[n]` with mean 1 that let both classes count the same.
#[must_use]
pub fn class_weights(generated: &[bool]) -> Vec<f64> {
    let n = generated.len() as f64;
    let ones = generated.iter().filter(|&&generated| generated).count() as f64;
    let weight = |count: f64| if count > 0.0 { n / 2.0 / count } else { 0.0 };
    generated.iter().map(|&generated| weight(if generated { ones } else { n - ones })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_class_does_not_count_more() {
        let generated = [true, false, false, false];
        let weights = class_weights(&generated);
        assert_eq!(weights, [2.0, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]);
        // Everything at ½: right where both classes count the same.
        let (bins, error) = reliability(&[0.5; 4], &generated, &weights);
        assert!(error < 1e-12 && bins.len() == 1 && bins[0].n == 4, "{bins:?}");
        assert_eq!(reliability(&[], &[], &[]), (vec![], 0.0));
    }
}
