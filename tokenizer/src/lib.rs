//! CLIP's byte-pair encoding of captions (Sennrich et al. 2016; openai/CLIP `clip/simple_tokenizer.py`),
//! from a `tokenizer.json` as Hugging Face writes it.
//!
//! A crate of its own, because most checks need none of it: the page loads it with the first caption.

#[cfg(target_arch = "wasm32")]
mod web;

use tokenizers::PaddingParams;

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// `tokenizer.json` cannot be used, or cannot split a text; in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenizerError(String);

/// Captions to token ids.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    start: u32,
    end: u32,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// [`TokenizerError`] where it is no tokenizer, or not CLIP's.
    pub fn read(json: &[u8]) -> Result<Self, TokenizerError> {
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(in_words)?;
        // Both are the caller's: a caption is cut by `encode`, and never filled up.
        inner.with_padding(None::<PaddingParams>);
        inner.with_truncation(None).map_err(in_words)?;
        let id = |token: &str| inner.token_to_id(token).ok_or_else(|| in_words(format!("it has no token {token}")));
        let (start, end) = (id(START)?, id(END)?);
        Ok(Self { inner, start, end })
    }

    /// Tokens that it knows.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The token ids of `text`, from the start token to the end token: at most `context`, the end token always
    /// among them. The same ids as `CLIPTokenizer` of transformers 5 gives: NFC, white space, lower case.
    ///
    /// # Errors
    /// [`TokenizerError`] where the text cannot be split.
    pub fn encode(&self, text: &str, context: usize) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.inner.encode(text, false).map_err(in_words)?;
        let inside = context.saturating_sub(2);
        let words = encoding.get_ids().iter().take(inside).copied();
        Ok([self.start].into_iter().chain(words).chain([self.end]).collect())
    }
}

/// A caption as CLIP's training text was cleaned before it was split: HTML entities replaced, twice, because
/// captions from the web are often escaped twice (openai/CLIP `basic_clean`, without ftfy's repairs, which
/// transformers leaves out too). `None` where nothing is left: that is no caption, not an empty one.
#[must_use]
pub fn clean(caption: &str) -> Option<String> {
    let once = htmlize::unescape(caption);
    let twice = htmlize::unescape(once.as_ref());
    let clean = twice.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn in_words(error: impl ToString) -> TokenizerError {
    TokenizerError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_replaced_twice_and_nothing_is_no_caption() {
        assert_eq!(clean(" a &amp;quot;cat&amp;quot; &amp; a dog ").as_deref(), Some("a \"cat\" & a dog"));
        assert_eq!(clean("caf&eacute; &#x1F600;").as_deref(), Some("café 😀"));
        assert_eq!(clean(" \n&nbsp;\t"), None);
    }

    #[test]
    fn what_is_no_tokenizer_is_refused() {
        assert!(Tokenizer::read(b"{}").is_err());
        assert!(Tokenizer::read(b"").is_err());
    }
}
