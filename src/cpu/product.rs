//! The matrix product of the CPU path in a browser; [`super::kernel`] computes it. Without one, and natively, there are no
//! [`Panels`], and burn-flex multiplies.

use std::rc::Rc;

use super::kernel::{Held, PANEL, Product, installed};

/// `k` is a multiple of this: the module takes so many steps between two jumps.
const STEPS: usize = 4;
/// Longest block along `k`: four rows of `a` and one panel of `b` then fit 32 kB of first-level cache.
const BLOCK: usize = 512;

/// A weight in the order in which the kernel reads it: `[n / 8][k][8]`.
#[derive(Debug, Clone)]
pub struct Panels {
    k: usize,
    n: usize,
    held: Rc<dyn Held>,
}

impl Panels {
    /// From `[n, k]`, as the files have it; `None` without a kernel, or where the shape does not fit it.
    #[must_use]
    pub fn pack(values: &[f32], n: usize, k: usize) -> Option<Self> {
        let fits = n > 0 && k > 0 && n.is_multiple_of(PANEL) && k.is_multiple_of(STEPS);
        let kernel = installed().filter(|_| fits)?;
        let mut panels = vec![0.0; n * k];
        for (panel, columns) in panels.chunks_exact_mut(PANEL * k).zip(values.chunks_exact(PANEL * k)) {
            for (at, column) in columns.chunks_exact(k).enumerate() {
                for (eight, &value) in panel.chunks_exact_mut(PANEL).zip(column) {
                    eight[at] = value;
                }
            }
        }
        Some(Self { k, n, held: kernel.hold(panels)? })
    }

    /// `n`, the length of a row of the result.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.n
    }

    /// `x [m, k] · weight [k, n] + bias [n]` → `[m, n]`, through QuickGELU or not.
    #[must_use]
    pub fn multiply(&self, x: &[f32], bias: &[f32], quick_gelu: bool) -> Vec<f32> {
        let Self { k, n, held } = self;
        let m = x.len() / k;
        let mut out = vec![0.0; m * n];
        let block = k.div_ceil(k.div_ceil(BLOCK)).next_multiple_of(STEPS);
        if m > 0 {
            held.multiply(Product { a: x, c: &mut out, bias, shape: [m, *n, *k], block, quick_gelu });
        }
        out
    }
}
