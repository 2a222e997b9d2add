//! One tensor's rows, from the checkpoint's number type to the pack's.

use half::{bf16, f16};
use safetensors::Dtype;

use crate::{Error, Result};

/// Largest int8 weight; −128 is left out, so that the range is symmetric.
const LARGEST: f32 = 127.0;

/// How the rows of a tensor are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    /// F32, F16 or BF16.
    pub from: Dtype,
    /// F32, F16 or I8.
    pub to: Dtype,
    /// Number of rows: of output channels, where `to` is I8.
    pub count: usize,
    /// Numbers in a row.
    pub width: usize,
}

impl Rows {
    /// Length of a row in the checkpoint, in bytes.
    pub fn row_bytes(&self) -> usize {
        self.width * self.from.bitsize() / 8
    }

    /// Converts one row and appends it to `out`; of an int8 row the scale goes to `scales`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for NaN and infinity, and for a number that F16 cannot hold.
    pub fn convert(&self, name: &str, row: &[u8], scales: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<()> {
        let values = self.floats(row);
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite { name: format!("The tensor {name}") });
        }
        match self.to {
            Dtype::I8 => {
                let scale = quantise(&values, out);
                scales.extend_from_slice(&scale.to_le_bytes());
            }
            Dtype::F16 => {
                let halves: Vec<f16> = values.into_iter().map(f16::from_f32).collect();
                if halves.iter().any(|half| !half.is_finite()) {
                    return Err(Error::NotFinite { name: format!("The tensor {name}, in half precision,") });
                }
                out.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
            }
            _ => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        }
        Ok(())
    }

    fn floats(&self, row: &[u8]) -> Vec<f32> {
        match self.from {
            Dtype::F16 => row.as_chunks().0.iter().map(|&two| f16::from_le_bytes(two).to_f32()).collect(),
            Dtype::BF16 => row.as_chunks().0.iter().map(|&two| bf16::from_le_bytes(two).to_f32()).collect(),
            _ => row.as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect(),
        }
    }
}

/// Appends round(value / scale) for each value and returns the scale, largest magnitude / 127: the value is
/// q · scale, and off by half a scale at most.
fn quantise(values: &[f32], out: &mut Vec<u8>) -> f32 {
    let scale = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs())) / LARGEST;
    let nearest = |value: &f32| (value / scale).round_ties_even().clamp(-LARGEST, LARGEST);
    // A row of zeros, or of numbers so small that their scale is none, is a row of zeros.
    let quantised = values.iter().map(|value| if scale > 0.0 { nearest(value) as i8 } else { 0 });
    out.extend(quantised.map(i8::cast_unsigned));
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(from: Dtype, to: Dtype, row: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
        let rows = Rows { from, to, count: 1, width: row.len() * 8 / from.bitsize() };
        let (mut scales, mut out) = (Vec::new(), Vec::new());
        rows.convert("x", row, &mut scales, &mut out).map(|()| (scales, out))
    }

    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    #[test]
    fn int8_is_symmetric_and_rounds_to_the_nearest() {
        let (scales, out) = convert(Dtype::F32, Dtype::I8, &bytes(&[-2.0, 1.0, 0.02, 0.0])).unwrap();
        assert_eq!(scales, bytes(&[2.0 / 127.0]));
        assert_eq!(out.iter().map(|byte| byte.cast_signed()).collect::<Vec<_>>(), [-127, 64, 1, 0]);
        let (scales, out) = convert(Dtype::F32, Dtype::I8, &bytes(&[0.0, 0.0])).unwrap();
        assert_eq!((scales, out), (bytes(&[0.0]), vec![0, 0]));
        let (scales, out) = convert(Dtype::F32, Dtype::I8, &bytes(&[1e-45, 0.0])).unwrap();
        assert_eq!((scales, out), (bytes(&[0.0]), vec![0, 0]));
    }

    #[test]
    fn sixteen_bits_become_sixteen_or_thirty_two() {
        let half = f16::from_f32(0.3).to_le_bytes();
        assert_eq!(convert(Dtype::F16, Dtype::F16, &half).unwrap().1, half);
        assert_eq!(convert(Dtype::BF16, Dtype::F32, &bf16::from_f32(-1.5).to_le_bytes()).unwrap().1, bytes(&[-1.5]));
        assert_eq!(
            convert(Dtype::F32, Dtype::F16, &bytes(&[1.0 / 3.0])).unwrap().1,
            f16::from_f32(1.0 / 3.0).to_le_bytes()
        );
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused_by_name() {
        for (value, words) in [(f32::NAN, "tensor x holds"), (f32::INFINITY, "tensor x holds"), (7e4, "half precision")]
        {
            let error = convert(Dtype::F32, Dtype::F16, &bytes(&[value])).unwrap_err();
            assert_eq!(error.code(), "not-finite");
            assert!(error.to_string().contains(words), "{error}");
        }
        assert!(convert(Dtype::F32, Dtype::I8, &bytes(&[7e4])).is_ok());
    }
}
