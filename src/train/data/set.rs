//! Labelled pictures with their facts and features: what a session trains on.

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::rows::Rows;
use crate::picture::facts::Facts;
use crate::treatment::Treatment;
use crate::{Error, Result};

/// What the name of a tier ends with whose pictures are looked at without their captions.
pub const WITHOUT_CAPTION: &str = "-without-caption";

/// Name of the tier of all draws of equalising.
const EQUALISED: &str = "equalised";

/// A picture of a labelled folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelledPicture {
    /// Its path in the folder.
    pub name: String,
    /// Its group in every split; empty where it has none.
    pub source: String,
    /// Whether it is generated.
    pub generated: bool,
    /// What is known of its file besides the pixels.
    pub facts: Facts,
    /// The words that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
}

/// Pictures, and of each a row of features for every treatment; where captions are read, also one of its
/// caption, the same under all treatments.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingSet {
    /// Length `d` of an image-level row.
    pub dimension: usize,
    /// Length `c` of a caption's row; 0 where captions are not read.
    pub caption_dimension: usize,
    /// The treatments `t` that rows were taken under, in their order.
    pub treatments: Vec<Treatment>,
    /// `[n]`.
    pub pictures: Vec<LabelledPicture>,
    /// `[n, t, d]`.
    pub features: Rows,
    /// `[n, c]`: all zero where a picture has no caption.
    pub captions: Rows,
}

impl TrainingSet {
    /// A set without pictures, of which captions are not read.
    #[must_use]
    pub fn new(dimension: usize, treatments: Vec<Treatment>) -> Self {
        Self { dimension, treatments, ..Self::default() }
    }

    /// The same with captions, whose rows have length `dimension`.
    #[must_use]
    pub fn with_captions(self, dimension: usize) -> Self {
        Self { caption_dimension: dimension, ..self }
    }

    /// The same pictures without their captions.
    #[must_use]
    pub fn without_captions(self) -> Self {
        Self { caption_dimension: 0, captions: Rows::default(), ..self }
    }

    /// Whether captions are read.
    #[must_use]
    pub fn reads_captions(&self) -> bool {
        self.caption_dimension > 0
    }

    /// Length of a whole row: the image's part, then the caption's.
    #[must_use]
    pub fn row_dimension(&self) -> usize {
        self.dimension + self.caption_dimension
    }

    /// In how many ways a picture is looked at, `l`: under every treatment, and where captions are read under
    /// each of them once more without the caption.
    #[must_use]
    pub fn looks(&self) -> usize {
        self.treatments.len() * if self.reads_captions() { 2 } else { 1 }
    }

    /// Number of pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// Adds a picture with its rows `[t, d]`, without a caption.
    ///
    /// # Errors
    /// [`Error::TrainingSet`] where the rows have another length; [`Error::NotFinite`].
    pub fn add(&mut self, picture: LabelledPicture, features: &[f32]) -> Result<()> {
        self.add_with_caption(picture, features, &vec![0.0; self.caption_dimension])
    }

    /// Adds a picture with its rows `[t, d]` and its caption's row `[c]`.
    ///
    /// # Errors
    /// As [`TrainingSet::add`].
    pub fn add_with_caption(&mut self, picture: LabelledPicture, features: &[f32], caption: &[f32]) -> Result<()> {
        let wanted = self.treatments.len() * self.dimension;
        let (rows, got) = (wanted + self.caption_dimension, features.len() + caption.len());
        if features.len() != wanted || caption.len() != self.caption_dimension || wanted == 0 {
            let message = format!("{} came with {got} numbers instead of {rows}", picture.name);
            return Err(Error::TrainingSet { message });
        }
        let (features, caption): (Rows, Rows) = (features.iter().copied().collect(), caption.iter().copied().collect());
        if !features.are_finite() || !caption.are_finite() {
            return Err(Error::NotFinite { name: format!("A feature of {}", picture.name) });
        }
        self.pictures.push(picture);
        self.features.push_from(&features, 0..wanted);
        self.captions.push_from(&caption, 0..self.caption_dimension);
        Ok(())
    }

    /// These pictures (by index) alone.
    #[must_use]
    pub fn subset(&self, pictures: &[usize]) -> Self {
        let c = self.caption_dimension;
        let mut part = Self::new(self.dimension, self.treatments.clone()).with_captions(c);
        let row = self.treatments.len() * self.dimension;
        for &index in pictures {
            part.pictures.push(self.pictures[index].clone());
            part.features.push_from(&self.features, index * row..(index + 1) * row);
            part.captions.push_from(&self.captions, index * c..(index + 1) * c);
        }
        part
    }

    /// The truth, `[n]`.
    #[must_use]
    pub fn generated(&self) -> Vec<bool> {
        self.pictures.iter().map(|picture| picture.generated).collect()
    }

    /// The groups, `[n]`.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        self.pictures.iter().map(|picture| picture.source.clone()).collect()
    }

    /// The rows of these pictures in those looks (by index: the treatments, then the treatments without the
    /// caption), looks within pictures: `[pictures · looks, d + c]`. All rows of a picture carry its source.
    #[must_use]
    pub fn rows(&self, pictures: &[usize], looks: &[usize]) -> Dataset {
        let (t, d, c) = (self.treatments.len(), self.dimension, self.caption_dimension);
        let mut data = Dataset { dimension: d + c, caption_dimension: c, ..Dataset::default() };
        let none: Rows = std::iter::repeat_n(0.0, c).collect();
        data.features.reserve(pictures.len() * looks.len() * (d + c));
        for &picture in pictures {
            for &look in looks {
                let row = picture * t + look % t;
                data.features.push_from(&self.features, row * d..(row + 1) * d);
                if look < t {
                    data.features.push_from(&self.captions, picture * c..(picture + 1) * c);
                } else {
                    data.features.push_from(&none, 0..c);
                }
                data.generated.push(self.pictures[picture].generated);
                data.sources.push(self.pictures[picture].source.clone());
            }
        }
        data
    }

    /// The treatments (by index) whose rows are learnt from: the equalised ones where there are any, because
    /// the others would give away what those hide; else all.
    #[must_use]
    pub fn learnt_from(&self) -> Vec<usize> {
        let is_equalised = |&index: &usize| matches!(self.treatments[index], Treatment::Equalised(_));
        let all = 0..self.treatments.len();
        let equalised: Vec<usize> = all.clone().filter(is_equalised).collect();
        if equalised.is_empty() { all.collect() } else { equalised }
    }

    /// The tiers that figures are given for: name, and the looks (by index) whose logits are averaged. All
    /// draws of equalising are one tier, the last, because no check equalises a picture; augmented rows are learnt
    /// from and not judged by. Where captions are read, every tier is there once more without them.
    #[must_use]
    pub fn tiers(&self) -> Vec<(String, Vec<usize>)> {
        let mut tiers: Vec<(String, Vec<usize>)> = Vec::new();
        for index in 0..self.looks() {
            let name = match self.treatments[index % self.treatments.len()] {
                Treatment::Augmented(_) => continue,
                Treatment::Equalised(_) => EQUALISED.to_owned(),
                tier => tier.to_string(),
            };
            let name = if index < self.treatments.len() { name } else { format!("{name}{WITHOUT_CAPTION}") };
            match tiers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, looks)) => looks.push(index),
                None => tiers.push((name, vec![index])),
            }
        }
        // The first tier is the one that a head is known by.
        tiers.sort_by_key(|(name, _)| (name.ends_with(WITHOUT_CAPTION), name.starts_with(EQUALISED)));
        tiers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_by_picture_and_treatment() {
        let treatments = vec![Treatment::AsGiven, Treatment::Equalised(0), Treatment::Equalised(1)];
        let mut set = TrainingSet::new(2, treatments);
        for index in 0..3_u8 {
            let picture = LabelledPicture { source: format!("s{index}"), generated: index == 1, ..Default::default() };
            let rows: Vec<f32> = (0..6).map(|value| f32::from(index * 10 + value)).collect();
            set.add(picture, &rows).unwrap();
        }
        let rows = set.rows(&[2, 1], &[0, 2]);
        assert_eq!(rows.features.to_vec(), [20.0, 21.0, 24.0, 25.0, 10.0, 11.0, 14.0, 15.0]);
        assert_eq!(rows.generated, [false, false, true, true]);
        assert_eq!(rows.sources, ["s2", "s2", "s1", "s1"]);
        assert_eq!(set.tiers(), [("as-given".to_owned(), vec![0]), ("equalised".to_owned(), vec![1, 2])]);
        assert_eq!(set.learnt_from(), [1, 2]);
        assert_eq!(TrainingSet::new(2, vec![Treatment::Web, Treatment::Augmented(0)]).learnt_from(), [0, 1]);
    }

    #[test]
    fn the_first_tier_is_what_a_check_sees() {
        let treatments = vec![Treatment::Equalised(0), Treatment::Equalised(1), Treatment::AsGiven, Treatment::Hard];
        let names = |set: TrainingSet| set.tiers().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let set = TrainingSet::new(1, treatments);
        assert_eq!(names(set.clone()), ["as-given", "hard", "equalised"]);
        let without = ["as-given-without-caption", "hard-without-caption", "equalised-without-caption"];
        assert_eq!(names(set.with_captions(2)), [&["as-given", "hard", "equalised"], &without[..]].concat());
    }

    #[test]
    fn every_look_is_there_once_more_without_the_caption() {
        let mut set = TrainingSet::new(1, vec![Treatment::AsGiven, Treatment::Web]).with_captions(2);
        set.add_with_caption(LabelledPicture::default(), &[1.0, 2.0], &[7.0, 8.0]).unwrap();
        set.add(LabelledPicture::default(), &[3.0, 4.0]).unwrap();
        assert_eq!((set.looks(), set.row_dimension()), (4, 3));
        let rows = set.rows(&[0, 1], &[1, 3]);
        assert_eq!(rows.features.to_vec(), [2.0, 7.0, 8.0, 2.0, 0.0, 0.0, 4.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
        assert_eq!((rows.dimension, rows.caption_dimension), (3, 2));
        let names: Vec<String> = set.tiers().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["as-given", "web", "as-given-without-caption", "web-without-caption"]);
        let plain = set.without_captions();
        assert_eq!((plain.looks(), plain.rows(&[0], &[0]).features.to_vec()), (2, vec![1.0]));
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let mut set = TrainingSet::new(2, vec![Treatment::Web]);
        assert_eq!(set.add(LabelledPicture::default(), &[1.0]).unwrap_err().code(), "training-set");
        assert_eq!(set.add(LabelledPicture::default(), &[1.0, f32::NAN]).unwrap_err().code(), "not-finite");
        assert!(set.is_empty());
    }
}
