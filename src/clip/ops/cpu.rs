//! The operations on the processor, with burn: natively on all cores; in a browser, products and attention with kernels
//! of our own.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use burn::tensor::module;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Tensor, TensorData};

use super::{LayerNorm, Linear, Ops, PictureEmbedding, Then};
use crate::Result;
use crate::clip::config::{BlockShape, VisionConfig};
use crate::clip::values::{Values, floats};
use crate::cpu::attention;
use crate::cpu::product::Panels;
#[cfg(feature = "native")]
use crate::cpu::quick_gelu;
use crate::cpu::shares;
use crate::device::Device;

/// ε of every layer norm of CLIP.
const EPSILON: f64 = 1e-5;

/// Computes on burn's device.
#[derive(Debug, Clone)]
pub struct Cpu {
    device: Device,
}

impl Cpu {
    /// Computes on `device`.
    pub fn new(device: Device) -> Self {
        Self { device }
    }
}

/// A linear layer's weight.
#[derive(Debug, Clone)]
pub enum Weight {
    /// `[in, out]`: burn's order; some of the columns for each thread, one after another.
    Shares(Vec<Tensor<2>>),
    /// For the browser's own product.
    Panels(Panels),
}

impl Ops for Cpu {
    type Hidden = Tensor<3>;
    type Weight = Weight;
    type Projections = [Linear<Self>; 3];
    type Vector = Tensor<1>;
    type Table = Tensor<2>;

    const QUEUES: bool = false;

    fn weight(&self, [outputs, inputs]: [usize; 2], values: Values<'_>) -> Weight {
        let values = floats(values.dtype, values.bytes, values.scales).unwrap_or_default();
        if let Some(panels) = Panels::pack(&values, outputs, inputs) {
            return Weight::Panels(panels);
        }
        let mut rest = values.as_slice();
        let share = |columns: usize| {
            let (share, others) = rest.split_at((columns * inputs).min(rest.len()));
            rest = others;
            let values = transpose(share, columns, inputs); // [in, columns]
            Tensor::from_data(TensorData::new(values, [inputs, columns]), self.device.burn())
        };
        Weight::Shares(shares::columns(outputs, inputs, shares::threads()).into_iter().map(share).collect())
    }

    fn projections(&self, layers: [Linear<Self>; 3]) -> Result<[Linear<Self>; 3]> {
        Ok(layers)
    }

    fn vector(&self, values: Vec<f32>) -> Tensor<1> {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), self.device.burn())
    }

    fn table(&self, shape: [usize; 2], values: Vec<f32>) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values, shape), self.device.burn())
    }

    async fn prepare(&self, _: BlockShape, _: &Weight) -> Result<()> {
        Ok(())
    }

    fn most(&self, _: BlockShape) -> usize {
        usize::MAX
    }

    fn picture_tokens(&self, pixels: Vec<f32>, embedding: &PictureEmbedding<Self>, config: &VisionConfig) -> Tensor<3> {
        let (side, width) = (config.image_size, config.width);
        let n = pixels.len() / (3 * side * side);
        let pixels = Tensor::<4>::from_data(TensorData::new(pixels, [n, 3, side, side]), self.device.burn());
        let patches = patches(pixels, config.patch_size); // [n, patches, 3·patch·patch]
        let patches = linear(&patches, &embedding.patch, |y| y); // [n, patches, width]
        let class = embedding.class.clone().reshape([1, 1, width]).expand([n, 1, width]); // [n, 1, width]
        Tensor::cat(vec![class, patches], 1) + embedding.position.clone().unsqueeze() // [n, tokens, width]
    }

    fn text_tokens(&self, values: Vec<f32>, shape: [usize; 3], position: &Tensor<2>) -> Tensor<3> {
        let embedded = Tensor::<3>::from_data(TensorData::new(values, shape), self.device.burn());
        embedded + position.clone().narrow(0, 0, shape[1]).unsqueeze() // [n, tokens, width]
    }

    fn layer_norm(&self, x: &Tensor<3>, norm: &LayerNorm<Self>) -> Tensor<3> {
        module::layer_norm(x.clone(), norm.scale.clone(), Some(norm.shift.clone()), EPSILON)
    }

    fn linear(&self, x: &Tensor<3>, layer: &Linear<Self>, then: Then<'_, Tensor<3>>) -> Tensor<3> {
        if let (Weight::Panels(panels), Then::QuickGelu) = (&layer.weight, &then) {
            return multiply(x, panels, layer, true);
        }
        match then {
            Then::Nothing => linear(x, layer, |y| y),
            Then::QuickGelu => linear(x, layer, quick_gelu),
            Then::Add(residual) => residual.clone() + linear(x, layer, |y| y),
        }
    }

    fn attention(&self, x: &Tensor<3>, qkv: &[Linear<Self>; 3], heads: usize, causal: bool) -> Tensor<3> {
        let [_, _, width] = x.dims();
        let head = width / heads;
        if let Some(attended) = attention_of_panels(x, qkv, heads, causal) {
            return attended;
        }
        let Some(layers) = by_share(qkv, head) else {
            return attend(qkv.each_ref().map(|layer| linear(x, layer, |y| y)), head, causal);
        };
        let parts = shares::each(&layers, |layers| {
            let products = layers.each_ref();
            attend(products.map(|(weight, bias)| module::linear(x.clone(), weight.clone(), bias.clone())), head, causal)
        });
        Tensor::cat(parts, 2) // [n, tokens, width]
    }

    fn pick(&self, x: &Tensor<3>, places: &[usize]) -> Tensor<3> {
        if let Some(&first) = places.first()
            && places.iter().all(|&place| place == first)
        {
            return x.clone().narrow(1, first, 1); // [n, 1, width]
        }
        let one = |(index, &place): (usize, &usize)| x.clone().slice([index..index + 1, place..place + 1]);
        Tensor::cat(places.iter().enumerate().map(one).collect(), 0) // [n, 1, width]
    }

    fn patch_mean(&self, x: &Tensor<3>) -> Tensor<3> {
        let [_, tokens, _] = x.dims();
        x.clone().narrow(1, 1, tokens - 1).mean_dim(1) // [n, 1, width]
    }

    fn stack(&self, tokens: Vec<Tensor<3>>) -> Tensor<3> {
        Tensor::cat(tokens, 1) // [n, tokens, width]
    }

    async fn wait(&self) -> Result<()> {
        Ok(()) // burn-flex computes at once
    }

    async fn read(&self, x: &Tensor<3>) -> Result<Vec<f32>> {
        self.device.read(x.clone()).await
    }
}

/// Scaled dot-product attention of some heads: query, key and value `[n, tokens, heads · head]` → the same.
fn attend(qkv: [Tensor<3>; 3], head: usize, causal: bool) -> Tensor<3> {
    let [n, tokens, width] = qkv[0].dims();
    let split = |x: Tensor<3>| {
        x.reshape([n, tokens, width / head, head]) // [n, tokens, heads, head]
            .swap_dims(1, 2) // [n, heads, tokens, head]
    };
    let [query, key, value] = qkv.map(split);
    let options = AttentionModuleOptions { is_causal: causal, ..Default::default() };
    module::attention(query, key, value, None, None, options)
        .swap_dims(1, 2) // [n, tokens, heads, head]
        .reshape([n, tokens, width]) // [n, tokens, width]
}

/// A share of a layer: its columns, and their part of the bias.
type Share = (Tensor<2>, Option<Tensor<1>>);

/// The shares of a layer; `None` where it is in panels.
fn shares_of(layer: &Linear<Cpu>) -> Option<Vec<Share>> {
    let Weight::Shares(weights) = &layer.weight else { return None };
    let mut first = 0;
    let share = |weight: &Tensor<2>| {
        let [_, columns] = weight.dims();
        let bias = layer.bias.as_ref().map(|bias| bias.clone().narrow(0, first, columns));
        first += columns;
        (weight.clone(), bias)
    };
    Some(weights.iter().map(share).collect())
}

/// Query's, key's and value's shares side by side; `None` where there are none, or where they are not of whole heads.
fn by_share(qkv: &[Linear<Cpu>; 3], head: usize) -> Option<Vec<[Share; 3]>> {
    let [query, key, value] = [shares_of(&qkv[0])?, shares_of(&qkv[1])?, shares_of(&qkv[2])?];
    let shares: Vec<[Share; 3]> = query.into_iter().zip(key).zip(value).map(|((q, k), v)| [q, k, v]).collect();
    let fits = |share: &[Share; 3]| share.iter().all(|(weight, _)| weight.dims()[1].is_multiple_of(head));
    shares.iter().all(fits).then_some(shares)
}

/// `x · weight + bias`, and what is done with each column: `[n, tokens, in]` → `[n, tokens, out]`.
fn linear(x: &Tensor<3>, layer: &Linear<Cpu>, then: impl Fn(Tensor<3>) -> Tensor<3> + Sync + Send) -> Tensor<3> {
    match &layer.weight {
        Weight::Panels(panels) => then(multiply(x, panels, layer, false)),
        Weight::Shares(_) => {
            let shares = shares_of(layer).unwrap_or_default();
            let product = |(weight, bias): &Share| then(module::linear(x.clone(), weight.clone(), bias.clone()));
            Tensor::cat(shares::each(&shares, product), 2) // [n, tokens, out]
        }
    }
}

/// x·σ(1.702 x).
#[cfg(feature = "native")]
fn quick_gelu(x: Tensor<3>) -> Tensor<3> {
    let (shape, device) = (x.shape(), x.device());
    let mut values = at_once(x);
    quick_gelu::quick_gelu(&mut values);
    Tensor::from_data(TensorData::new(values, shape), &device)
}

#[cfg(not(feature = "native"))]
fn quick_gelu(x: Tensor<3>) -> Tensor<3> {
    x.clone() * burn::tensor::activation::sigmoid(x * 1.702)
}

/// The same with the layer's panels, through QuickGELU or not.
fn multiply(x: &Tensor<3>, panels: &Panels, layer: &Linear<Cpu>, quick_gelu: bool) -> Tensor<3> {
    let ([n, tokens, _], device) = (x.dims(), x.device());
    let product = panels.multiply(&at_once(x.clone()), &bias(panels, layer), quick_gelu);
    Tensor::from_data(TensorData::new(product, [n, tokens, panels.outputs()]), &device) // [n, tokens, out]
}

/// Attention without a tensor in between; `None` where the weights are no panels, or the heads do not fit the kernel.
fn attention_of_panels(x: &Tensor<3>, qkv: &[Linear<Cpu>; 3], heads: usize, causal: bool) -> Option<Tensor<3>> {
    let [Weight::Panels(query), Weight::Panels(key), Weight::Panels(value)] = qkv.each_ref().map(|layer| &layer.weight)
    else {
        return None;
    };
    let ([_, tokens, width], shape) = (x.dims(), x.shape());
    let values = at_once(x.clone());
    let project = |panels: &Panels, layer| panels.multiply(&values, &bias(panels, layer), false); // [n, tokens, width]
    let (q, k, v) = (project(query, &qkv[0]), project(key, &qkv[1]), project(value, &qkv[2]));
    let attended = attention::attend([&q, &k, &v], tokens, width, heads, causal)?;
    Some(Tensor::from_data(TensorData::new(attended, shape), &x.device())) // [n, tokens, width]
}

/// The layer's bias, or zeros, `[out]`.
fn bias(panels: &Panels, layer: &Linear<Cpu>) -> Vec<f32> {
    layer.bias.clone().map_or_else(|| vec![0.0; panels.outputs()], at_once)
}

/// The values of a tensor of burn-flex, which computes at once: its future is ready when it is first asked.
fn at_once<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let mut reading = pin!(tensor.into_data_async());
    match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(data)) => data.try_into_vec().unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Cuts pictures into patches: `[n, 3, side, side]` → `[n, patches, 3·patch·patch]`, patches in
/// reading order, each channel first: the order of the convolution's weights.
fn patches(pixels: Tensor<4>, patch: usize) -> Tensor<3> {
    let [n, channels, side, _] = pixels.dims();
    let grid = side / patch;
    pixels
        .reshape([n, channels, grid, patch, grid, patch]) // [n, 3, grid, patch, grid, patch]
        .permute([0, 2, 4, 1, 3, 5]) // [n, grid, grid, 3, patch, patch]
        .reshape([n, grid * grid, channels * patch * patch]) // [n, patches, 3·patch·patch]
}

/// `[rows, columns]` → `[columns, rows]`, in tiles that fit the cache.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 32;
    let mut out = vec![0.0; values.len()];
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for row in top..rows.min(top + TILE) {
                for column in left..columns.min(left + TILE) {
                    out[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_shapes_that_do_not_fill_a_tile() {
        let (rows, columns) = (35, 67);
        let values: Vec<f32> = (0..rows * columns).map(|index| index as f32).collect();
        let turned = transpose(&values, rows, columns);
        assert_eq!(turned[3 * rows + 34].to_bits(), values[34 * columns + 3].to_bits());
        assert_eq!(transpose(&turned, columns, rows), values);
    }
}
