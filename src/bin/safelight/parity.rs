//! `safelight parity`: whether two devices, or two number types of the weights, say the same of the same pictures. Each
//! file of `safelight features` was computed in one way; pictures that both have are compared: the cosine of their
//! embeddings, and the verdict.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use safelight::head::Head;
use safelight::{Error, Result};

use crate::eval::judge;
use crate::features::file::FeatureFile;
use crate::loading;

#[derive(clap::Args)]
pub struct Arguments {
    /// Features computed in one way (`safelight features FOLDER --treatments as-given --out FILE`).
    first: PathBuf,
    /// The same computed in another way.
    second: PathBuf,
    /// The head that judges.
    #[arg(long, default_value = "models/heads/clip-vit-base-patch16-int8.safetensors")]
    head: PathBuf,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let head = Head::read(&loading::read(&arguments.head)?)?;
    let files = [FeatureFile::read(&arguments.first)?, FeatureFile::read(&arguments.second)?];
    if files[0].kind.shape != files[1].kind.shape || files[0].kind.views != files[1].kind.views {
        return Err(Error::TrainingSet { message: "the two files are of other models or views".to_owned() });
    }
    let mut judged = Vec::new();
    for file in &files {
        judged.push(judge(&head, &file.training_set(&head.info().features)?, &[0]).await?);
    }
    let seconds = files[1].pictures.iter().enumerate();
    let seconds: HashMap<&str, usize> = seconds.map(|(at, picture)| (picture.facts.sha256.as_str(), at)).collect();
    let (mut pictures, mut views, mut flips) = (0, 0, 0);
    let (mut lowest, mut farthest) = (1.0_f64, 0.0_f32);
    for (at, picture) in files[0].pictures.iter().enumerate() {
        let Some(&other) = seconds.get(picture.facts.sha256.as_str()) else { continue };
        if files[0].row(at).0 != files[1].row(other).0 {
            return Err(Error::TrainingSet { message: format!("{} was looked at differently", picture.name) });
        }
        let (a, b) = (files[0].tokens_of(at).embedding, files[1].tokens_of(other).embedding);
        let width = files[0].kind.shape.projection;
        for (a, b) in a.chunks(width).zip(b.chunks(width)) {
            lowest = lowest.min(cosine(a, b));
            views += 1;
        }
        let probability = [judged[0].probabilities[at], judged[1].probabilities[other]];
        let verdict = [judged[0].verdicts[at], judged[1].verdicts[other]];
        farthest = farthest.max((probability[0] - probability[1]).abs());
        if verdict[0] != verdict[1] {
            flips += 1;
            println!(
                "{}: {:?} at {:.6}, {:?} at {:.6}",
                picture.name, verdict[0], probability[0], verdict[1], probability[1]
            );
        }
        pictures += 1;
    }
    println!(
        "{pictures} pictures, {views} views: lowest cosine {lowest:.7}, largest difference of a probability {farthest:.1e}, \
         {flips} verdicts differ"
    );
    Ok(ExitCode::from(u8::from(flips > 0)))
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
