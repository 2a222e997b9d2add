//! How good a score is: ROC area with its interval, rates at thresholds, log loss.

use crate::random::random;

/// A score of each picture and whether it is generated.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// Higher means generated, `[n]`.
    pub scores: &'a [f32],
    /// The truth, `[n]`.
    pub generated: &'a [bool],
}

impl Scored<'_> {
    fn split(&self) -> (Vec<f32>, Vec<f32>) {
        let of = |class| {
            let pairs = self.scores.iter().zip(self.generated);
            pairs.filter(move |&(_, &truth)| truth == class).map(|(&score, _)| score).collect::<Vec<_>>()
        };
        (of(true), of(false))
    }

    /// Area under the ROC curve: the share of pairs in the right order, ties counted half
    /// (Mann–Whitney). `None` where a class is absent.
    #[must_use]
    pub fn auc(&self) -> Option<f64> {
        let (positive, mut negative) = self.split();
        auc(&positive, &mut negative)
    }

    /// 95 % percentile bootstrap interval of [`Scored::auc`], `rounds` times, each class resampled by
    /// itself. `None` where a class is absent.
    #[must_use]
    pub fn auc_interval(&self, rounds: usize, seed: u64) -> Option<[f64; 2]> {
        let (positive, negative) = self.split();
        if positive.is_empty() || negative.is_empty() || rounds == 0 {
            return None;
        }
        let mut state = seed;
        let mut resample = |values: &[f32]| -> Vec<f32> {
            (0..values.len()).map(|_| values[(random(&mut state) % values.len() as u64) as usize]).collect()
        };
        let mut areas: Vec<f64> =
            (0..rounds).filter_map(|_| auc(&resample(&positive), &mut resample(&negative))).collect();
        areas.sort_by(f64::total_cmp);
        let at = |share: f64| areas[((areas.len() - 1) as f64 * share).round() as usize];
        Some([at(0.025), at(0.975)])
    }

    /// Share of real pictures that score at least `threshold`. `None` without real pictures.
    #[must_use]
    pub fn false_positive_rate(&self, threshold: f32) -> Option<f64> {
        let (_, negative) = self.split();
        share(&negative, |score| score >= threshold)
    }

    /// Share of generated pictures that score at most `threshold`. `None` without generated pictures.
    #[must_use]
    pub fn miss_rate(&self, threshold: f32) -> Option<f64> {
        let (positive, _) = self.split();
        share(&positive, |score| score <= threshold)
    }
}

fn share(scores: &[f32], holds: impl Fn(f32) -> bool) -> Option<f64> {
    let held = scores.iter().filter(|&&score| holds(score)).count();
    (!scores.is_empty()).then(|| held as f64 / scores.len() as f64)
}

fn auc(positive: &[f32], negative: &mut [f32]) -> Option<f64> {
    if positive.is_empty() || negative.is_empty() {
        return None;
    }
    negative.sort_by(f32::total_cmp);
    let won = |score: f32| {
        let below = negative.partition_point(|&other| other < score);
        let not_above = negative.partition_point(|&other| other <= score);
        usize::midpoint(below, not_above) as f64 + 0.5 * f64::from(u8::from((below + not_above) % 2 == 1))
    };
    let total: f64 = positive.iter().map(|&score| won(score)).sum();
    Some(total / positive.len() as f64 / negative.len() as f64)
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
        assert!((scored.miss_rate(0.35).unwrap() - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_class_has_no_area() {
        assert_eq!(Scored { scores: &[1.0], generated: &[true] }.auc(), None);
    }

    #[test]
    fn the_interval_holds_the_area() {
        let scores: Vec<f32> = (0..200).map(|index| ((index * 37) % 100) as f32).collect();
        let generated: Vec<bool> =
            scores.iter().enumerate().map(|(i, &score)| score + (i % 50) as f32 > 70.0).collect();
        let set = Scored { scores: &scores, generated: &generated };
        let ([low, high], area) = (set.auc_interval(500, 1).unwrap(), set.auc().unwrap());
        assert!(low < area && area < high && high - low < 0.2, "{low} {area} {high}");
    }
}
