//! The head's file: one safetensors file, PyTorch's tensor names and layouts, and under the metadata
//! key `safelight` everything that is needed to use the head and to judge it.
//!
//! | tensor | shape |
//! |---|---|
//! | `hidden.{i}.linear.weight`, `.bias` | `[width, in]`, `[width]` |
//! | `hidden.{i}.norm.weight`, `.bias`, `.running_mean`, `.running_var` | `[width]` |
//! | `output.weight`, `output.bias` | `[1, width]`, `[1]` |

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::features::FeatureSpec;
use crate::{Error, Result};

/// The head format this version reads and writes.
pub const FORMAT: u32 = 1;

const METADATA: &str = "safelight";

/// What stands in the head's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadInfo {
    /// [`FORMAT`].
    pub format: u32,
    /// Stable name.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Day of training, ISO 8601.
    pub date: String,
    /// The pack whose features it reads.
    pub pack: PackRef,
    /// What those features are.
    pub features: FeatureSpec,
    /// Their length `d`.
    pub dimension: usize,
    /// Hidden layers.
    pub layers: usize,
    /// From logit to probability.
    pub calibration: Calibration,
    /// From probability to verdict.
    pub thresholds: Thresholds,
    /// How it was trained.
    pub training: serde_json::Value,
    /// What it reached on pictures of sources it never saw.
    pub figures: Figures,
}

/// A pack, by name and by what it really is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackRef {
    /// The pack's id.
    pub id: String,
    /// SHA-256 of its weight file.
    pub sha256: String,
}

/// Platt's scaling: probability = σ(scale · logit + shift).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Factor of the logit.
    pub scale: f32,
    /// What is added to it.
    pub shift: f32,
}

/// Probabilities at which the verdict changes; between them it is "can't tell".
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// At most this: likely real.
    pub real: f32,
    /// At least this: likely generated.
    pub generated: f32,
}

/// Figures on sources that the head never saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Which pictures, in words.
    pub source: String,
    /// How many.
    pub n: usize,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Its 95 % interval.
    pub auc_interval: [f64; 2],
    /// Share of real pictures with the verdict "generated".
    pub real_called_generated: f64,
    /// Share of generated pictures with the verdict "real".
    pub generated_called_real: f64,
    /// Share of all pictures without a verdict.
    pub unsure: f64,
}

/// A hidden layer's tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Hidden {
    /// `[width, in]`, row-major.
    pub weight: Vec<f32>,
    /// `[width]`.
    pub bias: Vec<f32>,
    /// Batch norm's γ, `[width]`.
    pub norm_weight: Vec<f32>,
    /// Batch norm's β, `[width]`.
    pub norm_bias: Vec<f32>,
    /// Batch norm's running mean, `[width]`.
    pub running_mean: Vec<f32>,
    /// Batch norm's running variance (unbiased, as PyTorch keeps it), `[width]`.
    pub running_var: Vec<f32>,
}

/// A head as its file holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadFile {
    /// The metadata.
    pub info: HeadInfo,
    /// The hidden layers.
    pub hidden: Vec<Hidden>,
    /// `[1, width]`.
    pub output_weight: Vec<f32>,
    /// `[1]`.
    pub output_bias: f32,
}

impl HeadFile {
    /// Length of the feature.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.info.dimension
    }

    /// Parses and checks a file.
    ///
    /// # Errors
    /// [`Error::HeadFormat`], [`Error::TensorMissing`], [`Error::TensorShape`], [`Error::TensorType`],
    /// [`Error::TensorUnexpected`], [`Error::NotFinite`].
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| refuse(error.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA));
        let json = json.ok_or_else(|| refuse("its metadata lack the key `safelight`".to_owned()))?;
        let info: HeadInfo = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        info.validate()?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| refuse(error.to_string()))?;
        let mut reader = Reader { left: file.tensors().into_iter().collect() };
        let mut inputs = info.dimension;
        let mut hidden = Vec::new();
        for index in 0..info.layers {
            let width = reader.width(&format!("hidden.{index}.linear.bias"))?;
            if width == 0 {
                return Err(refuse(format!("its hidden layer {index} has no units")));
            }
            let mut take = |name: &str, shape: &[usize]| reader.take(&format!("hidden.{index}.{name}"), shape);
            hidden.push(Hidden {
                weight: take("linear.weight", &[width, inputs])?,
                bias: take("linear.bias", &[width])?,
                norm_weight: take("norm.weight", &[width])?,
                norm_bias: take("norm.bias", &[width])?,
                running_mean: take("norm.running_mean", &[width])?,
                running_var: take("norm.running_var", &[width])?,
            });
            inputs = width;
        }
        let output_weight = reader.take("output.weight", &[1, inputs])?;
        let output_bias = reader.take("output.bias", &[1])?.first().copied().unwrap_or_default();
        reader.finish()?;
        if hidden.iter().flat_map(|layer| &layer.running_var).any(|&variance| variance < 0.0) {
            return Err(refuse("a running variance is negative".to_owned()));
        }
        Ok(Self { info, hidden, output_weight, output_bias })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`Error::HeadFormat`] where the tensors do not fit together.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut put = |name: String, shape: &[usize], values: &[f32]| {
            tensors.push((name, shape.to_vec(), values.iter().flat_map(|value| value.to_le_bytes()).collect()));
        };
        let mut inputs = self.info.dimension;
        for (index, layer) in self.hidden.iter().enumerate() {
            let width = layer.bias.len();
            put(format!("hidden.{index}.linear.weight"), &[width, inputs], &layer.weight);
            let vectors = [
                ("linear.bias", &layer.bias),
                ("norm.weight", &layer.norm_weight),
                ("norm.bias", &layer.norm_bias),
                ("norm.running_mean", &layer.running_mean),
                ("norm.running_var", &layer.running_var),
            ];
            for (name, values) in vectors {
                put(format!("hidden.{index}.{name}"), &[width], values);
            }
            inputs = width;
        }
        put("output.weight".to_owned(), &[1, inputs], &self.output_weight);
        put("output.bias".to_owned(), &[1], &[self.output_bias]);
        let json = serde_json::to_string(&self.info).map_err(|error| refuse(error.to_string()))?;
        let metadata = HashMap::from([(METADATA.to_owned(), json)]);
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
        bytes.map_err(|error| refuse(error.to_string()))
    }
}

impl HeadInfo {
    fn validate(&self) -> Result<()> {
        if self.format != FORMAT {
            return Err(refuse(format!("its format is {}, this version reads {FORMAT}", self.format)));
        }
        if self.dimension == 0 || self.layers > 16 {
            return Err(refuse("it has no input or too many layers".to_owned()));
        }
        let Thresholds { real, generated } = self.thresholds;
        let in_order = (0.0..=1.0).contains(&real) && real <= generated && generated <= 1.0;
        if !in_order || !self.calibration.scale.is_finite() || !self.calibration.shift.is_finite() {
            return Err(refuse("its thresholds or its calibration make no sense".to_owned()));
        }
        Ok(())
    }
}

/// Takes tensors out by name and knows what is left.
struct Reader<'a> {
    left: HashMap<String, TensorView<'a>>,
}

impl Reader<'_> {
    /// Length of a vector, to learn the width of a layer.
    fn width(&self, name: &str) -> Result<usize> {
        let view = self.left.get(name).ok_or_else(|| Error::TensorMissing { name: name.to_owned() })?;
        Ok(view.shape().first().copied().unwrap_or(0))
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let view = self.left.remove(name).ok_or_else(|| Error::TensorMissing { name: name.to_owned() })?;
        if view.shape() != shape {
            return Err(Error::TensorShape {
                name: name.to_owned(),
                expected: shape.to_vec(),
                got: view.shape().to_vec(),
            });
        }
        if view.dtype() != Dtype::F32 {
            return Err(Error::TensorType { name: name.to_owned(), got: format!("{:?}", view.dtype()) });
        }
        let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(Error::NotFinite { name: format!("The tensor {name}") })
        }
    }

    fn finish(self) -> Result<()> {
        self.left.into_keys().min().map_or(Ok(()), |name| Err(Error::TensorUnexpected { name }))
    }
}

fn refuse(message: String) -> Error {
    Error::HeadFormat { message }
}
