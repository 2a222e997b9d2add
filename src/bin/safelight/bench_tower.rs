//! `safelight bench-tower`: the image tower on the same pixels again and again, once for each line on the standard input,
//! so that `cargo xtask bench` can let it take turns with onnxruntime. Every answer is a line of JSON.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use safelight::Result;
use safelight::extractor::Looked;
use safelight::features::View;
use safelight::picture::{Limits, Picture};
use serde_json::{Value, json};

use crate::loading::{self, Model};

#[derive(clap::Args)]
pub struct Arguments {
    /// Picture files, one batch.
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    #[command(flatten)]
    model: Model,
    /// Where the pixels are written, `[n, 3, side, side]` float32, for the other side to read.
    #[arg(long)]
    pixels: PathBuf,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let start = Instant::now();
    let extractor = Box::pin(arguments.model.open()).await?;
    let tower = extractor.tower();
    let open_ms = milliseconds(start);
    let decode = |path| Picture::decode(&loading::read_picture(path)?, &Limits::default());
    let pictures = arguments.pictures.iter().map(|path| decode(path)).collect::<Result<Vec<_>>>()?;
    let Looked { pixels, .. } = Looked::at(&[View::Whole], &pictures, tower.config().image_size);
    loading::write(&arguments.pixels, &pixels.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>())?;
    say(&json!({ "where": tower.device().info().name, "openMs": open_ms }));
    for _ in std::io::stdin().lock().lines().map_while(std::io::Result::ok) {
        let pixels = pixels.clone();
        let start = Instant::now();
        let tokens = Box::pin(tower.forward(pixels, &mut ())).await?;
        say(&json!({ "ms": milliseconds(start), "embeddings": tokens.embedding }));
    }
    Ok(ExitCode::SUCCESS)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn say(value: &Value) {
    println!("{value}");
    // Nobody reads any more: the next line is the last.
    let _ = std::io::stdout().flush();
}
