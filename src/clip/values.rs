//! Numbers as they stand in a weight file.

use half::{bf16, f16};
use safetensors::Dtype;

/// A tensor's numbers as they stand in its file, row-major.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    pub dtype: Dtype,
    pub bytes: &'a [u8],
    /// Of int8: one for each output.
    pub scales: &'a [f32],
}

/// Numbers of a weight file as f32; `None` where weights cannot have the type. Of int8 the bytes are as many
/// rows as there are `scales`.
pub fn floats(dtype: Dtype, bytes: &[u8], scales: &[f32]) -> Option<Vec<f32>> {
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
