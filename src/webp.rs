//! Lossy WebP files, by libwebp: natively the library itself, in a browser the one that the browser has (`web::webp`).
//! Encoders in Rust that compile to wasm are no substitute: the lossless ones leave no trace to learn, and the lossy
//! ones (vaam-image-webp 0.1.0, webp-rust 0.3.2) leave others than libwebp's: of a smooth gradient 20 grey levels are
//! lost at quality 95, where libwebp loses 1.

#[cfg(feature = "native")]
use crate::picture::Limits;
use crate::picture::Picture;

/// What writes them.
pub trait WebpEncoder {
    /// What a lossy file at `quality` (0–100) leaves of the picture: written, and decoded again. `None` where none can be
    /// written, because there is no encoder or a side is longer than WebP allows (16,383 pixels).
    fn recompress(&self, picture: &Picture, quality: u8) -> impl Future<Output = Option<Picture>>;
}

/// There is no encoder.
impl WebpEncoder for () {
    async fn recompress(&self, _picture: &Picture, _quality: u8) -> Option<Picture> {
        None
    }
}

/// The library itself.
#[cfg(feature = "native")]
#[derive(Debug, Clone, Copy)]
pub struct Libwebp;

#[cfg(feature = "native")]
impl WebpEncoder for Libwebp {
    async fn recompress(&self, picture: &Picture, quality: u8) -> Option<Picture> {
        let encoder = webp::Encoder::from_rgb(&picture.rgb, picture.width, picture.height);
        let file = encoder.encode_simple(false, f32::from(quality)).ok()?;
        Picture::decode(&file, &Limits { bytes: u64::MAX, ..Limits::default() }).ok()
    }
}

#[cfg(all(test, feature = "native"))]
mod tests {
    use super::*;
    use crate::treatment::Treatment;

    /// A smooth picture, as photographs are: what two encoders lose of it differs little.
    fn gradient(width: u32, height: u32) -> Picture {
        let value = |index: u32| (index / 3 % width * 200 / width + index / 3 / width * 50 / height) as u8;
        Picture { width, height, rgb: (0..width * height * 3).map(value).collect(), format: "PNG".to_owned() }
    }

    #[test]
    fn a_side_that_is_too_long_is_none() {
        assert_eq!(pollster::block_on(Libwebp.recompress(&gradient(16_400, 1), 80)), None);
    }

    #[test]
    fn some_augmented_pictures_were_webp_and_are_close_to_what_jpeg_leaves() {
        let given = gradient(320, 240);
        let mut formats = Vec::new();
        for draw in 0..40 {
            let treatment = Treatment::Augmented(draw);
            let with = pollster::block_on(treatment.apply(&given, 9, &Libwebp)).unwrap();
            let without = pollster::block_on(treatment.apply(&given, 9, &())).unwrap();
            assert_eq!((with.width, with.height), (without.width, without.height));
            let apart: u64 = with.rgb.iter().zip(&without.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(apart < 4 * with.rgb.len() as u64, "draw {draw}: {apart}");
            assert_eq!(apart == 0, with.format != "WebP", "draw {draw}");
            formats.push(with.format);
        }
        let count = |name: &str| formats.iter().filter(|format| *format == name).count();
        assert!(count("WebP") >= 6 && count("JPEG") >= 12 && count("PNG") >= 2, "{formats:?}");
    }
}
