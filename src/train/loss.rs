//! Binary cross-entropy on logits.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;

/// Weighted mean over a batch: logits, targets (1 = generated) and weights all `[n]` → `[1]`.
/// Stable for large logits: max(z, 0) − z·y + ln(1 + e^(−|z|)).
pub fn binary_cross_entropy(logits: Tensor<1>, targets: Tensor<1>, weights: Tensor<1>) -> Tensor<1> {
    let losses = relu(logits.clone()) - logits.clone() * targets + logits.abs().neg().exp().log1p();
    (losses * weights).mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;

    /// `torch.nn.functional.binary_cross_entropy_with_logits(torch.tensor([0.5, -2.0, 100.0]),
    /// torch.tensor([1.0, 0.0, 0.0]), weight=torch.tensor([1.0, 2.0, 0.5]))` is 16.9093 (PyTorch 2.15).
    #[test]
    fn agrees_with_pytorch_also_on_large_logits() {
        let device = Device::cpu();
        let tensor = |values: [f32; 3]| Tensor::<1>::from_data(values, device.burn());
        let loss = binary_cross_entropy(tensor([0.5, -2.0, 100.0]), tensor([1.0, 0.0, 0.0]), tensor([1.0, 2.0, 0.5]));
        let loss = pollster::block_on(device.read(loss)).unwrap()[0];
        assert!((loss - 16.909_304).abs() < 1e-4, "{loss}");
    }
}
