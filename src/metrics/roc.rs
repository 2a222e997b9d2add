//! The ROC curve of scores, and what is read off it.

use super::bootstrap::Units;
use super::{Estimate, Scored};

/// What can be read off a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// Area under it.
    Auc,
    /// Highest true-positive rate of the thresholds whose false-positive rate is at most this.
    TprAt(f64),
}

/// Scores in falling order, with their truth. Both classes are present.
#[derive(Debug, Clone)]
pub struct Ranked {
    scores: Vec<f32>,
    generated: Vec<bool>,
    /// Which picture stands at each position.
    order: Vec<usize>,
    /// Generated and real pictures.
    counts: [usize; 2],
}

impl Ranked {
    /// Sorts. `None` where a class is absent.
    #[must_use]
    pub fn new(scored: Scored) -> Option<Self> {
        let mut order: Vec<usize> = (0..scored.scores.len().min(scored.generated.len())).collect();
        order.sort_by(|&a, &b| scored.scores[b].total_cmp(&scored.scores[a]));
        let generated: Vec<bool> = order.iter().map(|&index| scored.generated[index]).collect();
        let ones = generated.iter().filter(|&&generated| generated).count();
        let counts = [ones, order.len() - ones];
        let falling = order.iter().map(|&index| scored.scores[index]).collect();
        (!counts.contains(&0)).then_some(Self { scores: falling, generated, order, counts })
    }

    /// Counts of false and true positives at each threshold from the highest down, equal scores at once;
    /// picture `position` counts `times[position]` times.
    fn sweep(&self, times: &[u32], mut visit: impl FnMut(u64, u64)) {
        let (mut false_positives, mut true_positives) = (0, 0);
        for (position, &count) in times.iter().enumerate() {
            let count = u64::from(count);
            if self.generated[position] {
                true_positives += count;
            } else {
                false_positives += count;
            }
            let next = self.scores.get(position + 1);
            if next.is_none_or(|&next| next < self.scores[position]) {
                visit(false_positives, true_positives);
            }
        }
    }

    fn figure(&self, figure: Figure, times: &[u32]) -> f64 {
        // Sources differ in size, so a resample has its own number of pictures.
        let (mut generated, mut real) = (0.0, 0.0);
        for (&count, &class) in times.iter().zip(&self.generated) {
            *if class { &mut generated } else { &mut real } += f64::from(count);
        }
        match figure {
            Figure::Auc => {
                // Trapezia under the curve are pairs: ties count half.
                let (mut before, mut twice) = ((0, 0), 0);
                self.sweep(times, |fp, tp| {
                    twice += (fp - before.0) * (tp + before.1);
                    before = (fp, tp);
                });
                twice as f64 / 2.0 / generated / real
            }
            Figure::TprAt(rate) => {
                let (allowed, mut best) = (rate * real, 0);
                self.sweep(times, |fp, tp| {
                    if fp as f64 <= allowed {
                        best = tp;
                    }
                });
                best as f64 / generated
            }
        }
    }

    /// A figure of the pictures as they are.
    #[must_use]
    pub fn value(&self, figure: Figure) -> f64 {
        self.figure(figure, &vec![1; self.scores.len()])
    }

    /// Figures with their intervals: bootstrap in `rounds`, each class drawing as many `units` as it has. Where
    /// those are pictures, the interval is of these sources: another one may lie outside it.
    #[must_use]
    pub fn estimates(&self, figures: &[Figure], units: &Units, rounds: usize, seed: u64) -> Vec<Estimate> {
        let mut resamples = vec![Vec::with_capacity(rounds); figures.len()];
        let mut state = seed;
        for _ in 0..rounds {
            let drawn = units.draw(self.order.len(), &mut state);
            let times: Vec<u32> = self.order.iter().map(|&index| drawn[index]).collect();
            for (resamples, &figure) in resamples.iter_mut().zip(figures) {
                resamples.push(self.figure(figure, &times));
            }
        }
        let [generated, real] = units.count_by_class();
        let trials = |figure: &Figure| if *figure == Figure::Auc { generated.min(real) } else { generated };
        let each = figures.iter().zip(resamples);
        each.map(|(figure, resamples)| Estimate::from_resamples(self.value(*figure), resamples, trials(figure)))
            .collect()
    }

    /// Points (false-, true-positive rate) from (0, 0) to (1, 1), without those on a straight line
    /// between their neighbours.
    #[must_use]
    pub fn points(&self) -> Vec<[f64; 2]> {
        let mut corners: Vec<(u64, u64)> = vec![(0, 0)];
        self.sweep(&vec![1; self.scores.len()], |fp, tp| {
            if let [.., a, b] = corners[..]
                && (b.0 - a.0) * (tp - b.1) == (fp - b.0) * (b.1 - a.1)
            {
                corners.pop();
            }
            corners.push((fp, tp));
        });
        let [generated, real] = self.counts.map(|count| count as f64);
        corners.into_iter().map(|(fp, tp)| [fp as f64 / real, tp as f64 / generated]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::calibration::{Bin, reliability};

    /// `tests/reference.py metrics` made the file; both sides compute in double precision.
    #[test]
    fn figures_agree_with_scikit_learn() {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Golden {
            generated: Vec<bool>,
            logits: Vec<f32>,
            auc: f64,
            tpr_at1: f64,
            tpr_at5: f64,
            tpr_at20: f64,
            curve: Vec<[f64; 2]>,
            accuracy: f64,
            bins: Vec<Bin>,
            expected_calibration_error: f64,
        }
        let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/metrics.json")).unwrap();
        let scored = Scored { scores: &golden.logits, generated: &golden.generated };
        let ranked = Ranked::new(scored).unwrap();
        let figures = [Figure::Auc, Figure::TprAt(0.01), Figure::TprAt(0.05), Figure::TprAt(0.2)];
        let expected = [golden.auc, golden.tpr_at1, golden.tpr_at5, golden.tpr_at20];
        for (figure, expected) in figures.into_iter().zip(expected) {
            assert!((ranked.value(figure) - expected).abs() < 1e-12, "{figure:?}");
        }
        let units = Units::pictures(&golden.generated);
        for estimate in ranked.estimates(&figures, &units, 1_000, 1) {
            assert!(estimate.interval[0] < estimate.value && estimate.value < estimate.interval[1], "{estimate:?}");
        }
        let points = ranked.points();
        // Fewer points, but no corner lost: all are scikit-learn's, and the area under them is the same.
        assert!(points.len() < golden.curve.len());
        let near = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-12;
        assert!(points.iter().all(|point| golden.curve.iter().any(|other| near(point, other))), "{points:?}");
        let area: f64 =
            points.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * f64::midpoint(pair[0][1], pair[1][1])).sum();
        assert!((area - golden.auc).abs() < 1e-12);

        // Probabilities are float32 on both sides: 1e-7 each.
        let probabilities: Vec<f32> =
            golden.logits.iter().map(|&logit| (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32).collect();
        let right = probabilities.iter().zip(&golden.generated).map(|(&p, &generated)| (p >= 0.5) == generated);
        let accuracy = crate::metrics::Estimate::share(&right.collect::<Vec<_>>(), &units, 1).unwrap();
        assert!((accuracy.value - golden.accuracy).abs() < 1e-12);
        let (bins, error) = reliability(&probabilities, &golden.generated, &vec![1.0; probabilities.len()]);
        assert!((error - golden.expected_calibration_error).abs() < 1e-7, "{error}");
        assert_eq!(bins.len(), golden.bins.len());
        for (got, expected) in bins.iter().zip(&golden.bins) {
            let close =
                (got.predicted - expected.predicted).abs() < 1e-7 && (got.observed - expected.observed).abs() < 1e-12;
            assert!(close && got.n == expected.n, "{got:?} {expected:?}");
        }
    }

    /// Six sources a class that differ: which of them are drawn matters more than which of their pictures.
    #[test]
    fn an_interval_over_sources_is_wider_than_one_over_pictures() {
        let generated: Vec<bool> = (0..240).map(|index| index % 2 == 0).collect();
        let sources: Vec<String> = (0..240).map(|index| format!("{}", index / 20)).collect();
        let of_source = |index: usize| ((index / 20 * 5) % 12) as f32 / 4.0;
        let noise = |index: usize| ((index * 37) % 40) as f32 / 40.0;
        let scores: Vec<f32> =
            (0..240).map(|index| of_source(index) + noise(index) + if generated[index] { 0.5 } else { 0.0 }).collect();
        let ranked = Ranked::new(Scored { scores: &scores, generated: &generated }).unwrap();
        let width = |units: &Units| {
            let [low, high] = ranked.estimates(&[Figure::Auc], units, 500, 1)[0].interval;
            high - low
        };
        let (pictures, whole) = (Units::pictures(&generated), Units::sources(&generated, &sources));
        assert!(width(&whole) > 1.5 * width(&pictures), "{} {}", width(&whole), width(&pictures));
    }

    #[test]
    fn equal_scores_pass_together() {
        let ranked =
            Ranked::new(Scored { scores: &[0.5, 0.5, 0.5, 0.1], generated: &[true, false, true, false] }).unwrap();
        assert!((ranked.value(Figure::TprAt(0.4)) - 0.0).abs() < 1e-12);
        assert!((ranked.value(Figure::TprAt(0.5)) - 1.0).abs() < 1e-12);
        assert_eq!(ranked.points(), [[0.0, 0.0], [0.5, 1.0], [1.0, 1.0]]);
    }
}
