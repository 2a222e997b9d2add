//! What a head learns from: one feature a picture, with its label and its source.

use crate::{Error, Result};

/// Features of `n` pictures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dataset {
    /// `[n, d]`, row-major.
    pub features: Vec<f32>,
    /// Length `d` of a feature.
    pub dimension: usize,
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
    #[must_use]
    pub fn feature(&self, index: usize) -> &[f32] {
        &self.features[index * self.dimension..(index + 1) * self.dimension]
    }

    /// The pictures for which `keep` holds, by index.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> Self {
        Self {
            features: indices.iter().flat_map(|&index| self.feature(index)).copied().collect(),
            dimension: self.dimension,
            generated: indices.iter().map(|&index| self.generated[index]).collect(),
            sources: indices.iter().map(|&index| self.sources[index].clone()).collect(),
        }
    }

    /// Weights with mean 1, `[n]`: both classes weigh the same, and within a class every source weighs
    /// as the square root of its size, so that neither the largest nor the smallest decides.
    #[must_use]
    pub fn weights(&self) -> Vec<f32> {
        let count = |index: usize| {
            let same = |other: usize| {
                self.generated[other] == self.generated[index] && self.sources[other] == self.sources[index]
            };
            (0..self.len()).filter(|&other| same(other)).count().max(1) as f32
        };
        let raw: Vec<f32> = (0..self.len()).map(|index| 1.0 / count(index).sqrt()).collect();
        let total = |class: bool| -> f32 {
            raw.iter()
                .zip(&self.generated)
                .filter(|&(_, &generated)| generated == class)
                .map(|(weight, _)| weight)
                .sum()
        };
        let (generated, real) = (total(true), total(false));
        let half = self.len() as f32 / 2.0;
        raw.iter()
            .zip(&self.generated)
            .map(|(weight, &class)| weight * half / if class { generated } else { real })
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
        if !self.features.iter().all(|value| value.is_finite()) {
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
        let set = Dataset { features: vec![0.0; 6], dimension: 1, generated, sources };
        let weights = set.weights();
        let of_generated: f32 = weights[..5].iter().sum();
        assert!((of_generated - weights[5]).abs() < 1e-5);
        assert!((weights.iter().sum::<f32>() - 6.0).abs() < 1e-5);
        assert!((weights[..4].iter().sum::<f32>() / weights[4] - 2.0).abs() < 1e-5);
    }

    #[test]
    fn one_class_teaches_nothing() {
        let set =
            Dataset { features: vec![0.0; 3], dimension: 1, generated: vec![true; 3], sources: vec![String::new(); 3] };
        assert_eq!(set.validate().unwrap_err().code(), "training-set");
    }
}
