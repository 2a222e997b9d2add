//! The pairwise surrogate of the ROC area: mean over generated i and real j of
//! `max(0, η − (s_i − s_j))^p` on logits s (Yan, Dodier, Mozer, Wolniewicz 2003).

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::Truth;
use crate::train::trainer::config::LossConfig;

/// Logits `[n, 1]` → `[1]`; a pair weighs as the product of its rows' weights.
pub fn auc_loss(config: &LossConfig, logits: &Tensor<2>, truth: &Truth) -> Tensor<1> {
    let (generated, weight_generated) = (first(logits, truth), first(&truth.weights, truth)); // [m, 1]
    let (real, weight_real) = (rest(logits, truth).transpose(), rest(&truth.weights, truth)); // [1, k], [k, 1]
    let short = relu((generated - real).neg() + config.auc_margin); // [m, k]
    // WGSL leaves 0^0 open; the two powers that people use need no power function.
    let is = |power: f64| (config.auc_power - power).abs() < 1e-9;
    let penalty = match () {
        () if is(2.0) => short.clone() * short,
        () if is(1.0) => short,
        () => short.powf_scalar(config.auc_power),
    };
    let pairs = weight_generated.clone().sum_dim(0) * weight_real.clone().sum_dim(0); // [1, 1]
    let sum = weight_generated.transpose().matmul(penalty).matmul(weight_real); // [1, 1]
    (sum / pairs).reshape([1])
}

fn first(column: &Tensor<2>, truth: &Truth) -> Tensor<2> {
    column.clone().narrow(0, 0, truth.generated)
}

fn rest(column: &Tensor<2>, truth: &Truth) -> Tensor<2> {
    column.clone().narrow(0, truth.generated, column.dims()[0] - truth.generated)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_gradient, column, read, scattered};
    use super::*;

    fn truth(generated: usize, weights: &[f32]) -> Truth {
        Truth { generated, weights: column(weights) }
    }

    #[test]
    fn agrees_with_the_double_sum() {
        let logits = scattered(23);
        let weights: Vec<f32> = (0..23).map(|index| 0.5 + (index % 4) as f32).collect();
        for (margin, power) in [(0.6, 2.0), (1.0, 1.0), (0.3, 3.0), (2.0, 1.5)] {
            let config = LossConfig { auc_margin: margin, auc_power: power, ..LossConfig::default() };
            for weights in [&vec![1.0; 23], &weights] {
                let (mut sum, mut pairs) = (0.0, 0.0);
                for i in 0..8 {
                    for j in 8..23 {
                        let pair = f64::from(weights[i] * weights[j]);
                        sum += pair * (margin - f64::from(logits[i] - logits[j])).max(0.0).powf(power);
                        pairs += pair;
                    }
                }
                let got = f64::from(read(auc_loss(&config, &column(&logits), &truth(8, weights)))[0]);
                assert!((got - sum / pairs).abs() < 1e-5 * got.max(1.0), "{got} but {}", sum / pairs);
            }
        }
    }

    #[test]
    fn its_gradient_is_that_of_finite_differences() {
        for power in [2.0, 3.0] {
            let config = LossConfig { auc_power: power, ..LossConfig::default() };
            assert_gradient(&scattered(9), |x| auc_loss(&config, &x, &truth(4, &[1.0; 9])));
        }
    }

    #[test]
    fn pairs_in_order_by_the_margin_cost_nothing() {
        let got = read(auc_loss(&LossConfig::default(), &column(&[2.0, 3.0, 1.0, -1.0]), &truth(2, &[1.0; 4])));
        assert!(got[0].abs() < 1e-9);
    }
}
