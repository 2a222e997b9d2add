//! How fast a device passes a tower's blocks. What is submitted to a GPU at once is bounded by it: a system resets a GPU
//! that is busy with one submission for too long, Windows after two seconds.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one submission may take, in milliseconds, as far as is foreseen.
pub const SUBMISSION_MS: f64 = 250.0;

/// Blocks that take longer than this, in milliseconds, are waited for one by one, so that progress is
/// real and a stop is heard. Faster ones are queued together, because each wait costs a round trip.
pub const SLOW_BLOCK_MS: f64 = 60.0;

/// Milliseconds of a block for each row, a token of one sequence, as the last one showed that was waited for.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// A block over so many rows took so long.
    pub fn learn(&self, rows: usize, ms: f64) {
        let a_row = (ms / rows.max(1) as f64).max(f64::MIN_POSITIVE);
        self.0.store(a_row.to_bits(), Ordering::Relaxed);
    }

    /// Milliseconds that a block over so many rows will take; `None` before any was seen.
    pub fn block_ms(&self, rows: usize) -> Option<f64> {
        let a_row = f64::from_bits(self.0.load(Ordering::Relaxed)); // 0 is not learnt yet
        (a_row > 0.0).then_some(a_row * rows as f64)
    }

    /// Rows of which a block is one submission.
    pub fn most_rows(&self) -> usize {
        self.block_ms(1).map_or(usize::MAX, |a_row| (SUBMISSION_MS / a_row) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_submitted_at_once_follows_the_last_block() {
        let pace = Pace::default();
        assert_eq!((pace.block_ms(10), pace.most_rows()), (None, usize::MAX));
        pace.learn(100, 50.0);
        assert_eq!((pace.block_ms(10), pace.most_rows()), (Some(5.0), 500));
        pace.learn(100, 0.0); // faster than the clock can tell
        assert_eq!(pace.most_rows(), usize::MAX);
    }
}
