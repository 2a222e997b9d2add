//! Epochs over a dataset: shuffled batches, weighted cross-entropy, AdamW under a cosine schedule.

use burn::optim::AdamWConfig;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::loss::binary_cross_entropy;
use super::network::{Network, rows};
use crate::Result;
use crate::device::Device;
use crate::head::file::Hidden;
use crate::progress::{self, Progress};
use crate::random::random;

/// Hyper-parameters. The defaults are what the default head was trained with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TrainConfig {
    /// Width of the hidden layers.
    pub width: usize,
    /// Hidden layers (the paper: 3).
    pub layers: usize,
    /// Probability that a hidden value is dropped (the paper: 0.335).
    pub dropout: f64,
    /// Passes over the dataset.
    pub epochs: usize,
    /// Pictures a step.
    pub batch: usize,
    /// AdamW's highest learning rate (the paper: 1e-3).
    pub learning_rate: f64,
    /// AdamW's decoupled weight decay (the paper: 0.01).
    pub weight_decay: f32,
    /// Seed of initialisation, dropout and batches.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            width: 256,
            layers: 3,
            dropout: 0.335,
            epochs: 12,
            batch: 256,
            learning_rate: 1e-3,
            weight_decay: 0.01,
            seed: 1,
        }
    }
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

/// Trains a head on `device`. `progress` is told of every epoch.
///
/// # Errors
/// [`crate::Error::TrainingSet`], [`crate::Error::Cancelled`], [`crate::Error::DeviceFailed`].
pub async fn train(
    data: &Dataset,
    config: &TrainConfig,
    device: &Device,
    progress: &mut impl Progress,
) -> Result<Trained> {
    data.validate()?;
    let autodiff = device.burn().clone().autodiff();
    autodiff.seed(config.seed);
    let mut network = Network::new(data.dimension, config.width, config.layers, config.dropout, &autodiff);
    let optimiser = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(config.weight_decay).build();
    let weights = data.weights();
    let mut order: Vec<usize> = (0..data.len()).collect();
    let mut state = config.seed;
    // A batch of one has no variance; the rest of an epoch joins the batch before it.
    let steps = (data.len() / config.batch.max(2)).max(1);
    let mut losses = Vec::with_capacity(config.epochs);
    for epoch in 0..config.epochs {
        progress::step(progress, epoch, config.epochs)?;
        shuffle(&mut order, &mut state);
        let mut sum = None;
        for step in 0..steps {
            let batch = &order[step * data.len() / steps..(step + 1) * data.len() / steps];
            let pick = |values: &dyn Fn(usize) -> f32| -> Tensor<1> {
                let values: Vec<f32> = batch.iter().map(|&index| values(index)).collect();
                Tensor::from_data(values.as_slice(), &autodiff)
            };
            let features = batch.iter().flat_map(|&index| data.feature(index)).copied().collect();
            let logits = network.forward(rows(features, batch.len(), &autodiff));
            let targets = pick(&|index| f32::from(u8::from(data.generated[index])));
            let loss = binary_cross_entropy(logits, targets, pick(&|index| weights[index]));
            let gradients = loss.backward();
            let rate = cosine(config.learning_rate, epoch * steps + step, config.epochs * steps);
            network.step(&optimiser, rate, &gradients);
            let loss = loss.inner();
            sum = Some(sum.map_or(loss.clone(), |sum: Tensor<1>| sum + loss));
        }
        if let Some(sum) = sum {
            losses.push(device.read(sum).await?.first().copied().unwrap_or_default() / steps as f32);
        }
        progress.rest().await;
    }
    progress::step(progress, config.epochs, config.epochs)?;
    let (hidden, output_weight, output_bias) = network.read(device).await?;
    Ok(Trained { hidden, output_weight, output_bias, losses })
}

/// Half a cosine from `highest` to zero: it never rises.
fn cosine(highest: f64, step: usize, steps: usize) -> f64 {
    highest * 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps.max(1) as f64).cos())
}

/// Fisher–Yates.
fn shuffle(order: &mut [usize], state: &mut u64) {
    for last in (1..order.len()).rev() {
        order.swap(last, (random(state) % (last as u64 + 1)) as usize);
    }
}
