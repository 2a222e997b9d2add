//! Labelled pictures with their facts and features: what a session trains on.

use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::rows::Rows;
use crate::picture::facts::Facts;
use crate::treatment::Treatment;
use crate::{Error, Result};

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
}

/// Pictures, and of each a row of features for every treatment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingSet {
    /// Length `d` of a row.
    pub dimension: usize,
    /// The treatments `t` that rows were taken under, in their order.
    pub treatments: Vec<Treatment>,
    /// `[n]`.
    pub pictures: Vec<LabelledPicture>,
    /// `[n, t, d]`.
    pub features: Rows,
}

impl TrainingSet {
    /// A set without pictures.
    #[must_use]
    pub fn new(dimension: usize, treatments: Vec<Treatment>) -> Self {
        Self { dimension, treatments, ..Self::default() }
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

    /// Adds a picture with its rows `[t, d]`.
    ///
    /// # Errors
    /// [`Error::TrainingSet`] where the rows have another length; [`Error::NotFinite`].
    pub fn add(&mut self, picture: LabelledPicture, features: &[f32]) -> Result<()> {
        let wanted = self.treatments.len() * self.dimension;
        if features.len() != wanted || wanted == 0 {
            let message = format!("{} came with {} numbers instead of {wanted}", picture.name, features.len());
            return Err(Error::TrainingSet { message });
        }
        let rows: Rows = features.iter().copied().collect();
        if !rows.are_finite() {
            return Err(Error::NotFinite { name: format!("A feature of {}", picture.name) });
        }
        self.pictures.push(picture);
        self.features.push_from(&rows, 0..wanted);
        Ok(())
    }

    /// These pictures (by index) alone.
    #[must_use]
    pub fn subset(&self, pictures: &[usize]) -> Self {
        let mut part = Self::new(self.dimension, self.treatments.clone());
        let row = self.treatments.len() * self.dimension;
        for &index in pictures {
            part.pictures.push(self.pictures[index].clone());
            part.features.push_from(&self.features, index * row..(index + 1) * row);
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

    /// The rows of these pictures under those treatments (by index), treatments within pictures:
    /// `[pictures · treatments, d]`. All rows of a picture carry its source.
    #[must_use]
    pub fn rows(&self, pictures: &[usize], treatments: &[usize]) -> Dataset {
        let mut data = Dataset { dimension: self.dimension, ..Dataset::default() };
        data.features.reserve(pictures.len() * treatments.len() * self.dimension);
        for &picture in pictures {
            for &treatment in treatments {
                let row = picture * self.treatments.len() + treatment;
                data.features.push_from(&self.features, row * self.dimension..(row + 1) * self.dimension);
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

    /// The tiers that figures are given for: name, and the treatments (by index) whose logits are
    /// averaged. All draws of equalising are one tier; augmented rows are learnt from and not judged by.
    #[must_use]
    pub fn tiers(&self) -> Vec<(String, Vec<usize>)> {
        let mut tiers: Vec<(String, Vec<usize>)> = Vec::new();
        for (index, treatment) in self.treatments.iter().enumerate() {
            let name = match treatment {
                Treatment::Augmented(_) => continue,
                Treatment::Equalised(_) => "equalised".to_owned(),
                tier => tier.to_string(),
            };
            match tiers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, treatments)) => treatments.push(index),
                None => tiers.push((name, vec![index])),
            }
        }
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
    fn rows_that_do_not_fit_are_refused() {
        let mut set = TrainingSet::new(2, vec![Treatment::Web]);
        assert_eq!(set.add(LabelledPicture::default(), &[1.0]).unwrap_err().code(), "training-set");
        assert_eq!(set.add(LabelledPicture::default(), &[1.0, f32::NAN]).unwrap_err().code(), "not-finite");
        assert!(set.is_empty());
    }
}
