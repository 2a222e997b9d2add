//! From pictures and captions to the features that a head reads: every view of every picture in one batch
//! through the image tower, captions through the text tower.

use crate::clip::Clip;
use crate::clip::pack::Manifest;
use crate::clip::tokenizer::{Tokenizer, require_vocabulary};
use crate::clip::vision::{ImageTokens, VisionTower};
use crate::features::{FeatureSpec, TowerShape, View, caption_part};
use crate::picture::Picture;
use crate::progress::Progress;
use crate::{Error, Result};

/// An open model.
#[derive(Debug)]
pub struct Extractor {
    manifest: Manifest,
    clip: Clip,
    tokenizer: Option<Box<dyn Tokenizer>>,
}

/// Captions in one batch through the text tower.
const CAPTIONS: usize = 16;

/// What the tower saw of `n` pictures in `v` views.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which views each picture has, `[n, v]`; a picture can be too small for one.
    pub present: Vec<bool>,
    /// Of every view that is present, picture by picture: `[present, …]`, the mean over its squares. Empty where none is.
    pub tokens: ImageTokens,
}

/// What the text tower made of `n` captions.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Which are captions, `[n]`.
    pub present: Vec<bool>,
    /// Their embeddings, `[present, projection]`, not normalised.
    pub embedding: Vec<f32>,
}

impl Read {
    /// The text-level part of every picture's feature, `[n, projection + 1]`.
    #[must_use]
    pub fn features(&self, tower: TowerShape) -> Vec<f32> {
        let mut rows = self.embedding.chunks(tower.projection);
        let part = |&present: &bool| caption_part(if present { rows.next() } else { None }, tower);
        self.present.iter().flat_map(part).collect()
    }
}

impl Extractor {
    /// Takes over a model that was read.
    #[must_use]
    pub fn new(manifest: Manifest, clip: Clip) -> Self {
        Self { manifest, clip, tokenizer: None }
    }

    /// The model's description.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The image tower.
    #[must_use]
    pub fn tower(&self) -> &VisionTower {
        &self.clip.vision
    }

    /// Whether there is a text tower.
    #[must_use]
    pub fn has_text_tower(&self) -> bool {
        self.clip.text.is_some()
    }

    /// Whether captions can be read: there is a text tower, and a tokenizer was given.
    #[must_use]
    pub fn reads_captions(&self) -> bool {
        self.has_text_tower() && self.tokenizer.is_some()
    }

    /// Takes the tokenizer, which is loaded apart because most checks need none.
    ///
    /// # Errors
    /// [`Error::TokenizerMismatch`] where the text tower has another vocabulary.
    pub fn use_tokenizer(&mut self, tokenizer: impl Tokenizer + 'static) -> Result<()> {
        if let Some(tower) = &self.clip.text {
            require_vocabulary(tower.config(), tokenizer.vocabulary())?;
        }
        self.tokenizer = Some(Box::new(tokenizer));
        Ok(())
    }

    /// The sizes that features depend on.
    #[must_use]
    pub fn shape(&self) -> TowerShape {
        let config = self.clip.vision.config();
        TowerShape { layers: config.layers, width: config.width, projection: config.projection }
    }

    /// Looks at each picture in each of `views`.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`], [`crate::Error::DeviceFailed`], [`crate::Error::NotFinite`].
    pub async fn look(&self, views: &[View], pictures: &[Picture], progress: &mut impl Progress) -> Result<Seen> {
        self.see(Looked::at(views, pictures, self.clip.vision.config().image_size), progress).await
    }

    /// Passes prepared pixels through the tower.
    ///
    /// # Errors
    /// As [`Extractor::look`].
    pub async fn see(&self, looked: Looked, progress: &mut impl Progress) -> Result<Seen> {
        let present = looked.present();
        let tokens = if looked.pixels.is_empty() {
            ImageTokens::default()
        } else {
            self.clip.vision.forward(looked.pixels, progress).await?.averaged(&looked.squares)
        };
        Ok(Seen { present, tokens })
    }

    /// The embeddings of those of `captions` that are any, in their order, `[present, projection]`, and which
    /// those are, `[n]`: an empty caption is none. `progress` is told of blocks.
    ///
    /// # Errors
    /// [`Error::CaptionUnreadable`], [`Error::Tokenizer`], [`Error::Cancelled`], [`Error::DeviceFailed`],
    /// [`Error::NotFinite`].
    pub async fn read_captions(&self, captions: &[Option<String>], progress: &mut impl Progress) -> Result<Read> {
        let captions: Vec<Option<&str>> =
            captions.iter().map(|caption| caption.as_deref().filter(|words| !words.trim().is_empty())).collect();
        if captions.iter().all(Option::is_none) {
            return Ok(Read { present: vec![false; captions.len()], embedding: Vec::new() });
        }
        let lacks = |message: &str| Error::CaptionUnreadable { message: message.to_owned() };
        let tower = self.clip.text.as_ref().ok_or_else(|| lacks("its pack has no text tower"))?;
        let tokenizer = self.tokenizer.as_ref().ok_or_else(|| lacks("its tokenizer was not loaded"))?;
        let encode = |caption| tokenizer.encode(caption, tower.config().context);
        // `None` also where nothing is left of a caption when it is cleaned.
        let tokens = captions.into_iter().map(|caption| caption.map_or(Ok(None), encode));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        let present = tokens.iter().map(Option::is_some).collect();
        let tokens: Vec<Vec<u32>> = tokens.into_iter().flatten().collect();
        let mut embedding = Vec::new();
        for batch in tokens.chunks(CAPTIONS) {
            embedding.extend(tower.forward(batch, progress).await?);
            progress.rest().await;
        }
        Ok(Read { present, embedding })
    }

    /// The embedding of one caption, `[projection]`; `None` where it is empty.
    ///
    /// # Errors
    /// As [`Extractor::read_captions`].
    pub async fn read_caption(&self, caption: &str) -> Result<Option<Vec<f32>>> {
        let read = self.read_captions(&[Some(caption.to_owned())], &mut ()).await?;
        Ok(read.present.contains(&true).then_some(read.embedding))
    }

    /// The image-level features of `n` pictures by a head's specification, `[n, image d]`.
    ///
    /// # Errors
    /// As [`Extractor::look`]; [`crate::Error::HeadFormat`] where the specification does not fit the model.
    pub async fn features(
        &self,
        spec: &FeatureSpec,
        pictures: &[Picture],
        progress: &mut impl Progress,
    ) -> Result<Vec<f32>> {
        let seen = self.look(&spec.views, pictures, progress).await?;
        spec.features(&seen.tokens, &seen.present, self.shape())
    }
}

/// Pictures made ready for the tower, before it has seen them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Looked {
    /// Squares of each view of each picture, `[n, v]`; 0 where the picture is too small for it.
    pub squares: Vec<usize>,
    /// All of them, `[squares, 3, side, side]`.
    pub pixels: Vec<f32>,
}

impl Looked {
    /// The pixels of each picture in each of `views`.
    #[must_use]
    pub fn at(views: &[View], pictures: &[Picture], side: usize) -> Self {
        let mut looked = Self::default();
        for picture in pictures {
            for &view in views {
                looked.push(view, view.pixels(picture, side));
            }
        }
        looked
    }

    /// Adds the next view, `[squares, 3, side, side]`, or that there is none.
    pub fn push(&mut self, view: View, pixels: Option<Vec<f32>>) {
        self.squares.push(if pixels.is_some() { view.squares() } else { 0 });
        self.pixels.extend(pixels.into_iter().flatten());
    }

    /// Adds more pictures, in the same views.
    pub fn append(&mut self, other: &Self) {
        self.squares.extend_from_slice(&other.squares);
        self.pixels.extend_from_slice(&other.pixels);
    }

    /// Which views each picture has, `[n, v]`.
    #[must_use]
    pub fn present(&self) -> Vec<bool> {
        self.squares.iter().map(|&squares| squares > 0).collect()
    }
}
