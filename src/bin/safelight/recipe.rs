//! What `train` and `ablate` are told of features and hyper-parameters.

use std::path::PathBuf;

use safelight::features::{FeatureSpec, TowerShape, View};
use safelight::train::trainer::config::TrainConfig;
use safelight::treatment::Treatment;
use safelight::{Error, Result};

use crate::{features, loading};

/// The feature, and how pictures are treated before it is taken.
#[derive(clap::Args)]
pub struct Feature {
    /// How pictures are looked at: whole, detail (the centre at full resolution), details (that and the middle of
    /// each quarter, averaged).
    #[arg(long, value_delimiter = ',', default_value = "whole,detail", value_parser = features::view)]
    pub views: Vec<View>,
    #[command(flatten)]
    pub tokens: Tokens,
    /// Leave the embedding out.
    #[arg(long)]
    pub no_embedding: bool,
    /// Whether the head reads captions too: auto reads them where the model can and pictures have some, unless
    /// they give the label away.
    #[arg(long, value_enum, default_value = "auto")]
    pub captions: Captions,
    /// Make both classes alike before they are learnt from, in this many random draws. Figures are given for
    /// the tiers as given, web and hard too.
    #[arg(long, value_name = "DRAWS")]
    pub equalise: Option<u8>,
    /// Learn from this many random draws of what happens to pictures on their way as well.
    #[arg(long, value_name = "DRAWS", default_value_t = 0, conflicts_with = "equalise")]
    pub augment: u8,
}

/// What a feature takes of blocks, which are counted from 0.
#[derive(clap::Args)]
pub struct Tokens {
    /// Blocks whose class token is part of the feature; with neither this nor --patch-means: an early one, the
    /// middle one and a late one, in both.
    #[arg(long, value_delimiter = ',')]
    blocks: Vec<usize>,
    /// Blocks of which the mean of the patch tokens is part of the feature.
    #[arg(long, value_delimiter = ',')]
    patch_means: Vec<usize>,
    /// Leave both out.
    #[arg(long, conflicts_with_all = ["blocks", "patch_means"])]
    no_blocks: bool,
}

impl Tokens {
    /// Those whose class token is taken, and those whose mean of patch tokens is.
    pub fn of(&self, shape: TowerShape) -> (Vec<usize>, Vec<usize>) {
        if self.no_blocks || !self.blocks.is_empty() || !self.patch_means.is_empty() {
            return (self.blocks.clone(), self.patch_means.clone());
        }
        let usual = FeatureSpec::usual(shape);
        (usual.blocks, usual.patch_means)
    }
}

/// Whether captions are read.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Captions {
    /// Where there are some and they do not give the label away.
    Auto,
    /// Yes.
    On,
    /// No.
    Off,
}

impl Feature {
    /// The specification for a model of this shape; with captions where they were read and are wanted.
    pub fn spec(&self, shape: TowerShape, captions: bool) -> FeatureSpec {
        let (blocks, patch_means) = self.tokens.of(shape);
        FeatureSpec {
            views: self.views.clone(),
            embedding: !self.no_embedding,
            blocks,
            patch_means,
            caption: captions && self.captions != Captions::Off,
        }
    }

    /// Refuses features that were not taken under the draws that `--equalise` or `--augment` ask for: features of a
    /// file cannot be treated any more.
    pub fn require_draws(&self, there: &[Treatment]) -> Result<()> {
        let missing = |treatment: &Treatment| !Treatment::TIERS.contains(treatment) && !there.contains(treatment);
        match self.treatments().into_iter().find(missing) {
            Some(missing) => {
                let message = format!(
                    "the features lack the treatment {missing}, which --equalise or --augment asks for; embed the \
                     pictures anew with `safelight features --treatments`, or train on their folder"
                );
                Err(Error::TrainingSet { message })
            }
            None => Ok(()),
        }
    }

    /// The treatments that training is done under.
    pub fn treatments(&self) -> Vec<Treatment> {
        match self.equalise {
            Some(draws) => (0..draws.max(1)).map(Treatment::Equalised).chain(Treatment::TIERS).collect(),
            None => Treatment::TIERS.into_iter().chain((0..self.augment).map(Treatment::Augmented)).collect(),
        }
    }
}

/// Hyper-parameters: a preset, then what is said besides.
#[derive(clap::Args)]
pub struct Recipe {
    /// paper, default or fine-tune; the command knows which where none is named.
    #[arg(long)]
    preset: Option<String>,
    /// A JSON file of hyper-parameters instead; what it leaves out has the default.
    #[arg(long, conflicts_with = "preset")]
    config: Option<PathBuf>,
    /// Width of the hidden layers.
    #[arg(long)]
    width: Option<usize>,
    /// Passes over the training pictures.
    #[arg(long)]
    epochs: Option<usize>,
    /// Learn for all epochs, also where the folds were clearly better after fewer.
    #[arg(long)]
    all_epochs: bool,
    /// Most rows a step.
    #[arg(long)]
    batch: Option<usize>,
    /// Seed of initialisation, dropout and batches.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Parts of the recipe that can be left out.
#[derive(clap::Args)]
pub struct Parts {
    /// Learn from the mean of the cross-entropy instead of its worst share.
    #[arg(long)]
    no_cvar: bool,
    /// Leave the AUC loss out.
    #[arg(long)]
    no_auc: bool,
    /// Step without SAM.
    #[arg(long)]
    no_sam: bool,
}

impl Parts {
    /// `config` without what is left out.
    pub fn of(&self, mut config: TrainConfig) -> TrainConfig {
        if self.no_cvar {
            config.loss.cvar_alpha = None;
        }
        if self.no_auc {
            config.loss.auc_weight = 0.0;
        }
        if self.no_sam {
            config.sam_rho = 0.0;
        }
        config
    }
}

impl Recipe {
    /// The whole configuration.
    pub fn config(&self) -> Result<TrainConfig> {
        self.config_or("default")
    }

    /// The same, from this preset where none is named.
    pub fn config_or(&self, preset: &str) -> Result<TrainConfig> {
        let mut config = match &self.config {
            None => TrainConfig::preset(self.preset.as_deref().unwrap_or(preset))?,
            Some(path) => serde_json::from_slice(&loading::read(path)?)
                .map_err(|error| Error::TrainConfig { message: format!("{}: {error}", path.display()) })?,
        };
        config.width = self.width.unwrap_or(config.width);
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.keep_best &= !self.all_epochs;
        config.batch = self.batch.unwrap_or(config.batch);
        config.seed = self.seed.unwrap_or(config.seed);
        config.validate()?;
        Ok(config)
    }
}
