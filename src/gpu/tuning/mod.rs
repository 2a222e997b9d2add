//! Which way of computing is fastest on this device, and right. A software adapter dislikes barriers, a real GPU
//! likes tiles, and drivers have bugs: so every way is tried on the shapes of the model at hand, its result is
//! checked, and the fastest of the right ones is kept, per adapter and per build of the kernels.
//!
//! A model of a few thousand weights is not worth the trying ([`is_worth_it`]): it takes the safest way.
//!
//! | file | holds |
//! |---|---|
//! | `trial` | products and attention of random numbers, and what must come out |
//! | `race` | several ways against the clock |
//! | `check` | whether the chosen ways are right in the form in which a tower runs them |

mod check;
pub(super) mod race;
pub(super) mod trial;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::check::Check;
use self::race::{LEAST_MS, Races, none_right};
pub use self::trial::Follows;
use self::trial::{AttentionTrial, ProductTrial};
use super::attention::{Sequences, WALKS, Walk};
use super::context::Context;
use super::linear::{TILES, Tile};
use super::matrix::Format;
use crate::Result;
use crate::hex::hex;

/// What trying may take in all, in milliseconds. What is not tried by then is not chosen.
const BUDGET_MS: f64 = 2000.0;

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
        include_str!("../wgsl/linear.wgsl"),
        include_str!("../wgsl/linear_tiled.wgsl"),
        include_str!("../wgsl/attention.wgsl"),
        include_str!("../wgsl/attention_tiled.wgsl"),
    ] {
        hash.update(file);
    }
    let tiles = TILES.iter().map(Tile::name).chain(WALKS.iter().map(Walk::name));
    tiles.for_each(|name| hash.update(name));
    hex(&hash.finalize()[..8])
}

/// What a tower computes.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// Its linear layers: the product of each, and what follows.
    pub layers: &'a [(Product, Follows)],
    /// How its attention runs.
    pub heads: Sequences,
    /// Width of what attention gives.
    pub width: usize,
}

/// Chooses for the shapes that have no choice yet. What was chosen before answers for itself again, once a session and
/// in the form in which the tower runs it; where it is wrong now, another is chosen.
///
/// # Errors
/// [`crate::Error::DeviceFailed`], also where no way gives the right result.
pub async fn tune(gpu: &Context, choices: &Choices, work: Work<'_>) -> Result<Choices> {
    let mut chosen = Choices { build: build(), adapter: gpu.adapter().to_owned(), ..choices.clone() };
    let mut races = Races::start(gpu);
    let mut check = Check::new(gpu, work);
    let heads = work.heads;
    let kept = chosen.attention.get(&name(heads)).and_then(|name| Walk::named(name));
    let is_known = check.is_right_walk(kept).await?;
    let mut open = Vec::new();
    for &(product, follows) in work.layers {
        let kept = chosen.products.get(&product.name()).and_then(|name| Tile::named(name));
        if !check.is_right_tile(kept, product.format, follows).await? {
            open.push((product, follows));
        }
    }
    if is_known && open.is_empty() {
        return Ok(chosen);
    }
    if !is_known {
        let times = races.race(0.3 * BUDGET_MS, &WALKS, &AttentionTrial::new(gpu, heads, work.width)).await?;
        chosen.attention.insert(name(heads), times[0].1.name());
    }
    races.change_kind();
    let mut tiles: Vec<_> = TILES.into_iter().filter(|tile| tile.fits(&gpu.limits())).collect();
    let mut rows = FEW_ROWS.min(heads.tokens);
    for (index, &(product, follows)) in open.iter().enumerate() {
        // The first shape takes most of what is left, because kernels compile for it; what is fast for it is tried first
        // for the others.
        let share = if index == 0 { 0.8 } else { 1.0 / (open.len() - index) as f64 };
        let until = races.ms() + (BUDGET_MS - races.ms()).max(0.0) * share;
        let mut timed = races.race(until, &tiles, &ProductTrial::new(gpu, product, rows)).await?;
        if rows < heads.tokens && timed[0].0 < LEAST_MS {
            rows = heads.tokens;
            timed = races.race(until, &tiles, &ProductTrial::new(gpu, product, rows)).await?;
        }
        tiles.sort_by_key(|tile| timed.iter().position(|(_, other)| other == tile).unwrap_or(usize::MAX));
        let mut right = None;
        for &(_, tile) in &timed {
            if check.is_right_tile(Some(tile), product.format, follows).await? {
                right = Some(tile);
                break;
            }
        }
        chosen.products.insert(product.name(), right.ok_or_else(none_right)?.name());
    }
    gpu.trim();
    Ok(chosen)
}

/// Whether the safest ways are right, for a tower that is not worth the trying.
///
/// # Errors
/// [`crate::Error::DeviceFailed`], also where they are not.
pub async fn check(gpu: &Context, work: Work<'_>) -> Result<()> {
    let mut check = Check::new(gpu, work);
    let mut right = check.is_right_walk(Some(WALKS[0])).await?;
    for &(product, follows) in work.layers {
        right = right && check.is_right_tile(Some(TILES[0]), product.format, follows).await?;
    }
    if right { Ok(()) } else { Err(none_right()) }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::gpu::tests::open;

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

    #[test]
    fn a_kept_choice_that_is_wrong_now_is_replaced() {
        let gpu = open();
        let product = Product { shape: [64, 64], format: Format::Int8 };
        let heads = Sequences { tokens: 9, heads: 2, causal: false };
        let work = Work { layers: &[(product, Follows::QuickGelu)], heads, width: 16 };
        let first = block_on(tune(&gpu, &Choices::default(), work)).unwrap();
        assert_eq!((first.products.len(), first.attention.len()), (1, 1));
        let (tile, walk) = (first.tile(product), first.walk(heads));
        assert_eq!(block_on(tune(&gpu, &first, work)).unwrap(), first);

        gpu.remember(Check::tile(tile, Format::Int8, Follows::QuickGelu), false);
        let second = block_on(tune(&gpu, &first, work)).unwrap();
        assert_ne!(second.tile(product), tile);
        assert_eq!(second.walk(heads), walk);
    }
}
