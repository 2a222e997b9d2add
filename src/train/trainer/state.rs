//! A run on its way to disk and back. A resumed run goes on as one that was never interrupted, to the bit
//! on the CPU.
//!
//! One safetensors file, all F32; `NAME` is `hidden.I.weight | bias | gamma | beta` or `output.weight | bias`:
//!
//! | tensors | what |
//! |---|---|
//! | `parameter.NAME` | weights `[in, out]`, else `[1, out]` |
//! | `moment1.NAME`, `moment2.NAME` | `AdamW`'s, absent before the first step |
//! | `running.I.mean`, `running.I.var` | batch norms' statistics, `[1, width]` |
//! | `sum` | of the losses of the epoch's finished steps, `[1, 1]` |
//!
//! The metadata's key `safelight-training` holds [`About`] as JSON. Random numbers need no state: they are
//! functions of the seed and of the step (`streams`).

use std::collections::HashMap;

use burn::optim::{AdamWState, AdaptiveMomentumState};
use burn::tensor::Tensor;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::learner::Learner;
use super::network::{Mlp, Network, Statistics, tensor};
use super::{SoFar, Trainer};
use crate::device::Device;
use crate::train::data::dataset::Dataset;
use crate::{Error, Result};

/// Version of this format.
const FORMAT: u32 = 1;

/// Key of the metadata.
const METADATA: &str = "safelight-training";

/// What is not a tensor.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    format: u32,
    config: TrainConfig,
    /// Of the dataset's features, labels and weights.
    data: String,
    dimension: usize,
    so_far: SoFar,
    /// `AdamW`'s steps.
    time: usize,
}

impl Trainer {
    /// Everything needed to go on after a break, between any two steps.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`].
    pub async fn state(&self) -> Result<Vec<u8>> {
        let mut tensors = Vec::new();
        let put = |name: String, value: &Tensor<2>| (name, value.clone());
        tensors.extend(network(&self.learner.network).map(|(name, value)| put(name, &value)));
        let mut time = 0;
        for (name, state) in
            names(self.learner.network.parameters.hidden.len()).iter().zip(self.learner.optimiser.moments.iter())
        {
            let Some(AdamWState { momentum }) = state else { continue };
            time = momentum.time;
            tensors.push(put(format!("moment1.{name}"), &momentum.moment_1));
            tensors.push(put(format!("moment2.{name}"), &momentum.moment_2));
        }
        tensors.push(("sum".to_owned(), self.sum.clone().reshape([1, 1])));
        let about = About {
            format: FORMAT,
            config: self.config.clone(),
            data: fingerprint(&self.data, &self.config),
            dimension: self.data.dimension,
            so_far: self.so_far.clone(),
            time,
        };
        let mut stored = Vec::with_capacity(tensors.len());
        for (name, value) in tensors {
            let shape = value.dims();
            let values = self.device.read(value).await?;
            stored.push((name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>()));
        }
        let views = stored
            .iter()
            .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
        let json = serde_json::to_string(&about).map_err(|error| refuse(error.to_string()))?;
        let metadata = HashMap::from([(METADATA.to_owned(), json)]);
        let bytes = views.and_then(|views| safetensors::serialize(views, Some(metadata)));
        bytes.map_err(|error| refuse(error.to_string()))
    }

    /// Goes on from [`Trainer::state`] with the same data.
    ///
    /// # Errors
    /// [`Error::TrainState`] where the bytes are no such state, or one of other data.
    pub fn resume(data: Dataset, state: &[u8], device: &Device) -> Result<Self> {
        data.validate()?;
        let (_, metadata) = SafeTensors::read_metadata(state).map_err(|error| refuse(error.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|map| map.get(METADATA));
        let json = json.ok_or_else(|| refuse("it holds something else".to_owned()))?;
        let about: About = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        if about.format != FORMAT {
            return Err(refuse(format!("its format is {}, this version reads {FORMAT}", about.format)));
        }
        about.config.validate()?;
        if about.dimension != data.dimension || about.data != fingerprint(&data, &about.config) {
            return Err(refuse("it was trained on other pictures".to_owned()));
        }
        let file = SafeTensors::deserialize(state).map_err(|error| refuse(error.to_string()))?;
        let reader = Reader { file, device: device.burn(), layers: about.config.layers, dimension: data.dimension };
        let mut learner = Learner::new(&about.config, reader.network()?);
        if about.time > 0 {
            let first = reader.parameters("moment1")?;
            learner.optimiser.moments = first.zip(reader.parameters("moment2")?, |moment_1, moment_2| {
                Some(AdamWState::new(AdaptiveMomentumState::new(about.time, moment_1, moment_2)))
            });
        }
        let mut trainer = Self::assemble(data, about.config, device, learner);
        trainer.sum = reader.take("sum", Some([1, 1]))?.reshape([1]);
        trainer.so_far = about.so_far;
        Ok(trainer)
    }
}

/// Names of the parameters, in the order of [`Mlp::iter`].
fn names(layers: usize) -> Vec<String> {
    let hidden =
        (0..layers).flat_map(|index| ["weight", "bias", "gamma", "beta"].map(|name| format!("hidden.{index}.{name}")));
    hidden.chain(["weight", "bias"].map(|name| format!("output.{name}"))).collect()
}

/// A network's tensors by name.
fn network(network: &Network) -> impl Iterator<Item = (String, Tensor<2>)> {
    let names = names(network.parameters.hidden.len()).into_iter().map(|name| format!("parameter.{name}"));
    let running = network.running.iter().enumerate().flat_map(|(index, statistics)| {
        [("mean", &statistics.mean), ("var", &statistics.var)]
            .map(|(name, value)| (format!("running.{index}.{name}"), value.clone()))
    });
    names.zip(network.parameters.iter().cloned()).chain(running)
}

/// 64 bits of FNV-1a, by words, over what is trained on.
fn fingerprint(data: &Dataset, config: &TrainConfig) -> String {
    let weights = data.weighted(config.weighting);
    let rows = data.generated.iter().map(|&generated| u32::from(generated));
    let words = data.features.bits().map(u32::from).chain(weights.iter().map(|weight| weight.to_bits())).chain(rows);
    let hash = words.fold(0xCBF2_9CE4_8422_2325_u64, |hash, word| {
        (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01B3).rotate_left(23)
    });
    format!("{hash:016x}")
}

/// Takes tensors of known shapes out of a state.
struct Reader<'a> {
    file: SafeTensors<'a>,
    device: &'a burn::tensor::Device,
    layers: usize,
    dimension: usize,
}

impl Reader<'_> {
    fn network(&self) -> Result<Network> {
        let parameters = self.parameters("parameter")?;
        let layers = parameters.hidden.iter().enumerate();
        let running = layers.map(|(index, [_, bias, ..])| {
            let take = |name: &str| self.take(&format!("running.{index}.{name}"), Some(bias.dims()));
            Ok(Statistics { mean: take("mean")?, var: take("var")? })
        });
        Ok(Network { running: running.collect::<Result<_>>()?, parameters })
    }

    fn parameters(&self, prefix: &str) -> Result<Mlp<Tensor<2>>> {
        let mut inputs = self.dimension;
        let mut hidden = Vec::new();
        for index in 0..self.layers {
            let name = |name: &str| format!("{prefix}.hidden.{index}.{name}");
            let bias = self.take(&name("bias"), None)?;
            let width = bias.dims()[1];
            let take = |part: &str, shape: [usize; 2]| self.take(&name(part), Some(shape));
            hidden.push([
                take("weight", [inputs, width])?,
                bias,
                take("gamma", [1, width])?,
                take("beta", [1, width])?,
            ]);
            inputs = width;
        }
        let output = |name: &str, rows: usize| self.take(&format!("{prefix}.output.{name}"), Some([rows, 1]));
        Ok(Mlp { hidden, output: [output("weight", inputs)?, output("bias", 1)?] })
    }

    fn take(&self, name: &str, shape: Option<[usize; 2]>) -> Result<Tensor<2>> {
        let view = self.file.tensor(name).map_err(|_| Error::TensorMissing { name: name.to_owned() })?;
        let expected = shape.map_or_else(|| vec![1, view.shape().last().copied().unwrap_or(0)], |shape| shape.to_vec());
        let (&[rows, columns], Dtype::F32) = (view.shape(), view.dtype()) else {
            return Err(refuse(format!("the tensor {name} is not as it was written")));
        };
        if [rows, columns] != expected[..] {
            return Err(Error::TensorShape { name: name.to_owned(), expected, got: view.shape().to_vec() });
        }
        let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
        if values.iter().all(|value| value.is_finite()) {
            Ok(tensor(values, [rows, columns], self.device))
        } else {
            Err(Error::NotFinite { name: format!("The tensor {name}") })
        }
    }
}

fn refuse(message: String) -> Error {
    Error::TrainState { message }
}
