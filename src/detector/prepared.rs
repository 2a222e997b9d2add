//! A picture made ready for the tower: all of a check that needs no device, so that it can be done while the
//! device works on the picture before.

use crate::clock::Clock;
use crate::extractor::Looked;
use crate::features::View;
use crate::picture::Picture;

use super::verdict::PictureInfo;

/// A picture that was decoded and looked at; its own pixels are no longer held.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Which views the pixels are of, `[v]`.
    pub(super) views: Vec<View>,
    /// One picture's.
    pub(super) looked: Looked,
    pub(super) picture: PictureInfo,
    /// Milliseconds from bytes to picture; 0 where something else decoded.
    pub(super) decode: f64,
    /// Milliseconds from picture to pixels.
    pub(super) pixels: f64,
}

impl Prepared {
    /// Looks at a decoded picture in each of `views`, for a tower that takes `[3, side, side]`.
    pub(super) fn new(picture: &Picture, views: Vec<View>, side: usize) -> Self {
        let clock = Clock::start();
        let looked = Looked::at(&views, std::slice::from_ref(picture), side);
        let (width, height, format) = (picture.width, picture.height, picture.format.clone());
        Self { views, looked, picture: PictureInfo { width, height, format }, decode: 0.0, pixels: clock.ms() }
    }
}
