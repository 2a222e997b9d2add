//! The matrix product of the CPU path in a browser, where a tower spends nine tenths of its time.
//!
//! It is a small WebAssembly module of its own (`build.rs` writes it), for two reasons. Its fused multiply-add (relaxed
//! SIMD) must not stand in the program itself, which a browser without it would refuse as a whole; and several threads
//! can run it, which they cannot run Rust in a browser without an unstable compiler. A [`Kernel`] is such a module in
//! one memory: this program's own, or one that threads share and that then holds the weights. [`install`] says which
//! is used from now on. Without any, and natively, there are no [`Panels`], and burn-flex multiplies.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

/// Columns of a panel.
pub const PANEL: usize = 8;
/// `k` is a multiple of this: the module takes so many steps between two jumps.
const STEPS: usize = 4;
/// Longest block along `k`: four rows of `a` and one panel of `b` then fit 32 kB of first-level cache.
const BLOCK: usize = 512;

/// One product: `c [m, n] = a [m, k] · b [k, n] + bias [n]`, with `m`, `n`, `k` greater than zero. `b` is [`Held`].
#[derive(Debug)]
pub struct Product<'a> {
    /// `[m, k]`.
    pub a: &'a [f32],
    /// `[m, n]`.
    pub c: &'a mut [f32],
    /// `[n]`.
    pub bias: &'a [f32],
    /// Rows, columns, and steps of each sum.
    pub shape: [usize; 3],
    /// Steps that are taken together, a multiple of 4.
    pub block: usize,
}

/// Computes products, in the memory that it knows.
pub trait Kernel: Debug {
    /// Takes a weight, in panels; `None` where there is no place for it.
    fn hold(&self, panels: Vec<f32>) -> Option<Rc<dyn Held>>;
}

/// A weight where its kernel reads it, in panels: `[n / 8][k][8]`.
pub trait Held: Debug {
    /// Multiplies by it.
    fn multiply(&self, product: Product<'_>);
}

thread_local! {
    static KERNEL: RefCell<Option<Rc<dyn Kernel>>> = const { RefCell::new(None) };
}

/// Uses `kernel` for all panels that are packed from now on.
pub fn install(kernel: Rc<dyn Kernel>) {
    KERNEL.with(|cell| cell.replace(Some(kernel)));
}

/// The kernel in use.
#[must_use]
pub fn installed() -> Option<Rc<dyn Kernel>> {
    KERNEL.with(|cell| cell.borrow().clone())
}

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

    /// `x [m, k] · weight [k, n] + bias [n]` → `[m, n]`.
    #[must_use]
    pub fn multiply(&self, x: &[f32], bias: &[f32]) -> Vec<f32> {
        let Self { k, n, held } = self;
        let m = x.len() / k;
        let mut out = vec![0.0; m * n];
        let block = k.div_ceil(k.div_ceil(BLOCK)).next_multiple_of(STEPS);
        if m > 0 {
            held.multiply(Product { a: x, c: &mut out, bias, shape: [m, *n, *k], block });
        }
        out
    }
}
