//! Does this device compute what the CPU computes? A driver that is wrong is worse than one that is
//! absent, so every GPU answers for itself before it sees a picture.

use safetensors::Dtype;

use super::config::VisionConfig;
use super::vision::VisionTower;
use super::weights::Weights;
use crate::device::{Device, Kind, Preference, SelfTest};
use crate::{Error, Result};

/// Largest absolute difference that is taken for rounding. Both sides are float32; embeddings of the
/// test are about 1, honest adapters differ by about 1e-6, and a wrong kernel by about 1.
const TOLERANCE: f32 = 1e-3;

/// Weights of the test are uniform in ± this.
const SPREAD: f32 = 0.1;

/// One block with the head width of the real towers and few tokens: every operation of a real pass.
const CONFIG: VisionConfig =
    VisionConfig { image_size: 64, patch_size: 16, width: 128, layers: 1, heads: 2, mlp: 512, projection: 64 };

/// Opens the device that `preference` asks for and tests it. With [`Preference::Auto`], a GPU that
/// fails is replaced by the CPU, which says why.
///
/// # Errors
/// [`Error::GpuUnavailable`] and [`Error::DeviceFailed`] with [`Preference::Gpu`].
pub async fn open(preference: Preference) -> Result<Device> {
    match run(Device::open(preference).await?).await {
        Err(Error::GpuUnavailable { reason } | Error::DeviceFailed { message: reason, .. })
            if preference == Preference::Auto =>
        {
            Ok(Device::cpu_instead(reason))
        }
        tested => tested,
    }
}

/// Runs a small tower with fixed weights on `device` and on the CPU.
///
/// # Errors
/// [`Error::GpuUnavailable`] where the results disagree; [`Error::DeviceFailed`] where the device does not survive it, or
/// its results hold no finite number.
pub async fn run(device: Device) -> Result<Device> {
    if device.info().kind == Kind::Cpu {
        return Ok(device);
    }
    let got = embed(&device, SPREAD).await?;
    let expected = embed(&Device::cpu(), SPREAD).await?;
    let max_difference = largest_difference(&got, &expected);
    if max_difference > TOLERANCE {
        let reason = format!("its results differ from the CPU's by {max_difference}");
        return Err(Error::GpuUnavailable { reason });
    }
    Ok(device.with_self_test(SelfTest { max_difference }))
}

async fn embed(device: &Device, spread: f32) -> Result<Vec<f32>> {
    let mut noise = Noise(1);
    let mut weights = Weights::new(device);
    for (name, spec) in CONFIG.tensors() {
        let values: Vec<f32> = (0..spec.shape.iter().product()).map(|_| noise.next() * spread).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        weights.insert(&name, &spec, Dtype::F32, &bytes)?;
    }
    let tower = VisionTower::new(CONFIG, &mut weights, device.clone())?;
    let pixels = (0..3 * CONFIG.image_size * CONFIG.image_size).map(|_| noise.next()).collect();
    let tokens = tower.forward(pixels, &mut ()).await?;
    Ok(tokens.embedding.into_iter().chain(tokens.class_tokens).chain(tokens.patch_means).collect())
}

/// Infinite where a value is missing or no number.
fn largest_difference(got: &[f32], expected: &[f32]) -> f32 {
    if got.len() != expected.len() {
        return f32::INFINITY;
    }
    let differences = got.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, next| if next.is_nan() { f32::INFINITY } else { next.max(largest) })
}

/// A linear congruential generator (Knuth's MMIX constants): the same numbers on every device.
struct Noise(u64);

impl Noise {
    /// The next number, uniform in −1…1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;

    #[test]
    fn a_result_that_is_no_number_is_a_failure_of_the_gpu_so_that_the_cpu_may_follow() {
        let gpu = block_on(Device::open(Preference::Gpu)).unwrap();
        assert!(matches!(block_on(embed(&gpu, 1e30)), Err(Error::DeviceFailed { device: "GPU", .. })));
        assert!(matches!(block_on(embed(&Device::cpu(), 1e30)), Err(Error::NotFinite { .. })));
    }

    #[test]
    fn a_value_that_is_no_number_is_an_infinite_difference() {
        assert!(largest_difference(&[0.0, f32::NAN], &[0.0, 0.0]).is_infinite());
        assert!(largest_difference(&[0.0], &[0.0, 0.0]).is_infinite());
        assert!((largest_difference(&[1.0, 2.0], &[1.0, 2.5]) - 0.5).abs() < 1e-6);
    }
}
