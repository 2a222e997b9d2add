//! `safelight train`: a head from features, with figures from sources it never saw.

use std::path::PathBuf;
use std::process::ExitCode;

use safelight::device::Device;
use safelight::features::{FeatureSpec, TowerShape, View};
use safelight::head::file::{Calibration, FORMAT, Figures, HeadFile, HeadInfo, PackRef, Thresholds};
use safelight::head::{Head, Label};
use safelight::metrics::Scored;
use safelight::progress::Progress;
use safelight::train::dataset::Dataset;
use safelight::train::validation;
use safelight::train::{config::TrainConfig, trainer::train};
use safelight::{Error, Result};

use crate::{features, loading};

/// Rounds of the bootstrap.
const ROUNDS: usize = 2_000;

#[derive(clap::Args)]
pub struct Arguments {
    /// Training pictures: a file of `safelight features`.
    features: PathBuf,
    /// Pictures of other sources, looked at once, for the figures: a file of `safelight features`.
    #[arg(long)]
    unseen: PathBuf,
    /// What `unseen` is, in words.
    #[arg(long)]
    unseen_name: String,
    /// The head's file to write.
    #[arg(long)]
    out: PathBuf,
    /// Its stable name, that of the pack it belongs to.
    #[arg(long)]
    id: String,
    /// Its name for people.
    #[arg(long)]
    name: String,
    /// Day of training, ISO 8601.
    #[arg(long)]
    date: String,
    /// Leave the embedding out of the feature.
    #[arg(long)]
    no_embedding: bool,
    /// Blocks whose class token is part of the feature.
    #[arg(long, value_delimiter = ',')]
    blocks: Vec<usize>,
    /// Width of the hidden layers.
    #[arg(long)]
    width: Option<usize>,
    /// Passes over the training pictures.
    #[arg(long)]
    epochs: Option<usize>,
    /// Folds of the cross-validation over sources.
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// Seed of initialisation, dropout and batches.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// A bar over folds or epochs.
struct Bar(indicatif::ProgressBar);

impl Progress for Bar {
    fn step(&mut self, done: usize, total: usize) -> bool {
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
        true
    }
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let spec =
        FeatureSpec { views: vec![View::Whole], embedding: !arguments.no_embedding, blocks: arguments.blocks.clone() };
    let (data, pack, shape) = features::dataset(&arguments.features, &spec)?;
    let (unseen, unseen_pack, _) = features::dataset(&arguments.unseen, &spec)?;
    if pack != unseen_pack || data.sources.iter().any(|source| unseen.sources.contains(source)) {
        return Err(Error::TrainingSet {
            message: "its features come from another model, or share a source with the unseen ones".to_owned(),
        });
    }
    let mut config = TrainConfig { seed: arguments.seed, ..TrainConfig::default() };
    config.width = arguments.width.unwrap_or(config.width);
    config.epochs = arguments.epochs.unwrap_or(config.epochs);

    let device = Device::cpu();
    let mut info = describe(arguments, spec, pack, shape, &config);
    let mut bar = Bar(loading::bar(0, "cross-validating over sources", "{pos} of {len}"));
    let logits = validation::held_out_logits(&data, &info, &config, arguments.folds, &device, &mut bar).await?;
    bar.0.finish_and_clear();
    info.calibration = validation::calibrate(&logits, &data.generated, &data.weights());
    let held_out = Scored { scores: &logits, generated: &data.generated };
    let cross_validated = (held_out.auc(), held_out.auc_interval(ROUNDS, 1));

    let mut bar = Bar(loading::bar(0, "training", "{pos} of {len}"));
    let trained = train(&data, &config, &device, &mut bar).await?;
    bar.0.finish_and_clear();
    let mut file = HeadFile {
        info,
        hidden: trained.hidden,
        output_weight: trained.output_weight,
        output_bias: trained.output_bias,
    };
    let draft = Head::new(&file);
    let probabilities: Vec<f32> = logits.iter().map(|&logit| draft.probability(logit)).collect();
    file.info.thresholds = validation::thresholds(&probabilities, &data.generated);
    file.info.training = serde_json::json!({
        "config": config,
        "loss": "binary cross-entropy, classes weighed equally, sources by the root of their size",
        "pictures": data.len(),
        "generated": data.generated.iter().filter(|&&generated| generated).count(),
        "losses": trained.losses,
        "crossValidation": { "folds": arguments.folds, "auc": cross_validated.0, "aucInterval": cross_validated.1 },
    });
    file.info.figures = figures(&Head::new(&file), &unseen, &arguments.unseen_name).await?;
    loading::write(&arguments.out, &file.write()?)?;
    println!(
        "{}",
        serde_json::to_string_pretty(&file.info).map_err(|error| Error::HeadFormat { message: error.to_string() })?
    );
    Ok(ExitCode::SUCCESS)
}

fn describe(
    arguments: &Arguments,
    features: FeatureSpec,
    sha256: String,
    shape: TowerShape,
    config: &TrainConfig,
) -> HeadInfo {
    HeadInfo {
        format: FORMAT,
        id: arguments.id.clone(),
        name: arguments.name.clone(),
        date: arguments.date.clone(),
        pack: PackRef { id: arguments.id.clone(), sha256 },
        dimension: features.dimension(shape),
        features,
        layers: config.layers,
        calibration: Calibration { scale: 1.0, shift: 0.0 },
        thresholds: Thresholds { real: 0.5, generated: 0.5 },
        training: serde_json::Value::Null,
        figures: Figures {
            source: String::new(),
            n: 0,
            auc: 0.5,
            auc_interval: [0.0, 1.0],
            real_called_generated: 0.0,
            generated_called_real: 0.0,
            unsure: 0.0,
        },
    }
}

/// What the finished head says of pictures whose sources it never saw.
async fn figures(head: &Head, unseen: &Dataset, name: &str) -> Result<Figures> {
    let logits = head.logits(unseen.features.clone()).await?;
    let scored = Scored { scores: &logits, generated: &unseen.generated };
    let one_class = || Error::TrainingSet { message: "the unseen pictures are all of one class".to_owned() };
    let labels: Vec<Label> = logits.iter().map(|&logit| head.label(head.probability(logit))).collect();
    let share = |class: bool, label: Label| {
        let of_class = unseen.generated.iter().zip(&labels).filter(|&(&truth, _)| truth == class);
        let (hits, all) =
            of_class.fold((0_u32, 0_u32), |(hits, all), (_, &got)| (hits + u32::from(got == label), all + 1));
        f64::from(hits) / f64::from(all.max(1))
    };
    Ok(Figures {
        source: name.to_owned(),
        n: unseen.len(),
        auc: scored.auc().ok_or_else(one_class)?,
        auc_interval: scored.auc_interval(ROUNDS, 1).ok_or_else(one_class)?,
        real_called_generated: share(false, Label::Generated),
        generated_called_real: share(true, Label::Real),
        unsure: labels.iter().filter(|&&label| label == Label::Unsure).count() as f64 / labels.len().max(1) as f64,
    })
}
