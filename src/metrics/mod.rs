//! How good scores are: ROC area, rates at thresholds, calibration; with intervals.
//!
//! | file | holds |
//! |---|---|
//! | `roc` | ROC points, area, true-positive rate at a false-positive rate, their bootstrap |
//! | `bootstrap` | what is drawn anew for an interval: pictures, or whole sources |
//! | `calibration` | reliability bins and the expected calibration error |
//! | here | scores with their truth, an estimate, shares |

pub mod bootstrap;
pub mod calibration;
pub mod roc;

use serde::{Deserialize, Serialize};

pub use roc::{Figure, Ranked};

use bootstrap::Units;

/// Rounds of every bootstrap here: the ends of a 95 % interval then rest on 25 resamples each.
pub const ROUNDS: usize = 1_000;

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// On the pictures as they are.
    pub value: f64,
    /// Percentiles 2.5 and 97.5 of the bootstrap; [`Estimate::from_resamples`] says what is done where
    /// every resample is the same.
    pub interval: [f64; 2],
}

/// A score of each picture and whether it is generated.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// Higher means generated, `[n]`.
    pub scores: &'a [f32],
    /// The truth, `[n]`.
    pub generated: &'a [bool],
}

impl Estimate {
    /// From resampled values. Resamples of a perfect result are all perfect, which would be an interval
    /// without width: there the far end is what `n` independent trials, the units that were drawn, still allow
    /// (Clopper, Pearson 1934): 0.025^(1/n).
    #[must_use]
    pub fn from_resamples(value: f64, mut resamples: Vec<f64>, n: usize) -> Self {
        resamples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = resamples.len().saturating_sub(1);
            resamples.get((last as f64 * share).round() as usize).copied().unwrap_or(value)
        };
        let room = 0.025_f64.powf(1.0 / n.max(1) as f64);
        let (low, high) = (at(0.025), at(0.975));
        let interval = match (low, high) {
            (1.0.., 1.0..) => [room, 1.0],
            (..=0.0, ..=0.0) => [0.0, 1.0 - room],
            _ => [low, high],
        };
        Self { value, interval }
    }

    /// The share of `true`, with `units` drawn anew. `None` where there is nothing.
    #[must_use]
    pub fn share(held: &[bool], units: &Units, seed: u64) -> Option<Self> {
        let n = held.len();
        let share = |times: &[u32]| {
            let hits = times.iter().zip(held).filter(|&(_, &held)| held).map(|(&count, _)| u64::from(count));
            let all: u64 = times.iter().map(|&count| u64::from(count)).sum();
            hits.sum::<u64>() as f64 / all as f64
        };
        let mut state = seed;
        let resamples = if n == 0 { vec![] } else { (0..ROUNDS).map(|_| share(&units.draw(n, &mut state))).collect() };
        (n > 0).then(|| Self::from_resamples(share(&vec![1; n]), resamples, units.count()))
    }
}

impl Scored<'_> {
    /// Area under the ROC curve: the share of pairs in the right order, ties counted half
    /// (Mann–Whitney). `None` where a class is absent.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        Some(Ranked::new(*self)?.value(Figure::Auc))
    }

    /// [`Scored::auc`] with its interval, each class drawing its `units` anew. `None` where a class is absent.
    #[must_use]
    pub fn auc_estimate(&self, units: &Units, seed: u64) -> Option<Estimate> {
        Ranked::new(*self)?.estimates(&[Figure::Auc], units, ROUNDS, seed).into_iter().next()
    }

    /// Share of real pictures that score at least `threshold`. `None` without real pictures.
    #[must_use]
    pub fn false_positive_rate(&self, threshold: f32) -> Option<f64> {
        let real = self.scores.iter().zip(self.generated).filter(|&(_, &generated)| !generated);
        let (hits, all) =
            real.fold((0_usize, 0_usize), |(hits, all), (&score, _)| (hits + usize::from(score >= threshold), all + 1));
        (all > 0).then(|| hits as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sklearn.metrics.roc_auc_score([0,0,1,1,0,1], [.1,.4,.35,.8,.4,.4])` prints 0.6666666666666667.
    #[test]
    fn agrees_with_scikit_learn_also_on_ties() {
        let scored =
            Scored { scores: &[0.1, 0.4, 0.35, 0.8, 0.4, 0.4], generated: &[false, false, true, true, false, true] };
        assert!((scored.auc().unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert!((scored.false_positive_rate(0.4).unwrap() - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_class_has_no_area() {
        assert_eq!(Scored { scores: &[1.0], generated: &[true] }.auc(), None);
        assert_eq!(Scored { scores: &[1.0], generated: &[true] }.false_positive_rate(0.0), None);
    }

    #[test]
    fn the_interval_holds_the_area() {
        let scores: Vec<f32> = (0..200).map(|index| ((index * 37) % 100) as f32).collect();
        let generated: Vec<bool> =
            scores.iter().enumerate().map(|(i, &score)| score + (i % 50) as f32 > 70.0).collect();
        let Estimate { value, interval: [low, high] } =
            Scored { scores: &scores, generated: &generated }.auc_estimate(&Units::pictures(&generated), 1).unwrap();
        assert!(low < value && value < high && high - low < 0.2, "{low} {value} {high}");
    }

    /// Ten sources that are all judged right are ten trials, however many pictures they have: 0.025^(1/10).
    #[test]
    fn a_perfect_result_leaves_as_much_doubt_as_it_has_sources() {
        let generated: Vec<bool> = (0..400).map(|index| index % 2 == 0).collect();
        let sources: Vec<String> = (0..400).map(|index| format!("{}", index % 20)).collect();
        let scores: Vec<f32> = generated.iter().map(|&class| if class { 1.0 } else { -1.0 }).collect();
        let units = Units::sources(&generated, &sources);
        let perfect = Scored { scores: &scores, generated: &generated };
        let area = perfect.auc_estimate(&units, 1).unwrap();
        assert!((area.interval[0] - 0.025_f64.powf(0.1)).abs() < 1e-12 && area.interval[1] >= 1.0, "{area:?}");
        let share = Estimate::share(&[true; 400], &units, 1).unwrap();
        assert!((share.interval[0] - 0.025_f64.powf(0.05)).abs() < 1e-12, "{share:?}");
        let by_picture = perfect.auc_estimate(&Units::pictures(&generated), 1).unwrap();
        assert!((by_picture.interval[0] - 0.025_f64.powf(1.0 / 200.0)).abs() < 1e-12, "{by_picture:?}");
    }

    /// The binomial's standard deviation is √(0.3 · 0.7 / 100) = 0.046.
    #[test]
    fn a_share_has_the_binomials_interval_and_a_perfect_one_keeps_some_doubt() {
        let held: Vec<bool> = (0..100).map(|index| index < 30).collect();
        let share = |held: &[bool]| Estimate::share(held, &Units::pictures(&vec![true; held.len()]), 1);
        let Estimate { value, interval: [low, high] } = share(&held).unwrap();
        assert!(
            (value - 0.3).abs() < 1e-12 && (low - 0.21).abs() < 0.021 && (high - 0.39).abs() < 0.021,
            "{low} {high}"
        );
        let perfect = share(&[true; 20]).unwrap();
        assert!(perfect.interval[0] < 0.84 && perfect.interval[1] >= 1.0);
        assert!(share(&[false; 20]).unwrap().interval[1] > 0.16);
        assert_eq!(share(&[]), None);
    }
}
