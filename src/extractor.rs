//! From pictures to the features that a head reads: every view of every picture in one batch through
//! the tower.

use crate::Result;
use crate::clip::Clip;
use crate::clip::pack::Manifest;
use crate::clip::vision::{ImageTokens, VisionTower};
use crate::features::{FeatureSpec, TowerShape, View};
use crate::picture::Picture;
use crate::progress::Progress;
use crate::treatment::Treatment;

/// An open model.
#[derive(Debug)]
pub struct Extractor {
    manifest: Manifest,
    clip: Clip,
}

/// What the tower saw of `n` pictures in `v` views.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Which views each picture has, `[n, v]`; a picture can be too small for one.
    pub present: Vec<bool>,
    /// Of every view that is present, picture by picture: `[present, …]`. Empty where none is.
    pub tokens: ImageTokens,
}

impl Extractor {
    /// Takes over a model that was read.
    #[must_use]
    pub fn new(manifest: Manifest, clip: Clip) -> Self {
        Self { manifest, clip }
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
        let tokens = if looked.pixels.is_empty() {
            ImageTokens { n: 0, embedding: Vec::new(), class_tokens: Vec::new() }
        } else {
            self.clip.vision.forward(looked.pixels, progress).await?
        };
        Ok(Seen { present: looked.present, tokens })
    }

    /// The features of `n` pictures by a head's specification, `[n, d]`.
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

    /// The features of one picture under each of `treatments`, `[t, d]`, in one batch. Random draws depend
    /// on `seed`, one number a picture.
    ///
    /// # Errors
    /// As [`Extractor::features`] and [`Treatment::apply`].
    pub async fn embed(
        &self,
        spec: &FeatureSpec,
        picture: &Picture,
        treatments: &[Treatment],
        seed: u64,
        progress: &mut impl Progress,
    ) -> Result<Vec<f32>> {
        let treated = treatments.iter().map(|treatment| treatment.apply(picture, seed)).collect::<Result<Vec<_>>>()?;
        self.features(spec, &treated, progress).await
    }
}

/// Pictures made ready for the tower, before it has seen them.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// `[n, v]`.
    pub present: Vec<bool>,
    /// `[present, 3, side, side]`.
    pub pixels: Vec<f32>,
}

impl Looked {
    /// The pixels of each picture in each of `views`.
    #[must_use]
    pub fn at(views: &[View], pictures: &[Picture], side: usize) -> Self {
        let (mut present, mut pixels) = (Vec::new(), Vec::new());
        for picture in pictures {
            for view in views {
                let view = view.pixels(picture, side); // [3, side, side]
                present.push(view.is_some());
                pixels.extend(view.into_iter().flatten());
            }
        }
        Self { present, pixels }
    }
}
