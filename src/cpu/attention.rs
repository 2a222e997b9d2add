//! Attention on the CPU of a browser: scaled dot products, softmax and values, head by head; [`super::kernel`] computes it.

use super::kernel::{Attention, PANEL, installed};

/// Attention of `[q, k, v]`, each `[n, tokens, width]`, with the kernel that is installed; `None` without one, or where
/// the heads do not fit it.
#[must_use]
pub fn attend([q, k, v]: [&[f32]; 3], tokens: usize, width: usize, heads: usize, causal: bool) -> Option<Vec<f32>> {
    let head = width / heads;
    let kernel = installed().filter(|_| head * heads == width && head.is_multiple_of(PANEL) && !q.is_empty())?;
    let mut out = vec![0.0; q.len()];
    kernel.attend(Attention { q, k, v, out: &mut out, tokens, width, head, causal });
    Some(out)
}
