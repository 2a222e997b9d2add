//! Goldens, and the comparison that native and browser tests share.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(dead_code, reason = "each test uses its part")]

#[cfg(feature = "train")]
pub mod recipe;
pub mod text;

use safelight::clip::Stage;
use safelight::clip::vision::VisionTower;
use safetensors::SafeTensors;

/// Smallest cosine between an embedding and its reference.
pub const COSINE: f64 = 0.99999;

/// Largest absolute difference of any value. Both sides are float32 and sum in another order; values
/// are up to about 30, so 2e-3 is some hundred roundings.
pub const TOLERANCE: f32 = 2e-3;

/// A golden file.
pub struct Golden<'a> {
    tensors: SafeTensors<'a>,
    bytes: &'a [u8],
}

impl<'a> Golden<'a> {
    pub fn read(bytes: &'a [u8]) -> Self {
        Self { tensors: SafeTensors::deserialize(bytes).unwrap(), bytes }
    }

    /// File names of the pictures, in the order of the rows.
    pub fn names(&self) -> Vec<String> {
        let (_, metadata) = SafeTensors::read_metadata(self.bytes).unwrap();
        let mut names: Vec<String> = metadata.metadata().clone().unwrap().into_keys().collect();
        names.sort();
        names
    }

    /// The values of a tensor.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        let view = self.tensors.tensor(name).unwrap();
        view.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect()
    }

    /// The values of a tensor of 64-bit integers.
    pub fn integers(&self, name: &str) -> Vec<usize> {
        let view = self.tensors.tensor(name).unwrap();
        view.data().as_chunks().0.iter().map(|&eight| i64::from_le_bytes(eight) as usize).collect()
    }

    /// Pictures that the stages are given for.
    fn pictures(&self) -> usize {
        self.tensors.tensor("stage.pictures").unwrap().shape()[0]
    }
}

pub fn assert_close(what: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest <= tolerance, "{what}: largest difference {largest}");
}

/// Runs the tower stage by stage, so that the first wrong one is named.
pub async fn compare_stages(tower: &VisionTower, pixels: Vec<f32>, golden: &Golden<'_>) {
    let tokens = golden.integers("stage.tokens");
    for Stage { name, shape: [n, all, width], values } in tower.stages(pixels).await.unwrap() {
        assert_eq!(n, golden.pictures());
        let row = |(picture, token): (usize, usize)| &values[(picture * all + token) * width..][..width];
        let pairs = (0..n).flat_map(|picture| tokens.iter().map(move |&token| (picture, token)));
        let got: Vec<f32> = pairs.flat_map(|pair| row(pair).to_vec()).collect();
        assert_close(&name, &got, &golden.floats(&name), TOLERANCE);
    }
}

/// The whole pass against row `first` (and those after it) of the golden features.
pub async fn compare_features(tower: &VisionTower, pixels: Vec<f32>, golden: &Golden<'_>, first: usize) {
    let tokens = tower.forward(pixels, &mut ()).await.unwrap();
    let (projection, class) = (tower.config().projection, tower.config().layers * tower.config().width);
    let rows = |values: &[f32], width: usize| values[first * width..(first + tokens.n) * width].to_vec();
    let expected = rows(&golden.floats("image_embeds"), projection);
    for (got, expected) in tokens.embedding.chunks(projection).zip(expected.chunks(projection)) {
        let cosine = cosine(got, expected);
        assert!(cosine >= COSINE, "picture {first}: cosine {cosine}");
    }
    assert_close("image_embeds", &tokens.embedding, &expected, TOLERANCE);
    assert_close("cls", &tokens.class_tokens, &rows(&golden.floats("cls"), class), TOLERANCE);
    assert_close("patch_means", &tokens.patch_means, &rows(&golden.floats("patch_means"), class), TOLERANCE);
}

pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
