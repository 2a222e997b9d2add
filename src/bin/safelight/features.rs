//! `safelight features`: every picture of a labelled folder through the image tower, once.
//!
//! The file holds `embedding` F32 `[n, projection]`, `class_tokens` F16 `[n, layers, width]`, and under
//! the metadata key `safelight` the rows: file, label and source of each picture.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use half::f16;
use safelight::clip::vision::ImageTokens;
use safelight::extractor::Extractor;
use safelight::features::{FeatureSpec, TowerShape, View};
use safelight::picture::{Limits, Picture};
use safelight::train::dataset::Dataset;
use safelight::{Error, Result};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::loading::{self, Model};

#[derive(clap::Args)]
pub struct Arguments {
    /// Folder with metadata.csv: the columns `file_name`, `label` and `source`.
    folder: PathBuf,
    #[command(flatten)]
    model: Model,
    /// The file to write.
    #[arg(long)]
    out: PathBuf,
}

/// A line of metadata.csv, in Hugging Face's ImageFolder form.
#[derive(Deserialize)]
struct Line {
    file_name: String,
    label: String,
    #[serde(default)]
    source: String,
}

/// One picture of the file.
#[derive(Serialize, Deserialize)]
struct Row {
    file: String,
    generated: bool,
    source: String,
}

/// What stands in the file's metadata.
#[derive(Serialize, Deserialize)]
struct Contents {
    pack: String,
    rows: Vec<Row>,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let lines = lines(&arguments.folder)?;
    let extractor = arguments.model.open().await?;
    let bar = loading::bar(lines.len() as u64, "embedding", "{pos} of {len}");
    let mut all = ImageTokens { n: 0, embedding: Vec::new(), class_tokens: Vec::new() };
    let mut rows = Vec::new();
    for line in lines {
        match embed(&extractor, &arguments.folder.join(&line.file_name)).await {
            Ok(tokens) => {
                all.n += tokens.n;
                all.embedding.extend(tokens.embedding);
                all.class_tokens.extend(tokens.class_tokens);
                rows.push(Row { generated: line.label == "generated", file: line.file_name, source: line.source });
            }
            Err(error) => bar.suspend(|| eprintln!("skipped {}: {error}", line.file_name)),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let contents = Contents { pack: extractor.manifest().weights_file()?.sha256.clone(), rows };
    loading::write(&arguments.out, &write(&all, extractor.shape(), &contents)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a file of `safelight features` as a training set for heads that see `spec`; also the pack's
/// hash.
pub fn dataset(path: &std::path::Path, spec: &FeatureSpec) -> Result<(Dataset, String, TowerShape)> {
    let bytes = loading::read(path)?;
    let bad = |message: String| Error::WeightsHeader { file: path.display().to_string(), message };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| bad(error.to_string()))?;
    let json = metadata.metadata().as_ref().and_then(|map| map.get("safelight"));
    let json = json.ok_or_else(|| bad("it was not written by `safelight features`".to_owned()))?;
    let contents: Contents = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
    let tensor = |name: &str| file.tensor(name).map_err(|error| bad(error.to_string()));
    let (embedding, class_tokens) = (tensor("embedding")?, tensor("class_tokens")?);
    let (&[n, projection], &[m, layers, width]) = (embedding.shape(), class_tokens.shape()) else {
        return Err(bad("its tensors have other ranks".to_owned()));
    };
    if n != contents.rows.len() || m != n || embedding.dtype() != Dtype::F32 || class_tokens.dtype() != Dtype::F16 {
        return Err(bad("its tensors and rows do not fit together".to_owned()));
    }
    let tokens = ImageTokens {
        n,
        embedding: embedding.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
        class_tokens: class_tokens.data().as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).to_f32()).collect(),
    };
    let shape = TowerShape { layers, width, projection };
    let data = Dataset {
        features: spec.features(&tokens, &vec![true; n * spec.views.len()], shape)?,
        dimension: spec.dimension(shape),
        generated: contents.rows.iter().map(|row| row.generated).collect(),
        sources: contents.rows.into_iter().map(|row| row.source).collect(),
    };
    Ok((data, contents.pack, shape))
}

fn lines(folder: &std::path::Path) -> Result<Vec<Line>> {
    let path = folder.join("metadata.csv");
    let bad = |error: csv::Error| Error::File { path: path.display().to_string(), message: error.to_string() };
    let mut reader = csv::Reader::from_path(&path).map_err(bad)?;
    reader.deserialize().collect::<Result<_, _>>().map_err(bad)
}

async fn embed(extractor: &Extractor, path: &std::path::Path) -> Result<ImageTokens> {
    let picture = Picture::decode(&loading::read(path)?, &Limits::default())?;
    Ok(extractor.look(&[View::Whole], &[picture], &mut ()).await?.tokens)
}

fn write(tokens: &ImageTokens, shape: TowerShape, contents: &Contents) -> Result<Vec<u8>> {
    let bad = |message: String| Error::WeightsHeader { file: "the features".to_owned(), message };
    let embedding: Vec<u8> = tokens.embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
    let class_tokens: Vec<u8> =
        tokens.class_tokens.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
    let json = serde_json::to_string(contents).map_err(|error| bad(error.to_string()))?;
    let views = [
        TensorView::new(Dtype::F32, vec![tokens.n, shape.projection], &embedding).map(|view| ("embedding", view)),
        TensorView::new(Dtype::F16, vec![tokens.n, shape.layers, shape.width], &class_tokens)
            .map(|view| ("class_tokens", view)),
    ];
    let views = views.into_iter().collect::<Result<Vec<_>, _>>();
    let bytes =
        views.and_then(|views| safetensors::serialize(views, Some(HashMap::from([("safelight".to_owned(), json)]))));
    bytes.map_err(|error| bad(error.to_string()))
}
