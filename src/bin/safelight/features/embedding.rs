//! Pictures and captions on their way through the towers into a file of features. What the file has is not looked at
//! again, and stays in it; it is written while it grows, so that an interruption costs little.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;

use indicatif::ProgressBar;
use safelight::clip::vision::ImageTokens;
use safelight::extractor::{Extractor, Looked};
use safelight::features::View;
use safelight::head::info::PackRef;
use safelight::picture::facts::{Facts, sha256};
use safelight::picture::{Limits, Picture};
use safelight::train::data::labels::Labelled;
use safelight::train::data::set::LabelledPicture;
use safelight::treatment::Treatment;
use safelight::webp::Libwebp;
use safelight::{Error, Result};

use super::file::FeatureFile;
use super::kind::Kind;
use crate::loading::{self, Model};

/// A labelled picture.
pub struct Source {
    pub label: Labelled,
    /// Its bytes, unless they cannot be had.
    pub bytes: Result<Vec<u8>>,
    /// The centre of its original at full resolution, where there is such a file.
    pub centre: Option<Result<Vec<u8>>>,
}

/// Pictures in one batch through the tower, each with all its treatments and views.
const BATCH: usize = 4;

/// Captions that are read together.
const CAPTIONS: usize = 64;

/// Pictures or captions after which the file is written. Writing takes as long as the file is large, so a large one is
/// written more rarely.
const SAVE: usize = 200;

/// An open model that embeds labelled pictures.
pub struct Embedder {
    extractor: Extractor,
    /// Whether captions are wanted and can be read.
    captions: bool,
}

/// What became of a run's pictures.
pub struct Embedded {
    /// The features that there were, and those of this run.
    pub file: FeatureFile,
    /// Which of them are this run's pictures, in their order.
    pub places: Vec<usize>,
    /// How many of these were known before.
    pub known: usize,
    /// How many could not be read.
    pub skipped: usize,
    /// Whether a picture or a caption was new.
    pub changed: bool,
}

impl Embedder {
    /// Opens the model, with its tokenizer where there are captions.
    pub async fn open(model: &Model, has_captions: bool) -> Result<Self> {
        let mut extractor = Box::pin(model.open()).await?;
        if has_captions && extractor.has_text_tower() {
            extractor.use_tokenizer(model.tokenizer(extractor.manifest())?)?;
        }
        Ok(Self { captions: has_captions && extractor.reads_captions(), extractor })
    }

    /// The features that it makes.
    pub fn kind(&self, views: &[View], treatments: &[Treatment]) -> Result<Kind> {
        let manifest = self.extractor.manifest();
        let pack = PackRef { id: manifest.id.clone(), sha256: manifest.weights_file()?.sha256.clone() };
        let (views, treatments) = (views.to_vec(), treatments.to_vec());
        Ok(Kind { pack, shape: self.extractor.shape(), views, treatments, centres: false })
    }

    /// Looks at those of `pictures` that `file` does not have, and reads their captions. The file is written to `kept`
    /// now and then, but not at the end.
    pub async fn embed(
        &self,
        pictures: impl Iterator<Item = Result<Source>>,
        file: FeatureFile,
        kept: Option<&Path>,
        bar: &ProgressBar,
    ) -> Result<Embedded> {
        let known = file.pictures.iter().enumerate().map(|(at, picture)| (picture.facts.sha256.clone(), at));
        let mut run = Run {
            extractor: &self.extractor,
            known: known.collect(),
            captions: file.known_captions(),
            embedded: Embedded { file, places: Vec::new(), known: 0, skipped: 0, changed: false },
            taken: HashSet::new(),
            reads_captions: self.captions,
            kept,
            pending: Vec::new(),
            new: 0,
        };
        run.pictures(pictures, bar).await?;
        if self.captions {
            run.captions().await?;
        }
        run.caption();
        Ok(run.embedded)
    }

    /// This run's pictures alone.
    pub fn only(&self, embedded: Embedded) -> FeatureFile {
        let Embedded { file, places, .. } = embedded;
        let mut only = if places.iter().copied().eq(0..file.pictures.len()) { file } else { file.select(&places) };
        only.captions = only.captions.filter(|_| self.captions);
        only
    }
}

/// What is wrong with a picture that is left out.
enum Unreadable {
    Picture(Error),
    Centre(Error),
}

type Read<T> = std::result::Result<T, Unreadable>;

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Picture(error) => error.fmt(formatter),
            Self::Centre(error) => write!(formatter, "its centre: {error}"),
        }
    }
}

/// A run over pictures.
struct Run<'a> {
    extractor: &'a Extractor,
    embedded: Embedded,
    /// Where the file has the picture with this hash.
    known: HashMap<String, usize>,
    /// Those places that a picture of this run has taken.
    taken: HashSet<usize>,
    /// The embeddings of captions, by their words.
    captions: HashMap<String, Vec<f32>>,
    reads_captions: bool,
    /// Where the file is written now and then.
    kept: Option<&'a Path>,
    pending: Vec<(LabelledPicture, Looked)>,
    /// What is not written yet.
    new: usize,
}

impl Run<'_> {
    async fn pictures(&mut self, pictures: impl Iterator<Item = Result<Source>>, bar: &ProgressBar) -> Result<()> {
        for picture in pictures {
            let Source { label, bytes, centre } = picture?;
            let outcome = match (bytes, centre.transpose()) {
                (Ok(bytes), Ok(centre)) => self.picture(&label, &bytes, centre.as_deref()).await?,
                (Err(error), _) => Err(Unreadable::Picture(error)),
                (_, Err(error)) => Err(Unreadable::Centre(error)),
            };
            if let Err(unreadable) = outcome {
                bar.suspend(|| eprintln!("skipped {}: {unreadable}", label.path));
                self.embedded.skipped += 1;
            }
            self.save()?;
            bar.inc(1);
        }
        self.flush().await
    }

    /// Takes one picture. The inner error is the picture's own, and the run goes on.
    async fn picture(&mut self, label: &Labelled, bytes: &[u8], centre: Option<&[u8]>) -> Result<Read<()>> {
        let Some(&at) = self.known.get(&sha256(bytes)) else {
            match self.look(label, bytes, centre).await {
                Ok(looked) => self.pending.push(looked),
                Err(error) => return Ok(Err(error)),
            }
            if self.pending.len() >= BATCH {
                self.flush().await?;
            }
            return Ok(Ok(()));
        };
        self.flush().await?; // for the order
        let Embedded { file, places, known, .. } = &mut self.embedded;
        let picture = with(label, file.pictures[at].facts.clone());
        if self.taken.insert(at) {
            file.pictures[at] = picture;
            places.push(at);
        } else {
            // The same file twice, under two labels.
            let (present, tokens) = (file.row(at).0.to_vec(), file.tokens_of(at));
            places.push(file.pictures.len());
            file.push(picture, &present, &tokens);
        }
        *known += 1;
        Ok(Ok(()))
    }

    async fn look(&self, label: &Labelled, bytes: &[u8], centre: Option<&[u8]>) -> Read<(LabelledPicture, Looked)> {
        let decode = |bytes: &[u8]| Picture::decode(bytes, &Limits::default());
        let picture = decode(bytes).map_err(Unreadable::Picture)?;
        let centre = centre.map(decode).transpose().map_err(Unreadable::Centre)?;
        let facts = Facts::read(bytes, &picture);
        let seed = facts.seed();
        let Kind { views, treatments, centres, .. } = &self.embedded.file.kind;
        let side = self.extractor.tower().config().image_size;
        let mut looked = Looked::default();
        for treatment in treatments {
            let treated = treatment.apply(&picture, seed, &Libwebp).await.map_err(Unreadable::Picture)?;
            for &view in views {
                let pixels = match (view, treatment) {
                    (View::Detail | View::Details, Treatment::AsGiven) if *centres => {
                        centre.as_ref().and_then(|centre| view.pixels_of_centre(centre, side))
                    }
                    _ => view.pixels(&treated, side),
                };
                looked.push(view, pixels);
            }
        }
        Ok((with(label, facts), looked))
    }

    async fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        let mut batch = Looked::default();
        for (_, looked) in &pending {
            batch.append(looked);
        }
        let seen = self.extractor.see(batch, &mut ()).await?;
        let Embedded { file, places, changed, .. } = &mut self.embedded;
        let mut all = FeatureFile::new(file.kind.clone());
        all.tokens = seen.tokens;
        let mut first = 0;
        self.new += pending.len();
        *changed = true;
        for (picture, looked) in pending {
            let present = looked.present();
            let n = present.iter().filter(|&&present| present).count();
            let tokens: ImageTokens = all.tokens(first, n);
            first += n;
            places.push(file.pictures.len());
            file.push(picture, &present, &tokens);
        }
        Ok(())
    }

    /// Reads the captions of this run's pictures that are not known, each once.
    async fn captions(&mut self) -> Result<()> {
        let Embedded { file, places, .. } = &self.embedded;
        let captions = places.iter().filter_map(|&at| file.pictures[at].caption.as_ref());
        let new = unknown(captions, &self.captions);
        let bar = loading::bar(new.len() as u64, "reading captions", "{pos} of {len}");
        let projection = file.kind.shape.projection;
        for texts in new.chunks(CAPTIONS) {
            let captions: Vec<Option<String>> = texts.iter().cloned().map(Some).collect();
            let read = self.extractor.read_captions(&captions, &mut ()).await?;
            // What is empty when it is cleaned has no row.
            let present = texts.iter().zip(&read.present).filter(|&(_, &present)| present);
            let rows = present.zip(read.embedding.chunks(projection));
            self.captions.extend(rows.map(|((text, _), row)| (text.clone(), row.to_vec())));
            self.new += texts.len();
            self.embedded.changed = true;
            self.save()?;
            bar.inc(texts.len() as u64);
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Gives the file's pictures what is known of their captions.
    fn caption(&mut self) {
        let file = &mut self.embedded.file;
        if self.reads_captions || file.captions.is_some() {
            file.caption(&self.captions);
        }
    }

    /// Writes the file if it is time to.
    fn save(&mut self) -> Result<()> {
        let due = SAVE.max(self.embedded.file.pictures.len() / 10);
        if let Some(kept) = self.kept.filter(|_| self.new >= due) {
            self.caption();
            self.embedded.file.write(kept)?;
            self.new = 0;
        }
        Ok(())
    }
}

/// Those of `captions` that are not known, each once, in their order.
fn unknown<'a>(captions: impl Iterator<Item = &'a String>, known: &HashMap<String, Vec<f32>>) -> Vec<String> {
    let mut seen = HashSet::new();
    captions.filter(|&text| !known.contains_key(text) && seen.insert(text)).cloned().collect()
}

fn with(label: &Labelled, facts: Facts) -> LabelledPicture {
    let Labelled { path, source, generated, text } = label.clone();
    LabelledPicture { name: path, source, generated, facts, caption: text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_of_several_pictures_is_read_once_and_a_known_one_never() {
        let captions = ["b", "a", "b", "known", "a"].map(str::to_owned);
        let known = HashMap::from([("known".to_owned(), vec![1.0])]);
        assert_eq!(unknown(captions.iter(), &known), ["b", "a"]);
    }
}
