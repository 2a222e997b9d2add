//! A picture in, and its caption where there is one; a verdict out: the whole of the check flow, from the
//! open model on.

mod info;
mod prepared;
mod verdict;

use crate::Result;
use crate::clip::tokenizer::Tokenizer;
use crate::clock::Clock;
use crate::device::DeviceInfo;
use crate::extractor::Extractor;
use crate::features::caption_part;
use crate::head::info::PackRef;
use crate::head::{Head, HeadFile};
use crate::picture::{Limits, Picture};
use crate::progress::Progress;

pub use info::{DetectorInfo, HeadSummary, PackInfo};
pub use prepared::Prepared;
pub use verdict::{CaptionUse, Milliseconds, PictureInfo, Verdict};

/// The loaded model and head.
#[derive(Debug)]
pub struct Detector {
    extractor: Extractor,
    head: Head,
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
    pub fn use_tokenizer(&mut self, tokenizer: impl Tokenizer + 'static) -> Result<()> {
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
    /// What is wrong with the file, and as [`Detector::check_prepared`].
    pub async fn check(&self, bytes: &[u8], caption: Option<&str>, progress: &mut impl Progress) -> Result<Verdict> {
        self.check_prepared(self.prepare(bytes)?, caption, progress).await
    }

    /// Checks a decoded picture.
    ///
    /// # Errors
    /// As [`Detector::check_prepared`].
    pub async fn check_picture(
        &self,
        picture: &Picture,
        caption: Option<&str>,
        progress: &mut impl Progress,
    ) -> Result<Verdict> {
        self.check_prepared(self.prepare_picture(picture), caption, progress).await
    }

    /// Decodes a picture file and looks at it as the head in use asks for.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn prepare(&self, bytes: &[u8]) -> Result<Prepared> {
        let clock = Clock::start();
        let picture = Picture::decode(bytes, &Limits::default())?;
        let decode = clock.ms();
        Ok(Prepared { decode, ..self.prepare_picture(&picture) })
    }

    /// The same of a decoded picture.
    #[must_use]
    pub fn prepare_picture(&self, picture: &Picture) -> Prepared {
        let views = self.head.info().features.views.clone();
        Prepared::new(picture, views, self.extractor.tower().config().image_size)
    }

    /// Checks a picture that was made ready for the head in use.
    ///
    /// # Errors
    /// [`crate::Error::HeadNone`], [`crate::Error::Cancelled`], [`crate::Error::DeviceFailed`], [`crate::Error::NotFinite`];
    /// [`crate::Error::HeadFormat`] where the head that it was made ready for looks at pictures otherwise;
    /// [`crate::Error::CaptionUnreadable`] and [`crate::Error::Tokenizer`] where a caption counts.
    pub async fn check_prepared(
        &self,
        prepared: Prepared,
        caption: Option<&str>,
        progress: &mut impl Progress,
    ) -> Result<Verdict> {
        if self.head.info().is_blank() {
            return Err(crate::Error::HeadNone);
        }
        let (spec, shape) = (&self.head.info().features, self.extractor.shape());
        if prepared.views != spec.views {
            let message = "the picture was made ready for a head with other views".to_owned();
            return Err(crate::Error::HeadFormat { message });
        }
        let mut ms = Milliseconds { decode: prepared.decode, pixels: prepared.pixels, ..Milliseconds::default() };

        let clock = Clock::start();
        // First, because it is the shorter way: a caption that cannot be read is told at once.
        let embedding = match caption {
            Some(caption) if spec.caption => self.extractor.read_caption(caption).await?,
            _ => None,
        };
        let seen = self.extractor.see(prepared.looked, progress).await?;
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
            picture: prepared.picture,
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
    /// As [`crate::clip::vision::VisionTower::forward`].
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
