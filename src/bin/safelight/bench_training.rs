//! `safelight bench-training`: rows a second that the paper's recipe trains on, as JSON. For
//! `cargo xtask bench-training`, which puts PyTorch and the page beside it.

use std::process::ExitCode;

use safelight::device::{Device, Preference};
use safelight::train::config::TrainConfig;
use safelight::train::dataset::Dataset;
use safelight::train::trainer::Trainer;
use safelight::{Error, Result};

/// An epoch is one step here: the first warms up, the others are measured.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where to compute.
    #[arg(long, default_value = "cpu", value_parser = ["cpu", "gpu"])]
    device: String,
    /// Length of a feature; the paper's is 1536.
    #[arg(long, default_value_t = 1536)]
    dimension: usize,
    /// Width of the hidden layers; the paper's is 1536.
    #[arg(long, default_value_t = 1536)]
    width: usize,
    /// Rows a step; the paper's are 2048.
    #[arg(long, default_value_t = 2048)]
    batch: usize,
    /// Steps to measure, after one that is not.
    #[arg(long, default_value_t = 5)]
    steps: usize,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let preference = if arguments.device == "gpu" { Preference::Gpu } else { Preference::Cpu };
    let device = Device::open(preference).await?;
    let config = TrainConfig {
        width: arguments.width,
        batch: arguments.batch,
        epochs: arguments.steps + 1,
        ..TrainConfig::paper()
    };
    // An epoch of one batch: its report is the step's time, read back once at its end.
    let mut trainer = Trainer::new(rows(arguments.batch, arguments.dimension), config, None, &device)?;
    let mut ms = Vec::new();
    while let Some(report) = trainer.epoch(None, &mut ()).await? {
        ms.push(report.ms);
    }
    let mut measured = ms.split_off(1);
    measured.sort_by(f64::total_cmp);
    let median = measured.get(measured.len() / 2).copied().unwrap_or(f64::NAN);
    let result = serde_json::json!({
        "what": "training step (SAM, CVaR + AUC, AdamW)",
        "engine": "safelight",
        "device": device.info().name,
        "kind": device.info().kind,
        "dimension": arguments.dimension,
        "width": arguments.width,
        "batch": arguments.batch,
        "stepMs": { "median": median, "least": measured.first(), "most": measured.last() },
        "rowsPerSecond": arguments.batch as f64 / median * 1e3,
    });
    println!("{}", serde_json::to_string(&result).map_err(|error| Error::TrainConfig { message: error.to_string() })?);
    Ok(ExitCode::SUCCESS)
}

/// Rows without meaning: speed does not depend on it.
fn rows(n: usize, dimension: usize) -> Dataset {
    let features = (0..n * dimension).map(|at| ((at * 7919 % 4099) as f32 / 2048.0) - 1.0).collect();
    Dataset {
        features,
        dimension,
        generated: (0..n).map(|row| row % 2 == 0).collect(),
        sources: vec![String::new(); n],
    }
}
