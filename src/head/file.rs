//! The head's file: one safetensors file, PyTorch's tensor names and layouts, and under the metadata
//! key `safelight` everything that is needed to use the head and to judge it. Matrices are F16, which
//! halves the file and moves a logit in its fourth digit; vectors are F32, and both are read in either.
//!
//! | tensor | shape |
//! |---|---|
//! | `hidden.{i}.linear.weight`, `.bias` | `[width, in]`, `[width]` |
//! | `hidden.{i}.norm.weight`, `.bias`, `.running_mean`, `.running_var` | `[width]` |
//! | `output.weight`, `output.bias` | `[1, width]`, `[1]` |

use std::collections::HashMap;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::info::HeadInfo;
use crate::{Error, Result};

const METADATA: &str = "safelight";

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

    /// Refuses features of another length than it reads.
    ///
    /// # Errors
    /// [`Error::HeadFormat`].
    pub fn require_dimension(&self, dimension: usize) -> Result<()> {
        if self.dimension() == dimension {
            return Ok(());
        }
        Err(refuse(format!("it reads {} numbers a picture, not {dimension}", self.dimension())))
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

    /// The bytes of the file, matrices in half precision.
    ///
    /// # Errors
    /// [`Error::HeadFormat`] where the tensors do not fit together.
    pub fn write(&self) -> Result<Vec<u8>> {
        self.written(Dtype::F16)
    }

    /// The bytes of the file with every bit of the tensors, for a training that goes on from them.
    ///
    /// # Errors
    /// As [`HeadFile::write`].
    pub fn write_exactly(&self) -> Result<Vec<u8>> {
        self.written(Dtype::F32)
    }

    fn written(&self, matrices: Dtype) -> Result<Vec<u8>> {
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let mut put = |name: String, shape: &[usize], values: &[f32]| {
            let dtype = if shape.len() == 2 && fits_half(values) { matrices } else { Dtype::F32 };
            let bytes = match dtype {
                Dtype::F16 => values.iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect(),
                _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            };
            tensors.push((name, dtype, shape.to_vec(), bytes));
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
            .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
        bytes.map_err(|error| refuse(error.to_string()))
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
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => view.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
            Dtype::F16 => view.data().as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).to_f32()).collect(),
            other => return Err(Error::TensorType { name: name.to_owned(), got: format!("{other:?}") }),
        };
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

/// Whether no value overflows half precision.
fn fits_half(values: &[f32]) -> bool {
    values.iter().all(|value| value.abs() <= f16::MAX.to_f32())
}

fn refuse(message: String) -> Error {
    Error::HeadFormat { message }
}
