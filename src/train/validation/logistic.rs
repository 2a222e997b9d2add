//! Logistic regression in double precision: the audit's null classifier, and Platt's scaling.

/// A fitted model: probability = σ(weights · x + bias).
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// `[d]`.
    pub weights: Vec<f64>,
    /// Not penalised.
    pub bias: f64,
}

/// Newton steps at most; ten are usual.
const STEPS: usize = 100;

impl Logistic {
    /// Minimises Σ importance · cross-entropy + `penalty`/2 · |weights|² by Newton's method with step
    /// halving. `rows` `[n, d]`, `targets` `[n]` 0…1, `importance` `[n]`.
    #[must_use]
    pub fn fit(rows: &[Vec<f64>], targets: &[f64], importance: &[f64], penalty: f64) -> Self {
        let d = rows.first().map_or(0, Vec::len);
        let mut model = Self { weights: vec![0.0; d], bias: 0.0 };
        let mut loss = model.loss(rows, targets, importance, penalty);
        for _ in 0..STEPS {
            let Some(step) = model.newton(rows, targets, importance, penalty) else { break };
            let mut share = 1.0;
            let better = loop {
                let moved = model.moved(&step, share);
                let new = moved.loss(rows, targets, importance, penalty);
                if new <= loss {
                    break Some((moved, new));
                }
                share /= 2.0;
                if share < 1e-6 {
                    break None;
                }
            };
            let Some((moved, new)) = better else { break };
            let gained = loss - new;
            (model, loss) = (moved, new);
            if gained < 1e-12 * (1.0 + loss.abs()) {
                break;
            }
        }
        model
    }

    /// weights · x + bias.
    #[must_use]
    pub fn logit(&self, row: &[f64]) -> f64 {
        self.bias + self.weights.iter().zip(row).map(|(weight, value)| weight * value).sum::<f64>()
    }

    fn loss(&self, rows: &[Vec<f64>], targets: &[f64], importance: &[f64], penalty: f64) -> f64 {
        let each = rows.iter().zip(targets).zip(importance).map(|((row, target), importance)| {
            let z = self.logit(row);
            importance * (z.max(0.0) - z * target + (-z.abs()).exp().ln_1p())
        });
        each.sum::<f64>() + penalty / 2.0 * self.weights.iter().map(|weight| weight * weight).sum::<f64>()
    }

    fn moved(&self, step: &[f64], share: f64) -> Self {
        let weights = self.weights.iter().zip(step).map(|(weight, step)| weight - share * step).collect();
        Self { weights, bias: self.bias - share * step.last().copied().unwrap_or_default() }
    }

    /// Hessian⁻¹ · gradient, `[d + 1]` with the bias last. `None` where the Hessian has lost its rank.
    fn newton(&self, rows: &[Vec<f64>], targets: &[f64], importance: &[f64], penalty: f64) -> Option<Vec<f64>> {
        let size = self.weights.len() + 1;
        let mut gradient: Vec<f64> = self.weights.iter().map(|weight| penalty * weight).chain([0.0]).collect();
        let mut hessian = vec![0.0; size * size]; // [d + 1, d + 1], the lower triangle
        for at in 0..size {
            // A trace of ridge keeps constant columns and the flat ends of the sigmoid solvable.
            hessian[at * size + at] = if at + 1 < size { penalty + 1e-10 } else { 1e-10 };
        }
        for ((row, target), importance) in rows.iter().zip(targets).zip(importance) {
            let p = 1.0 / (1.0 + (-self.logit(row)).exp());
            let (error, curve) = (importance * (p - target), importance * p * (1.0 - p));
            let value = |at: usize| row.get(at).copied().unwrap_or(1.0);
            for a in 0..size {
                gradient[a] += error * value(a);
                let scaled = curve * value(a);
                for b in 0..=a {
                    hessian[a * size + b] += scaled * value(b);
                }
            }
        }
        solve(hessian, gradient, size)
    }
}

/// Solves A x = b by Cholesky's decomposition; `a` `[n, n]` holds the lower triangle.
fn solve(mut a: Vec<f64>, mut b: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for column in 0..n {
        for row in column..n {
            let dot: f64 = (0..column).map(|k| a[row * n + k] * a[column * n + k]).sum();
            let value = a[row * n + column] - dot;
            if row == column {
                if value <= 0.0 || !value.is_finite() {
                    return None;
                }
                a[row * n + row] = value.sqrt();
            } else {
                a[row * n + column] = value / a[column * n + column];
            }
        }
    }
    for row in 0..n {
        let dot: f64 = (0..row).map(|k| a[row * n + k] * b[k]).sum();
        b[row] = (b[row] - dot) / a[row * n + row];
    }
    for row in (0..n).rev() {
        let dot: f64 = (row + 1..n).map(|k| a[k * n + row] * b[k]).sum();
        b[row] = (b[row] - dot) / a[row * n + row];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/reference.py metrics` made the file; scikit-learn stops at its tolerance, hence 1e-5.
    #[test]
    fn agrees_with_scikit_learn() {
        #[derive(serde::Deserialize)]
        struct Golden {
            ridge: Ridge,
        }
        #[derive(serde::Deserialize)]
        struct Ridge {
            rows: Vec<Vec<f64>>,
            classes: Vec<bool>,
            importance: Vec<f64>,
            penalty: f64,
            weights: Vec<f64>,
            bias: f64,
        }
        let golden: Golden = serde_json::from_str(include_str!("../../../tests/golden/metrics.json")).unwrap();
        let ridge = golden.ridge;
        let targets: Vec<f64> = ridge.classes.iter().map(|&class| f64::from(u8::from(class))).collect();
        let got = Logistic::fit(&ridge.rows, &targets, &ridge.importance, ridge.penalty);
        let pairs = got.weights.iter().zip(&ridge.weights).chain([(&got.bias, &ridge.bias)]);
        for (got, expected) in pairs {
            assert!((got - expected).abs() < 1e-5, "{got} {expected}");
        }
    }

    #[test]
    fn separable_and_constant_data_end_somewhere_finite() {
        let rows: Vec<Vec<f64>> = (0..20).map(|index| vec![f64::from(index) - 9.5, 1.0]).collect();
        let targets: Vec<f64> = (0..20).map(|index| f64::from(u8::from(index >= 10))).collect();
        let got = Logistic::fit(&rows, &targets, &[1.0; 20], 1e-3);
        assert!(got.weights.iter().all(|weight| weight.is_finite()) && got.logit(&rows[19]) > 2.0);
        assert_eq!(Logistic::fit(&[], &[], &[], 1.0), Logistic { weights: vec![], bias: 0.0 });
    }
}
