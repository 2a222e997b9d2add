//! Whether chosen kernels are right, in the form in which a tower runs them: with bias and with what follows a product,
//! in the weights' number type, over the heads that it has. Asked once a session for each; kept choices are asked too,
//! because a browser does not tell when it, or a driver, has changed.

use super::trial::{AttentionTrial, Follows, LayerTrial};
use super::{Work, name};
use crate::Result;
use crate::gpu::attention::{Sequences, Walk};
use crate::gpu::context::Context;
use crate::gpu::linear::Tile;
use crate::gpu::matrix::Format;
use crate::gpu::tuning::race::Trial;

/// Tokens of the trial: more than a workgroup of any walk takes, and no multiple of one.
const TOKENS: usize = 70;

/// Asks kernels, and knows what it has asked.
pub struct Check<'a> {
    gpu: &'a Context,
    heads: Sequences,
    width: usize,
    layer: Option<(Format, LayerTrial)>,
}

impl<'a> Check<'a> {
    pub fn new(gpu: &'a Context, work: Work<'_>) -> Self {
        Self { gpu, heads: work.heads, width: work.width, layer: None }
    }

    /// What is asked of a tile.
    pub fn tile(tile: Tile, format: Format, follows: Follows) -> String {
        format!("{} {} {follows:?}", tile.name(), format.name())
    }

    /// Whether `tile` gives the right product of weights of `format` with a bias and what follows; no tile is not right.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn is_right_tile(&mut self, tile: Option<Tile>, format: Format, follows: Follows) -> Result<bool> {
        let Some(tile) = tile else { return Ok(false) };
        let asked = Self::tile(tile, format, follows);
        if let Some(known) = self.gpu.answer(&asked) {
            return Ok(known);
        }
        if self.layer.as_ref().is_none_or(|(of, _)| *of != format) {
            self.layer = Some((format, LayerTrial::new(self.gpu, format)));
        }
        let right = match &self.layer {
            Some((_, trial)) => trial.is_right(self.gpu, tile, follows).await?,
            None => false,
        };
        self.gpu.remember(asked, right);
        Ok(right)
    }

    /// Whether `walk` gives the right attention; no walk is not right.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn is_right_walk(&self, walk: Option<Walk>) -> Result<bool> {
        let Some(walk) = walk else { return Ok(false) };
        let asked = format!("{} {} wide, {}", walk.name(), self.width, name(self.heads));
        if let Some(known) = self.gpu.answer(&asked) {
            return Ok(known);
        }
        let heads = Sequences { tokens: self.heads.tokens.min(TOKENS), ..self.heads };
        let right = AttentionTrial::new(self.gpu, heads, self.width).is_right(self.gpu, walk).await?;
        self.gpu.remember(asked, right);
        Ok(right)
    }
}
