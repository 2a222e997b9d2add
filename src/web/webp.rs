//! The browser's own WebP encoder. Workers of Chromium and Firefox have one; Safari writes no WebP.

use js_sys::{Object, Reflect, Uint8Array};
use wasm_bindgen::Clamped;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageData, ImageEncodeOptions, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use super::JsResult;
use crate::picture::{Limits, Picture};
use crate::webp::WebpEncoder;

const WEBP: &str = "image/webp";
/// A browser that guards against recognition may give noise in place of what was drawn: further off, on average,
/// than any quality is, in grey levels.
const FARTHEST: f64 = 40.0;

/// A canvas, read as a file.
#[derive(Debug, Clone, Copy)]
pub struct Canvas;

impl WebpEncoder for Canvas {
    async fn recompress(&self, picture: &Picture, quality: u8) -> Option<Picture> {
        let file = written(picture, quality).await.ok()??;
        let decoded = Picture::decode(&file, &Limits { bytes: u64::MAX, ..Limits::default() }).ok()?;
        is_near(&decoded, picture).then_some(decoded)
    }
}

/// `None` where the browser wrote something else.
async fn written(picture: &Picture, quality: u8) -> JsResult<Option<Vec<u8>>> {
    let canvas = OffscreenCanvas::new(picture.width, picture.height)?;
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?; // drawn where it is read, not on the GPU
    let Some(context) = canvas.get_context_with_context_options("2d", &options)? else { return Ok(None) };
    let rgba: Vec<u8> = picture.rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], u8::MAX]).collect(); // [height, width, 4]
    let drawn = ImageData::new_with_u8_clamped_array_and_sh(Clamped(&rgba), picture.width, picture.height)?;
    context.unchecked_into::<OffscreenCanvasRenderingContext2d>().put_image_data(&drawn, 0.0, 0.0)?;
    let options = ImageEncodeOptions::new();
    options.set_type(WEBP);
    options.set_quality(f64::from(quality) / 100.0);
    let blob: Blob = JsFuture::from(canvas.convert_to_blob_with_options(&options)?).await?.unchecked_into();
    if blob.type_() != WEBP {
        return Ok(None);
    }
    let buffer = JsFuture::from(blob.array_buffer()).await?;
    Ok(Some(Uint8Array::new(&buffer).to_vec()))
}

fn is_near(decoded: &Picture, picture: &Picture) -> bool {
    let apart: u64 = decoded.rgb.iter().zip(&picture.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    decoded.rgb.len() == picture.rgb.len() && (apart as f64) < FARTHEST * picture.rgb.len() as f64
}
