//! How fast the kernels are beside what the device can do, for the bench: a loop of multiply-adds, and a copy.

use super::attention::{Sequences, WALKS, Walk, attention};
use super::context::Context;
use super::linear::{TILES, Tile};
use super::matrix::Matrix;
use super::rows::layer_norm;
use super::source::Source;
use super::tuning::Choices;
use super::tuning::race::{Trial, time};
use super::tuning::trial::{ProductTrial, noise};
use super::weight::Product;
use crate::Result;

/// Invocations of a workgroup of the two kernels that measure the device.
const LANES: usize = 64;

/// Times that a kernel is measured; the shortest counts, because whatever else runs only adds to it.
const ROUNDS: usize = 3;

/// One kernel, measured.
#[derive(Debug, Clone)]
pub struct Rate {
    /// What it computes.
    pub kernel: String,
    /// The way that was measured: the chosen one, or each.
    pub way: String,
    /// Milliseconds of one run.
    pub ms: f64,
    /// What it does in that time.
    pub amount: Amount,
}

/// What a kernel is limited by.
#[derive(Debug, Clone, Copy)]
pub enum Amount {
    /// Multiplications and additions.
    Operations(f64),
    /// Bytes that are read and written.
    Bytes(f64),
}

/// The most multiply-adds, among several numbers of independent sums.
///
/// # Errors
/// [`crate::Error::DeviceFailed`].
pub async fn multiply_adds(gpu: &Context) -> Result<Rate> {
    const GROUPS: usize = 512;
    const LOOPS: usize = 512;
    let mut best: Option<Rate> = None;
    for vectors in [2, 4, 8, 12] {
        let pipeline = gpu.pipeline(&format!("multiply-add {vectors}"), || {
            let source = Source::default().size("N", vectors).size("LOOPS", LOOPS).size("LANES", LANES);
            source.repeat('n', vectors).expand(&[include_str!("wgsl/multiply_add.wgsl")])
        });
        let y = gpu.matrix(GROUPS, LANES);
        let bits = |value: f32| value.to_bits() as usize;
        let factors = gpu.uniform([bits(0.999), bits(0.5), 0, 0]);
        let data = [(0, &factors), (1, y.buffer.buffer())];
        let ms = shortest(gpu, || gpu.record(&pipeline, &data, [GROUPS, 1, 1])).await?;
        let operations = (2 * 2 * 4 * vectors * LOOPS * GROUPS * LANES) as f64;
        let rate = |ms| operations / ms;
        if best.as_ref().is_none_or(|best| rate(ms) > best.per_ms()) {
            let way = format!("{vectors} vectors");
            let kernel = "multiply-adds in registers".to_owned();
            best = Some(Rate { kernel, way, ms, amount: Amount::Operations(operations) });
        }
    }
    best.ok_or_else(super::tuning::race::none_right)
}

/// A copy of 32 MiB.
///
/// # Errors
/// [`crate::Error::DeviceFailed`].
pub async fn copy(gpu: &Context) -> Result<Rate> {
    const VALUES: usize = 8 << 20;
    let pipeline =
        gpu.pipeline("copy", || Source::default().size("LANES", LANES).expand(&[include_str!("wgsl/copy.wgsl")]));
    let (x, y) = (gpu.matrix(VALUES / 1024, 1024), gpu.matrix(VALUES / 1024, 1024));
    let data = [(0, x.buffer.buffer()), (1, y.buffer.buffer())];
    let ms = shortest(gpu, || gpu.record(&pipeline, &data, [VALUES / 4 / LANES, 1, 1])).await?;
    Ok(Rate { kernel: "copy".to_owned(), way: String::new(), ms, amount: Amount::Bytes((2 * 4 * VALUES) as f64) })
}

/// One product over `rows` rows: with the tile that was chosen, or with each that fits.
///
/// # Errors
/// [`crate::Error::DeviceFailed`].
pub async fn product(gpu: &Context, product: Product, rows: usize, chosen: Option<&Choices>) -> Result<Vec<Rate>> {
    let trial = ProductTrial::new(gpu, product, rows);
    let tiles: Vec<Tile> = match chosen {
        Some(choices) => vec![choices.tile(product)],
        None => TILES.into_iter().filter(|tile| tile.fits(&gpu.limits())).collect(),
    };
    let [outputs, inputs] = product.shape;
    let mut rates = Vec::new();
    for tile in tiles {
        let ms = shortest(gpu, || trial.run(gpu, tile)).await?;
        let kernel = format!("linear [{rows}, {inputs}] → {outputs}, {}", product.format.name());
        let amount = Amount::Operations((2 * rows * outputs * inputs) as f64);
        rates.push(Rate { kernel, way: tile.name(), ms, amount });
    }
    Ok(rates)
}

/// Attention over one sequence: with the walk that was chosen, or with each.
///
/// # Errors
/// [`crate::Error::DeviceFailed`].
pub async fn attend(gpu: &Context, heads: Sequences, width: usize, chosen: Option<&Choices>) -> Result<Vec<Rate>> {
    let qkv = gpu.upload(&noise(&mut 6, heads.tokens * 3 * width), 3 * width);
    let fits = |walk: &Walk| walk.fits(&gpu.limits(), width / heads.heads);
    let every = || WALKS.into_iter().filter(fits).collect();
    let walks: Vec<Walk> = chosen.map_or_else(every, |choices| vec![choices.walk(heads)]);
    let Sequences { tokens, causal, .. } = heads;
    // A causal query sees half of the keys.
    let pairs = if causal { tokens * (tokens + 1) / 2 } else { tokens * tokens };
    let mut rates = Vec::new();
    for walk in walks {
        let ms = shortest(gpu, || drop(attention(gpu, walk, &qkv, heads))).await?;
        let kernel =
            format!("attention, {tokens} tokens, {} heads{}", heads.heads, if causal { ", causal" } else { "" });
        rates.push(Rate { kernel, way: walk.name(), ms, amount: Amount::Operations((4 * pairs * width) as f64) });
    }
    Ok(rates)
}

/// Layer norm over `[rows, width]`.
///
/// # Errors
/// [`crate::Error::DeviceFailed`].
pub async fn norm(gpu: &Context, rows: usize, width: usize) -> Result<Rate> {
    let x: Matrix = gpu.upload(&noise(&mut 7, rows * width), width);
    let weights = gpu.floats("weights", &vec![1.0; width]);
    let ms = shortest(gpu, || drop(layer_norm(gpu, &x, &weights, &weights))).await?;
    let kernel = format!("layer norm [{rows}, {width}]");
    Ok(Rate { kernel, way: String::new(), ms, amount: Amount::Bytes((2 * 4 * rows * width) as f64) })
}

impl Rate {
    /// Operations or bytes a millisecond.
    #[must_use]
    pub fn per_ms(&self) -> f64 {
        let (Amount::Operations(amount) | Amount::Bytes(amount)) = self.amount;
        amount / self.ms
    }
}

/// Milliseconds of the shortest of a few measurements, after a run that compiles the kernel.
async fn shortest(gpu: &Context, run: impl Fn()) -> Result<f64> {
    run();
    gpu.wait().await?;
    let mut shortest = f64::INFINITY;
    for _ in 0..ROUNDS {
        shortest = shortest.min(time(gpu, &run).await?);
    }
    Ok(shortest)
}
