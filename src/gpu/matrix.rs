//! Activations.

use super::pool::Scratch;

/// Memory of the device.
pub type Buffer = wgpu::Buffer;

/// Activations `[rows, width]`, row-major float32.
#[derive(Debug)]
pub struct Matrix {
    pub(super) buffer: Scratch,
    pub(super) rows: usize,
    pub(super) width: usize,
}

impl Matrix {
    /// Number of rows: tokens of all pictures.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Values in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }
}
