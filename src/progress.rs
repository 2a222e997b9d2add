//! How long work tells its caller how far it is, and learns that it should stop.

use crate::{Error, Result};

/// Watches a forward pass, one step a transformer block.
pub trait Progress {
    /// `done` of `total` blocks are computed. `false` stops the work with [`Error::Cancelled`].
    fn step(&mut self, done: usize, total: usize) -> bool;

    /// Lets whoever else lives on this thread run; in a browser, where a message that asks to stop
    /// can only arrive while nothing computes.
    fn rest(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}

/// Nobody watches and nobody stops.
impl Progress for () {
    fn step(&mut self, _done: usize, _total: usize) -> bool {
        true
    }
}

/// [`Progress::step`], with a refusal turned into [`Error::Cancelled`].
pub(crate) fn step(progress: &mut impl Progress, done: usize, total: usize) -> Result<()> {
    if progress.step(done, total) { Ok(()) } else { Err(Error::Cancelled) }
}
