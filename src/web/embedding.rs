//! The image tower alone: CLIP's input in, its embeddings out, several pictures at once. It is what
//! `cargo xtask bench` compares with other runtimes, whose models begin and end at the same tensors.

use js_sys::{Float32Array, Function};
use wasm_bindgen::prelude::*;

use super::{Detector, JsResult, Observer, throw};

#[wasm_bindgen]
impl Detector {
    /// Embeds `pixels` `[n, 3, side, side]`, which are CLIP's input already: scaled, cropped and
    /// normalised, row-major. Gives `[n, projection]`, not normalised. `observe(done, total)` is
    /// called after every block of the tower; it returns false to stop.
    ///
    /// # Errors
    /// `tensor-shape` where the pixels are not whole pictures of the tower's size; `cancelled`,
    /// `device-failed`, `not-finite`.
    #[wasm_bindgen(js_name = embedTensor)]
    pub async fn embed_tensor(
        &self,
        pixels: Vec<f32>,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
    ) -> JsResult<Float32Array> {
        let embedding = self.detector.embed_tensor(pixels, &mut Observer(observe)).await;
        Ok(Float32Array::from(embedding.map_err(throw)?.as_slice()))
    }
}
