//! A run: epoch by epoch over a dataset.
//!
//! | file | holds |
//! |---|---|
//! | `config` | hyper-parameters and the presets |
//! | `batches` | which rows make a step |
//! | `network` | the MLP with gradients |
//! | `loss` | `CVaR` of the cross-entropy, and the AUC loss |
//! | `sam` | sharpness-aware minimisation around `AdamW` |
//! | `learner` | a batch in, the network moved |
//! | `streams` | random numbers that are a function of where they are used |
//! | `pace` | how often the device is waited for |
//! | here | epochs, the finished tensors |
//! | `state` | a run on its way to disk and back |
//! | `run` | a whole run at once |
//! | `speed` | how fast it trains, for the bench |

mod batches;
pub mod config;
pub mod learner;
pub mod loss;
pub mod network;
mod pace;
mod run;
pub mod sam;
pub mod speed;
mod state;
mod streams;

use burn::tensor::Tensor;
use serde::Serialize;

use crate::clock::Clock;
use crate::device::Device;
use crate::head::HeadFile;
use crate::head::file::Hidden;
use crate::progress::{self, Progress};
use crate::train::data::dataset::Dataset;
use crate::{Error, Result};
use batches::{Batch, Batches};
use config::TrainConfig;
use learner::{Learner, Minibatch};
use loss::Truth;
use network::{Network, tensor};
use pace::Pace;
pub use run::train;
use streams::{Stream, Use};

/// Rows of a validation pass that are on the device together.
const CHUNK: usize = 1024;

/// A training run that is under way. It holds its data, and can be saved between any two steps.
pub struct Trainer {
    config: TrainConfig,
    data: Dataset,
    device: Device,
    learner: Box<Learner>,
    so_far: SoFar,
    /// Sum of the losses of the epoch's steps, `[1]`.
    sum: Tensor<1>,
    weights: Vec<f32>, // [n]
    batches: Batches,
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct SoFar {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished steps of the next one.
    pub step: usize,
    /// Mean loss of each finished epoch.
    pub losses: Vec<f32>,
}

/// How one epoch went.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochReport {
    /// Which, from 0.
    pub epoch: usize,
    /// Of how many.
    pub epochs: usize,
    /// Mean loss of its batches.
    pub loss: f32,
    /// Milliseconds that it took, since it was last asked for.
    pub ms: f64,
}

/// The trained tensors, as the head's file takes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The hidden layers.
    pub hidden: Vec<Hidden>,
    /// `[1, width]`.
    pub output_weight: Vec<f32>,
    /// `[1]`.
    pub output_bias: f32,
    /// Mean loss of each epoch.
    pub losses: Vec<f32>,
}

impl Trainer {
    /// A run that has not begun. With `base` it starts from that head's parameters and running statistics,
    /// and the head's own widths are kept, whatever `config` says. Inputs that are 0 in all of `data` have no
    /// influence on the finished head, unless `base` has learnt of them.
    ///
    /// # Errors
    /// [`Error::TrainingSet`], [`Error::TrainConfig`]; [`Error::HeadFormat`] where `base` reads features of
    /// another length.
    pub fn new(data: Dataset, mut config: TrainConfig, base: Option<&HeadFile>, device: &Device) -> Result<Self> {
        data.validate()?;
        config.validate()?;
        let network = match base {
            None => Network::new(data.dimension, &data.unseen(), &config, device),
            Some(head) => {
                head.require_dimension(data.dimension)?;
                config.layers = head.hidden.len();
                config.width = head.hidden.first().map_or(config.width, |layer| layer.bias.len());
                Network::from_layers(&head.hidden, &head.output_weight, head.output_bias, device)
            }
        };
        let learner = Learner::new(&config, network);
        Ok(Self::assemble(data, config, device, learner))
    }

    /// At the first step of the first epoch.
    fn assemble(data: Dataset, config: TrainConfig, device: &Device, learner: Learner) -> Self {
        Self {
            weights: data.weighted(config.weighting),
            batches: Batches::new(&data, config.batch),
            sum: Tensor::zeros([1], device.burn()),
            so_far: SoFar::default(),
            device: device.clone(),
            config,
            data,
            learner: Box::new(learner),
        }
    }

    /// What it is trained with.
    #[must_use]
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// How many epochs are finished.
    #[must_use]
    pub fn epochs_done(&self) -> usize {
        self.so_far.epoch
    }

    /// Runs the next epoch, or the rest of one that was stopped; `None` when there is none left.
    /// `progress` is told of every step.
    ///
    /// # Errors
    /// [`Error::Cancelled`], after which it can be called again; [`Error::DeviceFailed`];
    /// [`Error::NotFinite`] where the loss has grown beyond all bounds.
    pub async fn epoch(&mut self, progress: &mut impl Progress) -> Result<Option<EpochReport>> {
        let (epoch, epochs, steps) = (self.so_far.epoch, self.config.epochs, self.batches.steps);
        if epoch >= epochs {
            return Ok(None);
        }
        let clock = Clock::start();
        let mut pace = Pace::start();
        let batches = self.batches.epoch(self.config.seed, epoch);
        for (step, batch) in batches.iter().enumerate().skip(self.so_far.step) {
            progress::step(progress, step, steps)?;
            let loss = self.step(batch, epoch * steps + step);
            self.sum = self.sum.clone() + loss;
            self.so_far.step = step + 1;
            if pace.step() {
                self.device.read(self.sum.clone()).await?;
                pace.waited();
                progress.rest().await;
            }
        }
        let sum = self.device.read(self.sum.clone()).await?;
        let loss = sum.first().copied().unwrap_or_default() / steps as f32;
        if !loss.is_finite() {
            return Err(Error::NotFinite { name: "The training loss".to_owned() });
        }
        self.so_far.losses.push(loss);
        self.so_far.epoch += 1;
        self.so_far.step = 0;
        self.sum = self.sum.zeros_like();
        progress::step(progress, steps, steps).ok(); // the epoch is done; a stop is heard at the next one
        Ok(Some(EpochReport { epoch, epochs, loss, ms: clock.ms() }))
    }

    /// One step of `AdamW` under SAM; the batch's loss before it, `[1]`, not read back.
    fn step(&mut self, batch: &Batch, step: usize) -> Tensor<1> {
        let device = self.device.burn().clone().autodiff();
        let n = batch.rows.len();
        let features = self.features(batch, step);
        let features = tensor(features, [n, self.data.dimension], &device);
        let weights = batch.rows.iter().zip(&batch.factors).map(|(&row, factor)| self.weights[row] * factor).collect();
        let truth = Truth { generated: batch.generated, weights: tensor(weights, [n, 1], &device) };
        let batch = Minibatch { features, truth, masks: self.masks(n, step) };
        let rate = self.config.rate(step, self.config.epochs * self.batches.steps);
        self.learner.step(&self.config, &batch, rate)
    }

    /// The rows of a step, `[n, d]`, without the captions that are left out of it.
    fn features(&self, batch: &Batch, step: usize) -> Vec<f32> {
        let mut features = Vec::with_capacity(batch.rows.len() * self.data.dimension);
        let mut stream = Stream::new(self.config.seed, Use::Captions(step));
        for &row in &batch.rows {
            features.extend(self.data.feature(row));
            let caption = features.len() - self.data.caption_dimension;
            if self.data.caption_dimension > 0 && stream.happens(self.config.caption_dropout) {
                features[caption..].fill(0.0);
            }
        }
        features
    }

    /// What dropout multiplies each hidden layer with, `[n, width]`; nothing where nothing is dropped.
    fn masks(&self, n: usize, step: usize) -> Vec<Tensor<2>> {
        if self.config.dropout <= 0.0 {
            return Vec::new();
        }
        let layers = self.learner.network.parameters.hidden.iter().enumerate();
        layers
            .map(|(layer, [_, bias, ..])| {
                let width = bias.dims()[1];
                let mut stream = Stream::new(self.config.seed, Use::Dropout(step, layer));
                tensor(stream.mask(n * width, self.config.dropout), [n, width], self.device.burn())
            })
            .collect()
    }

    /// What the network as it is now says of rows, `[n]`: positive means generated.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`].
    pub async fn logits(&self, data: &Dataset) -> Result<Vec<f32>> {
        let mut logits = Vec::with_capacity(data.len());
        for first in (0..data.len()).step_by(CHUNK) {
            let n = CHUNK.min(data.len() - first);
            let rows = data.features.read(first * data.dimension..(first + n) * data.dimension).collect();
            let rows = tensor(rows, [n, data.dimension], self.device.burn());
            logits.extend(self.device.read(self.learner.network.infer(rows)).await?);
        }
        Ok(logits)
    }

    /// Ends the run with the network as it is.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`].
    pub async fn finish(self) -> Result<Trained> {
        let (hidden, output_weight, output_bias) = self.learner.network.read(&self.device).await?;
        Ok(Trained { hidden, output_weight, output_bias, losses: self.so_far.losses })
    }
}
