//! `safelight features`, and how the other commands come to features: from such a file, or from a
//! folder, each picture once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use safelight::Result;
use safelight::clip::vision::ImageTokens;
use safelight::extractor::{Extractor, Looked, Read};
use safelight::features::View;
use safelight::head::info::PackRef;
use safelight::picture::facts::{Facts, sha256};
use safelight::picture::{Limits, Picture};
use safelight::train::data::labels::{Labelled, Mapping};
use safelight::train::data::set::LabelledPicture;
use safelight::treatment::Treatment;

use crate::d3::{self, D3};
use crate::feature_file::FeatureFile;
use crate::folder;
use crate::loading::{self, Model};

/// Pictures in one batch through the tower, each with all its treatments and views.
const BATCH: usize = 4;

/// Captions that are read together.
const CAPTIONS: usize = 64;

/// Pictures after which a cache is written.
const SAVE: usize = 200;

/// Where labelled pictures come from.
#[derive(clap::Args)]
pub struct Pictures {
    /// A folder of labelled pictures, or a file of `safelight features`.
    input: PathBuf,
    /// What a folder's pictures are where its name does not say: FOLDER=real, generated or skip.
    #[arg(long, value_parser = folder::mapping)]
    map: Vec<(String, Mapping)>,
    /// Keep features in this file, and take from it what it has.
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
    /// The file to write; if it is there already, what it has is kept.
    #[arg(long)]
    out: PathBuf,
    /// Take what is known from this file, and keep it there, rather than in the one that is written.
    #[arg(long)]
    cache: Option<PathBuf>,
    /// How pictures are treated first: as-given, web, hard, equalised-0…
    #[arg(long, value_delimiter = ',', default_value = "as-given,web,hard")]
    treatments: Vec<Treatment>,
    /// How they are looked at: whole, detail.
    #[arg(long, value_delimiter = ',', default_value = "whole,detail", value_parser = view)]
    views: Vec<View>,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (views, treatments, out) = (&arguments.views, &arguments.treatments, arguments.out.as_path());
    let cache = Some(arguments.cache.as_deref().unwrap_or(out));
    let file = match (arguments.d3.open()?, &arguments.folder) {
        (Some(mut records), _) => {
            let (count, has_captions) = (records.total(), records.has_captions());
            let file = embed(&arguments.model, &mut records, count, has_captions, views, treatments, cache).await?;
            records.report();
            file
        }
        (None, folder) => {
            let input = folder.clone().unwrap_or_default();
            let pictures = Pictures { input, map: arguments.map.clone(), cache: None, model: arguments.model.clone() };
            pictures.embed(views, treatments, cache).await?
        }
    };
    file.write(out)?;
    eprintln!("{} pictures in {}", file.pictures.len(), arguments.out.display());
    Ok(ExitCode::SUCCESS)
}

/// `whole` or `detail`, for the command line.
pub fn view(name: &str) -> std::result::Result<View, String> {
    serde_json::from_value(name.into()).map_err(|_| format!("“{name}” is none of whole, detail"))
}

impl Pictures {
    /// The features, from the file or from the folder.
    pub async fn features(&self, views: &[View], treatments: &[Treatment]) -> Result<FeatureFile> {
        if self.input.is_file() {
            return FeatureFile::read(&self.input);
        }
        Box::pin(self.embed(views, treatments, self.cache.as_deref())).await
    }

    /// The same of another folder or file, with this model.
    pub async fn features_of(&self, input: &Path, views: &[View], treatments: &[Treatment]) -> Result<FeatureFile> {
        let other = Self { input: input.to_owned(), map: self.map.clone(), cache: None, model: self.model.clone() };
        other.features(views, treatments).await
    }

    async fn embed(&self, views: &[View], treatments: &[Treatment], cache: Option<&Path>) -> Result<FeatureFile> {
        let labelled = folder::labelled(&self.input, &self.map.iter().cloned().collect())?;
        let has_captions = labelled.iter().any(|label| label.text.is_some());
        let count = labelled.len();
        let read = |label: Labelled| {
            let bytes = loading::read_picture(&self.input.join(&label.path));
            Ok((label, bytes))
        };
        let pictures = labelled.into_iter().map(read);
        embed(&self.model, pictures, count, has_captions, views, treatments, cache).await
    }
}

/// Looks at `pictures`, of which there are about `count`, each with its bytes unless they cannot be had; what
/// `cache` has is not looked at again.
async fn embed(
    model: &Model,
    pictures: impl Iterator<Item = Result<d3::Picture>>,
    count: usize,
    has_captions: bool,
    views: &[View],
    treatments: &[Treatment],
    cache: Option<&Path>,
) -> Result<FeatureFile> {
    let mut extractor = Box::pin(model.open()).await?;
    if has_captions && extractor.has_text_tower() {
        extractor.use_tokenizer(model.tokenizer(extractor.manifest())?)?;
    }
    let manifest = extractor.manifest();
    let pack = PackRef { id: manifest.id.clone(), sha256: manifest.weights_file()?.sha256.clone() };
    let known = match cache {
        Some(path) if path.is_file() => Some(FeatureFile::read(path)?),
        _ => None,
    };
    let fits = |known: &FeatureFile| known.pack == pack && known.views == views && known.treatments == treatments;
    let known = known.filter(|known| {
        let fits = fits(known);
        if !fits {
            eprintln!("the features kept before are of another model, of other views or treatments: starting anew");
        }
        fits
    });
    let empty = || FeatureFile::new(pack.clone(), extractor.shape(), views, treatments);
    let mut embedding = Embedding {
        extractor: &extractor,
        known: known.unwrap_or_else(empty),
        file: empty(),
        pending: Vec::new(),
        new: 0,
    };
    Box::pin(embedding.all(pictures, count, cache)).await?;
    if has_captions && extractor.reads_captions() {
        Box::pin(embedding.captions()).await?;
    }
    if let Some(cache) = cache.filter(|_| embedding.new > 0) {
        embedding.file.write(cache)?;
    }
    Ok(embedding.file)
}

/// Pictures on their way through the tower.
struct Embedding<'a> {
    extractor: &'a Extractor,
    known: FeatureFile,
    file: FeatureFile,
    pending: Vec<(LabelledPicture, Looked)>,
    /// Pictures that were not known, since the cache was written.
    new: usize,
}

impl Embedding<'_> {
    async fn all(
        &mut self,
        pictures: impl Iterator<Item = Result<d3::Picture>>,
        count: usize,
        cache: Option<&Path>,
    ) -> Result<()> {
        let rows: Vec<(Vec<bool>, usize)> =
            self.known.rows().map(|(present, first)| (present.to_vec(), first)).collect();
        let known = self.known.pictures.iter().enumerate();
        let known: HashMap<String, usize> = known.map(|(at, picture)| (picture.facts.sha256.clone(), at)).collect();
        let bar = loading::bar(count as u64, "embedding", "{pos} of {len}");
        let mut skipped = 0;
        for picture in pictures {
            let (label, bytes) = picture?;
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => {
                    bar.suspend(|| eprintln!("skipped {}: {error}", label.path));
                    skipped += 1;
                    bar.inc(1);
                    continue;
                }
            };
            if let Some(&at) = known.get(&sha256(&bytes)) {
                self.flush().await?;
                let (present, first) = &rows[at];
                let tokens = self.known.tokens(*first, present.iter().filter(|&&present| present).count());
                let facts = self.known.pictures[at].facts.clone();
                self.file.push(with(&label, facts), present, &tokens);
            } else {
                match self.look(&label, &bytes) {
                    Ok(looked) => self.pending.push(looked),
                    Err(error) => {
                        bar.suspend(|| eprintln!("skipped {}: {error}", label.path));
                        skipped += 1;
                    }
                }
                if self.pending.len() >= BATCH {
                    self.flush().await?;
                }
            }
            // Writing takes as long as the file is large, so a large one is written more rarely.
            if let Some(cache) = cache.filter(|_| self.new >= SAVE.max(self.file.pictures.len() / 10)) {
                self.file.write(cache)?;
                self.new = 0;
            }
            bar.inc(1);
        }
        self.flush().await?;
        bar.finish_and_clear();
        if skipped > 0 {
            eprintln!("{skipped} of {count} pictures could not be read and were left out");
        }
        Ok(())
    }

    /// Reads the captions that are not known.
    async fn captions(&mut self) -> Result<()> {
        let projection = self.file.shape.projection;
        let known = self.known.known_captions();
        let bar = loading::bar(self.file.pictures.len() as u64, "reading captions", "{pos} of {len}");
        let mut read = Read { present: Vec::new(), embedding: Vec::new() };
        for pictures in self.file.pictures.chunks(CAPTIONS) {
            let is_new = |caption: &Option<String>| caption.as_deref().is_none_or(|text| !known.contains_key(text));
            let captions = pictures.iter().map(|picture| picture.caption.clone()).filter(is_new);
            let captions: Vec<Option<String>> = captions.collect();
            self.new += captions.iter().flatten().count();
            let new = self.extractor.read_captions(&captions, &mut ()).await?;
            let (mut flags, mut rows) = (new.present.iter(), new.embedding.chunks(projection));
            for picture in pictures {
                let row = match picture.caption.as_deref().and_then(|text| known.get(text)) {
                    Some(row) => Some(*row),
                    None => flags.next().filter(|&&present| present).and_then(|_| rows.next()),
                };
                read.present.push(row.is_some());
                read.embedding.extend_from_slice(row.unwrap_or_default());
            }
            bar.inc(pictures.len() as u64);
        }
        bar.finish_and_clear();
        self.file.captions = Some(read);
        Ok(())
    }

    fn look(&self, label: &Labelled, bytes: &[u8]) -> Result<(LabelledPicture, Looked)> {
        let picture = Picture::decode(bytes, &Limits::default())?;
        let facts = Facts::read(bytes, &picture);
        let seed = facts.seed();
        let treated = self.file.treatments.iter().map(|treatment| treatment.apply(&picture, seed));
        let treated = treated.collect::<Result<Vec<_>>>()?;
        let side = self.extractor.tower().config().image_size;
        Ok((with(label, facts), Looked::at(&self.file.views, &treated, side)))
    }

    async fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let mut batch = Looked { present: Vec::new(), pixels: Vec::new() };
        for (_, looked) in &pending {
            batch.present.extend_from_slice(&looked.present);
            batch.pixels.extend_from_slice(&looked.pixels);
        }
        let seen = self.extractor.see(batch, &mut ()).await?;
        let mut all = FeatureFile::new(self.file.pack.clone(), self.file.shape, &[], &[]);
        all.tokens = seen.tokens;
        let mut first = 0;
        self.new += pending.len();
        for (picture, looked) in pending {
            let n = looked.present.iter().filter(|&&present| present).count();
            let tokens: ImageTokens = all.tokens(first, n);
            first += n;
            self.file.push(picture, &looked.present, &tokens);
        }
        Ok(())
    }
}

fn with(label: &Labelled, facts: Facts) -> LabelledPicture {
    let Labelled { path, source, generated, text } = label.clone();
    LabelledPicture { name: path, source, generated, facts, caption: text }
}
