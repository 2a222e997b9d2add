//! The head while it learns: plain tensors, so that a training step needs no read-back and its whole
//! state can be saved. [`crate::head::Head`] is what remains of it.

use burn::tensor::activation::leaky_relu;
use burn::tensor::{Tensor, TensorData};

use super::config::TrainConfig;
use super::streams::{Stream, Use};
use crate::Result;
use crate::device::Device;
use crate::head::file::Hidden;
use crate::head::{NEGATIVE_SLOPE, NORM_EPSILON};

/// Share of the new batch in the running statistics, `PyTorch`'s default.
const MOMENTUM: f32 = 0.1;

/// One value for every parameter of the MLP: the parameters themselves, their gradients, their moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp<T> {
    /// Weight `[in, width]`, bias, batch norm's γ and β (all `[1, width]`) of each hidden layer.
    pub hidden: Vec<[T; 4]>,
    /// Weight `[width, 1]` and bias `[1, 1]` of the output.
    pub output: [T; 2],
}

/// Mean and unbiased variance of what a batch norm saw, both `[1, width]`.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// `[1, width]`.
    pub mean: Tensor<2>,
    /// `[1, width]`.
    pub var: Tensor<2>,
}

/// Everything a head is: its parameters, and each batch norm's running statistics.
#[derive(Debug, Clone)]
pub struct Network {
    /// Without gradients.
    pub parameters: Mlp<Tensor<2>>,
    /// One a hidden layer, without gradients.
    pub running: Vec<Statistics>,
}

impl<T> Mlp<T> {
    /// Applies `f` to every value.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Mlp<U> {
        let hidden = self.hidden.into_iter().map(|layer| layer.map(&mut f)).collect();
        Mlp { hidden, output: self.output.map(f) }
    }

    /// Applies `f` to the values of both, which have the same layers.
    pub fn zip<U, V>(self, other: Mlp<U>, mut f: impl FnMut(T, U) -> V) -> Mlp<V> {
        let layers = self.hidden.into_iter().zip(other.hidden);
        let hidden = layers.map(|(own, others)| pair(own, others).map(|(own, other)| f(own, other))).collect();
        let ([weight, bias], [w, b]) = (self.output, other.output);
        Mlp { hidden, output: [f(weight, w), f(bias, b)] }
    }

    /// Every value, in the order of the layers.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.hidden.iter().flatten().chain(&self.output)
    }
}

/// Four values with their companions.
fn pair<T, U>([weight, bias, gamma, beta]: [T; 4], others: [U; 4]) -> [(T, U); 4] {
    let [w, b, g, t] = others;
    [(weight, w), (bias, b), (gamma, g), (beta, t)]
}

/// The reverse of [`pair`].
fn part<T, U>([weight, bias, gamma, beta]: [(T, U); 4]) -> ([T; 4], [U; 4]) {
    ([weight.0, bias.0, gamma.0, beta.0], [weight.1, bias.1, gamma.1, beta.1])
}

impl<T, U> Mlp<(T, U)> {
    /// The reverse of [`Mlp::zip`] into pairs.
    pub fn unzip(self) -> (Mlp<T>, Mlp<U>) {
        let (first, second) = self.hidden.into_iter().map(part).unzip();
        let [(a, p), (b, q)] = self.output;
        (Mlp { hidden: first, output: [a, b] }, Mlp { hidden: second, output: [p, q] })
    }
}

impl Network {
    /// He initialisation (2015), normal with variance 2/fan-in; biases zero, batch norms the identity. The
    /// numbers come from `config.seed` and are the same on every device. The weights of the inputs `unseen` (by
    /// index), which no row will move, are zero: a picture that has them must not be judged by chance.
    #[must_use]
    pub fn new(dimension: usize, unseen: &[usize], config: &TrainConfig, device: &Device) -> Self {
        let device = device.burn();
        let he = |layer: usize, inputs: usize, outputs: usize| {
            let mut stream = Stream::new(config.seed, Use::Weights(layer));
            let mut weight = stream.normal(inputs * outputs, (2.0 / inputs as f64).sqrt()); // [inputs, outputs]
            for input in unseen.iter().filter(|_| layer == 0) {
                weight[input * outputs..(input + 1) * outputs].fill(0.0);
            }
            tensor(weight, [inputs, outputs], device)
        };
        let width = config.width;
        let row = |value: f32| Tensor::full([1, width], value, device);
        let hidden = (0..config.layers).map(|layer| {
            let inputs = if layer == 0 { dimension } else { width };
            [he(layer, inputs, width), row(0.0), row(1.0), row(0.0)]
        });
        let output = [he(config.layers, width, 1), Tensor::zeros([1, 1], device)];
        let running = (0..config.layers).map(|_| Statistics { mean: row(0.0), var: row(1.0) }).collect();
        Self { parameters: Mlp { hidden: hidden.collect(), output }, running }
    }

    /// A head that was trained before, in the layout of its file; the reverse of [`Network::read`].
    #[must_use]
    pub fn from_layers(hidden: &[Hidden], output_weight: &[f32], output_bias: f32, device: &Device) -> Self {
        let device = device.burn();
        // A file has [out, in]; turned round here, a weight lies in memory as a fresh one does.
        let weight = |values: &[f32], outputs: usize| {
            let inputs = values.len() / outputs.max(1);
            let turned = (0..values.len()).map(|at| values[at % outputs * inputs + at / outputs]).collect();
            tensor(turned, [inputs, outputs], device)
        };
        let row = |values: &[f32]| tensor(values.to_vec(), [1, values.len()], device);
        let parameters = hidden.iter().map(|layer| {
            let linear = weight(&layer.weight, layer.bias.len());
            [linear, row(&layer.bias), row(&layer.norm_weight), row(&layer.norm_bias)]
        });
        let output = [weight(output_weight, 1), row(&[output_bias])];
        let statistics = |layer: &Hidden| Statistics { mean: row(&layer.running_mean), var: row(&layer.running_var) };
        Self {
            parameters: Mlp { hidden: parameters.collect(), output },
            running: hidden.iter().map(statistics).collect(),
        }
    }

    /// A pass as the finished head does it: `[n, d]` → logits `[n, 1]`, normed by the running statistics.
    #[must_use]
    pub fn infer(&self, mut x: Tensor<2>) -> Tensor<2> {
        for ([weight, bias, gamma, beta], running) in self.parameters.hidden.iter().zip(&self.running) {
            let z = x.matmul(weight.clone()) + bias.clone(); // [n, width]
            let normed = (z - running.mean.clone()) / (running.var.clone() + NORM_EPSILON).sqrt();
            x = leaky_relu(normed * gamma.clone() + beta.clone(), NEGATIVE_SLOPE); // [n, width]
        }
        let [weight, bias] = self.parameters.output.clone();
        x.matmul(weight) + bias // [n, 1]
    }

    /// Lets the running statistics follow a batch's.
    pub fn follow(&mut self, batch: Vec<Statistics>) {
        let blend = |old: &Tensor<2>, new: Tensor<2>| old.clone() * (1.0 - MOMENTUM) + new * MOMENTUM;
        for (running, batch) in self.running.iter_mut().zip(batch) {
            running.mean = blend(&running.mean, batch.mean);
            running.var = blend(&running.var, batch.var);
        }
    }

    /// Reads the tensors back in the layout of the head's file.
    ///
    /// # Errors
    /// [`crate::Error::DeviceFailed`].
    pub async fn read(&self, device: &Device) -> Result<(Vec<Hidden>, Vec<f32>, f32)> {
        let mut hidden = Vec::new();
        for ([weight, bias, gamma, beta], running) in self.parameters.hidden.iter().zip(&self.running) {
            hidden.push(Hidden {
                weight: device.read(weight.clone().transpose()).await?, // [width, in]
                bias: device.read(bias.clone()).await?,
                norm_weight: device.read(gamma.clone()).await?,
                norm_bias: device.read(beta.clone()).await?,
                running_mean: device.read(running.mean.clone()).await?,
                running_var: device.read(running.var.clone()).await?,
            });
        }
        let [weight, bias] = self.parameters.output.clone();
        let weight = device.read(weight.transpose()).await?; // [1, width]
        let bias = device.read(bias).await?;
        Ok((hidden, weight, bias.first().copied().unwrap_or_default()))
    }
}

/// A training pass: `[n, d]` → logits `[n, 1]`, normed by the batch, whose statistics come back without
/// gradients. `masks` has what dropout multiplies each layer's result with, `[n, width]`, without
/// gradients; it is empty where nothing is dropped.
#[must_use]
pub fn forward(parameters: &Mlp<Tensor<2>>, mut x: Tensor<2>, masks: &[Tensor<2>]) -> (Tensor<2>, Vec<Statistics>) {
    let n = x.dims()[0];
    // PyTorch norms by the biased variance and remembers the unbiased one.
    let unbiased = n as f32 / (n.max(2) - 1) as f32;
    let mut statistics = Vec::with_capacity(parameters.hidden.len());
    for (index, [weight, bias, gamma, beta]) in parameters.hidden.iter().enumerate() {
        // Batch norm takes the bias out again, so that the loss does not depend on it; only the running
        // mean, which the finished head subtracts, has to know it.
        let z = x.matmul(weight.clone()); // [n, width]
        let mean = z.clone().mean_dim(0); // [1, width]
        let centred = z - mean.clone(); // [n, width]
        let var = centred.clone().square().mean_dim(0); // [1, width], biased
        let mean = mean.inner() + bias.clone().inner();
        statistics.push(Statistics { mean, var: var.clone().inner() * unbiased });
        let gain = gamma.clone() / (var + NORM_EPSILON).sqrt(); // [1, width]
        let scaled = centred * gain + beta.clone(); // [n, width]
        // LeakyReLU and dropout are one product with numbers that have no gradient: fewer passes over memory
        // than the two operations, backwards above all.
        let slope = scaled.clone().inner().greater_scalar(0.0).float().clamp_min(NEGATIVE_SLOPE);
        let factor = match masks.get(index) {
            Some(mask) => slope * mask.clone(),
            None => slope,
        };
        x = scaled * Tensor::from_inner(factor); // [n, width]
    }
    let [weight, bias] = parameters.output.clone();
    (x.matmul(weight) + bias, statistics) // [n, 1]
}

/// Values, row by row, as a tensor.
#[must_use]
pub fn tensor(values: Vec<f32>, shape: [usize; 2], device: &burn::tensor::Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values, shape), device)
}
