//! Pictures that are there twice, by their digests: a picture on both sides of a fold is remembered,
//! not recognised.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::set::LabelledPicture;
use crate::Result;
use crate::progress::{self, Progress};

/// How alike two files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The same bytes.
    Exact,
    /// The same picture to the eye.
    Near,
}

/// A picture that an earlier one is a duplicate of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duplicate {
    /// The earlier picture.
    pub a: usize,
    /// The later one.
    pub b: usize,
    /// How alike they are.
    pub kind: Kind,
    /// Whether one is called real and the other generated.
    pub across_classes: bool,
}

/// Bits of the difference hash in which near duplicates may differ. Of 4,484 pictures 97.6 % are within
/// 3 of their own copy with the shorter side 256 at JPEG 60, and 25 of the 10 million pairs of different
/// pictures are, most of one motif; at 4 it is 98.9 %, and 64 pairs, at 6 99.6 %, and 232.
pub const NEAR_BITS: u32 = 3;

/// Pictures whose aspect ratios differ by more are no duplicates: cropping changes the hash anyway.
const ASPECT: f64 = 1.05;

/// Pictures compared between two breaths.
const CHUNK: usize = 512;

/// Every picture that is a duplicate, once, with the first that it duplicates; exact before near. Near
/// are pictures of one aspect whose hashes differ in at most [`NEAR_BITS`] of 64 and are not flat.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub async fn find(pictures: &[LabelledPicture], progress: &mut impl Progress) -> Result<Vec<Duplicate>> {
    let hashes: Vec<Option<u64>> = pictures.iter().map(|picture| hash(&picture.facts.perceptual)).collect();
    let aspect = |index: usize| {
        let facts = &pictures[index].facts;
        f64::from(facts.width.max(1)) / f64::from(facts.height.max(1))
    };
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut found = Vec::new();
    for b in 0..pictures.len() {
        if b % CHUNK == 0 {
            progress::step(progress, b, pictures.len())?;
            progress.rest().await;
        }
        let digest = pictures[b].facts.sha256.as_str();
        let exact = if digest.is_empty() { None } else { first.get(digest).copied() };
        let near = || {
            let hash = hashes[b]?;
            (0..b).find(|&a| {
                let alike = hashes[a].is_some_and(|other| (hash ^ other).count_ones() <= NEAR_BITS);
                alike && (1.0 / ASPECT..=ASPECT).contains(&(aspect(a) / aspect(b)))
            })
        };
        let kind = if exact.is_some() { Kind::Exact } else { Kind::Near };
        if let Some(a) = exact.or_else(near) {
            found.push(Duplicate { a, b, kind, across_classes: pictures[a].generated != pictures[b].generated });
        }
        first.entry(digest).or_insert(b);
    }
    Ok(found)
}

/// The same number for pictures that are duplicates of each other, `[n]`.
#[must_use]
pub fn clusters(n: usize, duplicates: &[Duplicate]) -> Vec<usize> {
    let mut cluster: Vec<usize> = (0..n).collect();
    // `a` comes before `b`, and pairs come by rising `b`: one pass is enough.
    for duplicate in duplicates {
        cluster[duplicate.b] = cluster[duplicate.a];
    }
    cluster
}

/// `None` for a hash that says little: nearly all bits alike, as of a plain surface or a gradient.
fn hash(perceptual: &str) -> Option<u64> {
    let hash = u64::from_str_radix(perceptual, 16).ok()?;
    (8..=56).contains(&hash.count_ones()).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::facts::Facts;

    fn picture(sha256: &str, perceptual: u64, generated: bool) -> LabelledPicture {
        let facts = Facts {
            width: 40,
            height: 30,
            sha256: sha256.to_owned(),
            perceptual: format!("{perceptual:016x}"),
            ..Facts::default()
        };
        LabelledPicture { generated, facts, ..LabelledPicture::default() }
    }

    #[test]
    fn exact_and_near_ones_are_found_once_each() {
        let hash = 0x0123_4567_89ab_cdef;
        let mut wide = picture("f", hash, false);
        wide.facts.width = 80;
        let pictures = [
            picture("a", hash, false),
            picture("b", !hash, false),
            picture("a", hash, true),
            picture("c", hash ^ 0b111, true),
            picture("d", hash ^ 0b1111_0000, true),
            picture("e", 0, false),
            picture("e2", 0, false), // both plain: the hash says nothing
            wide,
        ];
        let found = pollster::block_on(find(&pictures, &mut ())).unwrap();
        let exact = Duplicate { a: 0, b: 2, kind: Kind::Exact, across_classes: true };
        assert_eq!(found, [exact, Duplicate { a: 0, b: 3, kind: Kind::Near, across_classes: true }]);
        assert_eq!(clusters(8, &found), [0, 1, 0, 0, 4, 5, 6, 7]);
    }
}
