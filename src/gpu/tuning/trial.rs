//! Products and attention of random numbers, and what some of their results must be.

use super::race::Trial;
use super::work::Follows;
use crate::Result;
use crate::gpu::attention::{self, Sequences, Walk, attention};
use crate::gpu::context::Context;
use crate::gpu::linear::{Epilogue, Tile, kernel, linear};
use crate::gpu::matrix::{Buffer, Matrix};
use crate::gpu::weight::{Format, Product, Weight};
use crate::random::random;

/// Rows, or tokens, of a probe.
const PROBE: usize = 8;

/// A result that must come out: index, value, allowed difference.
type Expected = (usize, f64, f64);

/// A product of random numbers.
pub struct ProductTrial {
    x: Matrix,
    few: Matrix,
    weight: Weight,
    rows: usize,
    expected: Vec<Expected>,
}

impl ProductTrial {
    pub fn new(gpu: &Context, product: Product, rows: usize) -> Self {
        let [outputs, inputs] = product.shape;
        let mut state = 1;
        let x = noise(&mut state, rows * inputs);
        // Small integers over 64 are exact in all formats, so one reference serves them all.
        let integers: Vec<i8> = (0..outputs * inputs).map(|_| (random(&mut state) >> 57) as i8 - 64).collect();
        let values = || integers.iter().map(|&integer| f32::from(integer) / 64.0);
        let bytes: Vec<u8> = match product.format {
            Format::F32 => values().flat_map(f32::to_le_bytes).collect(),
            Format::F16 => values().flat_map(|value| half::f16::from_f32(value).to_le_bytes()).collect(),
            Format::Int8 => integers.iter().map(|integer| integer.cast_unsigned()).collect(),
        };
        let weight = Weight::new(gpu, product.format, [outputs, inputs], &bytes, &vec![1.0 / 64.0; outputs]);
        let expected = sampled(rows, outputs).map(|(row, column)| {
            let terms = x[row * inputs..][..inputs].iter().zip(&integers[column * inputs..][..inputs]);
            let terms = terms.map(|(&x, &w)| f64::from(x) * f64::from(w) / 64.0);
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
            (row * outputs + column, sum, size * 1e-5)
        });
        let expected = expected.collect();
        let few = gpu.upload(&x[..rows.min(PROBE) * inputs], inputs);
        Self { x: gpu.upload(&x, inputs), few, weight, rows, expected }
    }

    fn product(&self, gpu: &Context, tile: Tile, x: &Matrix) -> Matrix {
        linear(gpu, tile, x, &self.weight, None, Epilogue::Nothing)
    }
}

impl Trial<Tile> for ProductTrial {
    async fn probe(&self, gpu: &Context, tile: Tile) -> Result<f64> {
        drop(self.product(gpu, tile, &self.few));
        gpu.wait().await?;
        Ok(self.rows as f64 / self.few.rows() as f64)
    }

    fn is_compiled(&self, gpu: &Context, tile: Tile) -> bool {
        gpu.is_compiled(&kernel(tile, self.weight.format(), false, None))
    }

    async fn is_right(&self, gpu: &Context, tile: Tile) -> Result<bool> {
        gpu.wipe();
        Ok(agree(&gpu.read(&self.product(gpu, tile, &self.x)).await?, &self.expected))
    }

    fn run(&self, gpu: &Context, tile: Tile) {
        drop(self.product(gpu, tile, &self.x));
    }

    fn length(&self, tile: Tile) -> f64 {
        (4 * tile.rows * tile.columns) as f64
    }
}

/// A small product with bias and what follows, as a tower computes it. A kernel knows no sizes, so what is right here is
/// right there; the sizes are odd, so that every edge is met.
pub struct LayerTrial {
    product: ProductTrial,
    bias: (Vec<f32>, Buffer),
    residual: (Vec<f32>, Matrix),
}

impl LayerTrial {
    const ROWS: usize = 70;
    const SHAPE: [usize; 2] = [139, 100];

    pub fn new(gpu: &Context, format: Format) -> Self {
        let product = ProductTrial::new(gpu, Product { shape: Self::SHAPE, format }, Self::ROWS);
        let [outputs, _] = Self::SHAPE;
        let (bias, residual) = (noise(&mut 4, outputs), noise(&mut 5, Self::ROWS * outputs));
        let (on_device, added) = (gpu.floats("bias", &bias), gpu.upload(&residual, outputs));
        Self { product, bias: (bias, on_device), residual: (residual, added) }
    }

    /// Whether `tile` gives what it must.
    pub async fn is_right(&self, gpu: &Context, tile: Tile, follows: Follows) -> Result<bool> {
        let epilogue = match follows {
            Follows::Nothing => Epilogue::Nothing,
            Follows::QuickGelu => Epilogue::QuickGelu,
            Follows::Residual => Epilogue::Add(&self.residual.1),
        };
        gpu.wipe();
        let y = linear(gpu, tile, &self.product.x, &self.product.weight, Some(&self.bias.1), epilogue);
        let expected = self.product.expected.iter().map(|&(at, sum, allowed)| {
            let value = sum + f64::from(self.bias.0[at % self.bias.0.len()]);
            let value = match follows {
                Follows::Nothing => value,
                Follows::QuickGelu => value / (1.0 + (-1.702 * value).exp()),
                Follows::Residual => value + f64::from(self.residual.0[at]),
            };
            (at, value, 2.0 * allowed + 1e-5) // the activation is nowhere steeper than 1.1; exp has an error of its own
        });
        Ok(agree(&gpu.read(&y).await?, &expected.collect::<Vec<_>>()))
    }
}

/// Attention over random numbers.
pub struct AttentionTrial {
    qkv: Matrix,
    few: Matrix,
    heads: Sequences,
    expected: Vec<Expected>,
}

impl AttentionTrial {
    pub fn new(gpu: &Context, heads: Sequences, width: usize) -> Self {
        let qkv = noise(&mut 2, heads.tokens * 3 * width);
        let head = width / heads.heads;
        let value = |row: usize, part: usize, at: usize| f64::from(qkv[(row * 3 + part) * width + at]);
        let expected = sampled(heads.tokens, width).map(|(row, at)| {
            let start = at / head * head;
            let keys = if heads.causal { row + 1 } else { heads.tokens };
            let score = |key: usize| (start..start + head).map(|d| value(row, 0, d) * value(key, 1, d)).sum::<f64>();
            let shares: Vec<f64> = (0..keys).map(|key| (score(key) / (head as f64).sqrt()).exp()).collect();
            let sum: f64 = shares.iter().enumerate().map(|(key, share)| share * value(key, 2, at)).sum();
            (row * width + at, sum / shares.iter().sum::<f64>(), 1e-4)
        });
        let expected = expected.collect();
        let few = gpu.upload(&qkv[..heads.tokens.min(PROBE) * 3 * width], 3 * width);
        Self { qkv: gpu.upload(&qkv, 3 * width), few, heads, expected }
    }
}

impl Trial<Walk> for AttentionTrial {
    async fn probe(&self, gpu: &Context, walk: Walk) -> Result<f64> {
        drop(attention(gpu, walk, &self.few, Sequences { tokens: self.few.rows(), ..self.heads }));
        gpu.wait().await?;
        // Queries and keys are both fewer; a workgroup takes many queries at once, so only its keys count for sure.
        Ok(self.heads.tokens as f64 / self.few.rows() as f64)
    }

    fn is_compiled(&self, gpu: &Context, walk: Walk) -> bool {
        let vectors = self.qkv.width() / 12 / self.heads.heads;
        gpu.is_compiled(&attention::kernel(walk, self.heads, vectors))
    }

    async fn is_right(&self, gpu: &Context, walk: Walk) -> Result<bool> {
        gpu.wipe();
        Ok(agree(&gpu.read(&attention(gpu, walk, &self.qkv, self.heads)).await?, &self.expected))
    }

    fn run(&self, gpu: &Context, walk: Walk) {
        drop(attention(gpu, walk, &self.qkv, self.heads));
    }

    fn length(&self, walk: Walk) -> f64 {
        let vectors = self.qkv.width() / 12 / self.heads.heads;
        (2 * 4 * vectors * walk.queries) as f64
    }
}

/// Zeros, which a kernel that never ran leaves in a wiped buffer, agree with none of the trials.
fn agree(got: &[f32], expected: &[Expected]) -> bool {
    expected.iter().all(|&(at, value, allowed)| (f64::from(got[at]) - value).abs() <= allowed)
}

/// Some places of `[rows, columns]`: the corners, and so many that every invocation of a tile is among them.
fn sampled(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut state = 3;
    let mut draw = move |most: usize| (random(&mut state) % most as u64) as usize;
    let corners = [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)];
    corners.into_iter().chain((0..512).map(move |_| (draw(rows), draw(columns))))
}

/// Numbers in −1…1.
pub fn noise(state: &mut u64, count: usize) -> Vec<f32> {
    (0..count).map(|_| (random(state) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}
