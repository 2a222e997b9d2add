//! A check in two steps for JavaScript: what needs no device, and what waits for it.

use js_sys::Function;
use wasm_bindgen::prelude::*;

use super::types::JsVerdict;
use super::{Detector, JsResult, Observer, answer, throw};

/// A picture that was decoded and looked at: a few hundred kilobytes, whatever its size was. To be freed unless it is
/// checked.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Prepared {
    prepared: crate::detector::Prepared,
}

#[wasm_bindgen]
impl Detector {
    /// Decodes a picture file and looks at it as the head in use asks for. It may be called while a check waits for
    /// the GPU.
    ///
    /// # Errors
    /// `picture-…`.
    pub fn prepare(&self, bytes: &[u8]) -> JsResult<Prepared> {
        Ok(Prepared { prepared: self.detector.prepare(bytes).map_err(throw)? })
    }

    /// Checks what [`Detector::prepare`] gave, and consumes it: the rest of [`Detector::check`], with the same result.
    ///
    /// # Errors
    /// As [`Detector::check`], without `picture-…`; `head-format` where the head was exchanged for one with other views.
    #[wasm_bindgen(js_name = checkPrepared)]
    pub async fn check_prepared(
        &self,
        prepared: Prepared,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
        #[wasm_bindgen(unchecked_param_type = "string | null")] caption: Option<String>,
    ) -> JsResult<JsVerdict> {
        let Prepared { prepared } = prepared;
        let verdict = self.detector.check_prepared(prepared, caption.as_deref(), &mut Observer(observe)).await;
        answer(verdict)
    }
}
