//! `safelight ablate`: what each part of the recipe brings, in cross-validation over sources: the same
//! folds for every row, several seeds, no row chosen by its figures.

use std::process::ExitCode;

use safelight::device::Device;
use safelight::features::View;
use safelight::metrics::Estimate;
use safelight::metrics::bootstrap::Resampled;
use safelight::train::session::{FOLDS, Session};
use safelight::train::trainer::config::{LossConfig, TrainConfig};
use safelight::train::validation::limits::Aims;
use safelight::treatment::Treatment;
use safelight::{Error, Result};
use serde_json::json;

use crate::features::Pictures;
use crate::recipe::{Recipe, Tokens};
use crate::{loading, tables};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pictures: Pictures,
    #[command(flatten)]
    recipe: Recipe,
    /// Runs of each row.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Most folds.
    #[arg(long, default_value_t = FOLDS)]
    folds: usize,
    #[command(flatten)]
    tokens: Tokens,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// A row of the table: the recipe so far, with one part more.
struct Row {
    name: &'static str,
    config: TrainConfig,
    blocks: bool,
    patch_means: bool,
    views: Vec<View>,
    augmented: bool,
}

/// The row with the class tokens of blocks.
const BLOCKS: &str = "+ class tokens";

/// The row with the means of patch tokens, which the rows after it keep.
const PATCH_MEANS: &str = "+ patch means";

/// What a row came to in one tier.
struct Outcome {
    tier: String,
    resampled: Resampled,
    /// Of each seed.
    aucs: Vec<Estimate>,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let file = arguments.pictures.features(&[View::Whole, View::Detail], &Treatment::TIERS).await?;
    let (blocks, patch_means) = arguments.tokens.of(file.kind.shape);
    let mut rows = rows(&arguments.recipe.config()?, &file.kind.views, file.kind.treatments.len() > 1);
    rows.retain(|row| row.name != BLOCKS || !blocks.is_empty());
    rows.retain(|row| row.name != PATCH_MEANS || !patch_means.is_empty());
    let device = Device::cpu();
    let bar = loading::bar(rows.len() as u64 * arguments.seeds, "ablating", "{pos} of {len}");
    let mut table = Vec::new();
    for row in &rows {
        let spec = safelight::features::FeatureSpec {
            views: row.views.clone(),
            embedding: true,
            blocks: if row.blocks { blocks.clone() } else { Vec::new() },
            patch_means: if row.patch_means { patch_means.clone() } else { Vec::new() },
            caption: false,
        };
        let set = file.training_set(&spec)?;
        let mut outcomes: Vec<Outcome> = Vec::new();
        for seed in 1..=arguments.seeds {
            let config = TrainConfig { seed, ..row.config.clone() };
            let session = Session::new(set.clone(), config, None, arguments.folds, &device).await?;
            let given = file.kind.treatments.iter().position(|&treatment| treatment == Treatment::AsGiven).unwrap_or(0);
            let treatments = if row.augmented { (0..file.kind.treatments.len()).collect() } else { vec![given] };
            let tiers = session.train_on(treatments)?.validate_only(Aims::default(), &mut ()).await?;
            for tier in tiers {
                let auc = tier.auc.ok_or_else(|| Error::TrainingSet {
                    message: tier.reason.unwrap_or_else(|| "nothing could be held out".to_owned()),
                })?;
                match outcomes.iter_mut().find(|outcome| outcome.tier == tier.tier) {
                    Some(outcome) => outcome.aucs.push(auc),
                    None => outcomes.push(Outcome { tier: tier.tier, resampled: tier.resampled, aucs: vec![auc] }),
                }
            }
            bar.inc(1);
        }
        table.push((row.name, outcomes));
    }
    bar.finish_and_clear();
    println!("{}", if arguments.json { as_json(&table) } else { as_table(&table, arguments.seeds) });
    Ok(ExitCode::SUCCESS)
}

/// Cross-entropy, then one part after the other; parts that the features do not hold are left out.
fn rows(recipe: &TrainConfig, views: &[View], tiers: bool) -> Vec<Row> {
    let full = LossConfig::default();
    let parts = [
        ("cross-entropy", LossConfig { cvar_alpha: None, auc_weight: 0.0, ..full }, 0.0),
        ("+ CVaR", LossConfig { auc_weight: 0.0, ..full }, 0.0),
        ("+ AUC", full, 0.0),
        ("+ SAM", full, TrainConfig::default().sam_rho),
    ];
    let first = || views.iter().take(1).copied().collect::<Vec<View>>();
    let mut rows: Vec<Row> = parts
        .into_iter()
        .map(|(name, loss, sam_rho)| {
            let config = TrainConfig { loss, sam_rho, ..recipe.clone() };
            Row { name, config, blocks: false, patch_means: false, views: first(), augmented: false }
        })
        .collect();
    let config = TrainConfig { loss: full, sam_rho: TrainConfig::default().sam_rho, ..recipe.clone() };
    let more = |name, views, augmented| Row {
        name,
        config: config.clone(),
        blocks: true,
        patch_means: name != BLOCKS,
        views,
        augmented,
    };
    rows.push(more(BLOCKS, first(), false));
    rows.push(more(PATCH_MEANS, first(), false));
    // One second view after the other, each beside the first.
    let pairs: Vec<Vec<View>> = views.iter().skip(1).map(|&second| [first(), vec![second]].concat()).collect();
    rows.extend(pairs.iter().map(|pair| more(second_view(pair[1]), pair.clone(), false)));
    if tiers {
        rows.push(more("+ augmentation", pairs.into_iter().next().unwrap_or_else(first), true));
    }
    rows
}

/// What the row with this second view is called.
fn second_view(view: View) -> &'static str {
    match view {
        View::Whole => "+ whole picture",
        View::Detail => "+ second view",
        View::Details => "of five squares",
    }
}

fn as_table(table: &[(&str, Vec<Outcome>)], seeds: u64) -> String {
    let mut rows = vec![["recipe", "tier", "AUC (95 %)", "± over seeds"].map(str::to_owned)];
    for (name, outcomes) in table {
        for (at, outcome) in outcomes.iter().enumerate() {
            rows.push([
                if at == 0 { (*name).to_owned() } else { String::new() },
                outcome.tier.clone(),
                tables::estimate(&tables::mean(&outcome.aucs)),
                format!("{:.3}", tables::deviation(&outcome.aucs)),
            ]);
        }
    }
    let whole = table.iter().flat_map(|(_, outcomes)| outcomes).any(|outcome| outcome.resampled == Resampled::Sources);
    let of = if whole { "over whole sources" } else { "over these pictures" };
    format!("{}\n{seeds} seeds a row; means over the seeds, intervals by bootstrap {of}.", tables::aligned(&rows))
}

fn as_json(table: &[(&str, Vec<Outcome>)]) -> String {
    let rows = table.iter().flat_map(|(name, outcomes)| {
        outcomes.iter().map(move |outcome| {
            json!({
                "recipe": name,
                "tier": outcome.tier,
                "auc": tables::mean(&outcome.aucs).value,
                "aucInterval": tables::mean(&outcome.aucs).interval,
                "deviation": tables::deviation(&outcome.aucs),
                "seeds": outcome.aucs.iter().map(|auc| auc.value).collect::<Vec<_>>(),
            })
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() }).to_string()
}
