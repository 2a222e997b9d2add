//! The learning curve of a head that is led to a source it never saw: how good it is on the rest of that
//! source after so many of its pictures.

use serde::Serialize;

use super::data::duplicates;
use super::data::set::TrainingSet;
use super::trainer::Trainer;
use super::trainer::config::TrainConfig;
use crate::device::Device;
use crate::head::{Head, HeadFile};
use crate::metrics::bootstrap::Units;
use crate::metrics::{Estimate, Scored};
use crate::progress::Progress;
use crate::random::random;
use crate::{Error, Result};

/// Pictures of each class that are left to judge by, at least.
const REST: usize = 15;

/// The areas after so many pictures a class.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Pictures of each class that were learnt from; 0: the head as it was.
    pub count: usize,
    /// Pictures that were judged, in each tier.
    pub judged: usize,
    /// Name of each tier, with the area of every seed.
    pub tiers: Vec<(String, Vec<Estimate>)>,
}

/// Leads `base` to `count` pictures a class of `set`, for every count that leaves at least [`REST`] of each
/// class, `seeds` times with other pictures. All counts of a seed are judged on the same rest, and each
/// count's pictures hold those of the smaller ones. Of pictures that are there twice, the first counts: on a copy of
/// what it learnt from any head is good. `progress` is told of every training.
///
/// # Errors
/// [`Error::TrainingSet`] where the set is too small for any count; as [`Trainer::new`] and
/// [`Trainer::epoch`].
pub async fn curve(
    set: &TrainingSet,
    base: &HeadFile,
    config: &TrainConfig,
    counts: &[usize],
    seeds: u64,
    progress: &mut impl Progress,
) -> Result<Vec<Point>> {
    let duplicates = duplicates::find(&set.pictures, &mut ()).await?;
    let cluster = duplicates::clusters(set.len(), &duplicates);
    let single: Vec<usize> = (0..set.len()).filter(|&index| cluster[index] == index).collect();
    let of_class = |class: bool| single.iter().copied().filter(move |&index| set.pictures[index].generated == class);
    let smaller = of_class(true).count().min(of_class(false).count());
    let mut counts: Vec<usize> = counts.iter().copied().filter(|count| count + REST <= smaller).collect();
    counts.push(0);
    counts.sort_unstable();
    counts.dedup();
    let largest = counts.last().copied().unwrap_or_default();
    if largest == 0 {
        let message = format!("of one class it has {smaller} pictures, too few to learn from some and judge by {REST}");
        return Err(Error::TrainingSet { message });
    }
    let mut points: Vec<Point> =
        counts.iter().map(|&count| Point { count, judged: single.len() - 2 * largest, tiers: Vec::new() }).collect();
    let total = counts.len() * seeds as usize;
    for seed in 0..seeds {
        let orders = [true, false].map(|class| shuffled(of_class(class).collect(), seed));
        let rest: Vec<usize> = orders.iter().flat_map(|order| &order[largest..]).copied().collect();
        for (at, point) in points.iter_mut().enumerate() {
            crate::progress::step(progress, seed as usize * counts.len() + at, total)?;
            progress.rest().await;
            let learnt: Vec<usize> = orders.iter().flat_map(|order| &order[..point.count]).copied().collect();
            let head = match point.count {
                0 => base.clone(),
                _ => led(set, base, &TrainConfig { seed, ..config.clone() }, &learnt).await?,
            };
            for (tier, area) in areas(set, &Head::new(&head), &rest).await? {
                match point.tiers.iter_mut().find(|(name, _)| *name == tier) {
                    Some((_, areas)) => areas.push(area),
                    None => point.tiers.push((tier, vec![area])),
                }
            }
        }
    }
    Ok(points)
}

/// The head after it was trained on these pictures, in all treatments.
async fn led(set: &TrainingSet, base: &HeadFile, config: &TrainConfig, pictures: &[usize]) -> Result<HeadFile> {
    let treatments: Vec<usize> = (0..set.treatments.len()).collect();
    let data = set.rows(pictures, &treatments);
    let mut trainer = Trainer::new(data, config.clone(), Some(base), &Device::cpu())?;
    while Box::pin(trainer.epoch(&mut ())).await?.is_some() {}
    let last = Box::pin(trainer.finish()).await?;
    let (hidden, output_weight, output_bias) = (last.hidden, last.output_weight, last.output_bias);
    Ok(HeadFile { info: base.info.clone(), hidden, output_weight, output_bias })
}

/// The area of these pictures in every tier.
async fn areas(set: &TrainingSet, head: &Head, pictures: &[usize]) -> Result<Vec<(String, Estimate)>> {
    let mut areas = Vec::new();
    for (tier, treatments) in set.tiers() {
        let logits = head.logits(set.rows(pictures, &treatments).features.to_vec()).await?;
        let rows = logits.chunks(treatments.len().max(1));
        let scores: Vec<f32> = rows.map(|row| row.iter().sum::<f32>() / row.len().max(1) as f32).collect();
        let generated: Vec<bool> = pictures.iter().map(|&index| set.pictures[index].generated).collect();
        let units = Units::pictures(&generated);
        areas
            .extend(Scored { scores: &scores, generated: &generated }.auc_estimate(&units, 1).map(|area| (tier, area)));
    }
    Ok(areas)
}

/// Fisher and Yates.
fn shuffled(mut indices: Vec<usize>, seed: u64) -> Vec<usize> {
    let mut state = seed;
    for last in (1..indices.len()).rev() {
        indices.swap(last, (random(&mut state) % (last as u64 + 1)) as usize);
    }
    indices
}

#[cfg(test)]
mod tests {
    use super::super::data::set::LabelledPicture;
    use super::*;
    use crate::features::{FeatureSpec, TowerShape};
    use crate::head::info::PackRef;
    use crate::train::session::{Naming, Session};
    use crate::train::validation::limits::Aims;
    use crate::treatment::Treatment;

    /// Two numbers a row: in a set that is `turned` the second tells the classes apart, else the first.
    fn set(n: usize, turned: bool) -> TrainingSet {
        let mut set = TrainingSet::new(2, vec![Treatment::AsGiven]);
        let mut state = 5;
        let mut noise = || (random(&mut state) % 2000) as f32 / 1000.0 - 1.0;
        for index in 0..n {
            let generated = index % 2 == 0;
            let signal = noise() + if generated { 0.8 } else { -0.8 };
            let row = if turned { [noise(), signal] } else { [signal, noise()] };
            let picture = LabelledPicture { name: format!("{index}"), generated, ..LabelledPicture::default() };
            set.add(picture, &row).unwrap();
        }
        set
    }

    fn config() -> TrainConfig {
        TrainConfig {
            width: 8,
            layers: 1,
            dropout: 0.0,
            epochs: 15,
            batch: 16,
            learning_rate: 0.02,
            ..TrainConfig::fine_tune()
        }
    }

    #[test]
    fn a_head_learns_what_it_did_not_know() {
        pollster::block_on(async {
            let mut session = Session::new(set(80, false), config(), None, 0, &Device::cpu()).await.unwrap();
            while session.epoch(&mut ()).await.unwrap().is_some() {}
            let naming = Naming { id: String::new(), name: String::new(), date: String::new() };
            let pack = PackRef { id: String::new(), sha256: String::new() };
            let features =
                FeatureSpec { views: vec![], embedding: true, blocks: vec![], patch_means: vec![], caption: false };
            let (base, _) = session.finish(naming, pack, features, Aims::default()).await.unwrap();
            let points = curve(&set(140, true), &base, &config(), &[50, 10, 1000], 2, &mut ()).await.unwrap();
            assert_eq!(
                points.iter().map(|point| (point.count, point.judged)).collect::<Vec<_>>(),
                [(0, 40), (10, 40), (50, 40)]
            );
            let mean = |point: &Point| point.tiers[0].1.iter().map(|area| area.value).sum::<f64>() / 2.0;
            assert!(mean(&points[0]) < 0.7 && mean(&points[2]) > 0.85, "{points:?}");
            let few = curve(&set(20, true), &base, &config(), &[10], 1, &mut ()).await.unwrap_err();
            assert_eq!(few.code(), "training-set");
        });
    }

    /// Every picture is there four times: 40 different ones.
    #[test]
    fn copies_are_neither_learnt_from_nor_judged() {
        pollster::block_on(async {
            let mut copies = TrainingSet::new(2, vec![Treatment::AsGiven]);
            let base = blank(&copies);
            let single = set(40, true);
            for index in 0..160 {
                let mut picture = single.pictures[index / 4].clone();
                picture.facts.sha256 = format!("{}", index / 4);
                let row = single.rows(&[index / 4], &[0]).features.to_vec();
                copies.add(picture, &row).unwrap();
            }
            let points = curve(&copies, &base, &config(), &[5, 30], 1, &mut ()).await.unwrap();
            let counts: Vec<_> = points.iter().map(|point| (point.count, point.judged)).collect();
            assert_eq!(counts, [(0, 30), (5, 30)]);
        });
    }

    /// A head that adds its inputs.
    fn blank(set: &TrainingSet) -> HeadFile {
        let shape = TowerShape { layers: 0, width: 1, projection: set.dimension / 2 };
        let mut head = HeadFile::blank(PackRef { id: String::new(), sha256: String::new() }, shape);
        head.output_weight.fill(1.0);
        head
    }

    #[test]
    fn shuffling_keeps_all_and_depends_on_the_seed() {
        let indices: Vec<usize> = (0..50).collect();
        let (a, b) = (shuffled(indices.clone(), 1), shuffled(indices.clone(), 2));
        let mut sorted = a.clone();
        sorted.sort_unstable();
        assert!(a != b && sorted == indices && a == shuffled(indices, 1));
    }
}
