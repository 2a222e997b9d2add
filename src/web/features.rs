//! Features for training, and the head that a detector uses, for JavaScript.

use js_sys::{Float32Array, Function, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::types::to_js;
use super::webp::Canvas;
use super::{Detector, JsResult, Observer, throw};
use crate::detector::blank_head;
use crate::features::{FeatureSpec, caption_dimension};
use crate::head::Head;
use crate::picture::facts::{Facts, sha256};
use crate::picture::{Limits, Picture};
use crate::treatment::Treatment;
use crate::{Error, Result};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a file tells without its pixels. */
export interface Facts {
  width: number;
  height: number;
  format: string;
  /** Length of the file. */
  bytes: number;
  jpegQuality: number | null;
  /** `4:2:0`. */
  jpegSubsampling: string | null;
  exif: boolean;
  /** Of the file, 64 hexadecimal digits. */
  sha256: string;
  /** 64-bit difference hash of the picture, 16 hexadecimal digits. */
  perceptual: string;
}

/** The features that the loaded head and its model work with. */
export interface Spec {
  /** SHA-256 of the image-level feature specification: features with another key are of no use to this head. */
  key: string;
  /** Length of the image-level feature of a picture. */
  dimension: number;
  /** Length of the text-level one that this model can add; 0 where it reads no captions. */
  caption: number;
}

/** A picture as a trainer takes it. */
export interface Embedded {
  facts: Facts;
  /** One row a treatment: [treatments, dimension]. */
  features: Float32Array;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// `Spec` in TypeScript.
    #[wasm_bindgen(typescript_type = "Spec")]
    pub type JsSpec;

    /// `Embedded` in TypeScript.
    #[wasm_bindgen(typescript_type = "Embedded")]
    pub type JsEmbedded;
}

#[derive(serde::Serialize)]
struct Spec {
    key: String,
    dimension: usize,
    caption: usize,
}

#[wasm_bindgen]
impl Detector {
    /// What the loaded head reads.
    ///
    /// # Errors
    /// None that a loaded detector can have.
    #[wasm_bindgen(getter)]
    pub fn spec(&self) -> JsResult<JsSpec> {
        let spec = FeatureSpec { caption: false, ..self.detector.head().info().features.clone() };
        let json =
            serde_json::to_string(&spec).map_err(|error| throw(Error::HeadFormat { message: error.to_string() }))?;
        let (extractor, shape) = (self.detector.extractor(), self.detector.extractor().shape());
        let caption = if extractor.has_text_tower() { caption_dimension(shape) } else { 0 };
        to_js(&Spec { key: sha256(json.as_bytes()), dimension: spec.dimension(shape), caption })
    }

    /// The facts of a picture file and its image-level features under each of `treatments` (`as-given`, `web`, `hard`,
    /// `equalised-0`…), `[treatments, dimension]`.
    ///
    /// # Errors
    /// `picture-…`, `training-set` for an unknown treatment, `cancelled`, `device-failed`, `not-finite`.
    pub async fn embed(
        &self,
        bytes: Vec<u8>,
        treatments: Vec<String>,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
    ) -> JsResult<JsEmbedded> {
        let picture = Picture::decode(&bytes, &Limits::default()).map_err(throw)?;
        self.embed_picture(&picture, &bytes, &treatments, observe).await
    }

    /// The same of what the browser decoded: upright, straight RGBA, 8 bits, `[height, width, 4]`;
    /// `bytes` is the file, for its facts.
    ///
    /// # Errors
    /// As [`Detector::embed`].
    #[wasm_bindgen(js_name = embedPixels)]
    #[allow(clippy::too_many_arguments, reason = "JavaScript has no struct to pass")]
    pub async fn embed_pixels(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        format: String,
        bytes: Vec<u8>,
        treatments: Vec<String>,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
    ) -> JsResult<JsEmbedded> {
        let picture = Picture::from_rgba(&rgba, width, height, &format, &Limits::default()).map_err(throw)?;
        self.embed_picture(&picture, &bytes, &treatments, observe).await
    }

    /// The loaded head's file.
    #[wasm_bindgen(js_name = headBytes)]
    #[must_use]
    pub fn head_bytes(&self) -> Vec<u8> {
        self.head.clone()
    }

    /// Takes another head, or none; the old one stays where the new one does not fit.
    ///
    /// # Errors
    /// `head-format`, `head-mismatch`, `tensor-…`, `not-finite`.
    #[wasm_bindgen(js_name = useHead)]
    pub fn use_head(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array | null")] head: Option<Vec<u8>>,
    ) -> JsResult<()> {
        let head = head.map_or_else(|| blank_head(self.detector.extractor()), Ok).map_err(throw)?;
        self.detector.use_head(Head::read(&head).map_err(throw)?).map_err(throw)?;
        self.head = head;
        Ok(())
    }
}

impl Detector {
    async fn embed_picture(
        &self,
        picture: &Picture,
        bytes: &[u8],
        treatments: &[String],
        observe: Function,
    ) -> JsResult<JsEmbedded> {
        let treatments =
            treatments.iter().map(|name| name.parse()).collect::<Result<Vec<Treatment>>>().map_err(throw)?;
        let facts = Facts::read(bytes, picture);
        let spec = &self.detector.head().info().features;
        let extractor = self.detector.extractor();
        let mut treated = Vec::with_capacity(treatments.len());
        for treatment in treatments {
            treated.push(treatment.apply(picture, facts.seed(), &Canvas).await.map_err(throw)?);
        }
        let features = extractor.features(spec, &treated, &mut Observer(observe)).await.map_err(throw)?;
        let features = Float32Array::from(features.as_slice());
        let embedded = Object::new();
        Reflect::set(&embedded, &"facts".into(), &to_js::<_, JsValue>(&facts)?)?;
        Reflect::set(&embedded, &"features".into(), &features)?;
        Ok(embedded.unchecked_into())
    }
}
