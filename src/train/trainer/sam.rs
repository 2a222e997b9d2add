//! Sharpness-aware minimisation (Foret, Kleiner, Mobahi, Neyshabur 2021) around `AdamW` (Loshchilov,
//! Hutter 2019). Both gradients stay on the device; nothing is read back.

use burn::optim::{AdamW, AdamWConfig, AdamWState, Optimizer};
use burn::tensor::Tensor;

use super::config::TrainConfig;
use super::network::{Mlp, Statistics};

/// What a batch says at a point: its loss `[1]`, its batch norms' statistics.
pub type Objective<'a> = dyn Fn(&Mlp<Tensor<2>>) -> (Tensor<1>, Vec<Statistics>) + 'a;

/// The gradients of a step.
#[derive(Debug)]
pub struct Gradients {
    /// The batch's loss where the parameters are, `[1]`.
    pub loss: Tensor<1>,
    /// The batch norms' statistics there. The second pass's are dropped: it is at a point where the
    /// network never is.
    pub statistics: Vec<Statistics>,
    /// The gradient where the parameters are.
    pub first: Mlp<Tensor<2>>,
    /// The gradient at SAM's neighbour; the same as `first` where SAM is off.
    pub second: Mlp<Tensor<2>>,
}

/// The gradients of `objective` at `parameters` and at ρ · g / ‖g‖ from there. Both passes ask the same
/// objective, dropout included, so that the second is a gradient of the loss that the first one climbed;
/// the authors' program draws a new mask for it.
pub fn gradients(parameters: &Mlp<Tensor<2>>, rho: f64, objective: &Objective<'_>) -> Gradients {
    let (loss, statistics, first) = differentiate(parameters.clone(), objective);
    let second = if rho > 0.0 {
        let scale = climb(&first, rho);
        let neighbour = parameters.clone().zip(first.clone(), |value, gradient| value + gradient * scale.clone());
        differentiate(neighbour, objective).2
    } else {
        first.clone()
    };
    Gradients { loss, statistics, first, second }
}

/// ρ / ‖g‖ over all parameters together, `[1, 1]`; the 1e-12 is the authors'.
fn climb(gradient: &Mlp<Tensor<2>>, rho: f64) -> Tensor<2> {
    // Not `sum()`, which on some GPUs adds by float atomics, in an order that no run repeats.
    let squares = gradient.iter().map(|part| part.clone().square().sum_dim(0).sum_dim(1)); // [1, 1] each
    let norm = squares.reduce(|sum, square| sum + square).map(Tensor::sqrt);
    // An MLP has an output layer, so there is a norm.
    norm.map_or_else(|| gradient.output[1].zeros_like(), |norm| (norm + 1e-12).recip() * rho)
}

fn differentiate(at: Mlp<Tensor<2>>, objective: &Objective<'_>) -> (Tensor<1>, Vec<Statistics>, Mlp<Tensor<2>>) {
    let at = at.map(|value| Tensor::from_inner(value).require_grad());
    let (loss, statistics) = objective(&at);
    let mut gradients = loss.backward();
    // A parameter that the loss does not depend on has no gradient.
    let gradient = at.map(|value| value.grad_remove(&mut gradients).unwrap_or_else(|| value.inner().zeros_like()));
    (loss.inner(), statistics, gradient)
}

/// `AdamW` with `PyTorch`'s defaults: β 0.9 and 0.999, ε 1e-8.
#[derive(Clone)]
pub struct Optimiser {
    rule: AdamW,
    /// Both moments of each parameter; none before the first step.
    pub moments: Mlp<Option<AdamWState<2>>>,
}

impl Optimiser {
    /// Before the first step.
    #[must_use]
    pub fn new(config: &TrainConfig, parameters: &Mlp<Tensor<2>>) -> Self {
        let rule = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(config.weight_decay as f32).build();
        Self { rule, moments: parameters.clone().map(|_| None) }
    }

    /// One step down `gradient`.
    #[must_use]
    pub fn step(&mut self, parameters: Mlp<Tensor<2>>, gradient: Mlp<Tensor<2>>, rate: f64) -> Mlp<Tensor<2>> {
        let none = self.moments.clone().map(|_| None);
        let moments = std::mem::replace(&mut self.moments, none);
        let pairs = parameters.zip(gradient, |value, gradient| (value, gradient));
        let stepped = pairs.zip(moments, |(value, gradient), state| self.rule.step(rate, value, gradient, state));
        let (parameters, moments) = stepped.unzip();
        self.moments = moments;
        parameters
    }
}
