//! One step of training: a batch in, the network moved.

use burn::tensor::Tensor;

use super::config::TrainConfig;
use super::loss::{Truth, loss};
use super::network::{Network, forward};
use super::sam::{self, Gradients, Optimiser};

/// What a step is made with.
#[derive(Debug, Clone)]
pub struct Minibatch {
    /// `[n, d]`, on a device with gradients, generated rows first.
    pub features: Tensor<2>,
    /// Labels and weights of the rows.
    pub truth: Truth,
    /// What dropout multiplies each hidden layer with, `[n, width]`, on the device without gradients; empty
    /// where nothing is dropped.
    pub masks: Vec<Tensor<2>>,
}

/// A network and its optimiser.
pub struct Learner {
    /// What is learnt.
    pub network: Network,
    /// With its moments.
    pub optimiser: Optimiser,
}

impl Learner {
    /// Before the first step.
    #[must_use]
    pub fn new(config: &TrainConfig, network: Network) -> Self {
        Self { optimiser: Optimiser::new(config, &network.parameters), network }
    }

    /// The gradients on a batch, where the network is and at SAM's neighbour.
    #[must_use]
    pub fn gradients(&self, config: &TrainConfig, batch: &Minibatch) -> Gradients {
        sam::gradients(&self.network.parameters, config.sam_rho, &|parameters| {
            let (logits, statistics) = forward(parameters, batch.features.clone(), &batch.masks);
            (loss(&config.loss, &logits, &batch.truth), statistics)
        })
    }

    /// One step of `AdamW` under SAM. Returns the batch's loss before it, `[1]`, not read back.
    pub fn step(&mut self, config: &TrainConfig, batch: &Minibatch, rate: f64) -> Tensor<1> {
        let gradients = self.gradients(config, batch);
        self.network.follow(gradients.statistics);
        self.network.parameters = self.optimiser.step(self.network.parameters.clone(), gradients.second, rate);
        gradients.loss
    }
}
