//! Training: the recipe against `PyTorch`, and runs that repeat, stop and go on.
#![cfg(all(feature = "train", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use pollster::block_on;
use safelight::device::{Device, Preference};
use safelight::features::FeatureSpec;
use safelight::head::info::{Calibration, FORMAT, Figures, HeadInfo, PackRef, Thresholds};
use safelight::head::{Head, HeadFile};
use safelight::metrics::Scored;
use safelight::progress::Progress;
use safelight::train::data::dataset::Dataset;
use safelight::train::trainer::config::TrainConfig;
use safelight::train::trainer::{Trained, Trainer, train};

const D: usize = 12;

/// Two clouds that overlap, one picture in `rare` generated.
fn clouds(n: usize, rare: usize, seed: u64) -> Dataset {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    let generated: Vec<bool> = (0..n).map(|index| index % rare == 0).collect();
    let features = generated.iter().flat_map(|&class| {
        let shift = if class { 0.5 } else { 0.0 };
        [(); D].map(|()| uniform() + uniform() + uniform() + shift)
    });
    let features = features.collect();
    Dataset {
        features,
        dimension: D,
        generated,
        sources: (0..n).map(|index| (index % 5).to_string()).collect(),
        ..Dataset::default()
    }
}

/// Every part of the recipe, small.
fn config() -> TrainConfig {
    TrainConfig { width: 16, epochs: 5, batch: 32, learning_rate: 3e-3, ..TrainConfig::default() }
}

fn head(trained: Trained) -> HeadFile {
    let info = HeadInfo {
        format: FORMAT,
        id: "test".to_owned(),
        name: "Test".to_owned(),
        date: "2026-11-24".to_owned(),
        pack: PackRef { id: "test".to_owned(), sha256: String::new() },
        features: FeatureSpec { views: vec![], embedding: true, blocks: vec![], patch_means: vec![], caption: false },
        dimension: D,
        layers: trained.hidden.len(),
        calibration: Calibration { scale: 1.0, shift: 0.0 },
        thresholds: Thresholds { real: 0.5, generated: 0.5 },
        operating_points: vec![],
        operating_points_source: String::new(),
        training: serde_json::Value::Null,
        figures: Figures {
            source: String::new(),
            n: 0,
            auc: 0.5,
            auc_interval: [0.0, 1.0],
            real_called_generated: 0.0,
            generated_called_real: 0.0,
            unsure: 0.0,
        },
    };
    HeadFile { info, hidden: trained.hidden, output_weight: trained.output_weight, output_bias: trained.output_bias }
}

fn area(head: &HeadFile, data: &Dataset) -> f64 {
    let scores = block_on(Head::new(head).logits(data.features.to_vec())).unwrap();
    Scored { scores: &scores, generated: &data.generated }.auc().unwrap()
}

async fn to_the_end(mut trainer: Trainer) -> Trained {
    while trainer.epoch(&mut ()).await.unwrap().is_some() {}
    trainer.finish().await.unwrap()
}

/// Says stop at a step that is counted over all epochs.
struct StopAt(usize);

impl Progress for StopAt {
    fn step(&mut self, _done: usize, _total: usize) -> bool {
        self.0 = self.0.wrapping_sub(1);
        self.0 != usize::MAX
    }
}

#[test]
fn the_recipe_agrees_with_pytorch_on_the_cpu() {
    block_on(common::recipe::compare(&Device::cpu(), 1e-4));
}

#[test]
fn the_recipe_agrees_with_pytorch_on_the_gpu() {
    match block_on(Device::open(Preference::Gpu)) {
        Ok(device) => block_on(common::recipe::compare(&device, 1e-3)),
        Err(error) => eprintln!("not run: {error}; the browsers run it on WebGPU"),
    }
}

#[test]
fn a_head_learns_and_the_seed_repeats_it() {
    let (data, unseen) = (clouds(400, 2, 1), clouds(400, 2, 2));
    let run = |seed| {
        let config = TrainConfig { seed, ..config() };
        block_on(train(&data, &config, &Device::cpu(), &mut ())).unwrap()
    };
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(first, again);
    assert_ne!(first, other);
    assert!(first.losses.last() < first.losses.first(), "{:?}", first.losses);
    let area = area(&head(first), &unseen);
    assert!(area > 0.9, "{area}");
}

#[test]
fn every_part_can_be_switched_off_and_one_in_twenty_is_enough() {
    let (data, unseen) = (clouds(800, 20, 3), clouds(800, 20, 4));
    for part in ["all", "cvar", "auc", "sam", "dropout", "none"] {
        let mut config = config();
        let off = |name: &str| part == name || part == "none";
        config.loss.cvar_alpha = config.loss.cvar_alpha.filter(|_| !off("cvar"));
        config.loss.auc_weight = if off("auc") { 0.0 } else { 0.5 };
        config.sam_rho = if off("sam") { 0.0 } else { 0.05 };
        config.dropout = if off("dropout") { 0.0 } else { config.dropout };
        let trained = block_on(train(&data, &config, &Device::cpu(), &mut ())).unwrap();
        let area = area(&head(trained), &unseen);
        assert!(area > 0.8, "without {part}: {area}");
    }
}

#[test]
fn a_run_that_was_stopped_saved_and_resumed_is_the_run_without_a_break() {
    let data = clouds(300, 3, 5);
    let device = Device::cpu();
    block_on(async {
        let fresh = || Trainer::new(data.clone(), config(), None, &device).unwrap();
        let whole = to_the_end(fresh()).await;
        // 10 steps an epoch: in the first step, within epochs, and between two.
        for stop in [0, 1, 13, 20, 44] {
            let mut trainer = fresh();
            let mut watch = StopAt(stop);
            let error = loop {
                if let Err(error) = trainer.epoch(&mut watch).await {
                    break error;
                }
            };
            assert_eq!(error.code(), "cancelled");
            let state = trainer.state().await.unwrap();
            let resumed = Trainer::resume(data.clone(), &state, &device).unwrap();
            assert_eq!(to_the_end(resumed).await, whole, "stopped after {stop} steps");
            // The stopped trainer itself goes on as well.
            assert_eq!(to_the_end(trainer).await, whole, "gone on after {stop} steps");
        }
    });
}

#[test]
fn fine_tuning_begins_where_the_base_is() {
    let (data, unseen) = (clouds(300, 2, 9), clouds(200, 2, 10));
    let device = Device::cpu();
    let base = head(block_on(train(&data, &config(), &device, &mut ())).unwrap());
    let gentle = TrainConfig { learning_rate: 1e-9, epochs: 1, width: 99, ..TrainConfig::fine_tune() };
    let mut trainer = Trainer::new(data, gentle, Some(&base), &device).unwrap();
    assert_eq!(trainer.config().width, 16);
    block_on(trainer.epoch(&mut ())).unwrap();
    let tuned = head(block_on(trainer.finish()).unwrap());
    assert!((area(&tuned, &unseen) - area(&base, &unseen)).abs() < 0.02);

    let narrow = Dataset {
        features: [0.0; 8].into_iter().collect(),
        dimension: 2,
        generated: vec![true, true, false, false],
        sources: vec![String::new(); 4],
        ..Dataset::default()
    };
    assert_eq!(Trainer::new(narrow, config(), Some(&base), &device).err().unwrap().code(), "head-format");
}

#[test]
fn a_state_of_other_data_or_a_damaged_one_is_refused() {
    let device = Device::cpu();
    let data = clouds(60, 2, 11);
    let mut trainer = Trainer::new(data.clone(), config(), None, &device).unwrap();
    block_on(trainer.epoch(&mut ())).unwrap();
    let state = block_on(trainer.state()).unwrap();
    let refused = |data: &Dataset, state: &[u8]| Trainer::resume(data.clone(), state, &device).err().unwrap().code();
    assert_eq!(refused(&clouds(60, 2, 12), &state), "train-state");
    let mut relabelled = data.clone();
    relabelled.generated.swap(0, 1);
    assert_eq!(refused(&relabelled, &state), "train-state");
    for length in [0, 7, 100, state.len() - 1] {
        assert_eq!(refused(&data, &state[..length]), "train-state");
    }
}
