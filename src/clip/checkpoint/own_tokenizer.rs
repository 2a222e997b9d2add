//! The tokenizer that a checkpoint brings.

use crate::Result;
use crate::clip::config::TextConfig;
use crate::clip::pack::PackFile;
use crate::clip::tokenizer::Tokenizer;

/// Its name, in a checkpoint and in a pack.
pub const TOKENIZER: &str = "tokenizer.json";

/// What the pack says of a checkpoint's own `tokenizer.json`.
///
/// # Errors
/// [`crate::Error::Tokenizer`] where it is none, [`crate::Error::TokenizerMismatch`] where it is another model's.
pub fn own_tokenizer(json: &[u8], tower: &TextConfig) -> Result<PackFile> {
    Tokenizer::read(json)?.fits(tower)?;
    Ok(PackFile::of(TOKENIZER, json))
}
