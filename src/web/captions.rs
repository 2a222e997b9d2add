//! Captions for JavaScript: the tokenizer, which is loaded when the first caption comes, and their features.

use js_sys::{Float32Array, Function};
use wasm_bindgen::prelude::*;

use super::{Detector, JsResult, Observer, throw};
use crate::clip::tokenizer::Tokenizer;

#[wasm_bindgen]
impl Detector {
    /// Takes a `tokenizer.json`, CLIP's or the model's own, without which no caption can be read.
    ///
    /// # Errors
    /// `tokenizer`, `tokenizer-mismatch`.
    #[wasm_bindgen(js_name = useTokenizer)]
    pub fn use_tokenizer(&mut self, json: &[u8]) -> JsResult<()> {
        self.detector.use_tokenizer(Tokenizer::read(json).map_err(throw)?).map_err(throw)
    }

    /// The text-level part of a feature, `[projection + 1]`: all zero where there is no caption, or an empty
    /// one.
    ///
    /// # Errors
    /// `caption-unreadable`, `tokenizer`, `cancelled`, `device-failed`, `not-finite`.
    #[wasm_bindgen(js_name = embedCaption)]
    pub async fn embed_caption(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string | null")] caption: Option<String>,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
    ) -> JsResult<Float32Array> {
        let extractor = self.detector.extractor();
        let read = extractor.read_captions(&[caption], &mut Observer(observe)).await.map_err(throw)?;
        Ok(Float32Array::from(read.features(extractor.shape()).as_slice()))
    }
}
