//! Tensors of a weight file, checked and put on the device one by one.

use std::collections::{BTreeMap, HashMap};

use safetensors::Dtype;

use super::config::{Role, TensorSpec};
use super::ops::{Cpu, Gpu, LayerNorm, Linear, Ops};
use super::rows::Rows;
use super::values::{Values, floats};
use crate::device::Device;
use crate::{Error, Result};

/// Suffix of the companion that holds an int8 tensor's scales, one for each output channel.
pub const SCALE: &str = ".scale";

/// Tensors on the device that was chosen.
#[derive(Debug)]
pub enum Weights {
    /// On the processor.
    Cpu(Tensors<Cpu>),
    /// On a GPU.
    Gpu(Tensors<Gpu>),
}

impl Weights {
    /// Nothing yet.
    #[must_use]
    pub fn new(device: &Device) -> Self {
        match device.gpu() {
            Some(gpu) => Self::Gpu(Tensors::new(Gpu::new(gpu))),
            None => Self::Cpu(Tensors::new(Cpu::new(device.clone()))),
        }
    }

    /// Puts one tensor of the file on the device. Scales must come before the int8 tensor they belong to.
    ///
    /// # Errors
    /// [`Error::TensorType`], [`Error::NotFinite`], or [`Error::TensorMissing`] for an int8 tensor
    /// whose scales have not been seen.
    pub fn insert(&mut self, name: &str, spec: &TensorSpec, dtype: Dtype, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Cpu(tensors) => tensors.insert(name, spec, dtype, bytes),
            Self::Gpu(tensors) => tensors.insert(name, spec, dtype, bytes),
        }
    }
}

/// Tensors on the device, by name. A tower takes each out once.
#[derive(Debug)]
pub struct Tensors<O: Ops> {
    ops: O,
    scales: HashMap<String, Vec<f32>>,
    vectors: HashMap<String, O::Vector>,
    tables: HashMap<String, O::Table>,
    weights: HashMap<String, O::Weight>,
    rows: HashMap<String, Rows>,
}

impl<O: Ops> Tensors<O> {
    fn new(ops: O) -> Self {
        Self {
            ops,
            scales: HashMap::new(),
            vectors: HashMap::new(),
            tables: HashMap::new(),
            weights: HashMap::new(),
            rows: HashMap::new(),
        }
    }

    /// Who computes with them.
    pub(super) fn ops(&self) -> &O {
        &self.ops
    }

    fn insert(&mut self, name: &str, spec: &TensorSpec, dtype: Dtype, bytes: &[u8]) -> Result<()> {
        let not_finite = || Error::NotFinite { name: format!("The tensor {name}") };
        let type_error = || Error::TensorType { name: name.to_owned(), got: format!("{dtype:?}") };
        let scales = match dtype {
            Dtype::I8 => {
                let missing = || Error::TensorMissing { name: format!("{name}{SCALE}") };
                self.scales.remove(&format!("{name}{SCALE}")).ok_or_else(missing)?
            }
            _ => Vec::new(),
        };
        if !all_finite(dtype, bytes).ok_or_else(type_error)? {
            return Err(not_finite());
        }
        let rows = spec.shape.first().copied().unwrap_or(1).max(1);
        let columns = spec.shape.iter().product::<usize>() / rows;
        let floats = || floats(dtype, bytes, &scales).ok_or_else(type_error);
        let name = name.to_owned();
        match spec.role {
            _ if name.ends_with(SCALE) => drop(self.scales.insert(name, floats()?)),
            Role::Vector => drop(self.vectors.insert(name, self.ops.vector(floats()?))),
            Role::Table => drop(self.tables.insert(name, self.ops.table([rows, columns], floats()?))),
            Role::Rows => {
                let table = Rows::new(dtype, bytes.to_vec(), scales, rows).ok_or_else(type_error)?;
                self.rows.insert(name, table);
            }
            Role::Linear | Role::Patch => {
                let values = Values { dtype, bytes, scales: &scales };
                self.weights.insert(name, self.ops.weight([rows, columns], values));
            }
        }
        Ok(())
    }

    /// Takes a vector `[n]` out.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub(super) fn vector(&mut self, name: &str) -> Result<O::Vector> {
        take(&mut self.vectors, name)
    }

    /// Takes a table `[rows, width]` out.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub(super) fn table(&mut self, name: &str) -> Result<O::Table> {
        take(&mut self.tables, name)
    }

    /// Takes a table that stays on the CPU out.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub(super) fn rows(&mut self, name: &str) -> Result<Rows> {
        take(&mut self.rows, name)
    }

    /// Takes a weight out as a linear layer without a bias.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub(super) fn product(&mut self, name: &str) -> Result<Linear<O>> {
        Ok(Linear { weight: take(&mut self.weights, name)?, bias: None })
    }

    /// Takes `{prefix}.weight` and `{prefix}.bias` out as a linear layer.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub(super) fn linear(&mut self, prefix: &str) -> Result<Linear<O>> {
        let bias = Some(self.vector(&format!("{prefix}.bias"))?);
        Ok(Linear { bias, ..self.product(&format!("{prefix}.weight"))? })
    }

    /// Takes `{prefix}.weight` and `{prefix}.bias` out as a layer norm.
    ///
    /// # Errors
    /// [`Error::TensorMissing`].
    pub(super) fn layer_norm(&mut self, prefix: &str) -> Result<LayerNorm<O>> {
        Ok(LayerNorm {
            scale: self.vector(&format!("{prefix}.weight"))?,
            shift: self.vector(&format!("{prefix}.bias"))?,
        })
    }
}

fn take<T>(tensors: &mut HashMap<String, T>, name: &str) -> Result<T> {
    tensors.remove(name).ok_or_else(|| Error::TensorMissing { name: name.to_owned() })
}

/// Whether every value is a finite number; `None` where weights cannot have the type. Exponents are looked at where
/// they stand, because a GPU takes the bytes as they are.
fn all_finite(dtype: Dtype, bytes: &[u8]) -> Option<bool> {
    let halves = |exponent: u16| bytes.as_chunks().0.iter().all(|&two| u16::from_le_bytes(two) & exponent != exponent);
    Some(match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().all(|&four| f32::from_le_bytes(four).is_finite()),
        Dtype::F16 => halves(0x7c00),
        Dtype::BF16 => halves(0x7f80),
        Dtype::I8 => true,
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

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn an_int8_tensor_needs_its_scales_first() {
        let mut weights = Weights::new(&Device::cpu());
        let spec = TensorSpec { shape: vec![2, 2], role: Role::Linear };
        let lost = weights.insert("x", &spec, Dtype::I8, &[1, 2, 3, 4]);
        assert_eq!(lost, Err(Error::TensorMissing { name: "x.scale".to_owned() }));
    }

    #[test]
    fn a_weight_that_is_no_number_is_named() {
        let mut weights = Weights::new(&Device::cpu());
        let spec = TensorSpec { shape: vec![1], role: Role::Vector };
        let bad: [(Dtype, Vec<u8>); 3] = [
            (Dtype::F32, f32::NAN.to_le_bytes().into()),
            (Dtype::F16, f16::NEG_INFINITY.to_le_bytes().into()),
            (Dtype::BF16, bf16::NAN.to_le_bytes().into()),
        ];
        for (dtype, bytes) in bad {
            let refused = weights.insert("x", &spec, dtype, &bytes);
            assert_eq!(refused, Err(Error::NotFinite { name: "The tensor x".to_owned() }));
        }
    }
}
