//! The tokenizer that a checkpoint brings.

use crate::Result;
use crate::clip::config::TextConfig;
use crate::clip::pack::PackFile;
use crate::clip::tokenizer::require_vocabulary;

/// Its name, in a checkpoint and in a pack.
pub const TOKENIZER: &str = "tokenizer.json";

/// What the pack says of a checkpoint's own `tokenizer.json`, which was read and knows `vocabulary` tokens.
///
/// # Errors
/// [`crate::Error::TokenizerMismatch`] where it is another model's.
pub fn own_tokenizer(json: &[u8], vocabulary: usize, tower: &TextConfig) -> Result<PackFile> {
    require_vocabulary(tower, vocabulary)?;
    Ok(PackFile::of(TOKENIZER, json))
}
