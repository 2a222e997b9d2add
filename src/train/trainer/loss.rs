//! What is minimised: γ · `CVaR` of the cross-entropy + (1 − γ) · pairwise AUC loss.
//!
//! | file | holds |
//! |---|---|
//! | `bce` | binary cross-entropy of each row |
//! | `cvar` | the mean of the worst share of them |
//! | `auc` | how far pairs of one generated and one real row are from their order |

mod auc;
mod bce;
mod cvar;

use burn::tensor::Tensor;

use super::config::LossConfig;

/// What is known of a batch besides its features. Generated rows stand first, so that both losses can
/// cut the classes apart without a mask.
#[derive(Debug, Clone)]
pub struct Truth {
    /// How many rows, from the first on, are generated; the rest are real. Neither is empty.
    pub generated: usize,
    /// How much each row counts, `[n, 1]`, positive, mean about 1.
    pub weights: Tensor<2>,
}

/// The loss of a batch: logits `[n, 1]` → `[1]`. Row weights enter everywhere as if the row were there
/// that often: in `CVaR`'s mean and its share α, and in the AUC loss as the product over a pair.
#[must_use]
pub fn loss(config: &LossConfig, logits: &Tensor<2>, truth: &Truth) -> Tensor<1> {
    let gamma = 1.0 - config.auc_weight;
    let classification = (gamma > 0.0).then(|| {
        let losses = bce::binary_cross_entropy(logits.clone(), truth.generated);
        cvar::cvar(losses, truth.weights.clone(), config.cvar_alpha.unwrap_or(1.0)) * gamma
    });
    let ranking = (config.auc_weight > 0.0).then(|| auc::auc_loss(config, logits, truth) * config.auc_weight);
    match (classification, ranking) {
        (Some(classification), Some(ranking)) => classification + ranking,
        (Some(only), None) | (None, Some(only)) => only,
        // The weights are 0…1 and sum to 1: one of them is positive.
        (None, None) => logits.clone().sum_dim(0).reshape([1]) * 0.0,
    }
}

#[cfg(test)]
mod testing {
    //! Tensors in, numbers out, for the tests of the three losses.

    use burn::tensor::{Tensor, TensorData};

    use crate::device::Device;

    /// A column `[n, 1]` with gradients.
    pub fn column(values: &[f32]) -> Tensor<2> {
        let device = Device::cpu().burn().clone().autodiff();
        Tensor::from_data(TensorData::new(values.to_vec(), [values.len(), 1]), &device)
    }

    pub fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        pollster::block_on(Device::cpu().read(tensor.inner())).unwrap()
    }

    /// Value and gradient of `f` at `x`.
    pub fn differentiate(x: &[f32], f: impl Fn(Tensor<2>) -> Tensor<1>) -> (f32, Vec<f32>) {
        let x = column(x).require_grad();
        let y = f(x.clone());
        let gradient = x.grad(&y.backward()).unwrap();
        (read(y)[0], read(gradient))
    }

    /// Asserts that the gradient of `f` at `x` is that of finite differences. f32 values near 1 have
    /// 1e-7 of noise; over a step of 2e-3 that is 1e-4 in a slope.
    pub fn assert_gradient(x: &[f32], f: impl Fn(Tensor<2>) -> Tensor<1>) {
        let (_, gradient) = differentiate(x, &f);
        for index in 0..x.len() {
            let at = |step: f32| {
                let mut moved = x.to_vec();
                moved[index] += step;
                read(f(column(&moved)))[0]
            };
            let slope = (at(1e-3) - at(-1e-3)) / 2e-3;
            assert!(
                (slope - gradient[index]).abs() < 5e-4 * slope.abs().max(1.0),
                "row {index}: {slope} but {}",
                gradient[index]
            );
        }
    }

    /// Numbers between −2 and 2 without order.
    pub fn scattered(n: usize) -> Vec<f32> {
        (0..n).map(|index| ((index * 37 % 101) as f32 * 0.618).fract() * 4.0 - 2.0).collect()
    }
}
