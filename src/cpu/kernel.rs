//! Who computes the CPU path in a browser, where a tower spends its time in products and attention.
//!
//! They are a small WebAssembly module of its own (`build.rs` writes it), for two reasons. Its fused multiply-add
//! (relaxed SIMD) must not stand in the program itself, which a browser without it would refuse as a whole; and several
//! threads can run it, which they cannot run Rust in a browser without an unstable compiler. A [`Kernel`] is such a
//! module in one memory: this program's own, or one that threads share and that then holds the weights. [`install`] says
//! which is used from now on. Without any, and natively, burn-flex computes.

use std::cell::RefCell;
use std::fmt::Debug;
use std::rc::Rc;

/// Columns of a panel.
pub const PANEL: usize = 8;

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
    /// The result passes through QuickGELU, x·σ(1.702 x).
    pub quick_gelu: bool,
}

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

/// Computes in the memory that it knows.
pub trait Kernel: Debug {
    /// Takes a weight, in panels; `None` where there is no place for it.
    fn hold(&self, panels: Vec<f32>) -> Option<Rc<dyn Held>>;

    /// Computes attention.
    fn attend(&self, attention: Attention<'_>);
}

/// A weight where its kernel reads it, in panels: `[n / 8][k][8]`.
pub trait Held: Debug {
    /// Multiplies by it.
    fn multiply(&self, product: Product<'_>);
}

thread_local! {
    static KERNEL: RefCell<Option<Rc<dyn Kernel>>> = const { RefCell::new(None) };
}

/// Uses `kernel` for all that is packed and computed from now on.
pub fn install(kernel: Rc<dyn Kernel>) {
    KERNEL.with(|cell| cell.replace(Some(kernel)));
}

/// The kernel in use.
#[must_use]
pub fn installed() -> Option<Rc<dyn Kernel>> {
    KERNEL.with(|cell| cell.borrow().clone())
}
