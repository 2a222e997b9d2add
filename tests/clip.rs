//! The image tower against independent references, stage by stage. `tests/reference.py clip` and
//! `tiny` made the goldens. With `SAFELIGHT_PARITY=FOLDER` (made by `tests/reference.py parity`) the
//! same comparison runs on pictures that cannot be committed.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::path::{Path, PathBuf};

use common::{Golden, assert_close};
use pollster::block_on;
use safelight::clip::pack::{Manifest, PackReader};
use safelight::clip::self_test;
use safelight::clip::vision::VisionTower;
use safelight::device::{Device, Preference};
use safelight::picture::{Limits, Picture};
use safelight::pixels;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn open(folder: &Path) -> VisionTower {
    open_on(folder, Device::cpu())
}

/// Whatever GPU there is, also Mesa's software one (Debian: mesa-vulkan-drivers); without any, the test fails.
fn gpu() -> Device {
    block_on(self_test::open(Preference::Gpu)).unwrap()
}

fn open_on(folder: &Path, device: Device) -> VisionTower {
    let manifest = Manifest::parse(&std::fs::read_to_string(folder.join("pack.json")).unwrap()).unwrap();
    let mut reader = PackReader::new(manifest, device).unwrap();
    // Odd pieces, so that headers and tensors are cut anywhere.
    for chunk in std::fs::read(folder.join("model.safetensors")).unwrap().chunks(999_983) {
        reader.push(chunk).unwrap();
    }
    reader.finish().unwrap().1.vision
}

/// The default pack; `cargo xtask models` makes it, and `cargo xtask test` runs that first.
fn default_pack() -> PathBuf {
    let folder = Path::new(ROOT).join("models/packs/clip-vit-base-patch16-int8");
    assert!(folder.join("pack.json").exists(), "run `cargo xtask models` first");
    folder
}

#[test]
fn the_tiny_tower_agrees_with_transformers_at_every_stage() {
    let folder = Path::new(ROOT).join("tests/golden/tiny");
    let bytes = std::fs::read(folder.join("goldens.safetensors")).unwrap();
    let golden = Golden::read(&bytes);
    block_on(common::compare_stages(&open(&folder), golden.floats("pixels"), &golden));
    block_on(common::compare_features(&open(&folder), golden.floats("pixels"), &golden, 0));
}

#[test]
fn the_tiny_tower_on_a_gpu_agrees_with_transformers_at_every_stage() {
    let folder = Path::new(ROOT).join("tests/golden/tiny");
    let bytes = std::fs::read(folder.join("goldens.safetensors")).unwrap();
    let golden = Golden::read(&bytes);
    let tower = open_on(&folder, gpu());
    block_on(common::compare_stages(&tower, golden.floats("pixels"), &golden));
    block_on(common::compare_features(&tower, golden.floats("pixels"), &golden, 0));
}

#[test]
fn clip_agrees_with_onnxruntime_on_sixteen_pictures() {
    compare_folder(&Path::new(ROOT).join("tests/golden/clip"), &open(&default_pack()), true, 16);
}

/// Two pictures: without a real GPU each takes seconds.
#[test]
fn clip_on_a_gpu_agrees_with_onnxruntime() {
    compare_folder(&Path::new(ROOT).join("tests/golden/clip"), &open_on(&default_pack(), gpu()), true, 2);
}

#[test]
fn clip_agrees_with_onnxruntime_on_pictures_of_the_environment() {
    match std::env::var_os("SAFELIGHT_PARITY") {
        Some(folder) => compare_folder(Path::new(&folder), &open(&default_pack()), false, usize::MAX),
        None => eprintln!("SAFELIGHT_PARITY is not set: only the committed pictures were compared"),
    }
}

fn compare_folder(folder: &Path, tower: &VisionTower, stages: bool, pictures: usize) {
    let bytes = std::fs::read(folder.join("vit-b16.safetensors")).unwrap();
    let golden = Golden::read(&bytes);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder.join("pictures")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "png"));
    paths.sort();
    assert!(paths.len() >= 16, "{} pictures", paths.len());
    for (index, path) in paths.iter().enumerate().take(pictures) {
        let picture = Picture::decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap();
        let pixels = pixels::clip_pixels(&picture, 224);
        if stages && index == 0 {
            block_on(common::compare_stages(tower, pixels.clone(), &golden));
        }
        let start = std::time::Instant::now();
        block_on(common::compare_features(tower, pixels, &golden, index));
        println!("{}: {} ms", path.display(), start.elapsed().as_millis());
    }
}

#[test]
fn a_batch_gives_what_its_pictures_give() {
    let folder = Path::new(ROOT).join("tests/golden/tiny");
    let bytes = std::fs::read(folder.join("goldens.safetensors")).unwrap();
    let golden = Golden::read(&bytes);
    let tower = open(&folder);
    let pixels = golden.floats("pixels");
    let together = block_on(tower.forward(pixels.clone(), &mut ())).unwrap();
    assert_eq!(together.n, 4);
    for (index, one) in pixels.chunks(3 * 32 * 32).enumerate() {
        let alone = block_on(tower.forward(one.to_vec(), &mut ())).unwrap();
        assert_close("embedding", &together.embedding[index * 32..(index + 1) * 32], &alone.embedding, 1e-5);
    }
}
