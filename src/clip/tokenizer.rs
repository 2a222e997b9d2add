//! CLIP's byte-pair encoding of captions (Sennrich et al. 2016; openai/CLIP `clip/simple_tokenizer.py`),
//! from a `tokenizer.json` as Hugging Face writes it.

use tokenizers::PaddingParams;

use super::config::TextConfig;
use crate::{Error, Result};

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

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
    /// [`Error::Tokenizer`] where it is no tokenizer, or not CLIP's.
    pub fn read(json: &[u8]) -> Result<Self> {
        let refuse = |message: String| Error::Tokenizer { message };
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(|error| refuse(error.to_string()))?;
        // Both are the caller's: a caption is cut by `encode`, and never filled up.
        inner.with_padding(None::<PaddingParams>);
        inner.with_truncation(None).map_err(|error| refuse(error.to_string()))?;
        let id = |token: &str| inner.token_to_id(token).ok_or_else(|| refuse(format!("it has no token {token}")));
        let (start, end) = (id(START)?, id(END)?);
        Ok(Self { inner, start, end })
    }

    /// Refuses a text tower that has another vocabulary.
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`].
    pub fn fits(&self, tower: &TextConfig) -> Result<()> {
        let (expected, got) = (tower.vocabulary, self.inner.get_vocab_size(true));
        if got == expected { Ok(()) } else { Err(Error::TokenizerMismatch { expected, got }) }
    }

    /// The token ids of `text`, from the start token to the end token: at most `context`, the end token always
    /// among them. The same ids as `CLIPTokenizer` of transformers 5 gives: NFC, white space, lower case.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] where the text cannot be split.
    pub fn encode(&self, text: &str, context: usize) -> Result<Vec<u32>> {
        let encoding = self.inner.encode(text, false);
        let encoding = encoding.map_err(|error| Error::Tokenizer { message: error.to_string() })?;
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
        assert_eq!(Tokenizer::read(b"{}").unwrap_err().code(), "tokenizer");
    }
}
