//! How a picture is treated before it is looked at: what the web does to pictures, and the switch that
//! makes both classes alike before a head learns from them. Treatments end in a real file that is decoded
//! again, so that its traces are those of the wild.

use std::fmt;
use std::str::FromStr;

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::picture::{Limits, Picture};
use crate::random::random;
use crate::webp::WebpEncoder;
use crate::{Error, Result, pixels};

/// A way of treating a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Treatment {
    /// Nothing is done to it.
    AsGiven,
    /// What a web site does: shorter side at most 512, JPEG quality 75.
    Web,
    /// What many hands do: shorter side at most 256, JPEG quality 60.
    Hard,
    /// The n-th random draw of a treatment that leaves size, shape, format and compression without a
    /// trace of the class: a square of 70–100 % of the shorter side at a random place, 256 pixels wide,
    /// JPEG quality 60–95.
    Equalised(u8),
    /// The n-th random draw of what happens to pictures on their way, to learn from and never to judge by:
    /// 70–100 % of each side at a random place, often reduced, half of them mirrored, nearly always
    /// recompressed at quality 40–95: two of seven as WebP (as JPEG where no WebP can be written), four as JPEG.
    Augmented(u8),
}

/// Width of an equalised picture, in pixels.
const EQUALISED_SIDE: u32 = 256;

impl Treatment {
    /// The tiers that every figure is given for, mildest first.
    pub const TIERS: [Self; 3] = [Self::AsGiven, Self::Web, Self::Hard];

    /// The treated picture. Draws depend on `seed` (one number a picture) and on the draw alone; two versions of
    /// libwebp may write it differently.
    ///
    /// # Errors
    /// [`Error::PicturePixels`] where a side is longer than a JPEG can be (65,535 pixels).
    pub async fn apply(self, picture: &Picture, seed: u64, webp: &impl WebpEncoder) -> Result<Picture> {
        match self {
            Self::AsGiven => Ok(picture.clone()),
            Self::Web => recompressed(&reduced(picture, 512), 75),
            Self::Hard => recompressed(&reduced(picture, 256), 60),
            Self::Equalised(draw) => equalised(picture, seed ^ (u64::from(draw) << 56)),
            Self::Augmented(draw) => augmented(picture, !seed ^ (u64::from(draw) << 56), webp).await,
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsGiven => formatter.write_str("as-given"),
            Self::Web => formatter.write_str("web"),
            Self::Hard => formatter.write_str("hard"),
            Self::Equalised(draw) => write!(formatter, "equalised-{draw}"),
            Self::Augmented(draw) => write!(formatter, "augmented-{draw}"),
        }
    }
}

impl FromStr for Treatment {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let number = |prefix: &str| name.strip_prefix(prefix)?.parse().ok();
        let draw = || number("equalised-").map(Self::Equalised).or_else(|| number("augmented-").map(Self::Augmented));
        let known = Self::TIERS.into_iter().find(|tier| tier.to_string() == name);
        known
            .or_else(draw)
            .ok_or_else(|| Error::TrainingSet { message: format!("it asks for the treatment “{name}”") })
    }
}

/// The picture with its shorter side at most `side`.
fn reduced(picture: &Picture, side: u32) -> Picture {
    let (width, height) = (picture.width, picture.height);
    let shorter = width.min(height);
    if shorter <= side {
        return picture.clone();
    }
    let length = |length: u32| (f64::from(length) * f64::from(side) / f64::from(shorter)).round() as u32;
    resized(picture, length(width).max(side), length(height).max(side))
}

fn resized(picture: &Picture, width: u32, height: u32) -> Picture {
    let from = (picture.width as usize, picture.height as usize);
    let rgb = pixels::resize(&picture.rgb, from.0, from.1, width as usize, height as usize); // [height, width, 3]
    Picture { width, height, rgb, format: picture.format.clone() }
}

/// The picture as a JPEG file, chroma halved in both directions, decoded again.
fn recompressed(picture: &Picture, quality: u8) -> Result<Picture> {
    let (width, height) = (u64::from(picture.width), u64::from(picture.height));
    let too_large = || Error::PicturePixels { width, height, limit: u64::from(u16::MAX).pow(2) };
    let side = |length: u32| u16::try_from(length).map_err(|_| too_large());
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    // Writing to memory cannot fail; the only other errors are of sizes.
    encoder
        .encode(&picture.rgb, side(picture.width)?, side(picture.height)?, ColorType::Rgb)
        .map_err(|_| too_large())?;
    Picture::decode(&file, &Limits { bytes: u64::MAX, ..Limits::default() })
}

fn equalised(picture: &Picture, mut seed: u64) -> Result<Picture> {
    let mut draw = |low: u32, high: u32| low + (random(&mut seed) % u64::from(high - low + 1)) as u32;
    let shorter = picture.width.min(picture.height);
    let side = draw(shorter * 7 / 10, shorter).max(1);
    let (left, top) = (draw(0, picture.width - side), draw(0, picture.height - side));
    let square = cropped(picture, left, top, side, side);
    recompressed(&resized(&square, EQUALISED_SIDE, EQUALISED_SIDE), draw(60, 95) as u8)
}

async fn augmented(picture: &Picture, mut seed: u64, webp: &impl WebpEncoder) -> Result<Picture> {
    let mut draw = |low: u32, high: u32| low + (random(&mut seed) % u64::from(high.max(low) - low + 1)) as u32;
    let share = draw(70, 100);
    let part = |length: u32| (u64::from(length) * u64::from(share) / 100).max(1) as u32;
    let (width, height) = (part(picture.width), part(picture.height));
    let (left, top) = (draw(0, picture.width - width), draw(0, picture.height - height));
    let mut treated = cropped(picture, left, top, width, height);
    if draw(0, 1) == 1 {
        let shorter = width.min(height);
        treated = reduced(&treated, draw(shorter.min(224), shorter));
    }
    if draw(0, 1) == 1 {
        treated = mirrored(treated);
    }
    let quality = draw(40, 95) as u8;
    let written = match draw(0, 6) {
        0 => return Ok(treated),
        1 | 2 => webp.recompress(&treated, quality).await,
        _ => None,
    };
    written.map_or_else(|| recompressed(&treated, quality), Ok)
}

fn cropped(picture: &Picture, left: u32, top: u32, width: u32, height: u32) -> Picture {
    let at = |row: u32| (row as usize * picture.width as usize + left as usize) * 3;
    let line = |row: u32| &picture.rgb[at(row)..at(row) + width as usize * 3];
    let rgb = (top..top + height).flat_map(line).copied().collect(); // [height, width, 3]
    Picture { width, height, rgb, format: picture.format.clone() }
}

fn mirrored(mut picture: Picture) -> Picture {
    for line in picture.rgb.chunks_exact_mut(picture.width.max(1) as usize * 3) {
        line.as_chunks_mut::<3>().0.reverse();
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Picture {
        let rgb = (0..width * height * 3).map(|index| (index * 7 % 251) as u8).collect();
        Picture { width, height, rgb, format: "PNG".to_owned() }
    }

    fn apply(treatment: Treatment, picture: &Picture, seed: u64) -> Picture {
        pollster::block_on(treatment.apply(picture, seed, &())).unwrap()
    }

    #[test]
    fn names_survive_a_round_trip() {
        for treatment in Treatment::TIERS.into_iter().chain([Treatment::Equalised(3), Treatment::Augmented(7)]) {
            assert_eq!(treatment.to_string().parse::<Treatment>().unwrap(), treatment);
        }
        for name in ["", "equalised-", "equalised-300", "augmented-x", "Web"] {
            assert_eq!(name.parse::<Treatment>().unwrap_err().code(), "training-set");
        }
    }

    #[test]
    fn tiers_reduce_and_never_enlarge() {
        let sizes = |treatment: Treatment, width, height| {
            let treated = apply(treatment, &picture(width, height), 1);
            (treated.width, treated.height)
        };
        assert_eq!(sizes(Treatment::Web, 600, 1200), (512, 1024));
        assert_eq!(sizes(Treatment::Hard, 1200, 600), (512, 256));
        assert_eq!(sizes(Treatment::Hard, 100, 90), (100, 90));
        assert_eq!(sizes(Treatment::AsGiven, 100, 90), (100, 90));
        assert_eq!(apply(Treatment::Hard, &picture(30, 20), 1).format, "JPEG");
    }

    #[test]
    fn equalised_pictures_have_one_size_and_draws_differ() {
        let given = picture(500, 311);
        let draws: Vec<Picture> = (0..3).map(|draw| apply(Treatment::Equalised(draw), &given, 9)).collect();
        assert!(draws.iter().all(|drawn| (drawn.width, drawn.height) == (256, 256)));
        assert!(draws[0] != draws[1] && draws[1] != draws[2]);
        assert_eq!(draws[1], apply(Treatment::Equalised(1), &given, 9));
        assert_eq!(apply(Treatment::Equalised(0), &picture(1, 1), 9).rgb.len() % 3, 0);
    }

    #[test]
    fn augmented_pictures_are_parts_of_what_was_given() {
        let given = picture(301, 500);
        let draws: Vec<Picture> = (0..12).map(|draw| apply(Treatment::Augmented(draw), &given, 9)).collect();
        assert!(draws.iter().all(|drawn| (200..=301).contains(&drawn.width) && drawn.height >= drawn.width));
        assert!(draws.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(draws[5], apply(Treatment::Augmented(5), &given, 9));
        assert_eq!(apply(Treatment::Augmented(0), &picture(1, 1), 9).rgb.len() % 3, 0);
        assert_eq!(mirrored(mirrored(given.clone())), given);
        assert_eq!(mirrored(given.clone()).rgb[..3], given.rgb[300 * 3..301 * 3]);
    }
}
