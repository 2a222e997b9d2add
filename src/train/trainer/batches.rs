//! Which rows make a step. Every batch has both classes in the proportion of the whole set.

use super::streams::{Stream, Use};
use crate::train::data::dataset::Dataset;

/// Fewest rows of a class in a batch.
const FEWEST: usize = 2;

/// The rows of a dataset by class, and how they are dealt out.
#[derive(Debug, Clone)]
pub struct Batches {
    generated: Vec<usize>,
    real: Vec<usize>,
    /// Steps an epoch.
    pub steps: usize,
}

/// The rows of a step: generated ones first.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Indices into the dataset.
    pub rows: Vec<usize>,
    /// How many of them, from the first on, are generated.
    pub generated: usize,
    /// What the weight of each row is multiplied with, `[n]`: less than 1 where a rare class is drawn
    /// more than once an epoch.
    pub factors: Vec<f32>,
}

impl Batches {
    /// At most `batch` rows a step, all steps about equally large.
    pub fn new(data: &Dataset, batch: usize) -> Self {
        let (generated, real): (Vec<_>, Vec<_>) = (0..data.len()).partition(|&index| data.generated[index]);
        Self { generated, real, steps: data.len().div_ceil(batch).max(1) }
    }

    /// All batches of an epoch, in an order that `seed` and the epoch's number fix.
    pub fn epoch(&self, seed: u64, epoch: usize) -> Vec<Batch> {
        let mut stream = Stream::new(seed, Use::Order(epoch));
        let mut shuffled = |rows: &[usize]| {
            let mut rows = rows.to_vec();
            stream.shuffle(&mut rows);
            rows
        };
        let (generated, real) = (shuffled(&self.generated), shuffled(&self.real));
        (0..self.steps)
            .map(|step| {
                let (first, factor) = self.deal(&generated, step);
                let (rest, other) = self.deal(&real, step);
                let factors = [vec![factor; first.len()], vec![other; rest.len()]].concat();
                Batch { generated: first.len(), rows: [first, rest].concat(), factors }
            })
            .collect()
    }

    /// The part of a class that a step gets. A class too small to give every step [`FEWEST`] rows is dealt
    /// out again from its start, and weighs less for it: over the epoch it counts as often as it is.
    fn deal(&self, class: &[usize], step: usize) -> (Vec<usize>, f32) {
        let n = class.len();
        if n / self.steps >= FEWEST {
            return (class[step * n / self.steps..(step + 1) * n / self.steps].to_vec(), 1.0);
        }
        let again = (0..FEWEST).map(|place| class[(step * FEWEST + place) % n]).collect();
        (again, n as f32 / (FEWEST * self.steps) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(generated: usize, real: usize) -> Dataset {
        let n = generated + real;
        Dataset {
            features: (0..n).map(|_| 0.0).collect(),
            dimension: 1,
            generated: (0..n).map(|index| index * generated / n != (index + 1) * generated / n).collect(),
            sources: vec![String::new(); n],
            ..Dataset::default()
        }
    }

    #[test]
    fn an_epoch_holds_every_row_once_in_batches_of_the_same_mixture() {
        let data = data(300, 700);
        let batches = Batches::new(&data, 128);
        let epoch = batches.epoch(1, 0);
        let mut seen: Vec<usize> = epoch.iter().flat_map(|batch| batch.rows.clone()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..1000).collect::<Vec<_>>());
        for batch in &epoch {
            assert!(batch.rows.len() <= 128 && batch.rows.len() >= 123);
            assert!((batch.generated as f32 / batch.rows.len() as f32 - 0.3).abs() < 0.02);
            for (place, &row) in batch.rows.iter().enumerate() {
                assert_eq!(data.generated[row], place < batch.generated);
            }
            assert!(batch.factors.iter().all(|factor| (factor - 1.0).abs() < 1e-9));
        }
    }

    #[test]
    fn one_in_twenty_and_rarer_still_stands_in_every_batch() {
        for (generated, real, batch) in [(100, 2000, 256), (20, 400, 16), (2000, 100, 32), (2, 200, 8)] {
            let data = data(generated, real);
            let epoch = Batches::new(&data, batch).epoch(7, 3);
            let mut weight = [0.0; 2];
            for batch in &epoch {
                assert!(batch.generated >= 2 && batch.rows.len() - batch.generated >= 2);
                for (&row, &factor) in batch.rows.iter().zip(&batch.factors) {
                    weight[usize::from(data.generated[row])] += factor;
                }
            }
            assert!((weight[1] - generated as f32).abs() < 0.01 * generated as f32, "{weight:?}");
            assert!((weight[0] - real as f32).abs() < 0.01 * real as f32, "{weight:?}");
        }
    }

    #[test]
    fn the_seed_and_the_epoch_fix_the_order() {
        let batches = Batches::new(&data(50, 50), 32);
        assert_eq!(batches.epoch(1, 2), batches.epoch(1, 2));
        assert_ne!(batches.epoch(1, 2), batches.epoch(1, 3));
        assert_ne!(batches.epoch(1, 2), batches.epoch(2, 2));
    }
}
