//! A table that stays on the CPU, in the number type of its file: of 49,408 tokens a caption needs a few.

use safetensors::Dtype;

use super::values::floats;

/// A table `[rows, columns]`.
#[derive(Debug, Clone)]
pub struct Rows {
    dtype: Dtype,
    bytes: Vec<u8>,
    /// Of int8: `[rows]`.
    scales: Vec<f32>,
    count: usize,
}

impl Rows {
    /// `None` where weights cannot have the type.
    pub fn new(dtype: Dtype, bytes: Vec<u8>, scales: Vec<f32>, rows: usize) -> Option<Self> {
        floats(dtype, &[], &[])?;
        Some(Self { dtype, bytes, scales, count: rows })
    }

    /// Row `index`, `[columns]`; empty where there is none.
    pub fn row(&self, index: usize) -> Vec<f32> {
        let length = self.bytes.len() / self.count.max(1);
        let bytes = self.bytes.get(index * length..(index + 1) * length).unwrap_or_default();
        let scale = self.scales.get(index..=index).unwrap_or_default();
        floats(self.dtype, bytes, scale).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_in_every_number_type() {
        let halves: Vec<u8> =
            [1.0, 2.0, -3.0, 0.5].iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
        let table = Rows::new(Dtype::F16, halves, Vec::new(), 2).unwrap();
        assert_eq!(table.row(1), [-3.0, 0.5]);
        assert_eq!(table.row(2), [0.0; 0]);
        let table = Rows::new(Dtype::I8, vec![1, 2, 255, 4], vec![0.5, 2.0], 2).unwrap();
        assert_eq!(table.row(0), [0.5, 1.0]);
        assert_eq!(table.row(1), [-2.0, 8.0]);
        assert!(Rows::new(Dtype::I64, Vec::new(), Vec::new(), 1).is_none());
    }
}
