//! The operations on a GPU, with our own kernels.

use std::sync::Arc;

use safetensors::Dtype;

use super::{LayerNorm, Linear, Ops, PictureEmbedding, Then};
use crate::clip::config::{BlockShape, VisionConfig};
use crate::clip::values::{Values, floats};
use crate::gpu::attention::{Sequences, attention};
use crate::gpu::linear::{Epilogue, linear};
use crate::gpu::matrix::{Buffer, Matrix};
use crate::gpu::tuning::{self, Follows, Tuned, Work};
use crate::gpu::weight::{Format, Product, Weight, stack_buffers};
use crate::gpu::{Context, rows};
use crate::{Error, Result};

/// Computes with our kernels.
#[derive(Debug, Clone)]
pub struct Gpu {
    tuned: Arc<Tuned>,
}

/// Activations of sequences of `tokens` tokens, `[n · tokens, width]`.
#[derive(Debug)]
pub struct Hidden {
    matrix: Matrix,
    tokens: usize,
}

impl Gpu {
    /// Computes on this device, with the kernels that are chosen for it.
    pub fn new(tuned: Arc<Tuned>) -> Self {
        Self { tuned }
    }

    fn context(&self) -> &Context {
        &self.tuned.context
    }

    fn product(&self, x: &Matrix, layer: &Linear<Self>, then: Epilogue<'_>) -> Matrix {
        let tile = self.tuned.choices().tile(layer.weight.product());
        linear(self.context(), tile, x, &layer.weight, layer.bias.as_ref(), then)
    }
}

impl Ops for Gpu {
    type Hidden = Hidden;
    type Weight = Weight;
    /// Query, key and value side by side, so that they are one product.
    type Projections = Linear<Self>;
    type Vector = Buffer;
    type Table = Buffer;

    const QUEUES: bool = true;

    fn weight(&self, shape: [usize; 2], values: Values<'_>) -> Weight {
        let new = |format, bytes: &[u8]| Weight::new(self.context(), format, shape, bytes, values.scales);
        match values.dtype {
            Dtype::I8 => new(Format::Int8, values.bytes),
            Dtype::F16 => new(Format::F16, values.bytes),
            Dtype::F32 => new(Format::F32, values.bytes),
            // bfloat16 has float32's range, which float16 has not.
            other => {
                let values = floats(other, values.bytes, values.scales).unwrap_or_default();
                new(Format::F32, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())
            }
        }
    }

    fn projections(&self, layers: [Linear<Self>; 3]) -> Result<Linear<Self>> {
        let weights = layers.each_ref().map(|layer| layer.weight.clone());
        let mixed =
            || Error::TensorType { name: "q_proj, k_proj, v_proj".to_owned(), got: "different ones".to_owned() };
        let weight = Weight::stack(self.context(), &weights).ok_or_else(mixed)?;
        let biases: Option<Vec<_>> = layers.iter().map(|layer| layer.bias.as_ref()).collect();
        let bias = biases.map(|biases| stack_buffers(self.context(), &biases));
        for layer in layers {
            layer.weight.destroy();
            layer.bias.inspect(Buffer::destroy);
        }
        Ok(Linear { weight, bias })
    }

    fn vector(&self, values: Vec<f32>) -> Buffer {
        self.context().floats("vector", &values)
    }

    fn table(&self, _: [usize; 2], values: Vec<f32>) -> Buffer {
        self.context().floats("table", &values)
    }

    async fn prepare(&self, shape: BlockShape, weight: &Weight) -> Result<()> {
        let BlockShape { tokens, width, heads, mlp, causal } = shape;
        if !width.is_multiple_of(4 * heads) || !mlp.is_multiple_of(4) {
            let message = format!("the kernels take heads whose width is a multiple of 4, not {width} / {heads}");
            return Err(Error::DeviceFailed { device: "GPU", message });
        }
        let layers = [
            ([3 * width, width], Follows::Nothing),
            ([width, width], Follows::Residual),
            ([mlp, width], Follows::QuickGelu),
            ([width, mlp], Follows::Residual),
        ];
        let layers = layers.map(|(shape, follows)| (Product { shape, format: weight.format() }, follows));
        let work = Work { layers: &layers, heads: Sequences { tokens, heads, causal }, width };
        if !tuning::is_worth_it(tokens, width, mlp) {
            return tuning::check(&self.tuned, work).await;
        }
        tuning::tune(&self.tuned, work).await
    }

    fn most(&self, shape: BlockShape) -> usize {
        (self.context().most_rows(shape.mlp.max(3 * shape.width)) / shape.tokens).max(1)
    }

    fn picture_tokens(&self, pixels: Vec<f32>, embedding: &PictureEmbedding<Self>, config: &VisionConfig) -> Hidden {
        let gpu = self.context();
        let side = config.image_size;
        gpu.begin();
        let pixels = gpu.upload(&pixels, 3 * side * side);
        let patches = rows::patches(gpu, &pixels, side, config.patch_size); // [n · patches, 3·patch·patch]
        let patches = self.product(&patches, &embedding.patch, Epilogue::Nothing); // [n · patches, width]
        let tokens = config.tokens();
        let matrix = rows::tokens(gpu, &patches, &embedding.class, &embedding.position, tokens);
        Hidden { matrix, tokens }
    }

    fn text_tokens(&self, values: Vec<f32>, [_, tokens, width]: [usize; 3], position: &Buffer) -> Hidden {
        self.context().begin();
        let embedded = self.context().upload(&values, width);
        Hidden { matrix: rows::positions(self.context(), &embedded, position, tokens), tokens }
    }

    fn layer_norm(&self, x: &Hidden, norm: &LayerNorm<Self>) -> Hidden {
        let matrix = rows::layer_norm(self.context(), &x.matrix, &norm.scale, &norm.shift);
        Hidden { matrix, tokens: x.tokens }
    }

    fn linear(&self, x: &Hidden, layer: &Linear<Self>, then: Then<'_, Hidden>) -> Hidden {
        let then = match then {
            Then::Nothing => Epilogue::Nothing,
            Then::QuickGelu => Epilogue::QuickGelu,
            Then::Add(residual) => Epilogue::Add(&residual.matrix),
        };
        Hidden { matrix: self.product(&x.matrix, layer, then), tokens: x.tokens }
    }

    fn attention(&self, x: &Hidden, qkv: &Linear<Self>, heads: usize, causal: bool) -> Hidden {
        let qkv = self.product(&x.matrix, qkv, Epilogue::Nothing); // [n · tokens, 3 · width]
        let heads = Sequences { tokens: x.tokens, heads, causal };
        let matrix = attention(self.context(), self.tuned.choices().walk(heads), &qkv, heads);
        Hidden { matrix, tokens: x.tokens }
    }

    fn pick(&self, x: &Hidden, places: &[usize]) -> Hidden {
        let from: Vec<usize> = places.iter().enumerate().map(|(index, place)| index * x.tokens + place).collect();
        let y = self.context().matrix(places.len(), x.matrix.width());
        rows::gather(self.context(), &x.matrix, &from, &y, 1, 0);
        Hidden { matrix: y, tokens: 1 }
    }

    fn patch_mean(&self, x: &Hidden) -> Hidden {
        Hidden { matrix: rows::patch_means(self.context(), &x.matrix, x.tokens), tokens: 1 }
    }

    fn stack(&self, tokens: Vec<Hidden>) -> Hidden {
        let (n, width) = tokens.first().map_or((0, 0), |first| (first.matrix.rows(), first.matrix.width()));
        let y = self.context().matrix(n * tokens.len(), width);
        let from: Vec<usize> = (0..n).collect();
        for (index, token) in tokens.iter().enumerate() {
            rows::gather(self.context(), &token.matrix, &from, &y, tokens.len(), index);
        }
        Hidden { matrix: y, tokens: tokens.len() }
    }

    fn submit(&self) {
        self.context().submit();
    }

    async fn wait(&self) -> Result<()> {
        self.context().wait().await
    }

    async fn read(&self, x: &Hidden) -> Result<Vec<f32>> {
        self.context().read(&x.matrix).await
    }
}
