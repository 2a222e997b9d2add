//! Which epoch of a training is kept: the last, unless the folds were better after an earlier one, beyond chance.
//!
//! No figure chooses what it measures: the epoch whose logits a fold is judged by is chosen by the other folds. The
//! head that is kept learns from all pictures, so nothing can judge its epochs; it learns for as many as all folds
//! together found best.

use serde::{Deserialize, Serialize};

use crate::train::validation::held_out::Logits;

/// Standard errors by which an earlier epoch must be better than the last, on average over the folds: the rule that
/// trees are pruned by (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3). An epoch that is no
/// better comes as far by chance now and then, and then little is lost.
const BEYOND_CHANCE: f64 = 1.0;

/// What an earlier epoch must gain in area besides: for less, the head rather sees its pictures as often as it was asked to.
const WORTH: f64 = 0.002;

/// All of the first epochs are remembered, as many as this; later ones half as densely with each doubling.
const DENSE: usize = 32;

/// What the folds said of their held-out rows after some of their epochs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    /// After how many epochs, rising: the marks.
    epochs: Vec<usize>,
    /// Area of each fold at each mark that it reached, `[folds, ≤ marks]`; none where a fold holds one class out.
    areas: Vec<Vec<Option<f64>>>,
    /// At each mark the logit of every row from the head that was trained without it, `[marks, n · l]`; 0 until it is
    /// known.
    #[serde(skip)]
    pub(super) logits: Vec<Vec<f32>>,
}

impl History {
    /// Of folds that have not begun, over `rows` rows.
    pub(super) fn new(folds: usize, epochs: usize, rows: usize) -> Self {
        let is_mark = |&done: &usize| done == epochs || done.is_multiple_of(done.div_ceil(DENSE).next_power_of_two());
        let marks: Vec<usize> = if folds == 0 { Vec::new() } else { (1..=epochs).filter(is_mark).collect() };
        Self { logits: vec![vec![0.0; rows]; marks.len()], epochs: marks, areas: vec![Vec::new(); folds] }
    }

    /// Whether it can be one of so many folds, epochs and rows, of which as many as `ended` have an epoch at least.
    pub(super) fn fits(&self, folds: usize, epochs: usize, rows: usize, ended: usize) -> bool {
        self.areas.iter().take(ended).all(|areas| !areas.is_empty())
            && self.epochs == Self::new(folds, epochs, 0).epochs
            && self.areas.len() == folds
            && self.areas.iter().all(|areas| areas.len() <= self.epochs.len())
            && self.logits.len() == self.epochs.len()
            && self.logits.iter().all(|logits| logits.len() == rows && logits.iter().all(|logit| logit.is_finite()))
    }

    /// All but the logits, which are megabytes.
    pub(super) fn without_logits(&self) -> Self {
        Self { epochs: self.epochs.clone(), areas: self.areas.clone(), logits: Vec::new() }
    }

    /// After `done` epochs fold `fold` said `logits` `[held, l]` of the pictures `held`, with this area.
    pub(super) fn record(&mut self, fold: usize, done: usize, held: &[usize], logits: &[f32], area: Option<f64>) {
        let Some(mark) = self.epochs.iter().position(|&epochs| epochs == done) else { return };
        let Some(areas) = self.areas.get_mut(fold) else { return };
        areas.truncate(mark);
        areas.push(area);
        let looks = logits.len() / held.len().max(1);
        for (&picture, logits) in held.iter().zip(logits.chunks(looks.max(1))) {
            self.logits[mark][picture * looks..(picture + 1) * looks].copy_from_slice(logits);
        }
    }

    /// How many epochs the head that is kept is to learn for; `None` without folds. `best`: as many as the folds found
    /// best, else as many as all of them had.
    pub(super) fn epochs(&self, best: bool) -> Option<usize> {
        self.chosen(None, best).map(|mark| self.epochs[mark])
    }

    /// The logits to judge by: each fold after as many epochs as the others choose, the head after its own.
    pub(super) fn held_out(&self, best: bool) -> Logits<'_> {
        let of_fold = |fold| self.at(self.chosen(Some(fold), best));
        Logits { of_folds: (0..self.areas.len()).map(of_fold).collect(), of_head: self.at(self.chosen(None, best)) }
    }

    /// The same of a head that learnt for `epochs`, which nobody chose.
    pub(super) fn held_out_after(&self, epochs: usize) -> Logits<'_> {
        let mark = self.reached().and_then(|last| self.epochs[..=last].iter().rposition(|&mark| mark <= epochs));
        Logits { of_folds: vec![self.at(mark); self.areas.len()], of_head: self.at(mark) }
    }

    /// `[n, l]` at this mark.
    fn at(&self, mark: Option<usize>) -> &[f32] {
        mark.and_then(|mark| self.logits.get(mark)).map_or(&[], Vec::as_slice)
    }

    /// The last mark that every fold reached.
    fn reached(&self) -> Option<usize> {
        self.areas.iter().map(Vec::len).min()?.checked_sub(1)
    }

    /// The mark that the folds but `without` choose.
    fn chosen(&self, without: Option<usize>, best: bool) -> Option<usize> {
        let last = self.reached()?;
        if !best {
            return Some(last);
        }
        let folds = self.areas.iter().enumerate().filter(|&(fold, _)| Some(fold) != without).map(|(_, areas)| areas);
        let folds: Vec<&Vec<Option<f64>>> = folds.collect();
        let mut chosen = (last, WORTH);
        for mark in (0..last).rev() {
            let gains: Vec<f64> = folds.iter().filter_map(|areas| Some(areas[mark]? - areas[last]?)).collect();
            if let Some(mean) = gain(&gains).filter(|&mean| mean > chosen.1) {
                chosen = (mark, mean);
            }
        }
        Some(chosen.0)
    }
}

/// The mean of what the folds gain, where it is beyond chance; of a single fold nothing is.
fn gain(gains: &[f64]) -> Option<f64> {
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (gains.len() > 1 && mean > BEYOND_CHANCE * (variance / n).sqrt()).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fold's picture each, whose logit is the number of epochs; areas by fold and epoch.
    fn history(areas: &[&[f64]], epochs: usize) -> History {
        let mut history = History::new(areas.len(), epochs, areas.len());
        for (fold, areas) in areas.iter().enumerate() {
            for (epoch, &area) in areas.iter().enumerate() {
                history.record(fold, epoch + 1, &[fold], &[(epoch + 1) as f32], Some(area));
            }
        }
        assert!(history.fits(areas.len(), epochs, areas.len(), areas.len()));
        history
    }

    /// After how many epochs each fold is judged, and the head calibrated.
    fn judged(logits: &Logits) -> (Vec<f32>, f32) {
        let of_folds = logits.of_folds.iter().enumerate().map(|(fold, logits)| logits[fold]);
        (of_folds.collect(), logits.of_head[0])
    }

    #[test]
    fn an_earlier_epoch_is_kept_where_all_folds_were_better_after_it() {
        let history = history(&[&[0.6, 0.8, 0.7], &[0.5, 0.9, 0.8], &[0.6, 0.85, 0.74]], 3);
        assert_eq!((history.epochs(true), history.epochs(false)), (Some(2), Some(3)));
        assert_eq!(judged(&history.held_out(true)), (vec![2.0; 3], 2.0));
        assert_eq!(judged(&history.held_out(false)), (vec![3.0; 3], 3.0));
    }

    #[test]
    fn what_may_be_chance_and_what_is_no_better_leave_the_last() {
        let by_one = history(&[&[0.9, 0.6], &[0.70, 0.72], &[0.69, 0.71]], 2);
        assert_eq!(by_one.epochs(true), Some(2), "one fold of three");
        assert_eq!(judged(&by_one.held_out(true)), (vec![2.0; 3], 2.0));
        let rising = history(&[&[0.6, 0.7], &[0.6, 0.7]], 2);
        assert_eq!(rising.epochs(true), Some(2));
        let equal = history(&[&[0.7, 0.7], &[0.7, 0.7]], 2);
        assert_eq!(equal.epochs(true), Some(2));
        let by_little = history(&[&[0.7015, 0.7], &[0.7015, 0.7]], 2);
        assert_eq!(by_little.epochs(true), Some(2));
    }

    /// The third fold does not gain by the epoch that the others choose, nor is it asked.
    #[test]
    fn a_fold_is_judged_after_as_many_epochs_as_the_others_choose() {
        let history = history(&[&[0.8, 0.7], &[0.82, 0.7], &[0.5, 0.7]], 2);
        assert_eq!(history.epochs(true), Some(2));
        assert_eq!(judged(&history.held_out(true)), (vec![2.0, 2.0, 1.0], 2.0));
    }

    #[test]
    fn where_a_fold_was_stopped_all_are_judged_as_early() {
        let history = history(&[&[0.6, 0.7, 0.8], &[0.6, 0.7]], 3);
        assert_eq!(history.epochs(true), Some(2));
        assert_eq!(judged(&history.held_out(true)), (vec![2.0, 2.0], 2.0));
        assert_eq!(judged(&history.held_out_after(1)), (vec![1.0, 1.0], 1.0));
        assert_eq!(judged(&history.held_out_after(3)), (vec![2.0, 2.0], 2.0), "later ones do not exist");
    }

    #[test]
    fn without_folds_there_is_nothing_to_choose_by() {
        let history = History::new(0, 3, 8);
        assert_eq!(history.epochs(true), None);
        let logits = history.held_out(true);
        assert!(logits.of_folds.is_empty() && logits.of_head.is_empty());
        assert!(History::new(2, 3, 8).fits(2, 3, 8, 0) && !History::new(2, 3, 8).fits(2, 3, 8, 1));
    }

    #[test]
    fn of_many_epochs_the_early_ones_and_the_last_are_remembered() {
        let marks = |epochs| History::new(2, epochs, 0).epochs;
        assert_eq!(marks(12), (1..=12).collect::<Vec<_>>());
        let of_many = marks(10_000);
        assert!(
            of_many.len() < 200 && of_many.starts_with(&[1, 2, 3]) && of_many.ends_with(&[9_728, 10_000]),
            "{of_many:?}"
        );
        assert_eq!(of_many[30..34], [31, 32, 34, 36]);
        assert!(of_many.windows(2).skip(31).all(|pair| (pair[1] - pair[0]) * 16 <= pair[1]));
    }
}
