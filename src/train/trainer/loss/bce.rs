//! Binary cross-entropy on logits.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

/// The loss of each row: logits `[n, 1]` → `[n, 1]`, the first `generated` rows being generated.
/// Stable for large logits: max(z, 0) − z·y + ln(1 + e^(−|z|)).
pub fn binary_cross_entropy(logits: Tensor<2>, generated: usize) -> Tensor<2> {
    // With y = 1 for the first rows, max(z, 0) − z·y is max(∓z, 0).
    let n = logits.dims()[0];
    let signed =
        Tensor::cat(vec![logits.clone().narrow(0, 0, generated).neg(), logits.narrow(0, generated, n - generated)], 0);
    relu(signed.clone()) + signed.abs().neg().exp().log1p() // [n, 1]
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_gradient, column, read, scattered};
    use super::*;

    /// `torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor([0.5, -2.0, 100.0]),
    /// torch.tensor([1.0, 0.0, 0.0]), reduction="none")` (PyTorch 2.15).
    #[test]
    fn agrees_with_pytorch_also_on_large_logits() {
        let got = read(binary_cross_entropy(column(&[0.5, -2.0, 100.0]), 1));
        for (got, expected) in got.iter().zip([0.474_077, 0.126_928, 100.0]) {
            assert!((got - expected).abs() < 1e-5, "{got} but {expected}");
        }
    }

    #[test]
    fn its_gradient_is_that_of_finite_differences() {
        assert_gradient(&scattered(9), |logits| binary_cross_entropy(logits, 4).mean());
    }
}
