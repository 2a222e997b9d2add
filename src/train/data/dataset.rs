//! What a head learns from: one feature a picture, with its label and its source.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::rows::Rows;
use crate::{Error, Result};

/// How much each picture counts in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// All pictures alike, as in the paper.
    None,
    /// Both classes the same; within a class every source as the square root of its size, so that neither
    /// the largest nor the smallest decides.
    Root,
    /// Both classes the same; within a class every source the same.
    Equal,
}

/// Features of `n` pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dataset {
    /// `[n, d]`, row-major.
    pub features: Rows,
    /// Length `d` of a feature.
    pub dimension: usize,
    /// How many of its numbers, the last ones, are of the caption; 0 where captions are not read.
    pub caption_dimension: usize,
    /// Whether each picture is generated, `[n]`.
    pub generated: Vec<bool>,
    /// Where each picture comes from, `[n]`: the group of every split, because one prompt and one
    /// hand recur within a source.
    pub sources: Vec<String>,
}

impl Dataset {
    /// Number of pictures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.generated.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.generated.is_empty()
    }

    /// The feature of picture `index`, `[d]`.
    pub fn feature(&self, index: usize) -> impl Iterator<Item = f32> {
        self.features.read(index * self.dimension..(index + 1) * self.dimension)
    }

    /// The pictures for which `keep` holds, by index.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        Self {
            features: indices.iter().flat_map(|&index| self.feature(index)).collect(),
            dimension: self.dimension,
            caption_dimension: self.caption_dimension,
            generated: indices.iter().map(|&index| self.generated[index]).collect(),
            sources: indices.iter().map(|&index| self.sources[index].clone()).collect(),
        }
    }

    /// The inputs that are 0 in every row, by index, such as those of a view that no picture was large enough for:
    /// nothing can be learnt of them.
    #[must_use]
    pub fn unseen(&self) -> Vec<usize> {
        let mut unseen: Vec<usize> = (0..self.dimension).collect();
        for row in 0..self.len() {
            if unseen.is_empty() {
                break; // as a rule after the first row
            }
            unseen.retain(|input| self.features.is_zero(row * self.dimension + input));
        }
        unseen
    }

    /// Weights with mean 1, `[n]`: both classes weigh the same, and within a class every source as
    /// [`Weighting::Root`] has it.
    #[must_use]
    pub fn weights(&self) -> Vec<f32> {
        self.weighted(Weighting::Root)
    }

    /// Weights with mean 1, `[n]`.
    #[must_use]
    pub fn weighted(&self, weighting: Weighting) -> Vec<f32> {
        let mut sizes: HashMap<(bool, &str), f64> = HashMap::new();
        for (&generated, source) in self.generated.iter().zip(&self.sources) {
            *sizes.entry((generated, source)).or_default() += 1.0;
        }
        // What a source weighs, divided among its pictures.
        let share = |size: f64| match weighting {
            Weighting::None => 1.0,
            Weighting::Root => 1.0 / size.sqrt(),
            Weighting::Equal => 1.0 / size,
        };
        let of_class = |class: bool| -> f64 {
            sizes.iter().filter(|((generated, _), _)| *generated == class).map(|(_, &size)| size * share(size)).sum()
        };
        let half = self.len() as f64 / 2.0;
        let (generated, real) = match weighting {
            Weighting::None => (1.0, 1.0),
            Weighting::Root | Weighting::Equal => (half / of_class(true), half / of_class(false)),
        };
        let rows = self.generated.iter().zip(&self.sources);
        rows.map(|(&class, source)| {
            let size = sizes.get(&(class, source.as_str())).copied().unwrap_or(1.0);
            (share(size) * if class { generated } else { real }) as f32
        })
        .collect()
    }

    /// Refuses what nothing can be learnt from.
    ///
    /// # Errors
    /// [`Error::TrainingSet`].
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::TrainingSet { message: message.to_owned() });
        if self.features.len() != self.len() * self.dimension || self.sources.len() != self.len() {
            return refuse("its features, labels and sources differ in number");
        }
        let generated = self.generated.iter().filter(|&&generated| generated).count();
        if generated < 2 || self.len() - generated < 2 {
            return refuse("it needs at least two real and two generated pictures");
        }
        if !self.features.are_finite() {
            return refuse("a feature is not a finite number");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_weigh_the_same_and_sources_by_the_root_of_their_size() {
        let generated = vec![true, true, true, true, true, false];
        let sources = ["a", "a", "a", "a", "b", "c"].map(str::to_owned).to_vec();
        let features = [0.0; 6].into_iter().collect();
        let set = Dataset { features, dimension: 1, generated, sources, ..Dataset::default() };
        let weights = set.weights();
        let of_generated: f32 = weights[..5].iter().sum();
        assert!((of_generated - weights[5]).abs() < 1e-5);
        assert!((weights.iter().sum::<f32>() - 6.0).abs() < 1e-5);
        assert!((weights[..4].iter().sum::<f32>() / weights[4] - 2.0).abs() < 1e-5);
        let weights = set.weighted(Weighting::Equal);
        assert!((weights[..4].iter().sum::<f32>() - weights[4]).abs() < 1e-5);
        assert!((weights[5] - 3.0).abs() < 1e-5);
        assert_eq!(set.weighted(Weighting::None), [1.0; 6]);
    }

    #[test]
    fn one_class_teaches_nothing() {
        let set = Dataset {
            features: [0.0; 3].into_iter().collect(),
            dimension: 1,
            generated: vec![true; 3],
            sources: vec![String::new(); 3],
            ..Dataset::default()
        };
        assert_eq!(set.validate().unwrap_err().code(), "training-set");
    }
}
