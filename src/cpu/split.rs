//! How the columns of a product are divided among threads.

use super::kernel::PANEL;

/// Chunks a thread: one that is held up then keeps the others waiting for a part of its share only.
const CHUNKS: usize = 4;

/// Chunks of equal size, but for the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Columns of a chunk, whole panels.
    pub columns: usize,
    /// How many chunks.
    pub chunks: usize,
}

impl Split {
    /// `columns`, a multiple of a panel's and greater than zero, among `threads`.
    #[must_use]
    pub fn new(columns: usize, threads: usize) -> Self {
        let panels = columns / PANEL;
        let each = panels.div_ceil(CHUNKS * threads.max(1)).max(1);
        Self { columns: each * PANEL, chunks: panels.div_ceil(each) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_cover_the_columns_and_none_is_empty() {
        for threads in 0..10 {
            for columns in (PANEL..4096).step_by(PANEL) {
                let split = Split::new(columns, threads);
                assert!(split.columns.is_multiple_of(PANEL));
                assert!(split.columns * split.chunks >= columns, "{columns} on {threads}: {split:?}");
                assert!(split.columns * (split.chunks - 1) < columns, "{columns} on {threads}: {split:?}");
                assert!(split.chunks <= CHUNKS * threads.max(1));
            }
        }
        assert_eq!(Split::new(768, 2), Split { columns: 96, chunks: 8 });
        assert_eq!(Split::new(8, 8), Split { columns: 8, chunks: 1 });
    }
}
