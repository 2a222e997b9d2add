//! The head: a multilayer perceptron that turns a feature into a logit (arXiv 2404.12908, section 3:
//! three times linear, batch norm, LeakyReLU 0.01, dropout; then linear), and what its logit means.
//!
//! | file | holds |
//! |---|---|
//! | `blank` | what stands in for a head while a model has none |
//! | `info` | what the file says of the head: features, calibration, limits, figures |
//! | `file` | the head's file: tensors and metadata in one safetensors file |
//! | here | the head as it is used: batch norm folded, logits, calibration, thresholds |

mod blank;
pub mod file;
pub mod info;

use burn::tensor::activation::leaky_relu;
use burn::tensor::{Tensor, TensorData, module};

pub use file::HeadFile;
pub use info::{Figures, HeadInfo, OperatingPoint};

use crate::device::Device;
use crate::features::TowerShape;
use crate::{Error, Result};

/// Slope of LeakyReLU below zero.
pub const NEGATIVE_SLOPE: f64 = 0.01;

/// ε of batch norm, PyTorch's default.
pub const NORM_EPSILON: f32 = 1e-5;

/// A head ready to be used. It computes on the CPU: a feature is a few thousand numbers.
#[derive(Debug)]
pub struct Head {
    info: HeadInfo,
    device: Device,
    hidden: Vec<(Tensor<2>, Tensor<1>)>,
    output: (Tensor<2>, Tensor<1>),
}

/// What a probability is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// At or above the upper threshold.
    Generated,
    /// At or below the lower threshold.
    Real,
    /// Between the two.
    Unsure,
}

impl Head {
    /// Reads a head's file.
    ///
    /// # Errors
    /// [`Error::HeadFormat`], [`Error::TensorMissing`], [`Error::TensorShape`], [`Error::NotFinite`].
    pub fn read(bytes: &[u8]) -> Result<Self> {
        Ok(Self::new(&HeadFile::read(bytes)?))
    }

    /// Prepares a head whose tensors were checked: batch norm, which is affine once its statistics
    /// stand, is folded into the linear layer before it.
    #[must_use]
    pub fn new(file: &HeadFile) -> Self {
        let device = Device::cpu();
        let mut inputs = file.dimension();
        let mut hidden = Vec::new();
        for layer in &file.hidden {
            let width = layer.bias.len();
            let statistics = layer.norm_weight.iter().zip(&layer.running_var);
            let gain: Vec<f32> = statistics.map(|(weight, var)| weight / (var + NORM_EPSILON).sqrt()).collect();
            let weight = layer.weight.chunks_exact(inputs.max(1)).zip(&gain);
            let weight = weight.flat_map(|(row, &gain)| row.iter().map(move |value| value * gain)).collect();
            let bias = (0..width)
                .map(|unit| (layer.bias[unit] - layer.running_mean[unit]) * gain[unit] + layer.norm_bias[unit])
                .collect();
            hidden.push(linear(weight, bias, inputs, &device));
            inputs = width;
        }
        let output = linear(file.output_weight.clone(), vec![file.output_bias], inputs, &device);
        Self { info: file.info.clone(), device, hidden, output }
    }

    /// The head's metadata.
    #[must_use]
    pub fn info(&self) -> &HeadInfo {
        &self.info
    }

    /// Whether this head was trained on features of the pack with this hash and shape.
    ///
    /// # Errors
    /// [`Error::HeadMismatch`], or [`Error::HeadFormat`] where the feature's length differs.
    pub fn require(&self, pack: &str, sha256: &str, tower: TowerShape) -> Result<()> {
        if self.info.pack.sha256 != sha256 {
            let name = |id: &str, hash: &str| format!("{id} ({})", hash.get(..12).unwrap_or(hash));
            return Err(Error::HeadMismatch {
                wanted: name(&self.info.pack.id, &self.info.pack.sha256),
                loaded: name(pack, sha256),
            });
        }
        let (wanted, loaded) = (self.info.dimension, self.info.features.dimension(tower));
        if wanted != loaded {
            let message = format!("it reads {wanted} numbers a picture, its specification gives {loaded}");
            return Err(Error::HeadFormat { message });
        }
        Ok(())
    }

    /// The logits of `n` features `[n, d]`: `[n]`, positive means generated.
    ///
    /// # Errors
    /// [`Error::HeadFormat`] where the features have another length; [`Error::NotFinite`].
    pub async fn logits(&self, features: Vec<f32>) -> Result<Vec<f32>> {
        let dimension = self.info.dimension;
        if features.is_empty() || !features.len().is_multiple_of(dimension.max(1)) {
            let message = format!("{} numbers are not whole features of {dimension}", features.len());
            return Err(Error::HeadFormat { message });
        }
        let n = features.len() / dimension;
        let mut x = Tensor::<2>::from_data(TensorData::new(features, [n, dimension]), self.device.burn());
        for (weight, bias) in &self.hidden {
            x = leaky_relu(module::linear(x, weight.clone(), Some(bias.clone())), NEGATIVE_SLOPE); // [n, width]
        }
        let x = module::linear(x, self.output.0.clone(), Some(self.output.1.clone())); // [n, 1]
        let logits = self.device.read(x).await?;
        if logits.iter().all(|logit| logit.is_finite()) {
            Ok(logits)
        } else {
            Err(Error::NotFinite { name: "The head's result".to_owned() })
        }
    }

    /// The calibrated probability of being generated, 0…1.
    #[must_use]
    pub fn probability(&self, logit: f32) -> f32 {
        let calibrated = self.info.calibration.scale * logit + self.info.calibration.shift;
        1.0 / (1.0 + (-calibrated).exp())
    }

    /// The verdict on a probability.
    #[must_use]
    pub fn label(&self, probability: f32) -> Label {
        self.info.thresholds.label(probability)
    }
}

impl info::Thresholds {
    /// The verdict on a probability.
    #[must_use]
    pub fn label(self, probability: f32) -> Label {
        if probability >= self.generated {
            Label::Generated
        } else if probability <= self.real {
            Label::Real
        } else {
            Label::Unsure
        }
    }
}

/// Weight `[out, in]` as a file has it → `[in, out]` on the device.
fn linear(weight: Vec<f32>, bias: Vec<f32>, inputs: usize, device: &Device) -> (Tensor<2>, Tensor<1>) {
    let outputs = bias.len();
    let weight = Tensor::<2>::from_data(TensorData::new(weight, [outputs, inputs]), device.burn()); // [out, in]
    (weight.transpose(), Tensor::from_data(TensorData::new(bias, [outputs]), device.burn()))
}
