//! Numbers in half precision: a folder's features are the largest thing that training holds, and a page has
//! no more than a few gigabytes.

use std::ops::Range;

use half::f16;

/// Features in half precision, row after row. The error, 2⁻¹¹ of a value, is far below what the tower's 8-bit
/// weights cause.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows(Vec<f16>);

impl Rows {
    /// How many numbers there are, in all rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes room for so many more numbers.
    pub fn reserve(&mut self, additional: usize) {
        self.0.reserve_exact(additional);
    }

    /// Appends numbers, rounded; what is too large becomes infinite.
    pub fn push(&mut self, values: &[f32]) {
        self.0.extend(values.iter().map(|&value| f16::from_f32(value)));
    }

    /// Appends numbers of other rows as they are.
    pub fn push_from(&mut self, other: &Self, range: Range<usize>) {
        self.0.extend_from_slice(&other.0[range]);
    }

    /// Numbers by their place.
    pub fn read(&self, range: Range<usize>) -> impl Iterator<Item = f32> {
        self.0[range].iter().map(|value| value.to_f32())
    }

    /// Whether the number at a place is 0.
    #[must_use]
    pub fn is_zero(&self, at: usize) -> bool {
        self.0[at] == f16::ZERO
    }

    /// All numbers.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        self.read(0..self.len()).collect()
    }

    /// Whether no number is infinite or none.
    #[must_use]
    pub fn are_finite(&self) -> bool {
        self.0.iter().all(|value| value.is_finite())
    }

    /// The numbers' bits, for a digest.
    pub fn bits(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|value| value.to_bits())
    }
}

impl FromIterator<f32> for Rows {
    fn from_iter<I: IntoIterator<Item = f32>>(values: I) -> Self {
        Self(values.into_iter().map(f16::from_f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_to_their_eleventh_bit_and_too_large_ones_are_noticed() {
        let mut rows: Rows = [1.0, -0.333_333_34, 1234.5].into_iter().collect();
        let kept = rows.to_vec();
        assert!(kept.iter().zip([1.0, -0.333_333_34, 1234.5]).all(|(a, b)| ((a - b) / b).abs() < 2.0_f32.powi(-11)));
        let mut others = Rows::default();
        others.push_from(&rows, 1..3);
        assert_eq!(others.read(0..2).collect::<Vec<_>>(), kept[1..]);
        assert!(rows.are_finite());
        rows.push(&[1e5]);
        assert!(!rows.are_finite() && rows.len() == 4);
    }
}
