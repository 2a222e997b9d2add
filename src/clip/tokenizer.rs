//! What splits captions: `safelight-tokenizer`, which a terminal has in its program and a page loads with its first
//! caption, so the text tower knows it by what it does.

use std::fmt::Debug;

use super::config::TextConfig;
use crate::{Error, Result};

/// Captions to token ids.
pub trait Tokenizer: Debug {
    /// Tokens that it knows.
    fn vocabulary(&self) -> usize;

    /// The token ids of a caption, cleaned first: from the start token to the end token, `context` at most. `None`
    /// where nothing is left of it: that is no caption, not an empty one.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] where the caption cannot be split.
    fn encode(&self, caption: &str, context: usize) -> Result<Option<Vec<u32>>>;
}

/// Refuses a tokenizer of another vocabulary than the text tower's.
///
/// # Errors
/// [`Error::TokenizerMismatch`].
pub fn require_vocabulary(tower: &TextConfig, vocabulary: usize) -> Result<()> {
    let expected = tower.vocabulary;
    if vocabulary == expected { Ok(()) } else { Err(Error::TokenizerMismatch { expected, got: vocabulary }) }
}

#[cfg(feature = "native")]
impl Tokenizer for safelight_tokenizer::Tokenizer {
    fn vocabulary(&self) -> usize {
        Self::vocabulary(self)
    }

    fn encode(&self, caption: &str, context: usize) -> Result<Option<Vec<u32>>> {
        let clean = safelight_tokenizer::clean(caption);
        clean.map(|clean| Self::encode(self, &clean, context)).transpose().map_err(refused)
    }
}

/// Reads a `tokenizer.json`.
///
/// # Errors
/// [`Error::Tokenizer`] where it is no tokenizer, or not CLIP's.
#[cfg(feature = "native")]
pub fn read(json: &[u8]) -> Result<safelight_tokenizer::Tokenizer> {
    safelight_tokenizer::Tokenizer::read(json).map_err(refused)
}

#[cfg(feature = "native")]
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn refused(error: safelight_tokenizer::TokenizerError) -> Error {
    Error::Tokenizer { message: error.to_string() }
}
