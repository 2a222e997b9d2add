//! A picture made ready for the tower: all of a check that needs no device, so that it can be done while the
//! device works on the picture before.

use crate::Result;
use crate::clock::Clock;
use crate::detector::{Detector, PictureInfo};
use crate::extractor::Looked;
use crate::features::View;
use crate::picture::{Limits, Picture};

/// A picture that was decoded and looked at; its own pixels are no longer held.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Which views the pixels are of, `[v]`.
    pub(super) views: Vec<View>,
    /// One picture's, `[present views, 3, side, side]`.
    pub(super) looked: Looked,
    pub(super) picture: PictureInfo,
    /// Milliseconds from bytes to picture; 0 where something else decoded.
    pub(super) decode: f64,
    /// Milliseconds from picture to pixels.
    pub(super) pixels: f64,
}

impl Detector {
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
        let clock = Clock::start();
        let views = self.head().info().features.views.clone();
        let side = self.extractor().tower().config().image_size;
        let looked = Looked::at(&views, std::slice::from_ref(picture), side);
        let (width, height, format) = (picture.width, picture.height, picture.format.clone());
        Prepared { views, looked, picture: PictureInfo { width, height, format }, decode: 0.0, pixels: clock.ms() }
    }
}
