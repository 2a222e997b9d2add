//! Choosing.

use super::check::Check;
use super::race::{LEAST_MS, Races, none_right};
use super::trial::{AttentionTrial, ProductTrial};
use super::tuned::Tuned;
use super::work::Work;
use crate::Result;
use crate::gpu::attention::WALKS;
use crate::gpu::linear::TILES;

/// What trying may take in all, in milliseconds. What is not tried by then is not chosen.
const BUDGET_MS: f64 = 2000.0;

/// Rows that a slow device is measured with; a fast one must be kept busy with as many as a picture has.
const FEW_ROWS: usize = 64;

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
    let heads = work.heads;
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
        let times = races.race(0.3 * BUDGET_MS, &WALKS, &AttentionTrial::new(gpu, heads, work.width)).await?;
        chosen.choose_walk(heads, times[0].1);
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
        chosen.choose_tile(product, right.ok_or_else(none_right)?);
    }
    gpu.trim();
    tuned.choose(chosen);
    Ok(())
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
        block_on(tune(&gpu, work)).unwrap();
        let second = gpu.choices();
        assert_ne!(second.tile(product), tile);
        assert_eq!(second.walk(heads), walk);
    }
}
