//! Captions for JavaScript: the tokenizer is a module of its own, which is loaded when the first caption comes.

use js_sys::{Float32Array, Function, Uint32Array};
use wasm_bindgen::prelude::*;

use super::{Detector, JsResult, Observer, throw};
use crate::clip::tokenizer::Tokenizer;
use crate::{Error, Result};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What splits captions: `Tokenizer` of `safelight-tokenizer.js`. */
export interface CaptionTokenizer {
  readonly vocabulary: number;
  /** At most `context` token ids; `undefined` where nothing is left of the caption. */
  encode(caption: string, context: number): Uint32Array | undefined;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// The other module's object.
    #[wasm_bindgen(typescript_type = "CaptionTokenizer")]
    #[derive(Debug)]
    pub type CaptionTokenizer;

    #[wasm_bindgen(method, structural, getter)]
    fn vocabulary(this: &CaptionTokenizer) -> usize;

    #[wasm_bindgen(method, structural, catch)]
    fn encode(
        this: &CaptionTokenizer,
        caption: &str,
        context: usize,
    ) -> std::result::Result<Option<Uint32Array>, JsValue>;
}

impl Tokenizer for CaptionTokenizer {
    fn vocabulary(&self) -> usize {
        self.vocabulary()
    }

    fn encode(&self, caption: &str, context: usize) -> Result<Option<Vec<u32>>> {
        let refuse =
            |thrown: JsValue| Error::Tokenizer { message: String::from(js_sys::Error::from(thrown).message()) };
        Ok(self.encode(caption, context).map_err(refuse)?.map(|ids| ids.to_vec()))
    }
}

#[wasm_bindgen]
impl Detector {
    /// Takes what splits captions, CLIP's tokenizer or the model's own, without which no caption can be read.
    ///
    /// # Errors
    /// `tokenizer-mismatch`.
    #[wasm_bindgen(js_name = useTokenizer)]
    pub fn use_tokenizer(&mut self, tokenizer: CaptionTokenizer) -> JsResult<()> {
        self.detector.use_tokenizer(tokenizer).map_err(throw)
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
