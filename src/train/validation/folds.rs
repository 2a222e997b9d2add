//! Folds over whole sources.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Which fold each picture is held out in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// `[n]`, each 0…count − 1.
    pub of: Vec<usize>,
    /// How many.
    pub count: usize,
    /// Whether every fold holds out whole sources.
    pub grouped: bool,
}

/// What must stay in one fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit<'a> {
    Source(&'a str),
    /// A picture, with its duplicates.
    Picture(usize),
}

impl Folds {
    /// Deals whole sources out to at most `wanted` folds, the large ones of each class first, so that
    /// every fold holds out both classes where it can. A picture without a source, or of a source that is
    /// alone in its class, is dealt out by itself, together with its duplicates: `cluster` `[n]` gives
    /// the same number to pictures that are alike.
    #[must_use]
    pub fn deal(generated: &[bool], sources: &[String], cluster: &[usize], wanted: usize) -> Self {
        let mut of_class: [BTreeSet<&str>; 2] = [BTreeSet::new(), BTreeSet::new()];
        for (&generated, source) in generated.iter().zip(sources) {
            of_class[usize::from(generated)].insert(source);
        }
        let alone: Vec<&str> = of_class.iter().filter(|names| names.len() == 1).flatten().copied().collect();
        let unit = |index: usize| {
            let source = sources[index].as_str();
            if source.is_empty() || alone.contains(&source) {
                Unit::Picture(cluster.get(index).copied().unwrap_or(index))
            } else {
                Unit::Source(source)
            }
        };
        let units: Vec<Unit> = (0..generated.len()).map(unit).collect();
        let mut sizes: BTreeMap<(bool, Unit), usize> = BTreeMap::new();
        for (&generated, &unit) in generated.iter().zip(&units) {
            *sizes.entry((generated, unit)).or_default() += 1;
        }
        let in_class = |class: bool| sizes.keys().filter(|(generated, _)| *generated == class).count();
        let count = wanted.min(in_class(true)).min(in_class(false)).max(1);
        let mut fold_of: BTreeMap<Unit, usize> = BTreeMap::new();
        for class in [false, true] {
            let mut units: Vec<_> = sizes.iter().filter(|((generated, _), _)| *generated == class).collect();
            units.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
            let mut filled = vec![0_usize; count];
            for (&(_, unit), &size) in units {
                // A unit with both classes stays in the fold that it was given first.
                let smallest = (0..count).min_by_key(|&fold| filled[fold]).unwrap_or(0);
                let fold = *fold_of.entry(unit).or_insert(smallest);
                filled[fold] += size;
            }
        }
        let of = units.iter().map(|unit| fold_of.get(unit).copied().unwrap_or(0)).collect();
        let grouped = !units.is_empty() && units.iter().all(|unit| matches!(unit, Unit::Source(_)));
        Self { of, count, grouped }
    }

    /// Indices that are trained on, and those that are held out, in fold `fold`.
    #[must_use]
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of.len()).partition(|&index| self.of[index] != fold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_lies_in_one_fold_and_every_fold_has_both_classes() {
        let sources: Vec<String> = (0..60).map(|index| format!("{}", index % 10)).collect();
        let generated: Vec<bool> = (0..60).map(|index| index % 10 < 5).collect();
        let folds = Folds::deal(&generated, &sources, &[], 5);
        assert!(folds.grouped && folds.count == 5);
        for index in 0..60 {
            assert_eq!(folds.of[index], folds.of[index % 10]);
        }
        for fold in 0..5 {
            let (kept, held) = folds.split(fold);
            assert_eq!((kept.len(), held.len()), (48, 12));
            assert!(held.iter().any(|&index| generated[index]) && held.iter().any(|&index| !generated[index]));
        }
    }

    #[test]
    fn without_sources_classes_are_spread_evenly_and_duplicates_stay_together() {
        let generated: Vec<bool> = (0..30).map(|index| index < 10).collect();
        let cluster: Vec<usize> = (0..30).map(|index| if index == 29 { 12 } else { index }).collect();
        let folds = Folds::deal(&generated, &vec![String::new(); 30], &cluster, 5);
        assert!(!folds.grouped);
        assert_eq!(folds.of[29], folds.of[12]);
        for fold in 0..5 {
            let (_, held) = folds.split(fold);
            assert_eq!((held.iter().filter(|&&index| generated[index]).count(), held.len()), (2, 6));
        }
    }

    /// Holding out the only real source would leave nothing real to learn from.
    #[test]
    fn a_source_that_is_alone_in_its_class_is_dealt_out_by_picture() {
        let generated: Vec<bool> = (0..20).map(|index| index < 10).collect();
        let sources: Vec<String> =
            (0..20).map(|index| if index < 10 { format!("g{}", index % 3) } else { "r".into() }).collect();
        let folds = Folds::deal(&generated, &sources, &[], 5);
        assert!(!folds.grouped && folds.count == 3);
        for fold in 0..3 {
            let (kept, _) = folds.split(fold);
            assert!(kept.iter().any(|&index| generated[index]) && kept.iter().any(|&index| !generated[index]));
        }
        assert_eq!(folds.of[0], folds.of[3]);
    }
}
