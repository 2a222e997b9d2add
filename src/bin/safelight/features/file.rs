//! A file of features: what the towers made of labelled pictures, enough for heads of every specification over
//! these views.
//!
//! | tensor | shape |
//! |---|---|
//! | `present` U8 | `[n, treatments, views]` |
//! | `embedding` F32 | `[views that are present, projection]` |
//! | `class_tokens` F16 | `[views that are present, layers, width]` |
//! | `patch_means` F16 | the same |
//! | `captioned` U8 | `[n]`; absent where captions were not read |
//! | `captions` F32 | `[pictures with a caption, projection]`, likewise |

use std::collections::HashMap;
use std::path::Path;

use half::f16;
use safelight::clip::vision::ImageTokens;
use safelight::extractor::Read;
use safelight::features::{FeatureSpec, TowerShape};
use safelight::train::data::set::{LabelledPicture, TrainingSet};
use safelight::treatment::Treatment;
use safelight::{Error, Result};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::kind::{Contents, Header, Kind, LONGEST_HEADER, METADATA, unusable};
use crate::loading;

/// What the towers made of pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureFile {
    pub kind: Kind,
    pub pictures: Vec<LabelledPicture>,
    /// Where D3's captions come from.
    pub captions_from: Option<String>,
    /// `[n, t, v]`.
    pub present: Vec<bool>,
    /// Of every view that is present, in that order.
    pub tokens: ImageTokens,
    /// Of every picture, the first of its rows in `tokens`, `[n]`.
    first: Vec<usize>,
    /// What the text tower made of the pictures' captions, where they were read.
    pub captions: Option<Read>,
}

impl FeatureFile {
    /// A file without pictures.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            pictures: Vec::new(),
            captions_from: None,
            present: Vec::new(),
            tokens: ImageTokens::default(),
            first: Vec::new(),
            captions: None,
        }
    }

    /// Adds a picture: `present` `[t, v]`, and the tokens of its present views.
    pub fn push(&mut self, picture: LabelledPicture, present: &[bool], tokens: &ImageTokens) {
        self.pictures.push(picture);
        self.present.extend_from_slice(present);
        self.first.push(self.tokens.n);
        self.tokens.append(tokens);
    }

    /// Flags `[t, v]` of a picture, and the first of its token rows.
    pub fn row(&self, index: usize) -> (&[bool], usize) {
        let each = self.kind.treatments.len() * self.kind.views.len();
        (&self.present[index * each..(index + 1) * each], self.first[index])
    }

    /// The tokens of all present views of a picture.
    pub fn tokens_of(&self, index: usize) -> ImageTokens {
        let (present, first) = self.row(index);
        self.tokens(first, present.iter().filter(|&&present| present).count())
    }

    /// Token rows `first..first + n`.
    pub fn tokens(&self, first: usize, n: usize) -> ImageTokens {
        let of = |values: &[f32], width: usize| values[first * width..(first + n) * width].to_vec();
        let TowerShape { layers, width, projection } = self.kind.shape;
        ImageTokens {
            n,
            embedding: of(&self.tokens.embedding, projection),
            class_tokens: of(&self.tokens.class_tokens, layers * width),
            patch_means: of(&self.tokens.patch_means, layers * width),
        }
    }

    /// These pictures (by index) alone, in this order.
    pub fn select(&self, pictures: &[usize]) -> Self {
        let mut part = Self { captions_from: self.captions_from.clone(), ..Self::new(self.kind.clone()) };
        for &index in pictures {
            part.push(self.pictures[index].clone(), self.row(index).0, &self.tokens_of(index));
        }
        if self.captions.is_some() {
            part.caption(&self.known_captions());
        }
        part
    }

    /// The embedding of every caption that was read, by its words.
    pub fn known_captions(&self) -> HashMap<String, Vec<f32>> {
        let Some(read) = &self.captions else { return HashMap::new() };
        let rows = read.embedding.chunks(self.kind.shape.projection);
        let captioned = self.pictures.iter().zip(&read.present).filter(|&(_, &present)| present);
        captioned.zip(rows).filter_map(|((picture, _), row)| Some((picture.caption.clone()?, row.to_vec()))).collect()
    }

    /// Gives every picture the embedding of its caption, where `known` has it.
    pub fn caption(&mut self, known: &HashMap<String, Vec<f32>>) {
        let mut read = Read { present: Vec::new(), embedding: Vec::new() };
        for picture in &self.pictures {
            let row = picture.caption.as_ref().and_then(|text| known.get(text));
            read.present.push(row.is_some());
            read.embedding.extend(row.into_iter().flatten());
        }
        self.captions = Some(read);
    }

    /// The captions' rows as a head reads them, `[n, projection + 1]`.
    fn caption_rows(&self) -> Vec<f32> {
        let none = || Read { present: vec![false; self.pictures.len()], embedding: Vec::new() };
        self.captions.clone().unwrap_or_else(none).features(self.kind.shape)
    }

    /// The pictures as heads that read `spec` see them.
    pub fn training_set(&self, spec: &FeatureSpec) -> Result<TrainingSet> {
        let Kind { shape, views, treatments, .. } = &self.kind;
        if let Some(view) = spec.views.iter().find(|view| !views.contains(view)) {
            let message = format!("the features lack a view that the head looks at: {}", view.words());
            return Err(Error::TrainingSet { message });
        }
        let c = spec.caption_dimension(*shape);
        let mut set = TrainingSet::new(spec.image_dimension(*shape), treatments.clone()).with_captions(c);
        let captions = if spec.caption { self.caption_rows() } else { Vec::new() };
        for (index, picture) in self.pictures.iter().enumerate() {
            let (present, mut at) = self.row(index);
            let mut chosen = Vec::with_capacity(present.len());
            let mut tokens = ImageTokens::default();
            for row in present.chunks(views.len()) {
                // Where each view's tokens are, `[v]`.
                let places: Vec<Option<usize>> = row.iter().map(|&there| there.then(|| (at, at += 1).0)).collect();
                for view in &spec.views {
                    let place = views.iter().position(|other| other == view).and_then(|index| places[index]);
                    chosen.push(place.is_some());
                    if let Some(place) = place {
                        tokens.append(&self.tokens(place, 1));
                    }
                }
            }
            let features = spec.features(&tokens, &chosen, *shape)?;
            set.add_with_caption(picture.clone(), &features, &captions[index * c..(index + 1) * c])?;
        }
        Ok(set)
    }

    /// Reads a file of [`FeatureFile::write`].
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = loading::read(path)?;
        let bad = |message: &str| unusable(path, &message);
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| unusable(path, &error))?;
        let Header { kind, pictures, captions_from, captioned } = Header::of(path, &metadata)?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| unusable(path, &error))?;
        let tensor = |name: &str, dtype: Dtype| match file.tensor(name) {
            Ok(view) if view.dtype() == dtype => Ok(view),
            Ok(_) => Err(unusable(path, &format!("{name} has another number type"))),
            Err(error) => Err(unusable(path, &error)),
        };
        let flags = |name: &str| -> Result<Vec<bool>> {
            Ok(tensor(name, Dtype::U8)?.data().iter().map(|&flag| flag != 0).collect())
        };
        let floats = |name: &str| -> Result<Vec<f32>> {
            Ok(tensor(name, Dtype::F32)?.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect())
        };
        let present = flags("present")?;
        let halves = |name: &str| -> Result<Vec<f32>> {
            let tensor = tensor(name, Dtype::F16)?;
            Ok(tensor.data().as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).into()).collect())
        };
        let TowerShape { layers, width, projection } = kind.shape;
        let (embedding, class_tokens) = (floats("embedding")?, halves("class_tokens")?);
        let tokens = ImageTokens {
            n: class_tokens.len() / (layers * width).max(1),
            embedding,
            class_tokens,
            patch_means: halves("patch_means")?,
        };
        let n = tokens.n;
        let each = kind.treatments.len() * kind.views.len();
        let seen = present.iter().filter(|&&flag| flag).count();
        let fits = tokens.embedding.len() == n * projection && tokens.patch_means.len() == n * layers * width;
        if present.len() != pictures.len() * each || seen != n || !fits {
            return Err(bad("its tensors and pictures do not fit together"));
        }
        let captions = if captioned {
            let read = Read { present: flags("captioned")?, embedding: floats("captions")? };
            let captioned = read.present.iter().filter(|&&flag| flag).count();
            if read.present.len() != pictures.len() || read.embedding.len() != captioned * projection {
                return Err(bad("its captions and pictures do not fit together"));
            }
            Some(read)
        } else {
            None
        };
        let mut at = 0;
        let count = |row: &[bool]| row.iter().filter(|&&flag| flag).count();
        let first = present.chunks(each.max(1)).map(|row| (at, at += count(row)).0).collect();
        Ok(Self { kind, pictures, captions_from, present, tokens, first, captions })
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let contents = Contents {
            pack: self.kind.pack.clone(),
            views: self.kind.views.clone(),
            treatments: self.kind.treatments.iter().map(Treatment::to_string).collect(),
            centres: self.kind.centres,
            pictures: self.pictures.clone(),
            captions_from: self.captions_from.clone(),
        };
        let json = serde_json::to_string(&contents).map_err(|error| unusable(path, &error))?;
        // JSON within JSON: every quotation mark and backslash grows by one.
        if json.len() + json.matches(['"', '\\']).count() > LONGEST_HEADER - 1_000 {
            let message = "these are too many pictures for one file of features: make one of each part of the folder; \
                           the other commands take several";
            return Err(Error::File { path: path.display().to_string(), message: message.to_owned() });
        }
        let TowerShape { layers, width, projection } = self.kind.shape;
        let present: Vec<u8> = self.present.iter().map(|&flag| u8::from(flag)).collect();
        let embedding: Vec<u8> = self.tokens.embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
        let halves = |values: &[f32]| -> Vec<u8> {
            values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect()
        };
        let (class_tokens, patch_means) = (halves(&self.tokens.class_tokens), halves(&self.tokens.patch_means));
        let flags = vec![self.pictures.len(), self.kind.treatments.len(), self.kind.views.len()];
        let n = self.tokens.n;
        let captioned: Vec<u8>;
        let captions: Vec<u8>;
        let mut views = vec![
            TensorView::new(Dtype::U8, flags, &present).map(|view| ("present", view)),
            TensorView::new(Dtype::F32, vec![n, projection], &embedding).map(|view| ("embedding", view)),
            TensorView::new(Dtype::F16, vec![n, layers, width], &class_tokens).map(|view| ("class_tokens", view)),
            TensorView::new(Dtype::F16, vec![n, layers, width], &patch_means).map(|view| ("patch_means", view)),
        ];
        if let Some(read) = &self.captions {
            captioned = read.present.iter().map(|&flag| u8::from(flag)).collect();
            captions = read.embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
            let rows = vec![read.embedding.len() / projection.max(1), projection];
            views.push(TensorView::new(Dtype::U8, vec![captioned.len()], &captioned).map(|view| ("captioned", view)));
            views.push(TensorView::new(Dtype::F32, rows, &captions).map(|view| ("captions", view)));
        }
        let views = views.into_iter().collect::<std::result::Result<Vec<_>, _>>();
        let metadata = HashMap::from([(METADATA.to_owned(), json)]);
        let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
        loading::write(path, &bytes.map_err(|error| unusable(path, &error))?)
    }
}
