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

/// A picture, and an earlier one that it is a duplicate of.
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

/// As few pairs as join all pictures that are duplicates of each other, also by way of others: every cluster of
/// k pictures has k − 1. Of each picture the exact before the near ones, and the earliest first. Near are pictures
/// of one aspect whose hashes differ in at most [`NEAR_BITS`] of 64 and are not flat.
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
    let mut clusters = Clusters::new(pictures.len());
    for b in 0..pictures.len() {
        if b % CHUNK == 0 {
            progress::step(progress, b, pictures.len())?;
            progress.rest().await;
        }
        let digest = pictures[b].facts.sha256.as_str();
        let exact = if digest.is_empty() { None } else { first.get(digest).copied() };
        let mut join = |a: usize, kind: Kind| {
            if clusters.join(a, b) {
                found.push(Duplicate { a, b, kind, across_classes: pictures[a].generated != pictures[b].generated });
            }
        };
        if let Some(a) = exact {
            join(a, Kind::Exact); // what is near to it, that one has found
        } else if let Some(hash) = hashes[b] {
            let alike = |a: usize| hashes[a].is_some_and(|other| (hash ^ other).count_ones() <= NEAR_BITS);
            let near = (0..b).filter(|&a| alike(a) && (1.0 / ASPECT..=ASPECT).contains(&(aspect(a) / aspect(b))));
            near.for_each(|a| join(a, Kind::Near));
        }
        first.entry(digest).or_insert(b);
    }
    Ok(found)
}

/// The same number for pictures that are duplicates of each other, `[n]`.
#[must_use]
pub fn clusters(n: usize, duplicates: &[Duplicate]) -> Vec<usize> {
    let mut clusters = Clusters::new(n);
    for duplicate in duplicates {
        clusters.join(duplicate.a, duplicate.b);
    }
    (0..n).map(|index| clusters.of(index)).collect()
}

/// Disjoint sets (Galler, Fischer 1964), each named by its earliest picture.
struct Clusters(Vec<usize>);

impl Clusters {
    /// Every picture by itself.
    fn new(n: usize) -> Self {
        Self((0..n).collect())
    }

    /// The earliest picture of the cluster of `index`.
    fn of(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]]; // the next way is half as long
            index = self.0[index];
        }
        index
    }

    /// Makes the two clusters one; `false` where they were.
    fn join(&mut self, a: usize, b: usize) -> bool {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
        a != b
    }
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

    /// The third is near to the first and to the second, which are not near to each other.
    #[test]
    fn a_picture_near_to_two_others_joins_all_three() {
        let hash = 0x0123_4567_89ab_cdef;
        let pictures =
            [picture("a", hash, false), picture("b", hash ^ 0b111_111, true), picture("c", hash ^ 0b111, true)];
        let found = pollster::block_on(find(&pictures, &mut ())).unwrap();
        let near = |a, b, across_classes| Duplicate { a, b, kind: Kind::Near, across_classes };
        assert_eq!(found, [near(0, 2, true), near(1, 2, false)]);
        assert_eq!(clusters(3, &found), [0; 3]);
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
