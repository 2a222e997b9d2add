//! Training, for JavaScript: a set of pictures without pixels, and a session that is asked for one epoch
//! after another. Its types are in `types/training.rs`.

use std::cell::RefCell;
use std::sync::Arc;

use js_sys::{Function, Object, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use super::types::to_js;
use super::types::training::{JsAuditReport, JsDeviceInfo, JsEpochReport, JsTrainConfig, JsTrained, JsTrainingSpeed};
use super::{JsResult, Observer, throw};
use crate::device::{Device, DeviceInfo, Preference};
use crate::head::HeadFile;
use crate::train::audit::{self, AuditReport};
use crate::train::data::set::{self, LabelledPicture};
use crate::train::session::{FOLDS, Naming, Session};
use crate::train::trainer::config::TrainConfig;
use crate::train::trainer::speed::{Sizes, step_ms};
use crate::train::validation::limits::Aims;
use crate::treatment::Treatment;
use crate::{Error, Result};

/// The features, labels and facts of a folder's pictures.
#[wasm_bindgen]
#[derive(Debug)]
pub struct TrainingSet {
    /// Shared with the sessions over it; their rows are the largest thing a page holds.
    set: Arc<set::TrainingSet>,
    audit: RefCell<Option<AuditReport>>,
}

#[wasm_bindgen]
impl TrainingSet {
    /// `dimension`: length of an image-level row; `treatments`: rows of a picture, in order;
    /// `caption_dimension`: length of a caption's row, 0 where captions are not read.
    ///
    /// # Errors
    /// `training-set` for an unknown treatment.
    #[wasm_bindgen(constructor)]
    pub fn new(dimension: usize, treatments: Vec<String>, caption_dimension: usize) -> JsResult<TrainingSet> {
        let treatments = treatments.into_iter().map(|name| name.parse()).collect::<Result<Vec<Treatment>>>();
        let set = set::TrainingSet::new(dimension, treatments.map_err(throw)?).with_captions(caption_dimension);
        Ok(Self { set: Arc::new(set), audit: RefCell::new(None) })
    }

    /// Adds a picture; `features` has one row a treatment, `[treatments, d]`; `caption` is its caption's row,
    /// null where it has none.
    ///
    /// # Errors
    /// `training-set` where the rows have another length; `not-finite`.
    pub fn add(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "LabelledPicture")] picture: JsValue,
        features: &[f32],
        #[wasm_bindgen(unchecked_param_type = "Float32Array | null")] caption: Option<Vec<f32>>,
    ) -> JsResult<()> {
        let picture: LabelledPicture = serde_wasm_bindgen::from_value(picture)?;
        self.audit.take();
        let set = Arc::make_mut(&mut self.set);
        match caption {
            Some(caption) => set.add_with_caption(picture, features, &caption),
            None => set.add(picture, features),
        }
        .map_err(throw)
    }

    /// Number of pictures.
    #[wasm_bindgen(getter)]
    pub fn length(&self) -> usize {
        self.set.len()
    }

    /// What the facts alone give away, and the captions. A trainer that is created afterwards puts it into its report.
    ///
    /// # Errors
    /// `cancelled`.
    pub async fn audit(
        &self,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
    ) -> JsResult<JsAuditReport> {
        let report = audit::audit(&self.set, &mut Observer(observe)).await.map_err(throw)?;
        let answer = to_js(&report);
        self.audit.replace(Some(report));
        answer
    }
}

/// Whole hyper-parameters by name.
///
/// # Errors
/// `train-config` for an unknown name.
#[wasm_bindgen]
pub fn preset(#[wasm_bindgen(unchecked_param_type = "PresetName")] name: &str) -> JsResult<JsTrainConfig> {
    to_js(&TrainConfig::preset(name).map_err(throw)?)
}

/// Trains validation folds, then the head.
#[wasm_bindgen]
pub struct Trainer {
    session: Session,
    device: DeviceInfo,
}

#[wasm_bindgen]
impl Trainer {
    /// A training that has not begun. `base` is the file of a head to start from. It shares the set, which may be freed.
    ///
    /// # Errors
    /// `training-set`, `train-config`, `head-format`, `gpu-unavailable`.
    pub async fn create(
        set: &TrainingSet,
        #[wasm_bindgen(unchecked_param_type = "TrainConfig")] config: JsValue,
        #[wasm_bindgen(unchecked_param_type = "Uint8Array | null")] base: Option<Vec<u8>>,
        #[wasm_bindgen(unchecked_param_type = "\"gpu\" | \"cpu\"")] device: String,
    ) -> JsResult<Trainer> {
        let config = read_config(&config)?;
        let base = base.map(|bytes| HeadFile::read(&bytes)).transpose().map_err(throw)?;
        let device = open(&device).await?;
        let session = Session::new(Arc::clone(&set.set), config, base, FOLDS, &device).await.map_err(throw)?;
        let session = match set.audit.borrow().clone() {
            Some(audit) => session.with_audit(audit),
            None => session,
        };
        Ok(Self { session, device: device.info().clone() })
    }

    /// Goes on from [`Trainer::state`] with the same set.
    ///
    /// # Errors
    /// `train-state`, `gpu-unavailable`.
    pub async fn resume(
        set: &TrainingSet,
        state: Vec<u8>,
        #[wasm_bindgen(unchecked_param_type = "\"gpu\" | \"cpu\"")] device: String,
    ) -> JsResult<Trainer> {
        let device = open(&device).await?;
        let session = Session::resume(Arc::clone(&set.set), &state, &device).map_err(throw)?;
        Ok(Self { session, device: device.info().clone() })
    }

    /// Where it computes: on the CPU, with the reason, where the GPU lacks what training needs.
    ///
    /// # Errors
    /// None that an open device can have.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> JsResult<JsDeviceInfo> {
        to_js(&self.device)
    }

    /// The next epoch, or the rest of one that was stopped; null when there is none left. `observe` is
    /// told of its steps.
    ///
    /// # Errors
    /// `cancelled`, after which it can be called again; `device-failed`; `not-finite`.
    #[wasm_bindgen(unchecked_return_type = "EpochReport | null")]
    pub async fn epoch(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Observe")] observe: Function,
    ) -> JsResult<JsEpochReport> {
        let report = self.session.epoch(&mut Observer(observe)).await.map_err(throw)?;
        report.map_or_else(|| Ok(JsValue::NULL.unchecked_into()), |report| to_js(&report))
    }

    /// Ends the present stage with what it has, once it has an epoch. Not while an epoch runs: the trainer
    /// is lent to it.
    pub fn stop(&mut self) {
        self.session.stop();
    }

    /// Everything needed to go on after a reload.
    ///
    /// # Errors
    /// `device-failed`.
    pub async fn state(&self) -> JsResult<Vec<u8>> {
        self.session.state().await.map_err(throw)
    }

    /// The head's file and the report. Pack and image-level feature specification are those of the head `like`,
    /// which the features were made for.
    ///
    /// # Errors
    /// `training-set` where epochs are left; `head-format` where `like` reads other features;
    /// `device-failed`.
    pub async fn finish(
        self,
        #[wasm_bindgen(unchecked_param_type = "Naming")] naming: JsValue,
        like: Vec<u8>,
    ) -> JsResult<JsTrained> {
        let naming: Naming = serde_wasm_bindgen::from_value(naming)?;
        let like = HeadFile::read(&like).map_err(throw)?.info;
        let finished = self.session.finish(naming, like.pack, like.features, Aims::default()).await;
        let (head, report) = finished.map_err(throw)?;
        let head = Uint8Array::from(head.write().map_err(throw)?.as_slice());
        let trained = Object::new();
        Reflect::set(&trained, &"head".into(), &head)?;
        Reflect::set(&trained, &"report".into(), &to_js::<_, JsValue>(&report)?)?;
        Ok(trained.unchecked_into())
    }
}

/// For the bench: milliseconds of each step of the paper's recipe, and where they were spent.
///
/// # Errors
/// `gpu-unavailable`, `train-config`, `device-failed`.
#[wasm_bindgen(js_name = trainingSpeed)]
pub async fn training_speed(
    #[wasm_bindgen(unchecked_param_type = "\"gpu\" | \"cpu\"")] device: String,
    dimension: usize,
    width: usize,
    batch: usize,
    steps: usize,
) -> JsResult<JsTrainingSpeed> {
    #[derive(serde::Serialize)]
    struct Speed<'a> {
        r#where: &'a str,
        ms: Vec<f64>,
    }
    let device = open(&device).await?;
    let ms = step_ms(Sizes { dimension, width, batch, steps }, &device).await.map_err(throw)?;
    to_js(&Speed { r#where: &device.info().name, ms })
}

/// By way of JSON: read from the object itself, a field that does not exist would go unnoticed.
fn read_config(config: &JsValue) -> JsResult<TrainConfig> {
    let json = js_sys::JSON::stringify(config)?.as_string().unwrap_or_default();
    serde_json::from_str(&json).map_err(|error| throw(Error::TrainConfig { message: error.to_string() }))
}

/// The device of a training: it is asked for by name, because only the caller knows what else computes.
async fn open(device: &str) -> JsResult<Device> {
    let preference = if device == "gpu" { Preference::Gpu } else { Preference::Cpu };
    Device::open_for_training(preference).await.map_err(throw)
}
