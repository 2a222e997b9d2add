//! Both towers at random weights against `tests/reference_text.py`, natively and in a browser.

use std::collections::BTreeMap;

use safelight::clip::Stage;
use safelight::clip::config::{ClipConfig, Role, TensorSpec};
use safelight::clip::text::TextTower;
use safelight::clip::vision::VisionTower;
use safelight::clip::weights::Weights;
use safelight::device::Device;
use safetensors::{Dtype, SafeTensors};

use super::{COSINE, Golden, TOLERANCE, assert_close, cosine};

/// Tokens of a caption at most.
const CONTEXT: usize = 77;

/// Builds the towers of a golden's configuration and compares them; the image tower where `vision` says so. The lowest
/// cosine of each tower's embeddings, of the text tower first.
pub async fn compare(bytes: &[u8], device: &Device, vision: bool) -> Vec<f64> {
    let golden = Golden::read(bytes);
    let (_, metadata) = SafeTensors::read_metadata(bytes).unwrap();
    let config: ClipConfig = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["clip"]).unwrap();
    config.validate().unwrap();
    let specs = config.tensors();
    let mut cosines = vec![compare_text(&golden, &config, &specs, device).await];
    if vision {
        cosines.push(compare_vision(&golden, &config, &specs, device).await);
    }
    cosines
}

async fn compare_text(
    golden: &Golden<'_>,
    config: &ClipConfig,
    specs: &BTreeMap<String, TensorSpec>,
    device: &Device,
) -> f64 {
    let text = config.text.clone().unwrap();
    let tower = TextTower::new(text.clone(), &mut weights(specs, "text_", device), device.clone()).unwrap();
    let lengths = golden.integers("lengths");
    let ids = golden.integers("ids");
    let captions: Vec<Vec<u32>> = ids
        .chunks(CONTEXT)
        .zip(&lengths)
        .map(|(row, &length)| row[..length].iter().map(|&id| id as u32).collect())
        .collect();

    // Stage by stage, so that the first wrong block is named.
    for Stage { name, shape: [_, tokens, width], values } in tower.stages(&captions).await.unwrap() {
        let end = |(row, &length): (usize, &usize)| values[(row * tokens + length - 1) * width..][..width].to_vec();
        let ends: Vec<f32> = lengths.iter().enumerate().flat_map(end).collect();
        assert_close(&name, &ends, &golden.floats(&name), TOLERANCE);
    }
    let expected = golden.floats("text_embeds");
    let embedding = tower.forward(&captions, &mut ()).await.unwrap();
    let lowest = assert_same("text_embeds", &embedding, &expected, text.projection);

    // A caption gives what it gives among others.
    let alone = tower.forward(&captions[1..2], &mut ()).await.unwrap();
    assert_close("alone", &alone, &embedding[text.projection..2 * text.projection], 1e-4);
    lowest
}

async fn compare_vision(
    golden: &Golden<'_>,
    config: &ClipConfig,
    specs: &BTreeMap<String, TensorSpec>,
    device: &Device,
) -> f64 {
    let vision = config.vision.clone();
    let tower = VisionTower::new(vision.clone(), &mut weights(specs, "vi", device), device.clone()).unwrap();
    let pixels = values(specs.len() as u64, 3 * vision.image_size * vision.image_size);
    let embedding = tower.forward(pixels, &mut ()).await.unwrap().embedding;
    assert_same("image_embeds", &embedding, &golden.floats("image_embeds"), vision.projection)
}

/// The lowest cosine of the rows.
fn assert_same(what: &str, got: &[f32], expected: &[f32], width: usize) -> f64 {
    assert_close(what, got, expected, TOLERANCE);
    let mut lowest = 1.0_f64;
    for (row, (got, expected)) in got.chunks(width).zip(expected.chunks(width)).enumerate() {
        let cosine = cosine(got, expected);
        assert!(cosine >= COSINE, "{what} {row}: cosine {cosine}");
        lowest = lowest.min(cosine);
    }
    lowest
}

/// Writes a pack of random weights in float16.
#[cfg(not(target_arch = "wasm32"))]
pub fn write_pack(folder: &std::path::Path, config: &ClipConfig) {
    let specs = config.tensors();
    let halves = |(stream, (name, spec)): (usize, (&String, &TensorSpec))| -> Vec<u8> {
        let numbers = weight(stream as u64, name, spec);
        numbers.iter().flat_map(|&value| half::f16::from_f32(value).to_le_bytes()).collect()
    };
    let bytes: Vec<Vec<u8>> = specs.iter().enumerate().map(halves).collect();
    let views = specs.iter().zip(&bytes).map(|((name, spec), bytes)| {
        (name, safetensors::tensor::TensorView::new(Dtype::F16, spec.shape.clone(), bytes).unwrap())
    });
    let weights = safetensors::serialize(views, None).unwrap();
    let file = serde_json::json!({
        "name": "model.safetensors", "bytes": weights.len(), "sha256": safelight::picture::facts::sha256(&weights)
    });
    let manifest = serde_json::json!({
        "format": 1, "id": "tiny-both", "name": "Tiny random CLIP", "licence": "MIT", "source": "random numbers",
        "clip": config, "files": [file]
    });
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("model.safetensors"), weights).unwrap();
    std::fs::write(folder.join("pack.json"), manifest.to_string()).unwrap();
}

/// The tensors whose names begin with `prefix`; every name has its own stream of numbers.
fn weights(specs: &BTreeMap<String, TensorSpec>, prefix: &str, device: &Device) -> Weights {
    let mut weights = Weights::new(device);
    for (stream, (name, spec)) in specs.iter().enumerate().filter(|(_, (name, _))| name.starts_with(prefix)) {
        let numbers = weight(stream as u64, name, spec);
        let bytes: Vec<u8> = numbers.iter().flat_map(|value| value.to_le_bytes()).collect();
        weights.insert(name, spec, Dtype::F32, &bytes).unwrap();
    }
    weights
}

/// As `weight` in `tests/reference_text.py`.
fn weight(stream: u64, name: &str, spec: &TensorSpec) -> Vec<f32> {
    let mut drawn = values(stream, spec.shape.iter().product());
    let inputs: usize = spec.shape[1..].iter().product();
    let scale = (3.0 / inputs as f64).sqrt() as f32;
    for value in &mut drawn {
        *value = match spec.role {
            Role::Vector if name.ends_with("weight") => 1.0 + 0.1 * *value,
            Role::Vector => 0.1 * *value,
            Role::Table | Role::Rows => *value,
            Role::Linear | Role::Patch => scale * *value,
        };
    }
    drawn
}

/// As `values` in `tests/reference_text.py`: `SplitMix64` from the state stream · 2³², 24 bits a number.
fn values(stream: u64, count: usize) -> Vec<f32> {
    let number = |index: u64| {
        let mut z = (stream << 32).wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (1..=count as u64).map(number).collect()
}
