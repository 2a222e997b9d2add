//! The browser's view of the library: the only code that knows JavaScript. Lives in a worker.

mod captions;
mod checkpoint;
mod embedding;
mod features;
pub mod kernel;
#[cfg(feature = "train")]
mod labels;
mod prepared;
pub mod threads;
#[cfg(feature = "train")]
mod trainer;
mod types;
pub mod webp;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::Error;
use crate::clip::pack::{Manifest, PackReader};
use crate::clip::self_test;
use crate::detector::{Verdict, blank_head};
use crate::device::{Kind, Preference};
use crate::extractor::Extractor;
use crate::head::Head;
use crate::picture::{Limits, Picture};
use crate::progress::Progress;
use types::{JsDetectorInfo, JsVerdict, to_js};

type JsResult<T> = Result<T, JsValue>;

/// Turns panics into console messages with a place; the worker that sees one is replaced.
#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
    kernel::install();
}

/// Takes a model pack in, piece by piece, onto a device that passed its self-test.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Loader {
    reader: PackReader,
}

#[wasm_bindgen]
impl Loader {
    /// Opens the device that `preference` (`auto`, `gpu`, `cpu`) asks for, tests it, and prepares to
    /// read the pack that `manifest` (the text of `pack.json`) describes. `kernels` is what
    /// [`Detector::kernels`] gave in an earlier session, or empty.
    ///
    /// # Errors
    /// `pack-manifest`, and `gpu-unavailable` where the GPU was asked for by name.
    pub async fn open(
        manifest: String,
        #[wasm_bindgen(unchecked_param_type = "DevicePreference")] preference: String,
        kernels: Option<String>,
    ) -> JsResult<Loader> {
        let manifest = Manifest::parse(&manifest).map_err(throw)?;
        let preference = match preference.as_str() {
            "gpu" => Preference::Gpu,
            "cpu" => Preference::Cpu,
            _ => Preference::Auto,
        };
        let mut device = self_test::open(preference).await.map_err(throw)?;
        if device.info().kind == Kind::Cpu {
            device = device.with_threads(threads::start().await);
        }
        device.use_kernels(&kernels.unwrap_or_default());
        Ok(Self { reader: PackReader::new(manifest, device).map_err(throw)? })
    }

    /// The next bytes of the weight file, in order.
    ///
    /// # Errors
    /// `pack-length`, `weights-header`, `tensor-…`, `not-finite`.
    pub fn push(&mut self, chunk: &[u8]) -> JsResult<()> {
        self.reader.push(chunk).map_err(throw)
    }

    /// Checks length and hash of what was pushed, and reads the head. Without one the detector embeds
    /// pictures, so that a head can be trained, and refuses to check them.
    ///
    /// # Errors
    /// `pack-length`, `pack-hash`, `head-format`, `head-mismatch`, `tensor-…`.
    pub fn finish(
        self,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array | null")] head: Option<Vec<u8>>,
    ) -> JsResult<Detector> {
        let (manifest, clip) = self.reader.finish().map_err(throw)?;
        let extractor = Extractor::new(manifest, clip);
        let bytes = head.map_or_else(|| blank_head(&extractor), Ok).map_err(throw)?;
        let head = Head::read(&bytes).map_err(throw)?;
        let detector = crate::detector::Detector::new(extractor, head).map_err(throw)?;
        Ok(Detector { detector, head: bytes })
    }
}

/// Checks pictures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Detector {
    detector: crate::detector::Detector,
    /// The head's file, as it came.
    head: Vec<u8>,
}

#[wasm_bindgen]
impl Detector {
    /// The model, the head and the device.
    ///
    /// # Errors
    /// None that a loaded detector can have.
    #[wasm_bindgen(getter)]
    pub fn info(&self) -> JsResult<JsDetectorInfo> {
        let mut info = self.detector.info().map_err(throw)?;
        info.device = info.device.with_threads(threads::running());
        to_js(&info)
    }

    /// Which kernels were chosen on this GPU, as a text to keep; empty on the CPU and before the first check.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn kernels(&self) -> String {
        self.detector.extractor().tower().device().kernels().unwrap_or_default()
    }

    /// Decodes and checks a picture file. `observe(done, total)` is called after every block of the
    /// tower; it returns false to stop. A caption counts where the head reads captions.
    ///
    /// # Errors
    /// `picture-…`, `cancelled`, `device-failed`, `not-finite`; `caption-unreadable` and `tokenizer` where a
    /// caption counts.
    pub async fn check(
        &self,
        bytes: Vec<u8>,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
        #[wasm_bindgen(unchecked_param_type = "string | null")] caption: Option<String>,
    ) -> JsResult<JsVerdict> {
        let verdict = self.detector.check(&bytes, caption.as_deref(), &mut Observer(observe)).await;
        answer(verdict)
    }

    /// Checks what the browser decoded: upright, straight RGBA, 8 bits, `[height, width, 4]`.
    ///
    /// # Errors
    /// As [`Detector::check`].
    #[wasm_bindgen(js_name = checkPixels)]
    pub async fn check_pixels(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        format: String,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
        #[wasm_bindgen(unchecked_param_type = "string | null")] caption: Option<String>,
    ) -> JsResult<JsVerdict> {
        let picture = Picture::from_rgba(&rgba, width, height, &format, &Limits::default()).map_err(throw)?;
        let verdict = self.detector.check_picture(&picture, caption.as_deref(), &mut Observer(observe)).await;
        answer(verdict)
    }
}

/// A verdict with the threads that are left: a helper may have been lost since the device was opened.
fn answer(verdict: crate::Result<Verdict>) -> JsResult<JsVerdict> {
    let mut verdict = verdict.map_err(throw)?;
    verdict.device = verdict.device.with_threads(threads::running());
    to_js(&verdict)
}

/// Calls `observe(done, total)` in JavaScript; anything but `false` goes on.
struct Observer(Function);

impl Progress for Observer {
    fn step(&mut self, done: usize, total: usize) -> bool {
        let answer = self.0.call2(&JsValue::NULL, &JsValue::from(done as u32), &JsValue::from(total as u32));
        answer.is_ok_and(|go_on| go_on.as_bool() != Some(false))
    }

    /// A task of its own, not a microtask, so that the worker's messages are heard.
    async fn rest(&mut self) {
        let global = js_sys::global();
        let timeout = js_sys::Reflect::get(&global, &"setTimeout".into()).ok();
        let Some(timeout) = timeout.and_then(|value| value.dyn_into::<Function>().ok()) else { return };
        let promise = Promise::new(&mut |resolve, _| {
            // Without a timer there is no rest, and the work goes on.
            if timeout.call2(&global, &resolve, &JsValue::from(0)).is_err() {
                let _ = resolve.call0(&JsValue::NULL);
            }
        });
        let _ = JsFuture::from(promise).await;
    }
}

/// A JavaScript `Error` with the stable code as its property `code`.
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn throw(error: Error) -> JsValue {
    let thrown = js_sys::Error::new(&error.to_string());
    // Setting a property on a fresh object cannot fail.
    let _ = js_sys::Reflect::set(&thrown, &"code".into(), &error.code().into());
    thrown.into()
}
