//! The header of a safetensors file, read alone: eight bytes of length, then JSON. It is enough to know
//! every tensor's place, so a file is judged before its gigabytes arrive.

use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde_json::Value;

use crate::{Error, Result};

/// Bytes of the length field that a file begins with.
pub const PREFIX: usize = 8;

/// Longest header that is believed, in bytes.
const MAX_HEADER: usize = 4 << 20;

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its number type.
    pub dtype: Dtype,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its length, in bytes.
    pub bytes: usize,
}

/// Length of the JSON, from the file's first eight bytes.
///
/// # Errors
/// [`Error::WeightsHeader`] with the name of the `file`.
pub fn length(prefix: [u8; PREFIX], file: &str) -> Result<usize> {
    match usize::try_from(u64::from_le_bytes(prefix)) {
        Ok(length) if length > 0 && length <= MAX_HEADER => Ok(length),
        _ => Err(refuse(file, "its header's length is impossible".to_owned())),
    }
}

/// The tensors in the file's order, which lie one after another without gaps.
///
/// # Errors
/// [`Error::WeightsHeader`] where the JSON cannot be read, or a tensor's place does not fit its shape.
pub fn parse(json: &[u8], file: &str) -> Result<Vec<Entry>> {
    // `SafeTensors::read_metadata` wants the whole file at hand, and its `Metadata` do not say which tensor is wrong.
    let mut read: BTreeMap<String, Value> =
        serde_json::from_slice(json).map_err(|error| refuse(file, error.to_string()))?;
    read.remove("__metadata__");
    let mut order = Vec::with_capacity(read.len());
    for (name, info) in read {
        let info: TensorInfo =
            serde_json::from_value(info).map_err(|error| refuse(file, format!("{name}: {error}")))?;
        order.push((name, info));
    }
    order.sort_by_key(|(_, info)| info.data_offsets);
    let mut entries = Vec::with_capacity(order.len());
    let mut start = 0;
    for (name, info) in order {
        let elements = info.shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let bytes = elements.and_then(|elements| elements.checked_mul(info.dtype.bitsize())).map(|bits| bits / 8);
        // Offsets are only numbers in a header: without this, a wrong one would cut tensors to the wrong length.
        match bytes.and_then(|bytes| Some((bytes, bytes.checked_add(start)?))) {
            Some((bytes, end)) if info.data_offsets == (start, end) => {
                start = end;
                entries.push(Entry { name, dtype: info.dtype, shape: info.shape, bytes });
            }
            _ => return Err(refuse(file, format!("the offsets of {name} do not fit its shape"))),
        }
    }
    Ok(entries)
}

fn refuse(file: &str, message: String) -> Error {
    Error::WeightsHeader { file: file.to_owned(), message }
}
