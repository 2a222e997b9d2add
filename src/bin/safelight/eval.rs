//! `safelight eval`: what a head is worth on labelled pictures, by tier and source.

use std::path::PathBuf;
use std::process::ExitCode;

use safelight::head::{Head, HeadFile};
use safelight::train::data::set::TrainingSet;
use safelight::train::validation::judged::Judged;
use safelight::train::validation::report::{SourceReport, TierReport};
use safelight::treatment::Treatment;
use safelight::{Error, Result};
use serde_json::{Map, Value, json};

use crate::features::Pictures;
use crate::{loading, tables};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pictures: Pictures,
    /// The head's file.
    #[arg(long, default_value = "models/heads/clip-vit-base-patch16-int8.safetensors")]
    head: PathBuf,
    /// Call pictures generated from the head's measured limit with this false-positive rate on, as `check` does.
    #[arg(long, value_name = "RATE")]
    false_positives: Option<f64>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut file = HeadFile::read(&loading::read(&arguments.head)?)?;
    if let Some(rate) = arguments.false_positives {
        file.info.operate_at(rate)?;
    }
    let head = Head::new(&file);
    let spec = &head.info().features;
    let features = arguments.pictures.features(&spec.views, &Treatment::TIERS).await?;
    head.require(&features.kind.pack.id, &features.kind.pack.sha256, features.kind.shape)?;
    let set = features.training_set(spec)?;
    if let Some(warning) = learnt_from(&head, &set) {
        eprintln!("! {warning}");
    }
    let mut tiers = Vec::new();
    for (name, treatments) in set.tiers() {
        tiers.push(judge(&head, &set, &treatments).await?.report(&name));
    }
    println!("{}", if arguments.json { as_json(&tiers).to_string() } else { tables::tiers(&tiers) });
    Ok(ExitCode::SUCCESS)
}

/// A warning where the head learnt from sources of these pictures.
fn learnt_from(head: &Head, set: &TrainingSet) -> Option<String> {
    let names = head.info().source_names();
    let known = set.pictures.iter().filter(|picture| names.contains(&picture.source.as_str())).count();
    (known > 0).then(|| {
        format!(
            "{known} of these {} pictures are of sources that this head learnt from: on them its figures are too good. \
             What it is worth on others is in its own report.",
            set.len()
        )
    })
}

/// Every picture of a set as a finished head judges it, the logits of several treatments averaged.
pub async fn judge(head: &Head, set: &TrainingSet, treatments: &[usize]) -> Result<Judged> {
    if set.is_empty() || treatments.is_empty() {
        return Err(Error::TrainingSet { message: "there is no picture to judge".to_owned() });
    }
    let all: Vec<usize> = (0..set.len()).collect();
    let logits = head.logits(set.rows(&all, treatments).features.to_vec()).await?;
    let means = logits.chunks(treatments.len()).map(|row| row.iter().sum::<f32>() / row.len() as f32);
    let logits: Vec<f32> = means.collect();
    let probabilities: Vec<f32> = logits.iter().map(|&logit| head.probability(logit)).collect();
    let verdicts = probabilities.iter().map(|&probability| head.label(probability)).collect();
    Ok(Judged { logits, probabilities, verdicts, generated: set.generated(), sources: set.sources() })
}

/// `{tiers: {as_given: {auc, auc_ci, fpr_at_threshold, n, verdicts: {generated: {…}, real: {…}}, sources: {…}}}}`; what
/// too few pictures cannot show is null.
fn as_json(tiers: &[TierReport]) -> Value {
    let source = |source: &SourceReport| {
        json!({
            "auc": source.auc.map(|auc| auc.value),
            "auc_ci": source.auc.map(|auc| auc.interval),
            "fpr_at_threshold": source.fpr_at_threshold,
            "n": source.n,
        })
    };
    let tier = |tier: &TierReport| {
        let sources: Map<String, Value> =
            tier.sources.iter().map(|report| (report.source.clone(), source(report))).collect();
        json!({
            "auc": tier.auc.map(|auc| auc.value),
            "auc_ci": tier.auc.map(|auc| auc.interval),
            "fpr_at_threshold": tier.fpr_at_threshold,
            "n": tier.n,
            "verdicts": tier.confusion,
            "sources": sources,
        })
    };
    let tiers: Map<String, Value> = tiers.iter().map(|report| (report.tier.replace('-', "_"), tier(report))).collect();
    json!({ "tiers": tiers })
}
