//! Attention on the CPU of a browser: scaled dot products, softmax and values, head by head.

use super::kernel::installed;

/// A head is a multiple of this wide: it is a panel's columns.
const PANEL: usize = 8;

/// `softmax(q · kᵀ / √head) · v` for each picture and head; all four are `[n, tokens, width]`.
#[derive(Debug)]
pub struct Attention<'a> {
    /// Queries.
    pub q: &'a [f32],
    /// Keys.
    pub k: &'a [f32],
    /// Values.
    pub v: &'a [f32],
    /// The result.
    pub out: &'a mut [f32],
    /// Tokens of a picture.
    pub tokens: usize,
    /// Of a token, all heads together.
    pub width: usize,
    /// Of one head, a multiple of 8.
    pub head: usize,
    /// A token sees itself and those before it.
    pub causal: bool,
}

impl Attention<'_> {
    /// Pictures times heads: each is computed by itself.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.q.len() / (self.tokens * self.head)
    }

    /// Numbers that the module needs room for, for each pair (`src/cpu/attention.wat`).
    #[must_use]
    pub fn scratch(&self) -> usize {
        let places = self.tokens.next_multiple_of(PANEL);
        2 * self.head * places + 4 * places + PANEL
    }
}

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
