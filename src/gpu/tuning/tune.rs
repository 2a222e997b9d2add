//! Choosing.

use super::check::Check;
use super::choices::Choices;
use super::race::{LEAST_MS, Races, none_right};
use super::trial::{AttentionTrial, ProductTrial};
use super::tuned::Tuned;
use super::work::Work;
use crate::Result;
use crate::gpu::attention::{WALKS, Walk};
use crate::gpu::context::Context;
use crate::gpu::linear::{TILES, Tile};

/// What trying may take in all, in milliseconds, for both towers. What is not tried by then is not chosen.
const BUDGET_MS: f64 = 2000.0;

/// Rows that a software adapter is measured with first; a fast device must be kept busy with as many as a picture has.
const FEW_ROWS: usize = 64;

/// Ways that are measured again, over more rows.
const BEST: usize = 3;

/// Chooses for the shapes that have no choice yet. What was chosen before answers for itself again, once a session and
/// in the form in which the tower runs it; where it is wrong now, another is chosen.
///
/// # Errors
/// [`crate::Error::DeviceFailed`], also where no way gives the right result.
pub async fn tune(tuned: &Tuned, work: Work<'_>) -> Result<()> {
    let gpu = &tuned.context;
    let mut chosen = tuned.choices().on(gpu.adapter());
    let mut races = Races::start(gpu);
    let mut check = Check::new(tuned, work);
    let (heads, budget) = (work.heads, BUDGET_MS - tuned.spent());
    let is_known = check.is_right_walk(chosen.chosen_walk(heads)).await?;
    let mut open = Vec::new();
    for &(product, follows) in work.layers {
        if !check.is_right_tile(chosen.chosen_tile(product), product.format, follows).await? {
            open.push((product, follows));
        }
    }
    if is_known && open.is_empty() {
        return Ok(());
    }
    if !is_known {
        let (mut walks, trial) = (walks(gpu, work, &chosen), AttentionTrial::new(gpu, heads, work.width));
        let walk = loop {
            let timed = races.race(0.3 * budget, &walks, &trial).await?;
            if let Some(walk) = check.first_right_walk(&timed).await? {
                break walk;
            }
            leave_out(&mut walks, &timed);
        };
        chosen.choose_walk(heads, walk);
    }
    races.change_kind();
    let mut tiles = tiles(&gpu.limits(), gpu.is_software());
    let mut rows = if gpu.is_software() { FEW_ROWS.min(heads.tokens) } else { heads.tokens };
    for (index, &(product, follows)) in open.iter().enumerate() {
        // The first shape takes most of what is left, because kernels compile for it; what is fast for it is tried first
        // for the others. What the other tower took is tried first for this one's.
        if let (0, Some(tile)) = (index, chosen.known_tile(product)) {
            tiles.sort_by_key(|other| *other != tile);
        }
        let share = if index == 0 { 0.8 } else { 1.0 / (open.len() - index) as f64 };
        let until = races.ms() + (budget - races.ms()).max(0.0) * share;
        let tile = loop {
            let mut timed = races.race(until, &tiles, &ProductTrial::new(gpu, product, rows)).await?;
            rank(&mut tiles, &timed);
            if rows < heads.tokens && timed[0].0 < LEAST_MS {
                rows = heads.tokens;
                let best = &tiles[..timed.len().min(BEST)];
                timed = races.race(until, best, &ProductTrial::new(gpu, product, rows)).await?;
                rank(&mut tiles, &timed);
            }
            if let Some(tile) = check.first_right_tile(&timed, product.format, follows).await? {
                break tile;
            }
            leave_out(&mut tiles, &timed);
        };
        chosen.choose_tile(product, tile);
    }
    gpu.trim();
    tuned.spend(races.ms());
    tuned.choose(chosen);
    Ok(())
}

/// The fastest first; those that were not measured keep their order.
fn rank(tiles: &mut [Tile], timed: &[(f64, Tile)]) {
    tiles.sort_by_key(|tile| timed.iter().position(|(_, other)| other == tile).unwrap_or(usize::MAX));
}

/// Goes on without those that were the fastest and then not right in the tower's form, however little time is left.
fn leave_out<W: PartialEq>(ways: &mut Vec<W>, timed: &[(f64, W)]) {
    ways.retain(|way| timed.iter().all(|(_, other)| other != way));
}

/// What is tried on this device, the most promising first: on a real GPU what shares memory, which a software adapter dislikes.
fn tiles(limits: &wgpu::Limits, software: bool) -> Vec<Tile> {
    let mut tiles: Vec<_> = TILES.into_iter().filter(|tile| tile.fits(limits)).collect();
    tiles.sort_by_key(|tile| !software && tile.shared.is_none());
    tiles
}

/// What is tried on this device over these heads, what the other tower took first.
fn walks(gpu: &Context, work: Work<'_>, chosen: &Choices) -> Vec<Walk> {
    let fits = |walk: &Walk| walk.fits(&gpu.limits(), work.width / work.heads.heads);
    let mut walks: Vec<_> = WALKS.into_iter().filter(fits).collect();
    walks.sort_by_key(|walk| Some(*walk) != chosen.known_walk());
    walks
}

/// Whether the safest ways are right, for a tower that is not worth the trying.
///
/// # Errors
/// [`crate::Error::DeviceFailed`], also where they are not.
pub async fn check(tuned: &Tuned, work: Work<'_>) -> Result<()> {
    let mut check = Check::new(tuned, work);
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
    use crate::gpu::attention::Sequences;
    use crate::gpu::tests::open;
    use crate::gpu::tuning::work::Follows;
    use crate::gpu::weight::{Format, Product};

    #[test]
    fn a_kept_choice_that_is_wrong_now_is_replaced() {
        let gpu = Tuned::new(open());
        let product = Product { shape: [64, 64], format: Format::Int8 };
        let heads = Sequences { tokens: 9, heads: 2, causal: false };
        let work = Work { layers: &[(product, Follows::QuickGelu)], heads, width: 16 };
        block_on(tune(&gpu, work)).unwrap();
        let first = gpu.choices();
        let (tile, walk) = (first.chosen_tile(product).unwrap(), first.chosen_walk(heads).unwrap());
        block_on(tune(&gpu, work)).unwrap();
        assert_eq!(gpu.choices(), first);

        gpu.remember(Check::tile(tile, Format::Int8, Follows::QuickGelu), false);
        gpu.spend(BUDGET_MS); // also when there is no time left to measure more than one
        block_on(tune(&gpu, work)).unwrap();
        let second = gpu.choices();
        assert_ne!(second.tile(product), tile);
        assert_eq!(second.walk(heads), walk);
    }

    #[test]
    fn without_time_left_the_other_towers_choices_are_taken() {
        let gpu = Tuned::new(open());
        let [product, other] = [[64, 64], [128, 64]].map(|shape| Product { shape, format: Format::Int8 });
        let heads = |causal| Sequences { tokens: 9, heads: 2, causal };
        let (tile, walk) = (TILES[2], WALKS[1]);
        let mut chosen = Choices::default();
        chosen.choose_tile(product, tile);
        chosen.choose_walk(heads(false), walk);
        gpu.choose(chosen);
        gpu.spend(BUDGET_MS);
        let work = Work { layers: &[(other, Follows::Nothing)], heads: heads(true), width: 16 };
        block_on(tune(&gpu, work)).unwrap();
        assert_eq!(gpu.choices().chosen_tile(other), Some(tile));
        assert_eq!(gpu.choices().chosen_walk(heads(true)), Some(walk));
        assert!(gpu.spent() > BUDGET_MS);
    }

    #[test]
    fn a_software_adapter_begins_without_shared_memory_and_a_gpu_with_it() {
        let limits = wgpu::Limits::default();
        assert!(tiles(&limits, true)[0].shared.is_none() && tiles(&limits, false)[0].shared.is_some());
        assert_eq!(tiles(&limits, true).len(), tiles(&limits, false).len());
    }
}
