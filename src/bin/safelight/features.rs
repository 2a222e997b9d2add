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

use std::collections::HashSet;
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
use self::kind::Kind;
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
    #[command(flatten)]
    chosen: Chosen,
    /// Keep features in this file, and take from it what it has; several folders may share it.
    #[arg(long)]
    cache: Option<PathBuf>,
    #[command(flatten)]
    model: Model,
}

/// Which of a folder's pictures, and what belongs to them.
#[derive(clap::Args, Clone)]
pub struct Chosen {
    /// What a folder's pictures are where its name does not say: FOLDER=real, generated or skip.
    #[arg(long, value_parser = folder::mapping)]
    map: Vec<(String, Mapping)>,
    /// Leave out the pictures of these sources.
    #[arg(long, value_name = "SOURCE", value_delimiter = ',')]
    without: Vec<String>,
    /// A folder that has, under the same names, the centres of the originals at full resolution, where the pictures
    /// themselves are reduced: they are the detail of the pictures as given.
    #[arg(long, value_name = "FOLDER")]
    centres: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder of labelled pictures.
    #[arg(required_unless_present = "d3", conflicts_with = "d3")]
    folder: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
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
    /// How they are looked at: whole, detail (the centre at full resolution), details (that and the middle of each
    /// quarter, averaged).
    #[arg(long, value_delimiter = ',', default_value = "whole,detail", value_parser = view)]
    views: Vec<View>,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(records) = arguments.d3.open()? {
        let Chosen { map, without, centres } = &arguments.chosen;
        if centres.is_some() || !map.is_empty() || !without.is_empty() {
            let message = "--map, --without and --centres are for a folder of pictures, not for D3's records";
            return Err(Error::TrainingSet { message: message.to_owned() });
        }
        Box::pin(arguments.of_records(records)).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let (views, treatments, out) = (&arguments.views, &arguments.treatments, &arguments.out);
    let input = vec![arguments.folder.clone().unwrap_or_default()];
    let cache = Some(arguments.cache.clone().unwrap_or_else(|| out.clone()));
    let pictures = Pictures { input, chosen: arguments.chosen.clone(), cache, model: arguments.model.clone() };
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

/// A view by its name, for the command line.
pub fn view(name: &str) -> std::result::Result<View, String> {
    serde_json::from_value(name.into()).map_err(|_| format!("“{name}” is none of whole, detail, details"))
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
            if self.chosen.centres.is_some() {
                let message = "centres are looked at together with a folder of pictures; these are features already";
                return Err(Error::TrainingSet { message: message.to_owned() });
            }
            return joined.without(&self.chosen.without);
        }
        let (embedder, run) = Box::pin(self.embed(views, treatments)).await?;
        Ok(Joined::of(embedder.only(run)))
    }

    /// The same of another folder or file with all its sources, with this model.
    pub async fn features_of(&self, input: &Path, views: &[View], treatments: &[Treatment]) -> Result<Joined> {
        let input = vec![input.to_owned()];
        let chosen = Chosen { map: self.chosen.map.clone(), without: Vec::new(), centres: None };
        let other = Self { input, chosen, cache: None, model: self.model.clone() };
        other.features(views, treatments).await
    }

    /// Looks at the folder's pictures, but for those that the cache has; what is new is kept there.
    async fn embed(&self, views: &[View], treatments: &[Treatment]) -> Result<(Embedder, Embedded)> {
        let [input] = &self.input[..] else {
            let message = "several inputs are taken together only where all of them are features: files of `safelight \
                           features`, or folders of them";
            return Err(Error::TrainingSet { message: message.to_owned() });
        };
        let Chosen { map, without, centres } = &self.chosen;
        if let Some(folder) = centres.as_ref().filter(|folder| !folder.is_dir()) {
            let message = "there is no such folder of centres".to_owned();
            return Err(Error::File { path: folder.display().to_string(), message });
        }
        let mut labelled = folder::labelled(input, &map.iter().cloned().collect())?;
        require_sources(without, labelled.iter().map(|label| &label.source))?;
        labelled.retain(|label| !without.contains(&label.source));
        let has_captions = labelled.iter().any(|label| label.text.is_some());
        let embedder = Embedder::open(&self.model, has_captions).await?;
        let mut kind = Kind { centres: centres.is_some(), ..embedder.kind(views, treatments)? };
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
            let centre = centres.as_ref().map(|folder| folder.join(&label.path)).filter(|path| path.is_file());
            let centre = centre.map(|path| loading::read_picture(&path));
            Ok(Source { label, bytes, centre })
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

/// Refuses to leave out sources that are not there.
pub fn require_sources<'a>(wanted: &[String], there: impl Iterator<Item = &'a String>) -> Result<()> {
    let there: HashSet<&String> = there.collect();
    match wanted.iter().find(|source| !there.contains(source)) {
        Some(source) => Err(Error::TrainingSet {
            message: format!("there is no source named “{source}” that could be left out"),
        }),
        None => Ok(()),
    }
}

fn tell_skipped(skipped: usize) {
    if skipped > 0 {
        eprintln!("{skipped} pictures could not be read and were left out");
    }
}
