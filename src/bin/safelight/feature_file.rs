//! A file of features: what the tower saw of a folder's pictures, enough for heads of every
//! specification over these views.
//!
//! | tensor | shape |
//! |---|---|
//! | `present` U8 | `[n, treatments, views]` |
//! | `embedding` F32 | `[views that are present, projection]` |
//! | `class_tokens` F16 | `[views that are present, layers, width]` |
//! | `captioned` U8 | `[n]`; absent where captions were not read |
//! | `captions` F32 | `[pictures with a caption, projection]`, likewise |

use std::collections::HashMap;
use std::path::Path;

use half::f16;
use safelight::clip::vision::ImageTokens;
use safelight::extractor::Read;
use safelight::features::{FeatureSpec, TowerShape, View};
use safelight::head::info::PackRef;
use safelight::train::data::set::{LabelledPicture, TrainingSet};
use safelight::treatment::Treatment;
use safelight::{Error, Result};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::loading;

const METADATA: &str = "safelight-features";

/// What the tower saw.
pub struct FeatureFile {
    pub pack: PackRef,
    pub shape: TowerShape,
    pub views: Vec<View>,
    pub treatments: Vec<Treatment>,
    pub pictures: Vec<LabelledPicture>,
    /// `[n, t, v]`.
    pub present: Vec<bool>,
    /// Of every view that is present, in that order.
    pub tokens: ImageTokens,
    /// What the text tower made of the pictures' captions, where they were read.
    pub captions: Option<Read>,
}

#[derive(Serialize, Deserialize)]
struct Contents {
    pack: PackRef,
    views: Vec<View>,
    treatments: Vec<String>,
    pictures: Vec<LabelledPicture>,
}

impl FeatureFile {
    /// A file without pictures.
    pub fn new(pack: PackRef, shape: TowerShape, views: &[View], treatments: &[Treatment]) -> Self {
        Self {
            pack,
            shape,
            views: views.to_vec(),
            treatments: treatments.to_vec(),
            pictures: Vec::new(),
            present: Vec::new(),
            tokens: ImageTokens { n: 0, embedding: Vec::new(), class_tokens: Vec::new() },
            captions: None,
        }
    }

    /// Adds a picture: `present` `[t, v]`, and the tokens of its present views.
    pub fn push(&mut self, picture: LabelledPicture, present: &[bool], tokens: &ImageTokens) {
        self.pictures.push(picture);
        self.present.extend_from_slice(present);
        self.tokens.n += tokens.n;
        self.tokens.embedding.extend_from_slice(&tokens.embedding);
        self.tokens.class_tokens.extend_from_slice(&tokens.class_tokens);
    }

    /// Flags `[t, v]` of every picture, and the first of its token rows.
    pub fn rows(&self) -> impl Iterator<Item = (&[bool], usize)> {
        let mut first = 0;
        self.present.chunks(self.treatments.len() * self.views.len()).map(move |present| {
            let at = first;
            first += present.iter().filter(|&&present| present).count();
            (present, at)
        })
    }

    /// Token rows `first..first + n`.
    pub fn tokens(&self, first: usize, n: usize) -> ImageTokens {
        let of = |values: &[f32], width: usize| values[first * width..(first + n) * width].to_vec();
        let TowerShape { layers, width, projection } = self.shape;
        let class_tokens = of(&self.tokens.class_tokens, layers * width);
        ImageTokens { n, embedding: of(&self.tokens.embedding, projection), class_tokens }
    }

    /// The embedding of every caption that was read, by its words.
    pub fn known_captions(&self) -> HashMap<&str, &[f32]> {
        let Some(read) = &self.captions else { return HashMap::new() };
        let rows = read.embedding.chunks(self.shape.projection);
        let captioned = self.pictures.iter().zip(&read.present).filter(|&(_, &present)| present);
        captioned.zip(rows).filter_map(|((picture, _), row)| Some((picture.caption.as_deref()?, row))).collect()
    }

    /// The captions' rows as a head reads them, `[n, projection + 1]`.
    fn caption_rows(&self) -> Vec<f32> {
        let none = || Read { present: vec![false; self.pictures.len()], embedding: Vec::new() };
        self.captions.clone().unwrap_or_else(none).features(self.shape)
    }

    /// The pictures as heads that read `spec` see them.
    pub fn training_set(&self, spec: &FeatureSpec) -> Result<TrainingSet> {
        if let Some(view) = spec.views.iter().find(|view| !self.views.contains(view)) {
            let message = format!("the features lack a view that the head looks at: {}", view.words());
            return Err(Error::TrainingSet { message });
        }
        let c = spec.caption_dimension(self.shape);
        let mut set = TrainingSet::new(spec.image_dimension(self.shape), self.treatments.clone()).with_captions(c);
        let captions = if spec.caption { self.caption_rows() } else { Vec::new() };
        for (index, (picture, (present, first))) in self.pictures.iter().zip(self.rows()).enumerate() {
            let mut chosen = Vec::with_capacity(present.len());
            let mut tokens = ImageTokens { n: 0, embedding: Vec::new(), class_tokens: Vec::new() };
            let mut at = first;
            for row in present.chunks(self.views.len()) {
                // Where each view's tokens are, `[v]`.
                let places: Vec<Option<usize>> = row.iter().map(|&there| there.then(|| (at, at += 1).0)).collect();
                for view in &spec.views {
                    let place = self.views.iter().position(|other| other == view).and_then(|index| places[index]);
                    chosen.push(place.is_some());
                    if let Some(place) = place {
                        let one = self.tokens(place, 1);
                        tokens.n += 1;
                        tokens.embedding.extend(one.embedding);
                        tokens.class_tokens.extend(one.class_tokens);
                    }
                }
            }
            let features = spec.features(&tokens, &chosen, self.shape)?;
            set.add_with_caption(picture.clone(), &features, &captions[index * c..(index + 1) * c])?;
        }
        Ok(set)
    }

    /// Reads a file of [`FeatureFile::write`].
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = loading::read(path)?;
        let bad = |message: String| Error::WeightsHeader { file: path.display().to_string(), message };
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| bad(error.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA));
        let json = json.ok_or_else(|| bad("it was not written by `safelight features`".to_owned()))?;
        let contents: Contents = serde_json::from_str(json).map_err(|error| bad(error.to_string()))?;
        let treatments = contents.treatments.iter().map(|name| name.parse()).collect::<Result<Vec<Treatment>>>()?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| bad(error.to_string()))?;
        let tensor = |name: &str, dtype: Dtype| match file.tensor(name) {
            Ok(view) if view.dtype() == dtype => Ok(view),
            Ok(_) => Err(bad(format!("{name} has another number type"))),
            Err(error) => Err(bad(error.to_string())),
        };
        let present: Vec<bool> = tensor("present", Dtype::U8)?.data().iter().map(|&flag| flag != 0).collect();
        let (embedding, class_tokens) = (tensor("embedding", Dtype::F32)?, tensor("class_tokens", Dtype::F16)?);
        let (&[n, projection], &[m, layers, width]) = (embedding.shape(), class_tokens.shape()) else {
            return Err(bad("its tensors have other ranks".to_owned()));
        };
        let expected = contents.pictures.len() * treatments.len() * contents.views.len();
        if n != m || present.len() != expected || present.iter().filter(|&&flag| flag).count() != n {
            return Err(bad("its tensors and pictures do not fit together".to_owned()));
        }
        let tokens = ImageTokens {
            n,
            embedding: embedding.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
            class_tokens: class_tokens.data().as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).into()).collect(),
        };
        let shape = TowerShape { layers, width, projection };
        let Contents { pack, views, pictures, .. } = contents;
        let captions = if file.tensor("captioned").is_ok() {
            let flags = tensor("captioned", Dtype::U8)?.data().iter().map(|&flag| flag != 0).collect();
            let rows = tensor("captions", Dtype::F32)?;
            let embedding = rows.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            let read = Read { present: flags, embedding };
            let captioned = read.present.iter().filter(|&&flag| flag).count();
            if read.present.len() != pictures.len() || read.embedding.len() != captioned * projection {
                return Err(bad("its captions and pictures do not fit together".to_owned()));
            }
            Some(read)
        } else {
            None
        };
        Ok(Self { pack, shape, views, treatments, pictures, present, tokens, captions })
    }

    /// Writes the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bad = |message: String| Error::WeightsHeader { file: path.display().to_string(), message };
        let contents = Contents {
            pack: self.pack.clone(),
            views: self.views.clone(),
            treatments: self.treatments.iter().map(Treatment::to_string).collect(),
            pictures: self.pictures.clone(),
        };
        let json = serde_json::to_string(&contents).map_err(|error| bad(error.to_string()))?;
        let TowerShape { layers, width, projection } = self.shape;
        let present: Vec<u8> = self.present.iter().map(|&flag| u8::from(flag)).collect();
        let embedding: Vec<u8> = self.tokens.embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
        let class_tokens = self.tokens.class_tokens.iter();
        let class_tokens: Vec<u8> = class_tokens.flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
        let flags = vec![self.pictures.len(), self.treatments.len(), self.views.len()];
        let n = self.tokens.n;
        let captioned: Vec<u8>;
        let captions: Vec<u8>;
        let mut views = vec![
            TensorView::new(Dtype::U8, flags, &present).map(|view| ("present", view)),
            TensorView::new(Dtype::F32, vec![n, projection], &embedding).map(|view| ("embedding", view)),
            TensorView::new(Dtype::F16, vec![n, layers, width], &class_tokens).map(|view| ("class_tokens", view)),
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
        loading::write(path, &bytes.map_err(|error| bad(error.to_string()))?)
    }
}
