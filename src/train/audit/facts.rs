//! Facts as numbers: for the null classifier, and one by one in words.

use crate::picture::facts::Facts;

/// A fact of a file, as a number that may tell the classes apart.
pub struct Measure {
    /// What the generated pictures are where they have the higher values.
    pub high: &'static str,
    /// What they are where they have the lower ones.
    pub low: &'static str,
    /// The number; `None` where the file has no such fact.
    pub of: fn(&Facts) -> Option<f64>,
}

/// Every fact that is looked at by itself.
pub const MEASURES: [Measure; 14] = [
    Measure { high: "wide", low: "narrow", of: |facts| Some(width(facts)) },
    Measure { high: "tall", low: "low", of: |facts| Some(height(facts)) },
    Measure { high: "large", low: "small", of: |facts| Some(width(facts) + height(facts)) },
    Measure { high: "elongated", low: "square or nearly so", of: |facts| Some((width(facts) - height(facts)).abs()) },
    Measure { high: "landscape", low: "portrait", of: |facts| Some(width(facts) - height(facts)) },
    Measure { high: "square", low: "not square", of: |facts| yes(is_square(facts)) },
    Measure {
        high: "square, or sides a multiple of 64",
        low: "neither square nor with sides a multiple of 64",
        of: |facts| yes(is_square(facts) || is_multiple(facts, 64)),
    },
    Measure {
        high: "with sides a multiple of 8",
        low: "with sides no multiple of 8",
        of: |facts| yes(is_multiple(facts, 8)),
    },
    Measure { high: "JPEG", low: "not JPEG", of: |facts| yes(facts.format == "JPEG") },
    Measure { high: "PNG", low: "not PNG", of: |facts| yes(facts.format == "PNG") },
    Measure { high: "of many bytes a pixel", low: "of few bytes a pixel", of: |facts| Some(density(facts)) },
    Measure { high: "of high JPEG quality", low: "of low JPEG quality", of: |facts| facts.jpeg_quality.map(f64::from) },
    Measure {
        high: "JPEG with colour at full resolution",
        low: "JPEG with colour at reduced resolution",
        of: |facts| facts.jpeg_subsampling.as_ref().map(|subsampling| flag(subsampling == "4:4:4")),
    },
    Measure { high: "with EXIF", low: "without EXIF", of: |facts| yes(facts.exif) },
];

/// What the null classifier sees of a file: the facts, with squares and flags so that a straight line
/// through them can bend.
pub fn row(facts: &Facts) -> Vec<f64> {
    let (width, height, density) = (width(facts), height(facts), density(facts));
    let (area, aspect) = (width + height, width - height);
    let quality = facts.jpeg_quality.map_or(0.0, |quality| f64::from(quality) / 100.0);
    let subsampling = facts.jpeg_subsampling.as_deref();
    let mut row = vec![width, height, aspect, aspect.abs(), area * area, density, density * density];
    row.extend([quality, quality * quality]);
    row.extend(["JPEG", "PNG", "WebP"].map(|format| flag(facts.format == format)));
    row.extend(["4:2:0", "4:2:2", "4:4:4"].map(|kind| flag(subsampling == Some(kind))));
    row.extend([is_square(facts), is_multiple(facts, 64), is_multiple(facts, 8), facts.exif].map(flag));
    row
}

/// Columns with mean 0 and variance 1 (constant ones are 0): rows `[n, d]` in place.
pub fn standardise(rows: &mut [Vec<f64>]) {
    let n = rows.len().max(1) as f64;
    for column in 0..rows.first().map_or(0, Vec::len) {
        let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n;
        let variance = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / n;
        let scale = if variance > 1e-12 { 1.0 / variance.sqrt() } else { 0.0 };
        for row in rows.iter_mut() {
            row[column] = (row[column] - mean) * scale;
        }
    }
}

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[allow(clippy::unnecessary_wraps, reason = "the form of a measure")]
fn yes(holds: bool) -> Option<f64> {
    Some(flag(holds))
}

/// Logarithm of the width: twice as wide is one step, at every size.
fn width(facts: &Facts) -> f64 {
    f64::from(facts.width.max(1)).ln()
}

fn height(facts: &Facts) -> f64 {
    f64::from(facts.height.max(1)).ln()
}

/// Logarithm of bytes a pixel.
fn density(facts: &Facts) -> f64 {
    (facts.bytes.max(1) as f64).ln() - width(facts) - height(facts)
}

fn is_square(facts: &Facts) -> bool {
    facts.width == facts.height
}

fn is_multiple(facts: &Facts, of: u32) -> bool {
    facts.width.is_multiple_of(of) && facts.height.is_multiple_of(of)
}
