//! `safelight bench-training`: the milliseconds of the paper's training step, as JSON, for
//! `cargo xtask bench-training`, which puts `PyTorch` and the page beside it.

use std::process::ExitCode;

use safelight::device::{Device, Preference};
use safelight::train::trainer::speed::{Sizes, step_ms};
use safelight::{Error, Result};

#[derive(clap::Args)]
pub struct Arguments {
    /// Where to compute.
    #[arg(long, default_value = "cpu", value_parser = ["cpu", "gpu"])]
    device: String,
    /// Length of a feature.
    #[arg(long, default_value_t = 1536)]
    dimension: usize,
    /// Width of the hidden layers.
    #[arg(long, default_value_t = 1536)]
    width: usize,
    /// Rows a step.
    #[arg(long, default_value_t = 2048)]
    batch: usize,
    /// Steps to measure, after one that is not.
    #[arg(long, default_value_t = 5)]
    steps: usize,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let preference = if arguments.device == "gpu" { Preference::Gpu } else { Preference::Cpu };
    let device = Device::open(preference).await?;
    let &Arguments { dimension, width, batch, steps, .. } = arguments;
    let ms = step_ms(Sizes { dimension, width, batch, steps }, &device).await?;
    let result = serde_json::json!({ "where": device.info().name, "ms": ms });
    println!("{}", serde_json::to_string(&result).map_err(|error| Error::TrainConfig { message: error.to_string() })?);
    Ok(ExitCode::SUCCESS)
}
