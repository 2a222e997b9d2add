//! Tensors of a weight file, turned into f32 and laid out on the device one by one.

use std::collections::{BTreeMap, HashMap};

use burn::tensor::{Tensor, TensorData};
use half::{bf16, f16};
use safetensors::Dtype;

use super::config::{Role, TensorSpec};
use super::ops::{LayerNorm, Linear};
use super::rows::Rows;
use crate::device::Device;
use crate::{Error, Result};

/// Suffix of the companion that holds an int8 tensor's scales, one for each output channel.
pub const SCALE: &str = ".scale";

/// Tensors on the device, by name. A tower takes each out once.
#[derive(Debug)]
pub struct Weights {
    device: Device,
    scales: HashMap<String, Vec<f32>>,
    vectors: HashMap<String, Tensor<1>>,
    matrices: HashMap<String, Tensor<2>>,
    rows: HashMap<String, Rows>,
}

impl Weights {
    /// Nothing yet.
    #[must_use]
    pub fn new(device: Device) -> Self {
        Self { device, scales: HashMap::new(), vectors: HashMap::new(), matrices: HashMap::new(), rows: HashMap::new() }
    }

    /// Converts one tensor of the file and puts it on the device. Scales must come before the int8
    /// tensor they belong to.
    ///
    /// # Errors
    /// [`Error::TensorType`], [`Error::NotFinite`], or [`Error::TensorMissing`] for an int8 tensor
    /// whose scales have not been seen.
    pub fn insert(&mut self, name: &str, spec: &TensorSpec, dtype: Dtype, bytes: &[u8]) -> Result<()> {
        let not_finite = || Error::NotFinite { name: format!("The tensor {name}") };
        let type_error = || Error::TensorType { name: name.to_owned(), got: format!("{dtype:?}") };
        let scales = match dtype {
            Dtype::I8 => {
                let missing = || Error::TensorMissing { name: format!("{name}{SCALE}") };
                self.scales.remove(&format!("{name}{SCALE}")).ok_or_else(missing)?
            }
            _ => Vec::new(),
        };
        let rows = spec.shape.first().copied().unwrap_or(1).max(1);
        if spec.role == Role::Rows {
            let table = Rows::new(dtype, bytes.to_vec(), scales, rows).ok_or_else(type_error)?;
            if !(0..rows).all(|index| table.row(index).iter().all(|value| value.is_finite())) {
                return Err(not_finite());
            }
            self.rows.insert(name.to_owned(), table);
            return Ok(());
        }
        let mut values = floats(dtype, bytes, &scales).ok_or_else(type_error)?;
        if values.iter().any(|value| !value.is_finite()) {
            return Err(not_finite());
        }
        if name.ends_with(SCALE) {
            self.scales.insert(name.to_owned(), values);
            return Ok(());
        }
        let columns = values.len() / rows;
        let device = self.device.burn();
        match spec.role {
            Role::Vector => {
                let data = TensorData::new(values, [rows]);
                self.vectors.insert(name.to_owned(), Tensor::from_data(data, device));
                return Ok(());
            }
            Role::Table | Role::Rows => {}
            Role::Linear | Role::Patch => values = transpose(&values, rows, columns),
        }
        let shape = if spec.role == Role::Table { [rows, columns] } else { [columns, rows] };
        self.matrices.insert(name.to_owned(), Tensor::from_data(TensorData::new(values, shape), device));
        Ok(())
    }

    /// Takes a vector `[n]` out.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub fn vector(&mut self, name: &str) -> Result<Tensor<1>> {
        self.vectors.remove(name).ok_or_else(|| Error::TensorMissing { name: name.to_owned() })
    }

    /// Takes a matrix out: a table `[rows, width]`, or a weight `[in, out]`.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub fn matrix(&mut self, name: &str) -> Result<Tensor<2>> {
        self.matrices.remove(name).ok_or_else(|| Error::TensorMissing { name: name.to_owned() })
    }

    /// Takes a table that stays on the CPU out.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub fn rows(&mut self, name: &str) -> Result<Rows> {
        self.rows.remove(name).ok_or_else(|| Error::TensorMissing { name: name.to_owned() })
    }

    /// Takes `{prefix}.weight` and `{prefix}.bias` out as a linear layer.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub fn linear(&mut self, prefix: &str) -> Result<Linear> {
        Ok(Linear { weight: self.matrix(&format!("{prefix}.weight"))?, bias: self.vector(&format!("{prefix}.bias"))? })
    }

    /// Takes `{prefix}.weight` and `{prefix}.bias` out as a layer norm.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub fn layer_norm(&mut self, prefix: &str) -> Result<LayerNorm> {
        Ok(LayerNorm {
            scale: self.vector(&format!("{prefix}.weight"))?,
            shift: self.vector(&format!("{prefix}.bias"))?,
        })
    }
}

/// Numbers of a weight file as f32; `None` where weights cannot have the type. Of int8 the bytes are as many
/// rows as there are `scales`.
pub(super) fn floats(dtype: Dtype, bytes: &[u8], scales: &[f32]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
        Dtype::F16 => bytes.as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).to_f32()).collect(),
        Dtype::BF16 => bytes.as_chunks().0.iter().map(|&two| bf16::from_le_bytes(two).to_f32()).collect(),
        Dtype::I8 => {
            let columns = (bytes.len() / scales.len().max(1)).max(1);
            let dequantise = |(row, &scale): (&[u8], &f32)| {
                row.iter().map(|&byte| f32::from(byte.cast_signed()) * scale).collect::<Vec<_>>()
            };
            bytes.chunks_exact(columns).zip(scales).flat_map(dequantise).collect()
        }
        _ => return None,
    })
}

/// What the file must hold besides `specs` when it is quantised: scales `[out]` for its int8 tensors.
pub(super) fn with_scales(
    specs: &BTreeMap<String, TensorSpec>,
    quantised: impl Fn(&str) -> bool,
) -> BTreeMap<String, TensorSpec> {
    let scale = |(name, spec): (&String, &TensorSpec)| {
        let shape = vec![spec.shape.first().copied().unwrap_or(1)];
        (format!("{name}{SCALE}"), TensorSpec { shape, role: Role::Vector })
    };
    let scales = specs.iter().filter(|(name, _)| quantised(name)).map(scale);
    specs.iter().map(|(name, spec)| (name.clone(), spec.clone())).chain(scales).collect()
}

/// `[rows, columns]` → `[columns, rows]`, in tiles that fit the cache.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    const TILE: usize = 32;
    let mut out = vec![0.0; values.len()];
    for top in (0..rows).step_by(TILE) {
        for left in (0..columns).step_by(TILE) {
            for row in top..rows.min(top + TILE) {
                for column in left..columns.min(left + TILE) {
                    out[column * rows + row] = values[row * columns + column];
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_shapes_that_do_not_fill_a_tile() {
        let (rows, columns) = (35, 67);
        let values: Vec<f32> = (0..rows * columns).map(|index| index as f32).collect();
        let turned = transpose(&values, rows, columns);
        assert_eq!(turned[3 * rows + 34].to_bits(), values[34 * columns + 3].to_bits());
        assert_eq!(transpose(&turned, columns, rows), values);
    }

    #[test]
    fn an_int8_tensor_needs_its_scales_first() {
        let mut weights = Weights::new(Device::cpu());
        let spec = TensorSpec { shape: vec![2, 2], role: Role::Linear };
        let lost = weights.insert("x", &spec, Dtype::I8, &[1, 2, 3, 4]);
        assert_eq!(lost, Err(Error::TensorMissing { name: "x.scale".to_owned() }));
    }

    #[test]
    fn a_weight_that_is_no_number_is_named() {
        let mut weights = Weights::new(Device::cpu());
        let spec = TensorSpec { shape: vec![1], role: Role::Vector };
        let refused = weights.insert("x", &spec, Dtype::F32, &f32::NAN.to_le_bytes());
        assert_eq!(refused, Err(Error::NotFinite { name: "The tensor x".to_owned() }));
    }
}
