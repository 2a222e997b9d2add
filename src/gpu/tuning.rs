//! Which way of computing is fastest on this device, and right. A software adapter dislikes barriers, a real GPU
//! likes tiles, and drivers have bugs: so every way is tried on the shapes of the model at hand, its result is
//! checked, and the fastest of the right ones is kept, per adapter and per build of the kernels.
//!
//! A model of a few thousand weights is not worth the trying ([`is_worth_it`]): it takes the safest way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::attention::{Sequences, WALKS, Walk, attention};
use super::context::Context;
use super::linear::{Epilogue, TILES, Tile, linear};
use super::matrix::{Format, Matrix, Weight};
use crate::clock::Clock;
use crate::hex::hex;
use crate::random::random;
use crate::{Error, Result};

/// What trying may take in all, in milliseconds. What is not tried by then is not chosen.
const BUDGET_MS: f64 = 2000.0;

/// A measurement shorter than this, in milliseconds, says more about the clock and the queue than about the kernel.
const LEAST_MS: f64 = 4.0;

/// Rows that a slow device is measured with; a fast one must be kept busy with as many as a picture has.
const FEW_ROWS: usize = 64;

/// A product whose way is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Product {
    /// Outputs and inputs of the weight.
    pub shape: [usize; 2],
    /// How the weight is stored.
    pub format: Format,
}

/// What was chosen, by product and by attention. Written as JSON where choices are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// [`build`] of the kernels that were measured.
    build: String,
    /// [`Context::adapter`] that they were measured on.
    adapter: String,
    /// Names of tiles.
    products: BTreeMap<String, String>,
    /// Names of walks.
    attention: BTreeMap<String, String>,
}

impl Choices {
    /// Kept choices; none where they are of other kernels or another adapter, or cannot be read.
    #[must_use]
    pub fn parse(json: &str, adapter: &str) -> Self {
        let kept: Option<Self> = serde_json::from_str(json).ok();
        kept.filter(|kept| kept.build == build() && kept.adapter == adapter).unwrap_or_default()
    }

    /// The text that [`Choices::parse`] takes; `None` where nothing was chosen.
    #[must_use]
    pub fn to_json(&self) -> Option<String> {
        if self.products.is_empty() { None } else { serde_json::to_string(self).ok() }
    }

    /// The chosen tile; that of another product where none was chosen (they are right too), else the safest.
    #[must_use]
    pub fn tile(&self, product: Product) -> Tile {
        let chosen = self.products.get(&product.name()).or_else(|| self.products.values().next());
        chosen.and_then(|name| Tile::named(name)).unwrap_or(TILES[0])
    }

    /// The chosen walk; the safest where none was chosen.
    #[must_use]
    pub fn walk(&self, heads: Sequences) -> Walk {
        self.attention.get(&name(heads)).and_then(|name| Walk::named(name)).unwrap_or(WALKS[0])
    }
}

impl Product {
    fn name(self) -> String {
        let [outputs, inputs] = self.shape;
        format!("{inputs}→{outputs} {}", self.format.name())
    }
}

fn name(heads: Sequences) -> String {
    format!("{} heads, causal {}", heads.heads, heads.causal)
}

/// Whether a block of these sizes takes so long that trying pays.
#[must_use]
pub fn is_worth_it(tokens: usize, width: usize, mlp: usize) -> bool {
    tokens * width * mlp >= 1 << 24
}

/// Names these kernels, so that another build's choices are not taken for this one's.
#[must_use]
pub fn build() -> String {
    let mut hash = Sha256::new();
    for file in [
        include_str!("wgsl/linear.wgsl"),
        include_str!("wgsl/linear_tiled.wgsl"),
        include_str!("wgsl/attention.wgsl"),
        include_str!("wgsl/attention_tiled.wgsl"),
    ] {
        hash.update(file);
    }
    let tiles = TILES.iter().map(Tile::name).chain(WALKS.iter().map(Walk::name));
    tiles.for_each(|name| hash.update(name));
    hex(&hash.finalize()[..8])
}

/// Chooses for the shapes that have no choice yet. `width` is that of the activations that attention gives.
///
/// # Errors
/// [`Error::DeviceFailed`], also where no way gives the right result.
pub async fn tune(
    gpu: &Context,
    choices: &Choices,
    products: &[Product],
    heads: Sequences,
    width: usize,
) -> Result<Choices> {
    let mut chosen = Choices { build: build(), adapter: gpu.adapter().to_owned(), ..choices.clone() };
    let clock = Clock::start();
    let is_known = chosen.attention.contains_key(&name(heads));
    if !is_known {
        let trial = AttentionTrial::new(gpu, heads, width);
        let race = Race { gpu, clock, until: 0.2 * BUDGET_MS, expected: &trial.expected };
        let times = race.run(&WALKS, |_| 1, |walk| trial.run(gpu, walk)).await?;
        chosen.attention.insert(name(heads), times[0].1.name());
    }
    let mut tiles: Vec<_> = TILES.into_iter().filter(|tile| tile.fits(&gpu.limits())).collect();
    let mut rows = FEW_ROWS.min(heads.tokens);
    let open: Vec<_> = products.iter().filter(|product| !chosen.products.contains_key(&product.name())).collect();
    for (index, &&product) in open.iter().enumerate() {
        // The first shape takes half of what is left: what is fast for it is tried first for the others.
        let share = if index == 0 { 2.0 } else { (open.len() - index) as f64 };
        let until = clock.ms() + (BUDGET_MS - clock.ms()).max(0.0) / share;
        let mut timed = try_product(gpu, clock, until, product, rows, &tiles).await?;
        if rows < heads.tokens && timed[0].0 < LEAST_MS {
            rows = heads.tokens;
            timed = try_product(gpu, clock, until, product, rows, &tiles).await?;
        }
        tiles.sort_by_key(|tile| timed.iter().position(|(_, other)| other == tile).unwrap_or(usize::MAX));
        chosen.products.insert(product.name(), timed[0].1.name());
    }
    gpu.trim();
    Ok(chosen)
}

async fn try_product(
    gpu: &Context,
    clock: Clock,
    until: f64,
    product: Product,
    rows: usize,
    tiles: &[Tile],
) -> Result<Vec<(f64, Tile)>> {
    let trial = ProductTrial::new(gpu, product, rows);
    let race = Race { gpu, clock, until, expected: &trial.expected };
    race.run(tiles, |tile| tile.rows * tile.columns, |tile| trial.run(gpu, tile)).await
}

/// Ways to compute one thing, against the clock.
struct Race<'a> {
    gpu: &'a Context,
    clock: Clock,
    /// On the clock, in milliseconds.
    until: f64,
    /// Some of the results: index, value, allowed difference.
    expected: &'a [(usize, f64, f64)],
}

impl Race<'_> {
    /// Tries `ways` until time is up and gives those that are right with their milliseconds, the fastest first. A
    /// kernel takes the longer to compile the more of it there is (`length`), on a software adapter seconds: one
    /// that would not be ready in time is not begun.
    async fn run<W: Copy>(
        &self,
        ways: &[W],
        length: impl Fn(W) -> usize,
        run: impl Fn(W) -> Matrix,
    ) -> Result<Vec<(f64, W)>> {
        let mut times: Vec<(f64, W)> = Vec::new();
        let mut slowness = 0.0_f64; // milliseconds of compiling for each unit of length
        for &way in ways {
            let ready = self.clock.ms() + slowness * length(way) as f64;
            if !times.is_empty() && ready > self.until {
                continue;
            }
            // The first run compiles the kernel, and its result is looked at.
            let first = Clock::start();
            let got = self.gpu.read(&run(way)).await?;
            let first = first.ms();
            let right = |&(at, value, allowed): &(usize, f64, f64)| (f64::from(got[at]) - value).abs() <= allowed;
            let ms = time(self.gpu, || drop(run(way))).await?;
            slowness = slowness.max((first - ms) / length(way) as f64);
            if self.expected.iter().all(right) {
                times.push((ms, way));
            }
        }
        if times.is_empty() {
            let message = "every kernel gives a wrong result on it".to_owned();
            return Err(Error::DeviceFailed { device: "GPU", message });
        }
        times.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(times)
    }
}

/// Milliseconds of one run, from as many as it takes to be sure.
async fn time(gpu: &Context, run: impl Fn()) -> Result<f64> {
    let mut runs = 1;
    loop {
        let clock = Clock::start();
        (0..runs).for_each(|_| run());
        gpu.wait().await?;
        let ms = clock.ms();
        if ms >= LEAST_MS || runs >= 64 {
            return Ok(ms / f64::from(runs));
        }
        runs *= 8;
    }
}

/// A product of random numbers, and what some of its results must be: index, value, allowed difference.
struct ProductTrial {
    x: Matrix,
    weight: Weight,
    expected: Vec<(usize, f64, f64)>,
}

impl ProductTrial {
    fn new(gpu: &Context, product: Product, rows: usize) -> Self {
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
        Self { x: gpu.upload(&x, inputs), weight, expected }
    }

    fn run(&self, gpu: &Context, tile: Tile) -> Matrix {
        linear(gpu, tile, &self.x, &self.weight, None, Epilogue::Nothing)
    }
}

/// Attention over random numbers, and what some of its results must be.
struct AttentionTrial {
    qkv: Matrix,
    heads: Sequences,
    expected: Vec<(usize, f64, f64)>,
}

impl AttentionTrial {
    fn new(gpu: &Context, heads: Sequences, width: usize) -> Self {
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
        Self { qkv: gpu.upload(&qkv, 3 * width), heads, expected }
    }

    fn run(&self, gpu: &Context, walk: Walk) -> Matrix {
        attention(gpu, walk, &self.qkv, self.heads)
    }
}

/// Some places of `[rows, columns]`: the corners, and so many that every invocation of a tile is among them.
fn sampled(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut state = 3;
    let mut draw = move |most: usize| (random(&mut state) % most as u64) as usize;
    let corners = [(0, 0), (0, columns - 1), (rows - 1, 0), (rows - 1, columns - 1)];
    corners.into_iter().chain((0..512).map(move |_| (draw(rows), draw(columns))))
}

/// Numbers in −1…1.
fn noise(state: &mut u64, count: usize) -> Vec<f32> {
    (0..count).map(|_| (random(state) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_of_another_build_or_adapter_are_not_taken() {
        let product = Product { shape: [8, 4], format: Format::Int8 };
        let kept = |build: String| {
            let products = [(product.name(), TILES[2].name())].into();
            Choices { build, adapter: "a".to_owned(), products, attention: BTreeMap::new() }.to_json().unwrap()
        };
        assert_eq!(Choices::parse(&kept(build()), "a").tile(product), TILES[2]);
        assert_eq!(Choices::parse(&kept(build()), "b").tile(product), TILES[0]);
        assert_eq!(Choices::parse(&kept("another".to_owned()), "a").tile(product), TILES[0]);
        assert_eq!(Choices::parse("no JSON", "a").tile(product), TILES[0]);
        assert_eq!(Choices::default().to_json(), None);
    }
}
