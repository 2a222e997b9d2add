//! `safelight check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use safelight::Result;
use safelight::detector::{Detector, Verdict};
use safelight::head::{Head, Label};
use safelight::picture::Limits;
use serde_json::json;

use crate::loading::{self, Model};

#[derive(clap::Args)]
pub struct Arguments {
    /// Picture files.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    #[command(flatten)]
    model: Model,
    /// The head's file.
    #[arg(long, default_value = "models/heads/clip-vit-base-patch16-int8.safetensors")]
    head: PathBuf,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let head = Head::read(&loading::read(&arguments.head)?)?;
    let detector = Detector::new(arguments.model.open().await?, head)?;
    let bar = loading::bar(arguments.pictures.len() as u64, "checking", "{pos} of {len}");
    let (mut generated, mut failed) = (false, false);
    for path in &arguments.pictures {
        let outcome = check(&detector, path).await;
        generated |= outcome.as_ref().is_ok_and(|verdict| verdict.label == Label::Generated);
        failed |= outcome.is_err();
        let line = if arguments.json { as_json(path, &outcome) } else { as_row(path, &outcome) };
        bar.suspend(|| println!("{line}"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    if !arguments.json {
        let figures = detector.info()?.head.figures;
        eprintln!(
            "Computed on the {}. On {}, this head called {:.0} % of the real ones generated and {:.0} % of the generated ones real.",
            detector.info()?.device.kind.word(),
            figures.source,
            100.0 * figures.real_called_generated,
            100.0 * figures.generated_called_real,
        );
    }
    Ok(ExitCode::from(if failed { 2 } else { u8::from(generated) }))
}

async fn check(detector: &Detector, path: &Path) -> Result<Verdict> {
    let length = std::fs::metadata(path).map_err(|error| loading::file_error(path, &error))?.len();
    let limit = Limits::default().bytes;
    if length > limit {
        return Err(safelight::Error::PictureBytes { bytes: length, limit });
    }
    detector.check(&loading::read(path)?, &mut ()).await
}

fn as_json(path: &Path, outcome: &Result<Verdict>) -> String {
    let file = path.display().to_string();
    match outcome {
        Ok(verdict) => json!({
            "file": file,
            "probability": verdict.probability,
            "verdict": verdict.label,
            "device": verdict.device.kind,
            "ms": verdict.ms.total(),
        }),
        Err(error) => json!({ "file": file, "error": { "code": error.code(), "message": error.to_string() } }),
    }
    .to_string()
}

fn as_row(path: &Path, outcome: &Result<Verdict>) -> String {
    match outcome {
        Ok(verdict) => {
            let words = match verdict.label {
                Label::Generated => "likely generated",
                Label::Real => "likely a real photo",
                Label::Unsure => "can't tell",
            };
            format!("{words:<20} {:>4.0} %  {}", 100.0 * verdict.probability, path.display())
        }
        Err(error) => format!("{:<20} {:>6}  {}: {error}", "not checked", "", path.display()),
    }
}
