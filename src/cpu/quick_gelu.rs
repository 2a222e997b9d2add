//! QuickGELU natively: a plain loop, which the compiler turns into the widest vectors that the processor has. burn-flex
//! takes three passes and a call for each number.

use pulp::Arch;

/// Adding it rounds a number below 2²² to a whole one, which its lowest bits then are.
const ROUND: f32 = 12_582_912.0;

/// e^x, to about 1e-7 of it (Cephes, `expf`: Cody and Waite's reduction and a polynomial); x is kept within what
/// float32 holds. Multiplied and added in two steps: where a processor has no such instruction `mul_add` is a slow call.
#[inline(always)]
#[allow(clippy::inline_always, reason = "what is called is not compiled for the wider vectors")]
fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let whole = x * std::f32::consts::LOG2_E + ROUND;
    let n = whole - ROUND;
    let x = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut sum = 1.987_569_1e-4;
    for next in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        sum = sum * x + next;
    }
    let power = whole.to_bits().wrapping_add(127) << 23;
    (sum * x * x + x + 1.0) * f32::from_bits(power)
}

/// x·σ(1.702 x) of each, in place.
pub fn quick_gelu(values: &mut [f32]) {
    Arch::new().dispatch(|| {
        for x in values.iter_mut() {
            *x /= 1.0 + exp(-1.702 * *x);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_to_the_x_is_right_over_all_that_it_takes() {
        for step in -87_000..=88_000 {
            let x = step as f32 / 1e3;
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) / right - 1.0).abs() < 3e-7, "{x}: {} and not {right}", exp(x));
        }
        assert!(exp(f32::NAN).is_nan());
        assert_eq!(exp(-1e9).to_bits(), exp(-87.0).to_bits());
        assert!(exp(1e9).is_finite());
    }

    #[test]
    fn quick_gelu_is_that_of_float64() {
        for length in [0, 1, 7, 16, 197] {
            let given: Vec<f32> = (0..length).map(|index| (index * 37 % 101) as f32 / 3.0 - 20.0).collect();
            let mut got = given.clone();
            quick_gelu(&mut got);
            for (&x, &got) in given.iter().zip(&got) {
                let right = f64::from(x) / (1.0 + (-1.702 * f64::from(x)).exp());
                assert!((f64::from(got) - right).abs() < 1e-6 * right.abs().max(1e-3), "{x}: {got} and not {right}");
            }
        }
    }
}
