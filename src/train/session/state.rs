//! A session on its way to disk and back: one safetensors file with the held-out logits, the trainer's
//! own state and the head that was started from; the rest stands in its metadata.

use std::collections::HashMap;
use std::sync::Arc;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::epochs::History;
use super::{Session, SoFar};
use crate::device::Device;
use crate::head::HeadFile;
use crate::train::audit::AuditReport;
use crate::train::data::set::TrainingSet;
use crate::train::trainer::Trainer;
use crate::train::trainer::config::TrainConfig;
use crate::train::validation::folds::Folds;
use crate::{Error, Result};

/// The format this version reads and writes.
const FORMAT: u32 = 2;

const METADATA: &str = "safelight-session";

#[derive(Serialize, Deserialize)]
struct About {
    format: u32,
    /// Of labels, sources and treatments.
    set: String,
    config: TrainConfig,
    folds: Folds,
    stages: usize,
    stopped: usize,
    #[serde(default)] // so that of an older state its format is told, and not that this is missing
    history: History,
    /// Whether the present stage is to end.
    stop: bool,
    stage_of_trainer: usize,
    trains_on: Vec<usize>,
    audit: Option<AuditReport>,
}

impl Session {
    /// Everything needed to go on after a break, between any two epochs.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`].
    pub async fn state(&self) -> Result<Vec<u8>> {
        let about = About {
            format: FORMAT,
            set: fingerprint(&self.set),
            config: self.config.clone(),
            folds: self.folds.clone(),
            stages: self.so_far.stages,
            stopped: self.so_far.stopped,
            history: self.so_far.history.without_logits(),
            stop: self.stop,
            stage_of_trainer: self.stage_of_trainer,
            trains_on: self.trains_on.clone(),
            audit: self.audit.clone(),
        };
        let logits = self.so_far.history.logits.iter().flatten(); // [marks, n, l]
        let logits: Vec<u8> = logits.flat_map(|logit| logit.to_le_bytes()).collect();
        let mut parts = vec![("logits", Dtype::F32, logits.len() / size_of::<f32>(), logits)];
        if let Some(trainer) = &self.trainer {
            let bytes = trainer.state().await?;
            parts.push(("trainer", Dtype::U8, bytes.len(), bytes));
        }
        if let Some(base) = &self.base {
            let bytes = base.write_exactly()?;
            parts.push(("base", Dtype::U8, bytes.len(), bytes));
        }
        let views = parts
            .iter()
            .map(|(name, dtype, length, bytes)| Ok((*name, TensorView::new(*dtype, vec![*length], bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let json = serde_json::to_string(&about).map_err(|error| refuse(error.to_string()))?;
        let metadata = HashMap::from([(METADATA.to_owned(), json)]);
        let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
        bytes.map_err(|error| refuse(error.to_string()))
    }

    /// Goes on from [`Session::state`] with the same pictures in the same order.
    ///
    /// # Errors
    /// [`Error::TrainState`] where the bytes are no such state, or one of other pictures; [`Error::TrainConfig`].
    pub fn resume(set: impl Into<Arc<TrainingSet>>, state: &[u8], device: &Device) -> Result<Self> {
        let set = set.into();
        let (_, metadata) = SafeTensors::read_metadata(state).map_err(|error| refuse(error.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA));
        let json = json.ok_or_else(|| refuse("it holds something else".to_owned()))?;
        let about: About = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        if about.format != FORMAT {
            return Err(refuse(format!("its format is {}, this version reads {FORMAT}", about.format)));
        }
        about.config.validate()?;
        let n = set.len();
        let sound = about.folds.of.len() == n
            && about.folds.of.iter().all(|&fold| fold < about.folds.count.max(1))
            && about.stage_of_trainer <= about.folds.count
            && about.stages <= about.folds.count + 1
            && about.trains_on.iter().all(|&treatment| treatment < set.treatments.len());
        if about.set != fingerprint(&set) || !sound {
            return Err(refuse("it was trained on other pictures".to_owned()));
        }
        let file = SafeTensors::deserialize(state).map_err(|error| refuse(error.to_string()))?;
        let part = |name: &str| file.tensor(name).ok().map(|view| view.data());
        let logits = part("logits").unwrap_or_default().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four));
        let rows = n * set.looks();
        let mut history = about.history;
        history.logits = logits.collect::<Vec<f32>>().chunks(rows.max(1)).map(<[f32]>::to_vec).collect(); // [marks, n · l]
        if !history.fits(about.folds.count, about.config.epochs, rows, about.stages) {
            return Err(refuse("its logits are not those of these pictures".to_owned()));
        }
        let base = part("base").map(HeadFile::read).transpose()?;
        let so_far = SoFar { stages: about.stages, stopped: about.stopped, history };
        let mut session = Self::assemble(set, about.config, base, about.folds, so_far, device);
        session.audit = about.audit;
        session.stop = about.stop;
        session.trains_on = about.trains_on;
        session.stage_of_trainer = about.stage_of_trainer;
        if let Some(bytes) = part("trainer") {
            // The trainer may be of a stage that has just ended: its rows are of that one.
            let present = std::mem::replace(&mut session.so_far.stages, about.stage_of_trainer);
            session.trainer = Some(Box::new(Trainer::resume(session.training_rows(), bytes, device)?));
            session.so_far.stages = present;
            session.hold_out();
        }
        Ok(session)
    }
}

/// SHA-256 of what a session depends on besides the features, which the trainer's state knows.
fn fingerprint(set: &TrainingSet) -> String {
    let mut hash = Sha256::new();
    for treatment in &set.treatments {
        hash.update(format!("{treatment}\n"));
    }
    for picture in &set.pictures {
        hash.update(format!("{} {} {}\n", picture.facts.sha256, picture.source, picture.generated));
        if set.reads_captions() {
            hash.update(format!("{:?}\n", picture.caption));
        }
    }
    format!("{:x}", hash.finalize())
}

fn refuse(message: String) -> Error {
    Error::TrainState { message }
}
