//! What a conversion will do, from the headers alone.

use std::collections::BTreeMap;

use safetensors::Dtype;
use serde_json::{Map, Value, json};

use super::rows::Rows;
use crate::clip::config::{ClipConfig, Role, TensorSpec};
use crate::clip::header::{self, Entry, PREFIX};
use crate::clip::weights::SCALE;
use crate::{Error, Result};

/// Tensors of a `CLIPModel` file that no tower reads, and that are left out: the numbers 0, 1, 2… under the
/// name `position_ids` in files of old transformers, and the temperature of the contrastive loss.
const LEFT_OUT: [&str; 3] =
    ["logit_scale", "text_model.embeddings.position_ids", "vision_model.embeddings.position_ids"];

/// The number type of a pack's matrices. Vectors (biases, norms, the class token), a thousandth of the
/// numbers, stay F32 in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// F16.
    Half,
    /// I8, symmetric, with one scale an output channel (or a token); position tables F16.
    Int8,
}

/// One file of a checkpoint, as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Where its tensors' bytes begin.
    data: u64,
    entries: Vec<Entry>,
}

impl Part {
    /// From the file's first bytes: the length field and the whole header. `bytes` is the file's length.
    ///
    /// # Errors
    /// [`Error::WeightsHeader`]; of a file that is cut off it names the first tensor that is not whole.
    pub fn read(name: &str, head: &[u8], bytes: u64) -> Result<Self> {
        let refuse = |message: String| Error::WeightsHeader { file: name.to_owned(), message };
        let cut = || refuse("it ends within its header".to_owned());
        let length = Self::header_bytes(name, head)?;
        let json = head.get(PREFIX..length).ok_or_else(cut)?;
        let entries = header::parse(json, name)?;
        let data = length as u64;
        let mut end = data;
        for entry in &entries {
            end += entry.bytes as u64;
            if end > bytes {
                return Err(refuse(format!("it ends within the tensor {}", entry.name)));
            }
        }
        if end != bytes {
            return Err(refuse(format!("{} bytes follow the last tensor", bytes - end)));
        }
        Ok(Self { name: name.to_owned(), data, entries })
    }

    /// How many of the file's first bytes [`Part::read`] needs, from the first eight.
    ///
    /// # Errors
    /// [`Error::WeightsHeader`].
    pub fn header_bytes(name: &str, head: &[u8]) -> Result<usize> {
        let prefix = head.first_chunk().ok_or_else(|| Error::WeightsHeader {
            file: name.to_owned(),
            message: "it ends within its header".to_owned(),
        })?;
        Ok(PREFIX + header::length(*prefix, name)?)
    }
}

/// One tensor on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub name: String,
    /// Which file it lies in, and where it begins there.
    pub file: usize,
    pub start: u64,
    /// Its length there, in bytes.
    pub bytes: u64,
    /// How it is converted; `None`: it is left out.
    pub rows: Option<Rows>,
    /// Where its bytes begin in the pack's file.
    pub written: u64,
}

/// A conversion that can be done.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The shape of the model.
    pub config: ClipConfig,
    /// The checkpoint's files, in the order in which they are read.
    pub(super) files: Vec<String>,
    pub(super) steps: Vec<Step>,
    /// The beginning of the pack's file: length field and header.
    pub(super) header: Vec<u8>,
    /// Length of the pack's file.
    pub(super) bytes: u64,
}

impl Plan {
    /// Compares the headers with what the model needs.
    ///
    /// # Errors
    /// [`Error::TensorMissing`], [`Error::TensorUnexpected`], [`Error::TensorShape`], [`Error::TensorType`].
    pub fn new(config: ClipConfig, parts: &[Part], precision: Precision) -> Result<Self> {
        let mut needed = config.tensors();
        let mut steps = Vec::new();
        let mut layout = Layout::default();
        for (file, part) in parts.iter().enumerate() {
            let mut start = part.data;
            for entry in &part.entries {
                let written = layout.end;
                let rows = if LEFT_OUT.contains(&entry.name.as_str()) {
                    None
                } else {
                    let rows = rows_of(entry, &mut needed, precision)?;
                    layout.add(&entry.name, &entry.shape, &rows);
                    Some(rows)
                };
                let bytes = entry.bytes as u64;
                steps.push(Step { name: entry.name.clone(), file, start, bytes, rows, written });
                start += bytes;
            }
        }
        if let Some(name) = needed.into_keys().next() {
            return Err(Error::TensorMissing { name });
        }
        let header = layout.header();
        for step in &mut steps {
            step.written += header.len() as u64;
        }
        let bytes = header.len() as u64 + layout.end;
        let files = parts.iter().map(|part| part.name.clone()).collect();
        Ok(Self { config, files, steps, header, bytes })
    }

    /// Length of the pack's file that will be written, in bytes.
    #[must_use]
    pub fn pack_bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes of tensors that will be read.
    #[must_use]
    pub fn source_bytes(&self) -> u64 {
        self.steps.iter().map(|step| step.bytes).sum()
    }
}

fn rows_of(entry: &Entry, needed: &mut BTreeMap<String, TensorSpec>, precision: Precision) -> Result<Rows> {
    let name = || entry.name.clone();
    let spec = needed.remove(&entry.name).ok_or_else(|| Error::TensorUnexpected { name: name() })?;
    if entry.shape != spec.shape {
        return Err(Error::TensorShape { name: name(), expected: spec.shape, got: entry.shape.clone() });
    }
    if !matches!(entry.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(Error::TensorType { name: name(), got: format!("{:?}", entry.dtype) });
    }
    let to = match (spec.role, precision) {
        (Role::Vector, _) => Dtype::F32,
        (Role::Linear | Role::Patch | Role::Rows, Precision::Int8) => Dtype::I8,
        _ => Dtype::F16,
    };
    let elements: usize = spec.shape.iter().product();
    let count = if spec.role == Role::Vector { 1 } else { spec.shape.first().copied().unwrap_or(1) };
    Ok(Rows { from: entry.dtype, to, count, width: elements / count.max(1) })
}

/// The pack's header as it grows.
#[derive(Default)]
struct Layout {
    tensors: Map<String, Value>,
    end: u64,
}

impl Layout {
    /// Adds a tensor; an int8 one is preceded by its scales, which a reader needs first.
    fn add(&mut self, name: &str, shape: &[usize], rows: &Rows) {
        if rows.to == Dtype::I8 {
            self.put(format!("{name}{SCALE}"), "F32", &json!([rows.count]), 4 * rows.count);
        }
        let (dtype, bytes) = match rows.to {
            Dtype::I8 => ("I8", 1),
            Dtype::F16 => ("F16", 2),
            _ => ("F32", 4),
        };
        self.put(name.to_owned(), dtype, &json!(shape), bytes * rows.count * rows.width);
    }

    fn put(&mut self, name: String, dtype: &str, shape: &Value, bytes: usize) {
        let start = self.end;
        self.end += bytes as u64;
        self.tensors.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, self.end] }));
    }

    /// Length field and JSON, padded with spaces to a multiple of eight, as the format asks for.
    fn header(&self) -> Vec<u8> {
        let mut json = Value::Object(self.tensors.clone()).to_string().into_bytes();
        json.resize(json.len().next_multiple_of(PREFIX), b' ');
        (json.len() as u64).to_le_bytes().into_iter().chain(json).collect()
    }
}
