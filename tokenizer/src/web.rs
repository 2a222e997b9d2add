//! The tokenizer for JavaScript.

use js_sys::Error;
use wasm_bindgen::prelude::*;

use crate::{TokenizerError, clean};

/// Turns panics into console messages with a place.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

/// Captions to token ids.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Tokenizer {
    inner: crate::Tokenizer,
}

#[wasm_bindgen]
impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// `tokenizer`.
    #[wasm_bindgen(constructor)]
    pub fn new(json: &[u8]) -> Result<Tokenizer, JsValue> {
        Ok(Self { inner: crate::Tokenizer::read(json).map_err(throw)? })
    }

    /// Tokens that it knows.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.inner.vocabulary()
    }

    /// The token ids of a caption, cleaned first, `context` at most; none where nothing is left of it.
    ///
    /// # Errors
    /// `tokenizer`.
    pub fn encode(&self, caption: &str, context: usize) -> Result<Option<Vec<u32>>, JsValue> {
        clean(caption).map(|clean| self.inner.encode(&clean, context)).transpose().map_err(throw)
    }
}

/// A JavaScript `Error` with the stable code `tokenizer`.
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn throw(error: TokenizerError) -> JsValue {
    let thrown = Error::new(&format!("The tokenizer cannot be used: {error}."));
    // Setting a property on a fresh object cannot fail.
    let _ = js_sys::Reflect::set(&thrown, &"code".into(), &"tokenizer".into());
    thrown.into()
}
