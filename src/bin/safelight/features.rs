//! `safelight features`, and how the other commands come to features: from its files, or from a folder, each picture
//! once.
//!
//! | file | holds |
//! |---|---|
//! | `kind` | which features a file holds, and what it says of itself |
//! | `file` | a file of features |
//! | `parts` | a folder of such files, which grows by one after the other |
//! | `joined` | several files as one |
//! | `embedding` | pictures and captions on their way through the towers |

mod embedding;
pub mod file;
pub mod joined;
pub mod kind;
mod parts;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use safelight::features::View;
use safelight::train::data::labels::{Labelled, Mapping};
use safelight::treatment::Treatment;
use safelight::{Error, Result};

pub use self::embedding::Source;

use self::embedding::{Embedded, Embedder};
use self::file::FeatureFile;
use self::joined::Joined;
use self::parts::Parts;
use crate::d3::{D3, Records};
use crate::loading::Model;
use crate::{folder, loading};

/// Where labelled pictures come from.
#[derive(clap::Args)]
pub struct Pictures {
    /// A folder of labelled pictures; or files of `safelight features` and folders of them, one or more, which are
    /// taken together.
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// What a folder's pictures are where its name does not say: FOLDER=real, generated or skip.
    #[arg(long, value_parser = folder::mapping)]
    map: Vec<(String, Mapping)>,
    /// Keep features in this file, and take from it what it has; several folders may share it.
    #[arg(long)]
    cache: Option<PathBuf>,
    #[command(flatten)]
    model: Model,
}

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder of labelled pictures.
    #[arg(required_unless_present = "d3", conflicts_with = "d3")]
    folder: Option<PathBuf>,
    /// What the folder's pictures are where its name does not say: FOLDER=real, generated or skip.
    #[arg(long, value_parser = folder::mapping)]
    map: Vec<(String, Mapping)>,
    #[command(flatten)]
    d3: D3,
    #[command(flatten)]
    model: Model,
    /// The file to write; what it has, of this folder or of others, stays in it. With --d3 a folder of such files,
    /// which several shards may share.
    #[arg(long)]
    out: PathBuf,
    /// Take what is known from this file, and keep it there; the one that is written then holds this folder alone.
    #[arg(long, conflicts_with = "d3")]
    cache: Option<PathBuf>,
    /// How pictures are treated first: as-given, web, hard, equalised-0…
    #[arg(long, value_delimiter = ',', default_value = "as-given,web,hard")]
    treatments: Vec<Treatment>,
    /// How they are looked at: whole, detail.
    #[arg(long, value_delimiter = ',', default_value = "whole,detail", value_parser = view)]
    views: Vec<View>,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(records) = arguments.d3.open()? {
        Box::pin(arguments.of_records(records)).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let (views, treatments, out) = (&arguments.views, &arguments.treatments, &arguments.out);
    let input = vec![arguments.folder.clone().unwrap_or_default()];
    let cache = Some(arguments.cache.clone().unwrap_or_else(|| out.clone()));
    let pictures = Pictures { input, map: arguments.map.clone(), cache, model: arguments.model.clone() };
    let (embedder, run) = Box::pin(pictures.embed(views, treatments)).await?;
    let of_folder = run.places.len();
    let others = run.file.pictures.len() - of_folder;
    if arguments.cache.is_some() {
        embedder.only(run).write(out)?;
    } else {
        if !run.changed {
            run.file.write(out)?; // labels may have
        }
        if others > 0 {
            eprintln!("{others} pictures that it held before and that are not in this folder stay in it");
        }
    }
    eprintln!("{of_folder} pictures in {}", out.display());
    Ok(ExitCode::SUCCESS)
}

/// `whole` or `detail`, for the command line.
pub fn view(name: &str) -> std::result::Result<View, String> {
    serde_json::from_value(name.into()).map_err(|_| format!("“{name}” is none of whole, detail"))
}

impl Arguments {
    /// Looks at the pictures of D3's records, part after part.
    async fn of_records(&self, mut records: Records) -> Result<()> {
        let embedder = Embedder::open(&self.model, records.has_captions()).await?;
        let kind = embedder.kind(&self.views, &self.treatments)?;
        let mut parts = Parts::open(&self.out, &records.shard(), &kind, Some(records.captions()))?;
        let known = std::mem::take(&mut parts.known);
        let before = known.len();
        records.leave_out(&known);
        let bar = loading::bar(records.total() as u64, "embedding", "{pos} of {len}");
        let (mut pictures, mut skipped) = (0, 0);
        while !records.ended() {
            let mut empty = FeatureFile::new(kind.clone());
            empty.captions_from = Some(records.captions().to_owned());
            let part = embedder.embed(records.part(), empty, None, &bar).await?;
            if !part.file.pictures.is_empty() {
                parts.write(&part.file)?;
            }
            pictures += part.places.len();
            skipped += part.skipped;
            bar.set_position(records.passed() as u64);
        }
        bar.finish_and_clear();
        records.report();
        tell_skipped(skipped);
        eprintln!("{} pictures in {}, {pictures} of them new", before + pictures, self.out.display());
        Ok(())
    }
}

impl Pictures {
    /// The features, from files or from the folder.
    pub async fn features(&self, views: &[View], treatments: &[Treatment]) -> Result<Joined> {
        if let Some(joined) = Joined::read(&self.input)? {
            return Ok(joined);
        }
        let (embedder, run) = Box::pin(self.embed(views, treatments)).await?;
        Ok(Joined::of(embedder.only(run)))
    }

    /// The same of another folder or file, with this model.
    pub async fn features_of(&self, input: &Path, views: &[View], treatments: &[Treatment]) -> Result<Joined> {
        let input = vec![input.to_owned()];
        let other = Self { input, map: self.map.clone(), cache: None, model: self.model.clone() };
        other.features(views, treatments).await
    }

    /// Looks at the folder's pictures, but for those that the cache has; what is new is kept there.
    async fn embed(&self, views: &[View], treatments: &[Treatment]) -> Result<(Embedder, Embedded)> {
        let [input] = &self.input[..] else {
            let message = "several inputs are taken together only where all of them are features: files of `safelight \
                           features`, or folders of them";
            return Err(Error::TrainingSet { message: message.to_owned() });
        };
        let labelled = folder::labelled(input, &self.map.iter().cloned().collect())?;
        let has_captions = labelled.iter().any(|label| label.text.is_some());
        let embedder = Embedder::open(&self.model, has_captions).await?;
        let mut kind = embedder.kind(views, treatments)?;
        let known = match &self.cache {
            Some(path) if path.is_file() => {
                let known = FeatureFile::read(path)?;
                // More views than are asked for do no harm: a specification names those that a head looks at.
                if views.iter().all(|view| known.kind.views.contains(view)) {
                    kind.views.clone_from(&known.kind.views);
                }
                kind.require(&known.kind, path)?;
                known
            }
            _ => FeatureFile::new(kind),
        };
        let count = labelled.len();
        let read = |label: Labelled| {
            let bytes = loading::read_picture(&input.join(&label.path));
            Ok((label, bytes))
        };
        let bar = loading::bar(count as u64, "embedding", "{pos} of {len}");
        let pictures = labelled.into_iter().map(read);
        let run = Box::pin(embedder.embed(pictures, known, self.cache.as_deref(), &bar)).await?;
        bar.finish_and_clear();
        tell_skipped(run.skipped);
        if let Some(cache) = &self.cache {
            if run.known > 0 {
                eprintln!("{} of {count} pictures were known from {}", run.known, cache.display());
            }
            if run.changed {
                run.file.write(cache)?;
            }
        }
        Ok((embedder, run))
    }
}

fn tell_skipped(skipped: usize) {
    if skipped > 0 {
        eprintln!("{skipped} pictures could not be read and were left out");
    }
}
