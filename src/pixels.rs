//! A picture as CLIP reads it: the shorter side resized to the model's, the centre cut out, normalised.
//!
//! Resizing gives the bytes of Pillow 13's `Image.resize(…, BICUBIC)` (its `Resample.c`), because CLIP's
//! own preprocessing used Pillow and the features move with every other filter.

use crate::picture::Picture;

/// Mean of CLIP's training pictures, red, green, blue (openai/CLIP, `clip.py`).
pub const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];

/// Standard deviation of CLIP's training pictures (openai/CLIP, `clip.py`).
#[allow(clippy::excessive_precision, reason = "the published digits")]
pub const STD: [f32; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// Bits after the point of Pillow's fixed-point coefficients: 32 − 8 for the sample − 2 for the sum.
const PRECISION: u32 = 22;

/// Reach of the bicubic filter, in output pixels.
const SUPPORT: f64 = 2.0;

/// Picture → `[3, side, side]`, row-major, normalised: what `CLIPVisionModel` is fed.
#[must_use]
pub fn clip_pixels(picture: &Picture, side: usize) -> Vec<f32> {
    normalised(&centre_square(&picture.rgb, picture.width, picture.height, side))
}

/// The central square at the picture's own resolution → `[3, side, side]`, normalised. `None` where the
/// picture is narrower than the square.
#[must_use]
pub fn centre_crop(picture: &Picture, side: usize) -> Option<Vec<f32>> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    crop(picture, side, width.checked_sub(side)? / 2, height.checked_sub(side)? / 2)
}

/// The square that begins `left` and `top` pixels from the corner, at the picture's own resolution →
/// `[3, side, side]`, normalised. `None` where it does not lie within the picture.
#[must_use]
pub fn crop(picture: &Picture, side: usize, left: usize, top: usize) -> Option<Vec<f32>> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    if width.checked_sub(side)? < left || height.checked_sub(side)? < top {
        return None;
    }
    let line = |row: usize| &picture.rgb[((top + row) * width + left) * 3..][..side * 3];
    Some(normalised(&(0..side).flat_map(line).copied().collect::<Vec<u8>>())) // [side, side, 3]
}

/// `[side, side, 3]` bytes → `[3, side, side]`, CLIP's mean and deviation taken out.
fn normalised(square: &[u8]) -> Vec<f32> {
    let mut pixels = Vec::with_capacity(square.len());
    for channel in 0..3 {
        let samples = square.iter().skip(channel).step_by(3);
        pixels.extend(samples.map(|&sample| (f32::from(sample) / 255.0 - MEAN[channel]) / STD[channel]));
    }
    pixels
}

/// `[h, w, 3]` → the central `[side, side, 3]` of the picture whose shorter side is `side`. Only what
/// the square shows is computed, so the longest strip costs no more than a square.
fn centre_square(rgb: &[u8], width: u32, height: u32, side: usize) -> Vec<u8> {
    let scale = side as f64 / f64::from(width.min(height).max(1));
    // Python's `round` goes to the even neighbour.
    let length = |length: u32| ((f64::from(length) * scale).round_ties_even() as u64).max(side as u64);
    let (to_width, to_height) = (length(width), length(height));
    let start = |length: u64| (length - side as u64) / 2;
    let columns = Axis::new(width as usize, to_width, start(to_width), side);
    let rows = Axis::new(height as usize, to_height, start(to_height), side);
    resample(rgb, &columns, &rows)
}

/// `[height, width, 3]` → `[to_height, to_width, 3]`, byte for byte like Pillow's bicubic resize.
#[must_use]
pub fn resize(rgb: &[u8], width: usize, height: usize, to_width: usize, to_height: usize) -> Vec<u8> {
    let columns = Axis::new(width, to_width as u64, 0, to_width);
    let rows = Axis::new(height, to_height as u64, 0, to_height);
    resample(rgb, &columns, &rows)
}

/// One output position: where its taps begin in the input, and their fixed-point weights.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// One direction of a resize: `input` samples to `output`, of which `taps` holds a run of positions.
struct Axis {
    input: usize,
    output: u64,
    taps: Vec<Taps>,
}

impl Axis {
    /// The `count` positions from `start` on.
    fn new(input: usize, output: u64, start: u64, count: usize) -> Self {
        let scale = input as f64 / output as f64;
        // When reducing, the filter widens with the scale, which keeps it from aliasing.
        let stretch = scale.max(1.0);
        let support = SUPPORT * stretch;
        let shrink = 1.0 / stretch; // multiplied, not divided by, as in Pillow: the last bit counts
        let taps = |position: u64| {
            let centre = (position as f64 + 0.5) * scale;
            // Casts cut the fraction off and stop at 0.
            let first = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(input);
            let weight = |index: usize| bicubic((index as f64 - centre + 0.5) * shrink);
            let weights: Vec<f64> = (first..end).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            let fixed = |weight: f64| (weight / sum * f64::from(1 << PRECISION)).round() as i32;
            Taps { first, weights: weights.into_iter().map(fixed).collect() }
        };
        Self { input, output, taps: (start..start + count as u64).map(taps).collect() }
    }

    /// The input samples that any tap touches: first and one past the last.
    fn range(&self) -> (usize, usize) {
        let first = self.taps.iter().map(|taps| taps.first).min().unwrap_or(0);
        let end = self.taps.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or(0);
        (first, end)
    }
}

/// Keys' cubic with a = −0.5.
fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Two passes, rounded to bytes after each. Their order shows in the last bit: Pillow takes the vertical
/// one first where the height loses more than twice as many pixels as the width (since 13.0, by
/// observation; earlier never).
fn resample(rgb: &[u8], columns: &Axis, rows: &Axis) -> Vec<u8> {
    let (width, height) = (columns.input as u64, rows.input as u64);
    if height > rows.output && height + 2 * columns.output > rows.output + 2 * width {
        let flattened = vertical(rgb, columns.input * 3, rows, 0); // [rows, width, 3]
        horizontal(&flattened, columns)
    } else {
        let (top, bottom) = rows.range();
        let line = columns.input * 3;
        let narrowed = horizontal(&rgb[top * line..bottom * line], columns); // [bottom − top, columns, 3]
        vertical(&narrowed, columns.taps.len() * 3, rows, top)
    }
}

/// `[h, columns.input, 3]` → `[h, columns, 3]`
fn horizontal(samples: &[u8], columns: &Axis) -> Vec<u8> {
    let mut out = Vec::with_capacity(samples.len() / columns.input * columns.taps.len());
    for line in samples.chunks_exact(columns.input * 3) {
        let pixels = line.as_chunks::<3>().0;
        for taps in &columns.taps {
            let mut sums = [1 << (PRECISION - 1); 3];
            for (pixel, &weight) in pixels[taps.first..].iter().zip(&taps.weights) {
                for (sum, &sample) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(sample) * weight;
                }
            }
            out.extend(sums.map(to_byte));
        }
    }
    out
}

/// `[h, line]` → `[rows, line]`, where `samples` begins with the input's row `top`.
fn vertical(samples: &[u8], line: usize, rows: &Axis, top: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.taps.len() * line);
    let mut sums = vec![0; line];
    for taps in &rows.taps {
        sums.fill(1 << (PRECISION - 1));
        for (samples, &weight) in samples[(taps.first - top) * line..].chunks_exact(line).zip(&taps.weights) {
            for (sum, &sample) in sums.iter_mut().zip(samples) {
                *sum += i32::from(sample) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| to_byte(sum)));
    }
    out
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}
