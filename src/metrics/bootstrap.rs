//! Resampling with replacement, for intervals.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::random::random;

/// Sources of each class that resampling whole sources needs: with fewer, the few that are drawn decide.
pub const SOURCES: usize = 5;

/// What an interval draws anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resampled {
    /// Picture by picture: the interval is of these sources.
    #[default]
    Pictures,
    /// Source by source, with all its pictures (cluster bootstrap; Field, Welsh 2007): the interval is of
    /// sources like these, and is as a rule much wider.
    Sources,
}

/// What is drawn together: of each class, units of pictures by index.
#[derive(Debug, Clone)]
pub struct Units {
    /// Of the generated ones, and of the real ones.
    of_class: [Vec<Vec<usize>>; 2],
    /// How many there are; a source with both classes is one.
    count: usize,
    resampled: Resampled,
}

impl Units {
    /// Every picture by itself, in its class.
    #[must_use]
    pub fn pictures(generated: &[bool]) -> Self {
        let of =
            |class: bool| (0..generated.len()).filter(move |&index| generated[index] == class).map(|index| vec![index]);
        let of_class = [of(true).collect(), of(false).collect()];
        Self { of_class, count: generated.len(), resampled: Resampled::Pictures }
    }

    /// Whole sources where every picture has one and each class has at least [`SOURCES`] of them, else every
    /// picture by itself.
    #[must_use]
    pub fn sources(generated: &[bool], sources: &[String]) -> Self {
        let mut of_class: [BTreeMap<&str, Vec<usize>>; 2] = [BTreeMap::new(), BTreeMap::new()];
        for (index, (&generated, source)) in generated.iter().zip(sources).enumerate() {
            of_class[usize::from(!generated)].entry(source).or_default().push(index);
        }
        if sources.iter().any(String::is_empty) || of_class.iter().any(|of| of.len() < SOURCES) {
            return Self::pictures(generated);
        }
        let count = sources.iter().collect::<BTreeSet<_>>().len();
        let of_class = of_class.map(|of| of.into_values().collect());
        Self { of_class, count, resampled: Resampled::Sources }
    }

    /// How many units there are, which is how many independent trials a figure of all pictures is.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many of them hold generated pictures, and how many real ones.
    #[must_use]
    pub fn count_by_class(&self) -> [usize; 2] {
        [self.of_class[0].len(), self.of_class[1].len()]
    }

    /// What is drawn.
    #[must_use]
    pub fn resampled(&self) -> Resampled {
        self.resampled
    }

    /// How often each of `n` pictures is drawn when each class draws as many units as it has, `[n]`.
    #[must_use]
    pub fn draw(&self, n: usize, state: &mut u64) -> Vec<u32> {
        let mut times = vec![0; n];
        for units in &self.of_class {
            for _ in 0..units.len() {
                for &index in &units[(random(state) % units.len() as u64) as usize] {
                    times[index] += 1;
                }
            }
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_sources_are_drawn_where_there_are_enough() {
        let generated: Vec<bool> = (0..40).map(|index| index < 20).collect();
        let sources: Vec<String> = (0..40).map(|index| format!("{}", index / 4)).collect();
        let units = Units::sources(&generated, &sources);
        assert_eq!(units.resampled(), Resampled::Sources);
        assert_eq!((units.count(), units.count_by_class()), (10, [5, 5]));
        let times = units.draw(40, &mut 3);
        assert!(times.chunks(4).all(|source| source.iter().all(|&count| count == source[0])), "{times:?}");
        assert_eq!(times.iter().sum::<u32>(), 40);
        assert!(times.iter().any(|&count| count != 1));
    }

    #[test]
    fn few_sources_or_none_leave_it_at_pictures() {
        let generated: Vec<bool> = (0..40).map(|index| index < 20).collect();
        let few: Vec<String> = (0..40).map(|index| format!("{}", index / 5)).collect();
        assert_eq!(Units::sources(&generated, &few).resampled(), Resampled::Pictures);
        let mut some: Vec<String> = (0..40).map(|index| format!("{}", index / 2)).collect();
        some[7].clear();
        let units = Units::sources(&generated, &some);
        assert_eq!(units.resampled(), Resampled::Pictures);
        let times = units.draw(40, &mut 3);
        assert_eq!((times[..20].iter().sum::<u32>(), times[20..].iter().sum::<u32>()), (20, 20));
    }
}
