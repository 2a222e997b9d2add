//! The few operations that the towers are written over. Plain burn operations, so that the GPU and
//! the CPU run the same code; faster kernels for one device belong here and nowhere else.

use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;
use burn::tensor::module;
use burn::tensor::ops::AttentionModuleOptions;

/// ε of every layer norm of CLIP.
const EPSILON: f64 = 1e-5;

/// A linear layer, weight `[in, out]`, bias `[out]`.
#[derive(Debug, Clone)]
pub struct Linear {
    pub weight: Tensor<2>,
    pub bias: Tensor<1>,
}

/// A layer norm over the last axis, both `[width]`.
#[derive(Debug, Clone)]
pub struct LayerNorm {
    pub scale: Tensor<1>,
    pub shift: Tensor<1>,
}

/// `x · weight + bias`: `[n, tokens, in]` → `[n, tokens, out]`.
pub fn linear(x: Tensor<3>, layer: &Linear) -> Tensor<3> {
    module::linear(x, layer.weight.clone(), Some(layer.bias.clone()))
}

/// Layer norm over the last axis: `[n, tokens, width]` → the same.
pub fn layer_norm(x: Tensor<3>, norm: &LayerNorm) -> Tensor<3> {
    module::layer_norm(x, norm.scale.clone(), Some(norm.shift.clone()), EPSILON)
}

/// QuickGELU, x·σ(1.702 x): what CLIP was trained with, never GELU (openai/CLIP, `clip/model.py`).
pub fn quick_gelu(x: Tensor<3>) -> Tensor<3> {
    x.clone() * sigmoid(x * 1.702)
}

/// Scaled dot-product attention over `heads` heads: three times `[n, tokens, width]` → the same. Where it
/// is `causal`, a token sees itself and those before it.
pub fn attention(query: Tensor<3>, key: Tensor<3>, value: Tensor<3>, heads: usize, causal: bool) -> Tensor<3> {
    let [n, tokens, width] = query.dims();
    let split = |x: Tensor<3>| {
        x.reshape([n, tokens, heads, width / heads]) // [n, tokens, heads, width/heads]
            .swap_dims(1, 2) // [n, heads, tokens, width/heads]
    };
    let options = AttentionModuleOptions { is_causal: causal, ..Default::default() };
    module::attention(split(query), split(key), split(value), None, None, options)
        .swap_dims(1, 2) // [n, tokens, heads, width/heads]
        .reshape([n, tokens, width]) // [n, tokens, width]
}

/// Cuts pictures into patches: `[n, 3, side, side]` → `[n, patches, 3·patch·patch]`, patches in
/// reading order, each channel first: the order of the convolution's weights.
pub fn patches(pixels: Tensor<4>, patch: usize) -> Tensor<3> {
    let [n, channels, side, _] = pixels.dims();
    let grid = side / patch;
    pixels
        .reshape([n, channels, grid, patch, grid, patch]) // [n, 3, grid, patch, grid, patch]
        .permute([0, 2, 4, 1, 3, 5]) // [n, grid, grid, 3, patch, patch]
        .reshape([n, grid * grid, channels * patch * patch]) // [n, patches, 3·patch·patch]
}
