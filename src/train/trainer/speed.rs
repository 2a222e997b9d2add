//! How fast the paper's recipe trains, for the bench: the same code natively and in the page.

use super::Trainer;
use super::config::TrainConfig;
use crate::Result;
use crate::device::Device;
use crate::train::data::dataset::Dataset;

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Length of a feature; the paper's is 1536.
    pub dimension: usize,
    /// Width of the hidden layers; the paper's is 1536.
    pub width: usize,
    /// Rows a step; the paper's are 2048.
    pub batch: usize,
    /// Steps to measure, after one that is not.
    pub steps: usize,
}

/// Milliseconds of each step, from its rows in memory to its loss read back.
///
/// # Errors
/// As [`Trainer::new`] and [`Trainer::epoch`].
pub async fn step_ms(sizes: Sizes, device: &Device) -> Result<Vec<f64>> {
    let Sizes { dimension, width, batch, steps } = sizes;
    let config = TrainConfig { width, batch, epochs: steps + 1, ..TrainConfig::paper() };
    // Rows without meaning: speed does not depend on it.
    let data = Dataset {
        features: (0..batch * dimension).map(|at| (at * 7919 % 4099) as f32 / 2048.0 - 1.0).collect(),
        dimension,
        generated: (0..batch).map(|row| row % 2 == 0).collect(),
        sources: vec![String::new(); batch],
        ..Dataset::default()
    };
    // One batch an epoch: its report tells the step's time.
    let mut trainer = Trainer::new(data, config, None, device)?;
    let mut ms = Vec::with_capacity(steps + 1);
    while let Some(report) = trainer.epoch(&mut ()).await? {
        ms.push(report.ms);
    }
    Ok(ms.split_off(1.min(ms.len())))
}
