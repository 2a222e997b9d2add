//! What is chosen for.

use crate::gpu::attention::Sequences;
use crate::gpu::weight::Product;

/// What follows a product in a tower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follows {
    /// Nothing.
    Nothing,
    /// CLIP's activation.
    QuickGelu,
    /// The residual stream is added.
    Residual,
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

/// Whether a block of these sizes takes so long that trying pays.
#[must_use]
pub fn is_worth_it(tokens: usize, width: usize, mlp: usize) -> bool {
    tokens * width * mlp >= 1 << 24
}
