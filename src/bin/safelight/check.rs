//! `safelight check`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use safelight::Result;
use safelight::detector::{CaptionUse, Detector, Verdict};
use safelight::head::{Head, HeadFile, HeadInfo, Label};
use serde_json::json;

use crate::decoding::{Decoded, decode_ahead};
use crate::loading::{self, Model};
use crate::tables;

#[derive(clap::Args)]
pub struct Arguments {
    /// Picture files.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// What stands under the picture, or describes it; for heads that read captions. One caption for all pictures.
    #[arg(long)]
    caption: Option<String>,
    #[command(flatten)]
    model: Model,
    /// The head's file.
    #[arg(long, default_value = "models/heads/clip-vit-base-patch16-int8.safetensors")]
    head: PathBuf,
    /// Call pictures generated from the head's measured limit with this false-positive rate on (0.01, say)
    /// instead of from its own.
    #[arg(long, value_name = "RATE")]
    false_positives: Option<f64>,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut file = HeadFile::read(&loading::read(&arguments.head)?)?;
    if let Some(rate) = arguments.false_positives {
        file.info.operate_at(rate)?;
    }
    let reads_captions = file.info.features.caption;
    let mut extractor = arguments.model.open().await?;
    if reads_captions && arguments.caption.is_some() {
        extractor.use_tokenizer(arguments.model.tokenizer(extractor.manifest())?)?;
    }
    let detector = Detector::new(extractor, Head::new(&file))?;
    if arguments.caption.is_some() && !reads_captions {
        eprintln!("this head reads no captions: the pictures alone decide");
    }
    let bar = loading::bar(arguments.pictures.len() as u64, "checking", "{pos} of {len}");
    let (mut generated, mut failed) = (false, false);
    for (path, decoded) in decode_ahead(arguments.pictures.clone()) {
        let outcome = check(&detector, decoded, arguments.caption.as_deref()).await;
        generated |= outcome.as_ref().is_ok_and(|verdict| verdict.label == Label::Generated);
        failed |= outcome.is_err();
        let line = if arguments.json { as_json(&path, &outcome) } else { as_row(&path, &outcome) };
        bar.suspend(|| println!("{line}"));
        bar.inc(1);
    }
    bar.finish_and_clear();
    if !arguments.json {
        if let Some(rate) = arguments.false_positives {
            eprintln!("{}", at_another_limit(rate, detector.head().info()));
        }
        let figures = detector.info()?.head.figures;
        eprintln!(
            "Computed on the {}. On {}, this head called {} of the real ones generated and {} of the generated ones real.",
            detector.info()?.device.kind.word(),
            figures.source,
            tables::percent(figures.real_called_generated),
            tables::percent(figures.generated_called_real),
        );
    }
    Ok(ExitCode::from(if failed { 2 } else { u8::from(generated) }))
}

/// What a chosen limit is worth, and what the head's figures are then not about.
fn at_another_limit(rate: f64, head: &HeadInfo) -> String {
    format!(
        "“Likely generated” is said from {:.0} % on, which at most {} % of the real ones reached, of {}. Other sources may differ. \
         The figures below were measured at the head's own limit.",
        100.0 * head.thresholds.generated,
        100.0 * rate,
        head.rates_source()
    )
}

async fn check(detector: &Detector, decoded: Result<Decoded>, caption: Option<&str>) -> Result<Verdict> {
    let Decoded { picture, ms } = decoded?;
    let mut verdict = detector.check_picture(&picture, caption, &mut ()).await?;
    verdict.ms.decode = ms;
    Ok(verdict)
}

fn as_json(path: &Path, outcome: &Result<Verdict>) -> String {
    let file = path.display().to_string();
    match outcome {
        Ok(verdict) => json!({
            "file": file,
            "probability": verdict.probability,
            "verdict": verdict.label,
            "caption": verdict.caption,
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
            let caption = match verdict.caption {
                CaptionUse::Used => "  (picture and caption)",
                CaptionUse::Missing => "  (picture alone, without a caption)",
                CaptionUse::Unread => "",
            };
            format!("{words:<20} {:>4.0} %  {}{caption}", 100.0 * verdict.probability, path.display())
        }
        Err(error) => format!("{:<20} {:>6}  {}: {error}", "not checked", "", path.display()),
    }
}
