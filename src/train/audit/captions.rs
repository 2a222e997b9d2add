//! The text-only control: a head that sees captions and no picture. The authors of arXiv 2404.12908 took the
//! captions of the two classes from different columns, so that the text alone could give the label away.

use crate::Result;
use crate::device::Device;
use crate::progress::{self, Progress};
use crate::train::data::dataset::{Dataset, Weighting};
use crate::train::data::set::TrainingSet;
use crate::train::trainer::Trainer;
use crate::train::trainer::config::{LossConfig, TrainConfig};
use crate::train::validation::folds::Folds;

/// Steps of a fold's training, about.
const STEPS: usize = 200;

const BATCH: usize = 128;

/// Pictures that have a caption.
pub fn count(set: &TrainingSet) -> usize {
    let c = set.caption_dimension;
    let has_one = |&index: &usize| set.captions.read(index * c..(index + 1) * c).any(|value| value != 0.0);
    (0..set.len()).filter(has_one).count()
}

/// The logit of every picture, `[n]`, from a small head of captions that was trained without the picture's
/// fold. Whether a picture has a caption is seen too: that also can give the label away.
pub async fn scores(set: &TrainingSet, folds: &Folds, progress: &mut impl Progress) -> Result<Vec<f32>> {
    let device = Device::cpu();
    let mut scores = vec![0.0; set.len()];
    for fold in 0..folds.count {
        progress::step(progress, fold, folds.count)?;
        let (kept, held) = folds.split(fold);
        let (kept, rows) = (dataset(set, &kept), dataset(set, &held));
        let config = config(kept.len());
        let mut trainer = Trainer::new(kept, config, None, &device)?;
        while Box::pin(trainer.epoch(&mut ())).await?.is_some() {
            progress::step(progress, fold, folds.count)?;
            progress.rest().await;
        }
        for (index, logit) in held.into_iter().zip(trainer.logits(&rows).await?) {
            scores[index] = logit;
        }
    }
    progress::step(progress, folds.count, folds.count)?;
    Ok(scores)
}

/// Small and quick, with a plain cross-entropy; no caption is left out.
fn config(rows: usize) -> TrainConfig {
    TrainConfig {
        width: 16,
        layers: 1,
        epochs: (STEPS / rows.div_ceil(BATCH).max(1)).clamp(4, 100),
        batch: BATCH,
        learning_rate: 5e-3,
        loss: LossConfig { cvar_alpha: None, auc_weight: 0.0, ..LossConfig::default() },
        sam_rho: 0.0,
        weighting: Weighting::Root,
        caption_dropout: 0.0,
        ..TrainConfig::default()
    }
}

/// The captions of these pictures as rows of their own.
fn dataset(set: &TrainingSet, pictures: &[usize]) -> Dataset {
    let c = set.caption_dimension;
    Dataset {
        features: pictures.iter().flat_map(|&index| set.captions.read(index * c..(index + 1) * c)).collect(),
        dimension: c,
        caption_dimension: 0, // they are what is looked at, and nothing is left out
        generated: pictures.iter().map(|&index| set.pictures[index].generated).collect(),
        sources: pictures.iter().map(|&index| set.pictures[index].source.clone()).collect(),
    }
}
