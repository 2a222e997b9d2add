//! `safelight bench-kernels`: what each kernel of a tower reaches on this machine's GPU, beside a loop of multiply-adds and
//! a copy on the same one; for `cargo xtask bench --only kernels`.

use std::process::ExitCode;

use safelight::Result;
use safelight::clip::speed::{Amount, Model, Rate, kernels};
use safelight::device::{Device, Preference};

#[derive(clap::Args)]
pub struct Arguments {
    /// Whose shapes.
    #[arg(long, default_value = "base", value_parser = ["base", "large"])]
    model: String,
    /// Every way to compute a kernel instead of the chosen one.
    #[arg(long)]
    every_way: bool,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let device = Device::open(Preference::Gpu).await?;
    let model = if arguments.model == "large" { Model::Large } else { Model::Base };
    eprintln!("{}", device.info().name);
    // The first of each kind is what the device can do.
    let (mut operations, mut bytes) = (None, None);
    let mut tell = |rate: &Rate| {
        let per_ms = rate.per_ms();
        let (most, unit) = match rate.amount {
            Amount::Operations(_) => (*operations.get_or_insert(per_ms), "GFLOP/s"),
            Amount::Bytes(_) => (*bytes.get_or_insert(per_ms), "GB/s"),
        };
        let Rate { kernel, way, ms, .. } = rate;
        let (billions, share) = (per_ms / 1e6, per_ms / most);
        if arguments.json {
            let line = serde_json::json!({ "kernel": kernel, "way": way, "ms": ms, "rate": billions, "unit": unit, "share": share });
            println!("{line}");
        } else {
            println!("{kernel:<34} {way:<24} {ms:>9.2} ms {billions:>9.1} {unit:<7} {:>4.0} %", 100.0 * share);
        }
    };
    kernels(&device, model, arguments.every_way, &mut tell).await?;
    Ok(ExitCode::SUCCESS)
}
