//! Natively, work that is divided among the processor's cores: each takes some columns of a weight, and of attention some
//! heads. A browser's threads are another matter (`web/threads`).

use std::num::NonZero;
use std::thread;

#[cfg(feature = "native")]
use rayon::prelude::*;

/// More threads than this wait for memory.
const MOST: usize = 8;

/// Columns that stay together: the width of a head in every CLIP model.
const UNIT: usize = 64;

/// Weights of fewer values are multiplied sooner than a thread is started.
const LEAST: usize = 1 << 16;

/// Threads that compute.
#[must_use]
pub fn threads() -> usize {
    if cfg!(target_arch = "wasm32") {
        return 1;
    }
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST)
}

/// How many columns of a weight `[columns, rows]` each of `threads` takes; their sum is `columns`, and none takes none.
#[must_use]
pub fn columns(columns: usize, rows: usize, threads: usize) -> Vec<usize> {
    let units = columns / UNIT;
    if threads < 2 || units < 2 || !columns.is_multiple_of(UNIT) || columns * rows < LEAST {
        return vec![columns];
    }
    let threads = threads.min(units);
    (0..threads).map(|index| ((index + 1) * units / threads - index * units / threads) * UNIT).collect()
}

/// `work` on each of `shares`, at the same time, in their order: on the threads that burn-flex computes on, which would
/// otherwise wait for others and be waited for.
#[cfg(feature = "native")]
pub fn each<S: Sync, R: Send>(shares: &[S], work: impl Fn(&S) -> R + Sync + Send) -> Vec<R> {
    shares.par_iter().map(work).collect()
}

/// `work` on each of `shares`, one after another: there are no threads.
#[cfg(not(feature = "native"))]
pub fn each<S: Sync, R: Send>(shares: &[S], work: impl Fn(&S) -> R + Sync + Send) -> Vec<R> {
    shares.iter().map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_the_columns_in_whole_heads() {
        assert_eq!(columns(768, 768, 1), [768]);
        assert_eq!(columns(768, 768, 2), [384, 384]);
        assert_eq!(columns(768, 768, 5), [128, 128, 192, 128, 192]);
        assert_eq!(columns(768, 768, 32), [64; 12]);
        assert_eq!(columns(128, 64, 2), [128], "too small");
        assert_eq!(columns(1000, 768, 2), [1000], "no whole heads");
    }

    #[test]
    fn every_share_is_computed_once_and_in_its_place() {
        assert_eq!(each(&[3, 1, 2], |&n| n * 10), [30, 10, 20]);
        assert_eq!(each(&[], |&n: &i32| n), [0; 0]);
    }
}
