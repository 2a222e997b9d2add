//! Folds over whole sources.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Which fold each picture is held out in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// `[n]`, each 0…count − 1; all 0 where there are none.
    pub of: Vec<usize>,
    /// How many; 0 where the pictures are too few.
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

/// Pictures of each class that every fold leaves to learn from, at least: of fewer a head learns what chance put
/// there, and its figures would be of that.
pub const KEPT: usize = 10;

/// Pictures of a unit or of a fold: real, generated.
type Sizes = [usize; 2];

impl Folds {
    /// Deals whole sources out to at most `wanted` folds, the large ones first, so that every fold holds out both
    /// classes where it can. A picture without a source, or of a source that is alone in its class, is dealt out by
    /// itself, together with its duplicates: `cluster` `[n]` gives the same number to pictures that are alike. Where
    /// some fold would leave fewer than [`KEPT`] pictures of a class to learn from, all pictures are dealt out so;
    /// where that does not help either, there are no folds.
    #[must_use]
    pub fn deal(generated: &[bool], sources: &[String], cluster: &[usize], wanted: usize) -> Self {
        let none = vec![String::new(); sources.len()];
        let ways = [sources, &none].into_iter().map(|sources| Self::dealt(generated, sources, cluster, wanted));
        let nothing = || Self { of: vec![0; generated.len()], count: 0, grouped: false };
        ways.into_iter().find(|folds| folds.leave_enough(generated)).unwrap_or_else(nothing)
    }

    /// The same, whatever the folds leave; at least one.
    fn dealt(generated: &[bool], sources: &[String], cluster: &[usize], wanted: usize) -> Self {
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
        let mut sizes: BTreeMap<Unit, Sizes> = BTreeMap::new();
        for (&generated, &unit) in generated.iter().zip(&units) {
            sizes.entry(unit).or_default()[usize::from(generated)] += 1;
        }
        let in_class = |class: usize| sizes.values().filter(|sizes| sizes[class] > 0).count();
        let count = wanted.min(in_class(0)).min(in_class(1)).max(1);
        let fold_of = fill(&sizes, count);
        let of = units.iter().map(|unit| fold_of.get(unit).copied().unwrap_or(0)).collect();
        let grouped = !units.is_empty() && units.iter().all(|unit| matches!(unit, Unit::Source(_)));
        Self { of, count, grouped }
    }

    /// Whether there are folds, and each holds something out and leaves [`KEPT`] pictures of each class.
    fn leave_enough(&self, generated: &[bool]) -> bool {
        let enough = |fold: usize| {
            let (kept, held) = self.split(fold);
            let ones = kept.iter().filter(|&&index| generated[index]).count();
            ones.min(kept.len() - ones) >= KEPT && !held.is_empty()
        };
        self.count >= 2 && (0..self.count).all(enough)
    }

    /// Indices that are trained on, and those that are held out, in fold `fold`.
    #[must_use]
    pub fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of.len()).partition(|&index| self.of[index] != fold)
    }
}

/// Each unit's fold: the one that is the emptiest so far. Units with both classes come first, and count in both: what
/// has one class fills up what they leave. Of each kind the large ones come first.
fn fill<'a>(sizes: &BTreeMap<Unit<'a>, Sizes>, count: usize) -> BTreeMap<Unit<'a>, usize> {
    let all = sizes.values().fold([0, 0], |all: Sizes, sizes| [all[0] + sizes[0], all[1] + sizes[1]]);
    // Of the classes that the unit has: so the rare class weighs as much as the other.
    let share = |unit: Sizes, of: Sizes| -> f64 {
        let has = (0..2).filter(|&class| unit[class] > 0);
        has.map(|class| of[class] as f64 / all[class] as f64).sum()
    };
    let mut units: Vec<(Unit, Sizes)> = sizes.iter().map(|(&unit, &sizes)| (unit, sizes)).collect();
    let is_mixed = |sizes: Sizes| !sizes.contains(&0);
    units.sort_by(|(_, a), (_, b)| {
        is_mixed(*b).cmp(&is_mixed(*a)).then_with(|| share(*b, *b).total_cmp(&share(*a, *a)))
    });
    let mut filled = vec![[0, 0]; count];
    let mut fold_of = BTreeMap::new();
    for (unit, sizes) in units {
        let load = |fold: &usize| share(sizes, filled[*fold]);
        let emptiest = (0..count).min_by(|a, b| load(a).total_cmp(&load(b))).unwrap_or(0);
        filled[emptiest] = [filled[emptiest][0] + sizes[0], filled[emptiest][1] + sizes[1]];
        fold_of.insert(unit, emptiest);
    }
    fold_of
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
        let generated: Vec<bool> = (0..60).map(|index| index < 20).collect();
        let cluster: Vec<usize> = (0..60).map(|index| if index == 59 { 22 } else { index }).collect();
        let folds = Folds::deal(&generated, &vec![String::new(); 60], &cluster, 5);
        assert!(!folds.grouped);
        assert_eq!(folds.of[59], folds.of[22]);
        for fold in 0..5 {
            let (_, held) = folds.split(fold);
            assert_eq!((held.iter().filter(|&&index| generated[index]).count(), held.len()), (4, 12));
        }
    }

    /// Holding out the only real source would leave nothing real to learn from.
    #[test]
    fn a_source_that_is_alone_in_its_class_is_dealt_out_by_picture() {
        let generated: Vec<bool> = (0..40).map(|index| index < 20).collect();
        let sources: Vec<String> =
            (0..40).map(|index| if index < 20 { format!("g{}", index % 3) } else { "r".into() }).collect();
        let folds = Folds::deal(&generated, &sources, &[], 5);
        assert!(!folds.grouped && folds.count == 3);
        for fold in 0..3 {
            let (kept, _) = folds.split(fold);
            assert!(kept.iter().any(|&index| generated[index]) && kept.iter().any(|&index| !generated[index]));
        }
        assert_eq!(folds.of[0], folds.of[3]);
    }

    /// So many pictures, one class after the other, each of a source and a class.
    fn pictures(parts: &[(&str, bool, usize)]) -> (Vec<bool>, Vec<String>) {
        let each = parts.iter().flat_map(|&(source, class, n)| std::iter::repeat_n((class, source.to_owned()), n));
        each.unzip()
    }

    /// Dealt out class by class, both sources with generated pictures would come into one fold.
    #[test]
    fn sources_with_both_classes_come_first_and_count_in_both() {
        let parts = [("b", false, 100), ("a", false, 50), ("c", true, 100), ("b", true, 50)];
        let (generated, sources) = pictures(&parts);
        let folds = Folds::deal(&generated, &sources, &[], 5);
        assert!(folds.grouped && folds.count == 2, "{folds:?}");
        for fold in 0..2 {
            let (_, held) = folds.split(fold);
            let ones = held.iter().filter(|&&index| generated[index]).count();
            assert!(ones >= 50 && held.len() - ones >= 50, "{ones} of {}", held.len());
        }
    }

    /// Without the large source one real picture would be left.
    #[test]
    fn where_whole_sources_leave_too_few_pictures_single_ones_are_held_out() {
        let (generated, sources) = pictures(&[("a", false, 59), ("b", false, 1), ("c", true, 30), ("d", true, 30)]);
        let folds = Folds::deal(&generated, &sources, &[], 5);
        assert!(!folds.grouped && folds.count == 5 && folds.leave_enough(&generated));
    }

    #[test]
    fn too_few_pictures_make_no_folds() {
        let (generated, sources) = pictures(&[("a", false, 30), ("b", false, 30), ("c", true, 6), ("d", true, 6)]);
        let none = Folds { of: vec![0; 72], count: 0, grouped: false };
        assert_eq!(Folds::deal(&generated, &sources, &[], 5), none);
        assert_eq!(Folds::deal(&[true; 30], &vec![String::new(); 30], &[], 5).count, 0);
        assert_eq!(Folds::deal(&[], &[], &[], 5).count, 0);
    }
}
