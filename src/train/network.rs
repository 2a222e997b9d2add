//! The head while it learns: plain tensors on an autodiff device, so that a training step needs no
//! read-back and its whole state can be saved. [`crate::head::Head`] is what remains of it.

use burn::optim::{AdamW, AdamWState, Optimizer};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Distribution, Gradients, Tensor, TensorData};

use crate::Result;
use crate::device::Device;
use crate::head::file::Hidden;
use crate::head::{NEGATIVE_SLOPE, NORM_EPSILON};

/// Share of the new batch in the running statistics, PyTorch's default.
const MOMENTUM: f32 = 0.1;

/// A tensor that learns, with its optimiser state.
pub struct Parameter<const D: usize> {
    value: Tensor<D>,
    state: Option<AdamWState<D>>,
}

/// One hidden layer: linear, batch norm, LeakyReLU, dropout.
struct Layer {
    weight: Parameter<2>, // [in, width]
    bias: Parameter<1>,
    gamma: Parameter<1>,
    beta: Parameter<1>,
    mean: Tensor<1>, // running, without gradient
    var: Tensor<1>,  // running, unbiased
}

/// The whole MLP.
pub struct Network {
    layers: Vec<Layer>,
    weight: Parameter<2>, // [width, 1]
    bias: Parameter<1>,
    dropout: f64,
}

impl<const D: usize> Parameter<D> {
    fn new(value: Tensor<D>) -> Self {
        Self { value: value.require_grad(), state: None }
    }

    fn step(&mut self, optimiser: &AdamW, rate: f64, gradients: &Gradients) {
        let Some(gradient) = self.value.grad(gradients) else { return };
        let (value, state) = optimiser.step(rate, self.value.clone().inner(), gradient, self.state.take());
        self.value = Tensor::from_inner(value).require_grad();
        self.state = state;
    }
}

impl Network {
    /// He initialisation for LeakyReLU's near relative ReLU: normal, variance 2/fan-in; biases zero.
    pub fn new(dimension: usize, width: usize, layers: usize, dropout: f64, device: &burn::tensor::Device) -> Self {
        let he = |inputs: usize, outputs: usize| {
            let normal = Distribution::Normal(0.0, (2.0 / inputs as f64).sqrt());
            Parameter::new(Tensor::random([inputs, outputs], normal, device))
        };
        let inner = device.clone().inner();
        let layer = |index: usize| Layer {
            weight: he(if index == 0 { dimension } else { width }, width),
            bias: Parameter::new(Tensor::zeros([width], device)),
            gamma: Parameter::new(Tensor::ones([width], device)),
            beta: Parameter::new(Tensor::zeros([width], device)),
            mean: Tensor::zeros([width], &inner),
            var: Tensor::ones([width], &inner),
        };
        let layers = (0..layers).map(layer).collect();
        Self { layers, weight: he(width, 1), bias: Parameter::new(Tensor::zeros([1], device)), dropout }
    }

    /// A training pass: `[n, d]` → logits `[n]`; batch norm uses the batch and updates its running
    /// statistics.
    pub fn forward(&mut self, mut x: Tensor<2>) -> Tensor<1> {
        for layer in &mut self.layers {
            x = layer.forward(x); // [n, width]
            if self.dropout > 0.0 {
                let kept = Distribution::Bernoulli(1.0 - self.dropout);
                let mask = Tensor::<2>::random(x.dims(), kept, &x.device());
                x = x * mask / (1.0 - self.dropout);
            }
        }
        let logits = x.matmul(self.weight.value.clone()) + self.bias.value.clone().unsqueeze(); // [n, 1]
        logits.squeeze_dim(1) // [n]
    }

    /// One AdamW step on every parameter.
    pub fn step(&mut self, optimiser: &AdamW, rate: f64, gradients: &Gradients) {
        for layer in &mut self.layers {
            layer.weight.step(optimiser, rate, gradients);
            for vector in [&mut layer.bias, &mut layer.gamma, &mut layer.beta] {
                vector.step(optimiser, rate, gradients);
            }
        }
        self.weight.step(optimiser, rate, gradients);
        self.bias.step(optimiser, rate, gradients);
    }

    /// Reads the tensors back in the layout of the head's file.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn read(&self, device: &Device) -> Result<(Vec<Hidden>, Vec<f32>, f32)> {
        let mut hidden = Vec::new();
        for layer in &self.layers {
            hidden.push(Hidden {
                weight: device.read(layer.weight.value.clone().inner().transpose()).await?, // [width, in]
                bias: device.read(layer.bias.value.clone().inner()).await?,
                norm_weight: device.read(layer.gamma.value.clone().inner()).await?,
                norm_bias: device.read(layer.beta.value.clone().inner()).await?,
                running_mean: device.read(layer.mean.clone()).await?,
                running_var: device.read(layer.var.clone()).await?,
            });
        }
        let weight = device.read(self.weight.value.clone().inner().transpose()).await?; // [1, width]
        let bias = device.read(self.bias.value.clone().inner()).await?;
        Ok((hidden, weight, bias.first().copied().unwrap_or_default()))
    }
}

impl Layer {
    /// Linear, batch norm and LeakyReLU: `[n, in]` → `[n, width]`.
    fn forward(&mut self, x: Tensor<2>) -> Tensor<2> {
        let n = x.dims()[0];
        let x = x.matmul(self.weight.value.clone()) + self.bias.value.clone().unsqueeze(); // [n, width]
        let mean = x.clone().mean_dim(0); // [1, width]
        let centred = x - mean.clone(); // [n, width]
        let var = (centred.clone() * centred.clone()).mean_dim(0); // [1, width], biased
        // The running variance is the unbiased one, as PyTorch keeps it.
        let unbiased = n as f32 / (n.max(2) - 1) as f32;
        self.mean = blend(&self.mean, mean.inner().squeeze_dim(0));
        self.var = blend(&self.var, var.clone().inner().squeeze_dim::<1>(0) * unbiased);
        let normed = centred / (var + NORM_EPSILON).sqrt();
        let scaled = normed * self.gamma.value.clone().unsqueeze() + self.beta.value.clone().unsqueeze();
        leaky_relu(scaled, NEGATIVE_SLOPE)
    }
}

fn blend(old: &Tensor<1>, new: Tensor<1>) -> Tensor<1> {
    old.clone() * (1.0 - MOMENTUM) + new * MOMENTUM
}

/// Rows as a tensor `[n, d]` on `device`.
pub fn rows(values: Vec<f32>, n: usize, device: &burn::tensor::Device) -> Tensor<2> {
    let dimension = values.len() / n.max(1);
    Tensor::from_data(TensorData::new(values, [n, dimension]), device)
}
