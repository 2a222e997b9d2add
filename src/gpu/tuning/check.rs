//! Whether chosen kernels are right, in the form in which a tower runs them: with bias and with what follows a product,
//! in the weights' number type, over the heads that it has. Asked once a session for each; kept choices are asked too,
//! because a browser does not tell when it, or a driver, has changed.

use super::race::Trial;
use super::trial::{AttentionTrial, LayerTrial};
use super::tuned::Tuned;
use super::work::{Follows, Work};
use crate::Result;
use crate::gpu::attention::{Sequences, Walk};
use crate::gpu::linear::Tile;
use crate::gpu::weight::Format;

/// Tokens of the trial: more than a workgroup of any walk takes, and no multiple of one.
const TOKENS: usize = 70;

/// Asks kernels, and knows what it has asked.
pub struct Check<'a> {
    tuned: &'a Tuned,
    heads: Sequences,
    width: usize,
    layer: Option<(Format, LayerTrial)>,
}

impl<'a> Check<'a> {
    pub fn new(tuned: &'a Tuned, work: Work<'_>) -> Self {
        Self { tuned, heads: work.heads, width: work.width, layer: None }
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
        if let Some(known) = self.tuned.answer(&asked) {
            return Ok(known);
        }
        if self.layer.as_ref().is_none_or(|(of, _)| *of != format) {
            self.layer = Some((format, LayerTrial::new(&self.tuned.context, format)));
        }
        let asking = match &self.layer {
            Some((_, trial)) => trial.is_right(&self.tuned.context, tile, follows).await,
            None => Ok(false),
        };
        self.learn(asked, asking)
    }

    /// The first of `timed` that [`Check::is_right_tile`] finds right.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn first_right_tile(
        &mut self,
        timed: &[(f64, Tile)],
        format: Format,
        follows: Follows,
    ) -> Result<Option<Tile>> {
        for &(_, tile) in timed {
            if self.is_right_tile(Some(tile), format, follows).await? {
                return Ok(Some(tile));
            }
        }
        Ok(None)
    }

    /// The first of `timed` that [`Check::is_right_walk`] finds right.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn first_right_walk(&self, timed: &[(f64, Walk)]) -> Result<Option<Walk>> {
        for &(_, walk) in timed {
            if self.is_right_walk(Some(walk)).await? {
                return Ok(Some(walk));
            }
        }
        Ok(None)
    }

    /// Whether `walk` gives the right attention; no walk is not right.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn is_right_walk(&self, walk: Option<Walk>) -> Result<bool> {
        let Some(walk) = walk else { return Ok(false) };
        let asked = format!("{} {} wide, {}", walk.name(), self.width, self.heads.name());
        if let Some(known) = self.tuned.answer(&asked) {
            return Ok(known);
        }
        let heads = Sequences { tokens: self.heads.tokens.min(TOKENS), ..self.heads };
        let asking =
            AttentionTrial::new(&self.tuned.context, heads, self.width).is_right(&self.tuned.context, walk).await;
        self.learn(asked, asking)
    }

    /// Remembers an answer. A kernel that the device complains about is not right.
    fn learn(&self, asked: String, answer: Result<bool>) -> Result<bool> {
        let right = match answer {
            Err(error) if !self.tuned.context.forgive() => return Err(error),
            answer => answer.unwrap_or(false),
        };
        self.tuned.remember(asked, right);
        Ok(right)
    }
}
