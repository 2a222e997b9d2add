//! A picture in, and its caption where there is one; a verdict out: the whole of the check flow, from the
//! open model on.

use serde::Serialize;

use crate::Result;
use crate::clip::tokenizer::Tokenizer;
use crate::clock::Clock;
use crate::device::DeviceInfo;
use crate::extractor::{Extractor, Looked};
use crate::features::caption_part;
use crate::head::info::{PackRef, Thresholds};
use crate::head::{Figures, Head, HeadFile, Label, OperatingPoint};
use crate::picture::{Limits, Picture};
use crate::progress::Progress;

/// The loaded model and head.
#[derive(Debug)]
pub struct Detector {
    extractor: Extractor,
    head: Head,
}

/// What a detector says of itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetectorInfo {
    /// Where it computes.
    pub device: DeviceInfo,
    /// The model.
    pub pack: PackInfo,
    /// The head.
    pub head: HeadSummary,
}

/// The model, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackInfo {
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// SHA-256 of the weight file.
    pub sha256: String,
    /// Whether it has a text tower.
    pub text: bool,
    /// Whether the tokenizer, which captions need besides, is loaded.
    pub tokenizer: bool,
}

/// The head, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeadSummary {
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Day of training, ISO 8601.
    pub trained: String,
    /// Whether it reads captions.
    pub captions: bool,
    /// Whether there is none yet, and what stands here only stands in for it.
    pub blank: bool,
    /// From where a probability is called real or generated.
    pub thresholds: Thresholds,
    /// Other limits to choose from.
    #[serde(rename = "operatingPoints")]
    pub operating_points: Vec<OperatingPoint>,
    /// Which pictures those were measured on, in words.
    #[serde(rename = "operatingPointsSource")]
    pub operating_points_source: String,
    /// What it reached on sources it never saw.
    pub figures: Figures,
}

/// The answer about one picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// In a word.
    pub label: Label,
    /// Calibrated probability of being generated, 0…1.
    pub probability: f32,
    /// Where the word changes.
    pub thresholds: Thresholds,
    /// What was checked.
    pub picture: PictureInfo,
    /// How it was looked at, in words.
    pub views: Vec<&'static str>,
    /// What the caption had to do with it.
    pub caption: CaptionUse,
    /// Where it was computed.
    pub device: DeviceInfo,
    /// How long it took.
    pub ms: Milliseconds,
}

/// What a caption had to do with a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptionUse {
    /// The head read it with the picture.
    Used,
    /// The head reads captions, and there was none.
    Missing,
    /// The head reads none.
    Unread,
}

/// The picture, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PictureInfo {
    /// Width when upright, in pixels.
    pub width: u32,
    /// Height when upright, in pixels.
    pub height: u32,
    /// Name of the format, as people write it.
    pub format: String,
}

/// Time spent in each stage, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Milliseconds {
    /// Bytes to picture; 0 where the browser decoded.
    pub decode: f64,
    /// Picture to pixels.
    pub pixels: f64,
    /// The towers, with reading back.
    pub clip: f64,
    /// Features and head.
    pub head: f64,
}

impl Milliseconds {
    /// All stages together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.decode + self.pixels + self.clip + self.head
    }
}

impl Detector {
    /// Joins a model and a head that was trained on it.
    ///
    /// # Errors
    /// [`crate::Error::HeadMismatch`], [`crate::Error::HeadFormat`].
    pub fn new(extractor: Extractor, head: Head) -> Result<Self> {
        require(&extractor, &head)?;
        Ok(Self { extractor, head })
    }

    /// The model, for features.
    #[must_use]
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// The head in use.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes the tokenizer, without which no caption can be read.
    ///
    /// # Errors
    /// As [`Extractor::use_tokenizer`].
    pub fn use_tokenizer(&mut self, tokenizer: Tokenizer) -> Result<()> {
        self.extractor.use_tokenizer(tokenizer)
    }

    /// Takes another head; the old one stays where the new one does not fit.
    ///
    /// # Errors
    /// As [`Detector::new`].
    pub fn use_head(&mut self, head: Head) -> Result<()> {
        require(&self.extractor, &head)?;
        self.head = head;
        Ok(())
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// [`crate::Error::PackManifest`], which [`Detector::new`] has already ruled out.
    pub fn info(&self) -> Result<DetectorInfo> {
        let (manifest, head) = (self.extractor.manifest(), self.head.info());
        Ok(DetectorInfo {
            device: self.device().clone(),
            pack: PackInfo {
                id: manifest.id.clone(),
                name: manifest.name.clone(),
                sha256: manifest.weights_file()?.sha256.clone(),
                text: self.extractor.has_text_tower(),
                tokenizer: self.extractor.reads_captions(),
            },
            head: HeadSummary {
                id: head.id.clone(),
                name: head.name.clone(),
                trained: head.date.clone(),
                captions: head.features.caption,
                blank: head.is_blank(),
                thresholds: head.thresholds,
                operating_points: head.operating_points.clone(),
                operating_points_source: head.rates_source().to_owned(),
                figures: head.figures.clone(),
            },
        })
    }

    /// Decodes a picture file and checks it. A `caption` counts where the head reads captions; an empty one is
    /// none.
    ///
    /// # Errors
    /// What is wrong with the file, and as [`Detector::check_picture`].
    pub async fn check(&self, bytes: &[u8], caption: Option<&str>, progress: &mut impl Progress) -> Result<Verdict> {
        let clock = Clock::start();
        let picture = Picture::decode(bytes, &Limits::default())?;
        let decode = clock.ms();
        let mut verdict = self.check_picture(&picture, caption, progress).await?;
        verdict.ms.decode = decode;
        Ok(verdict)
    }

    /// Checks a decoded picture.
    ///
    /// # Errors
    /// [`crate::Error::HeadNone`], [`crate::Error::Cancelled`], [`crate::Error::DeviceFailed`], [`crate::Error::NotFinite`];
    /// [`crate::Error::CaptionUnreadable`] and [`crate::Error::Tokenizer`] where a caption counts.
    pub async fn check_picture(
        &self,
        picture: &Picture,
        caption: Option<&str>,
        progress: &mut impl Progress,
    ) -> Result<Verdict> {
        if self.head.info().is_blank() {
            return Err(crate::Error::HeadNone);
        }
        let mut ms = Milliseconds::default();
        let (spec, shape) = (&self.head.info().features, self.extractor.shape());
        let clock = Clock::start();
        let side = self.extractor.tower().config().image_size;
        let looked = Looked::at(&spec.views, std::slice::from_ref(picture), side);
        ms.pixels = clock.ms();

        let clock = Clock::start();
        // First, because it is the shorter way: a caption that cannot be read is told at once.
        let embedding = match caption {
            Some(caption) if spec.caption => self.extractor.read_caption(caption).await?,
            _ => None,
        };
        let seen = self.extractor.see(looked, progress).await?;
        ms.clip = clock.ms();

        let clock = Clock::start();
        let mut features = spec.features(&seen.tokens, &seen.present, shape)?;
        if spec.caption {
            features.extend(caption_part(embedding.as_deref(), shape));
        }
        let logits = self.head.logits(features).await?;
        let probability = self.head.probability(logits.first().copied().unwrap_or_default());
        ms.head = clock.ms();

        let present = spec.views.iter().zip(&seen.present).filter(|&(_, &present)| present);
        Ok(Verdict {
            label: self.head.label(probability),
            probability,
            thresholds: self.head.info().thresholds,
            picture: PictureInfo { width: picture.width, height: picture.height, format: picture.format.clone() },
            views: present.map(|(view, _)| view.words()).collect(),
            caption: match (spec.caption, &embedding) {
                (false, _) => CaptionUse::Unread,
                (true, None) => CaptionUse::Missing,
                (true, Some(_)) => CaptionUse::Used,
            },
            device: self.device().clone(),
            ms,
        })
    }

    /// The image tower alone: `pixels` `[n, 3, side, side]`, CLIP's input already, row-major → the
    /// projected embedding, `[n, projection]`, not normalised.
    ///
    /// # Errors
    /// As [`Detector::check_picture`].
    pub async fn embed_tensor(&self, pixels: Vec<f32>, progress: &mut impl Progress) -> Result<Vec<f32>> {
        Ok(self.extractor.tower().forward(pixels, progress).await?.embedding)
    }

    fn device(&self) -> &DeviceInfo {
        self.extractor.tower().device().info()
    }
}

/// The file of a head that says which features one for this model reads, and judges nothing.
///
/// # Errors
/// None that a loaded model can have.
pub fn blank_head(extractor: &Extractor) -> Result<Vec<u8>> {
    let manifest = extractor.manifest();
    let sha256 = manifest.weights_file()?.sha256.clone();
    HeadFile::blank(PackRef { id: manifest.id.clone(), sha256 }, extractor.shape()).write()
}

/// Whether the head was trained on this model's features.
fn require(extractor: &Extractor, head: &Head) -> Result<()> {
    let manifest = extractor.manifest();
    if head.info().features.caption && !extractor.has_text_tower() {
        let message = "it reads captions, and the model's pack has no text tower".to_owned();
        return Err(crate::Error::HeadFormat { message });
    }
    head.require(&manifest.id, &manifest.weights_file()?.sha256, extractor.shape())
}
