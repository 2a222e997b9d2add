//! Bytes → an upright sRGB picture. What the bytes are is read from them, never from a name, and no
//! memory is taken for a picture before its announced size was checked.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use crate::{Error, Result};

pub mod facts;
mod jpeg;
mod sniff;

/// What is checked before anything is allocated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest file, in bytes.
    pub bytes: u64,
    /// Most pixels, width × height.
    pub pixels: u64,
}

impl Default for Limits {
    /// 64 MiB, and 100 megapixels: what cameras write unless told otherwise. The decoder's buffers of
    /// such a picture take up to 0.9 GB (a progressive JPEG's coefficients) of a page's 4 GB.
    fn default() -> Self {
        Self { bytes: 64 << 20, pixels: 100_000_000 }
    }
}

/// An upright picture without transparency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width, in pixels.
    pub width: u32,
    /// Height, in pixels.
    pub height: u32,
    /// `[height, width, 3]`, 8 bit, row-major.
    pub rgb: Vec<u8>,
    /// The file's format, as people write it (`JPEG`).
    pub format: String,
}

impl Picture {
    /// Decodes the first frame of a JPEG, PNG, WebP, GIF or BMP file, turns it upright by its EXIF
    /// orientation, lays it on white and reduces it to 8 bits.
    ///
    /// # Errors
    /// [`Error::PictureEmpty`], [`Error::PictureFormat`], [`Error::PictureBytes`],
    /// [`Error::PicturePixels`], [`Error::PictureDamaged`].
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::PictureEmpty);
        }
        if bytes.len() as u64 > limits.bytes {
            return Err(Error::PictureBytes { bytes: bytes.len() as u64, limit: limits.bytes });
        }
        let (format, name) = known_format(bytes)?;
        let failed = |error: ImageError| match error {
            // Sound, but of a kind that this decoder lacks: perhaps the browser reads it.
            ImageError::Unsupported(error) => {
                Error::PictureFormat { found: format!("a {name} picture of a rare kind ({error})") }
            }
            error => {
                let message = error.to_string().trim_end().trim_end_matches('.').to_owned();
                Error::PictureDamaged { format: name, message }
            }
        };
        // The PNG decoder has a size limit of its own, lower on 32 bits, and calls what exceeds it damaged.
        if let Some((width, height)) = sniff::png_size(bytes) {
            require_pixels(width, height, limits)?;
        }
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(memory(limits));
        let mut decoder = reader.into_decoder().map_err(failed)?;
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::PictureDamaged { format: name, message: "it has no pixels".to_owned() });
        }
        require_pixels(width, height, limits)?;
        if format == ImageFormat::Jpeg && !sniff::jpeg_is_complete(bytes) {
            // The decoder paints what is missing grey, and grey is no evidence.
            return Err(Error::PictureDamaged {
                format: name,
                message: "the file ends before the picture does".to_owned(),
            });
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut frame = DynamicImage::from_decoder(decoder).map_err(failed)?;
        frame.apply_orientation(orientation);
        let (width, height) = (frame.width(), frame.height());
        let (samples, channels) = eight_bit(frame);
        Ok(Self { width, height, rgb: over_white(samples, channels), format: name.to_owned() })
    }

    /// Takes over what a browser decoded: upright, straight RGBA, `[height, width, 4]`.
    ///
    /// # Errors
    /// [`Error::PicturePixels`], or [`Error::PictureDamaged`] where the sizes do not fit.
    pub fn from_rgba(rgba: &[u8], width: u32, height: u32, format: &str, limits: &Limits) -> Result<Self> {
        require_pixels(width, height, limits)?;
        if rgba.is_empty() || rgba.len() as u64 != u64::from(width) * u64::from(height) * 4 {
            let message = format!("{} bytes are not {width} × {height} pixels", rgba.len());
            return Err(Error::PictureDamaged { format: "browser-decoded", message });
        }
        Ok(Self { width, height, rgb: over_white(rgba.to_vec(), 4), format: format.to_owned() })
    }
}

fn known_format(bytes: &[u8]) -> Result<(ImageFormat, &'static str)> {
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Ok((ImageFormat::Jpeg, "JPEG")),
        Ok(ImageFormat::Png) => Ok((ImageFormat::Png, "PNG")),
        Ok(ImageFormat::WebP) => Ok((ImageFormat::WebP, "WebP")),
        Ok(ImageFormat::Gif) => Ok((ImageFormat::Gif, "GIF")),
        Ok(ImageFormat::Bmp) => Ok((ImageFormat::Bmp, "BMP")),
        _ => Err(Error::PictureFormat { found: sniff::describe(bytes).to_owned() }),
    }
}

/// No decoder may take more for its pixels than 16-bit RGBA of the largest picture.
fn memory(limits: &Limits) -> image::Limits {
    let mut memory = image::Limits::no_limits();
    memory.max_alloc = Some(limits.pixels.saturating_mul(8));
    memory
}

fn require_pixels(width: u32, height: u32, limits: &Limits) -> Result<()> {
    let (width, height) = (u64::from(width), u64::from(height));
    if width * height > limits.pixels {
        return Err(Error::PicturePixels { width, height, limit: limits.pixels });
    }
    Ok(())
}

/// The samples `[h, w, channels]` in 8 bits, and their channels: 1 or 3 of colour, 2 or 4 with alpha.
///
/// Of 16 bits the upper 8 are kept, like Pillow: 8-bit values come back unchanged from the files of
/// programs that multiply by 256 and from those of programs that multiply by 257.
fn eight_bit(frame: DynamicImage) -> (Vec<u8>, usize) {
    let upper = |samples: Vec<u16>| samples.into_iter().map(|sample| (sample >> 8) as u8).collect();
    match frame {
        DynamicImage::ImageLuma8(buffer) => (buffer.into_raw(), 1),
        DynamicImage::ImageLumaA8(buffer) => (buffer.into_raw(), 2),
        DynamicImage::ImageRgb8(buffer) => (buffer.into_raw(), 3),
        DynamicImage::ImageLuma16(buffer) => (upper(buffer.into_raw()), 1),
        DynamicImage::ImageLumaA16(buffer) => (upper(buffer.into_raw()), 2),
        DynamicImage::ImageRgb16(buffer) => (upper(buffer.into_raw()), 3),
        DynamicImage::ImageRgba16(buffer) => (upper(buffer.into_raw()), 4),
        other => (other.into_rgba8().into_raw(), 4),
    }
}

/// `[h, w, channels]`, straight alpha → `[h, w, 3]` over white paper, rounded.
fn over_white(samples: Vec<u8>, channels: usize) -> Vec<u8> {
    if channels == 3 {
        return samples;
    }
    let on_white = |sample: u8, alpha: u32| ((u32::from(sample) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
    let mut rgb = vec![0; samples.len() / channels * 3];
    for (out, pixel) in rgb.chunks_exact_mut(3).zip(samples.chunks_exact(channels)) {
        let (colour, alpha) = match *pixel {
            [grey] => ([grey; 3], 255),
            [grey, alpha] => ([grey; 3], u32::from(alpha)),
            [red, green, blue, alpha] => ([red, green, blue], u32::from(alpha)),
            _ => continue, // `eight_bit` makes no other
        };
        out.copy_from_slice(&colour.map(|sample| on_white(sample, alpha)));
    }
    rgb
}
