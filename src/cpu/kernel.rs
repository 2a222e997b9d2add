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

use super::attention::Attention;
use super::product::Product;

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
