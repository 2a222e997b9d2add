//! Conditional value at risk (Rockafellar, Uryasev 2000): the mean of the worst share α of the losses.
//!
//! ```text
//! CVaR(ℓ) = min over λ of  λ + Σ w_i max(ℓ_i − λ, 0) / (α Σ w_i)
//!         = max over q of  Σ q_i ℓ_i  with  0 ≤ q_i ≤ w_i / (α Σ w_i)  and  Σ q_i = 1
//! ```
//!
//! The second line is the dual of the first: fill the worst rows up to their bound until the mass is spent.
//! The gradient of the minimum is the sum of the rows' gradients, weighted by that q. Holding λ fixed instead
//! would lose the row that is filled in part, because λ *is* that row's loss wherever the share α is no
//! whole number of rows.

use burn::tensor::Tensor;

/// Losses `[n, 1]` and positive row weights `[n, 1]` → `[1]`. `alpha` 1 is the weighted mean.
pub fn cvar(losses: Tensor<2>, weights: Tensor<2>, alpha: f64) -> Tensor<1> {
    let weights = weights.inner();
    let q =
        if alpha < 1.0 { worst(losses.clone().inner(), &weights, alpha) } else { weights.clone() / weights.sum_dim(0) };
    (losses * Tensor::from_inner(q)).sum_dim(0).reshape([1])
}

/// The maximising `q`, `[n, 1]`, without sorting and without reading back. Row i gets what the rows with
/// a greater loss leave of the mass; rows with equal losses share alike.
fn worst(losses: Tensor<2>, weights: &Tensor<2>, alpha: f64) -> Tensor<2> {
    let n = losses.dims()[0];
    let of_row = losses.clone().expand([n, n]); // [n, n], row i holds ℓ_i
    let others = losses.transpose().expand([n, n]); // [n, n], row i holds all losses
    let above = others.clone().greater(of_row.clone()).float().matmul(weights.clone()); // [n, 1]
    let level = others.equal(of_row).float().matmul(weights.clone()); // [n, 1], with the row itself
    // In units of rows, in which equal weights add up exactly.
    let mass = weights.clone().sum_dim(0) * alpha; // [1, 1]
    let left = (mass.clone() - above).clamp_min(0.0).min_pair(level.clone()); // [n, 1]
    left * weights.clone() / (level * mass)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_gradient, column, differentiate, read, scattered};
    use super::*;

    /// min over λ of the primal form. It is convex and piecewise linear with its kinks at the losses, so
    /// that one of them is a minimiser.
    fn brute_force(losses: &[f32], weights: &[f32], alpha: f64) -> f64 {
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let at = |lambda: f64| {
            let excess = losses.iter().zip(weights).map(|(&l, &w)| f64::from(w) * (f64::from(l) - lambda).max(0.0));
            lambda + excess.sum::<f64>() / (alpha * total)
        };
        losses.iter().map(|&lambda| at(f64::from(lambda))).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn agrees_with_brute_force_over_lambda() {
        let losses = scattered(37);
        let mut ties = losses.clone();
        ties[3..9].fill(0.25);
        let even = vec![1.0; 37];
        let uneven: Vec<f32> = (0..37).map(|index| 0.25 + (index * 7 % 5) as f32).collect();
        for alpha in [0.01, 0.1, 0.5, 0.8, 29.0 / 37.0, 0.999, 1.0] {
            for losses in [&losses, &ties] {
                for weights in [&even, &uneven] {
                    let got = f64::from(read(cvar(column(losses), column(weights), alpha))[0]);
                    let expected = brute_force(losses, weights, alpha);
                    assert!((got - expected).abs() < 2e-6, "α {alpha}: {got} but {expected}");
                }
            }
        }
    }

    #[test]
    fn no_lambda_between_the_losses_does_better() {
        let losses = scattered(11);
        let got = read(cvar(column(&losses), column(&[1.0; 11]), 0.3))[0];
        for step in -400..=400 {
            let lambda = step as f32 / 100.0;
            let excess: f32 = losses.iter().map(|&loss| (loss - lambda).max(0.0)).sum();
            assert!(lambda + excess / (0.3 * 11.0) >= got - 1e-5);
        }
    }

    #[test]
    fn a_row_with_weight_two_counts_like_two_rows() {
        let once = read(cvar(column(&[0.1, 0.7, 0.4]), column(&[1.0, 2.0, 1.0]), 0.6))[0];
        let twice = read(cvar(column(&[0.1, 0.7, 0.7, 0.4]), column(&[1.0; 4]), 0.6))[0];
        assert!((once - twice).abs() < 1e-6);
    }

    #[test]
    fn the_row_that_is_filled_in_part_keeps_its_gradient() {
        // α n = 2.5: two whole rows and half of the third worst.
        let (value, gradient) = differentiate(&[4.0, 1.0, 3.0, 2.0, 0.0], |x| cvar(x, column(&[1.0; 5]), 0.5));
        assert!((value - (4.0 + 3.0 + 0.5 * 2.0) / 2.5).abs() < 1e-6);
        for (got, expected) in gradient.iter().zip([0.4, 0.0, 0.4, 0.2, 0.0]) {
            assert!((got - expected).abs() < 1e-6, "{gradient:?}");
        }
        assert_gradient(&scattered(13), |x| cvar(x.clone() * x, column(&[1.0; 13]), 0.8));
    }
}
