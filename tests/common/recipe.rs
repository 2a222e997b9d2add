//! The training recipe against `PyTorch`, on whichever device: `tests/reference_train.py` made the goldens.

use burn::tensor::Tensor;
use safelight::device::Device;
use safelight::head::file::Hidden;
use safelight::train::trainer::config::TrainConfig;
use safelight::train::trainer::learner::{Learner, Minibatch};
use safelight::train::trainer::loss::Truth;
use safelight::train::trainer::network::{Mlp, Network, tensor};

use super::Golden;

const GOLDEN: &[u8] = include_bytes!("../golden/train/recipe.safetensors");
const D: usize = 24;
const ROWS: usize = 32;
const GENERATED: usize = 14;
const BATCHES: usize = 5;
const STEPS: usize = 20;

/// Loss, both gradients, and the network after 20 steps of SAM. `tolerance` is relative to the largest
/// value of each tensor: the reference is float64, and both devices compute in float32.
pub async fn compare(device: &Device, tolerance: f32) {
    let golden = Golden::read(GOLDEN);
    let config = TrainConfig { dropout: 0.0, width: 16, ..TrainConfig::paper() };
    let even = vec![1.0; ROWS];
    let check = |what: &str, got: &[f32]| assert_relative(what, got, &golden.floats(what), tolerance);

    let learner = Learner::new(&config, network(&golden, "before", device));
    for (name, weights) in [("even", &even), ("weighted", &golden.floats("weights"))] {
        let gradients = learner.gradients(&config, &batch(&golden, 0, weights, device));
        check(&format!("{name}.loss"), &device.read(gradients.loss).await.unwrap());
        for (pass, gradient) in [("first", gradients.first), ("second", gradients.second)] {
            for (part, values) in parts(gradient, device).await {
                check(&format!("{name}.{pass}.{part}"), &values);
            }
        }
    }

    let mut learner = learner;
    let mut losses = Vec::new();
    for step in 0..STEPS {
        let batch = batch(&golden, step % BATCHES, &even, device);
        let loss = learner.step(&config, &batch, config.rate(step, STEPS));
        losses.extend(device.read(loss).await.unwrap());
    }
    check("losses", &losses);
    let network = learner.network;
    for (part, values) in parts(network.parameters.clone(), device).await {
        check(&format!("after.{part}"), &values);
    }
    for (index, running) in network.running.iter().enumerate() {
        check(&format!("after.hidden.{index}.norm.running_mean"), &device.read(running.mean.clone()).await.unwrap());
        check(&format!("after.hidden.{index}.norm.running_var"), &device.read(running.var.clone()).await.unwrap());
    }
    let logits = network.infer(features(&golden, 0, device.burn()));
    check("after.logits", &device.read(logits).await.unwrap());
}

fn features(golden: &Golden<'_>, index: usize, device: &burn::tensor::Device) -> Tensor<2> {
    let all = golden.floats("features"); // [batches, rows, d]
    tensor(all[index * ROWS * D..(index + 1) * ROWS * D].to_vec(), [ROWS, D], device)
}

fn batch(golden: &Golden<'_>, index: usize, weights: &[f32], device: &Device) -> Minibatch {
    let device = device.burn().clone().autodiff();
    let truth = Truth { generated: GENERATED, weights: tensor(weights.to_vec(), [ROWS, 1], &device) };
    Minibatch { features: features(golden, index, &device), truth, masks: Vec::new() }
}

fn network(golden: &Golden<'_>, prefix: &str, device: &Device) -> Network {
    let layer = |index: usize| {
        let take = |part: &str| golden.floats(&format!("{prefix}.hidden.{index}.{part}"));
        Hidden {
            weight: take("linear.weight"),
            bias: take("linear.bias"),
            norm_weight: take("norm.weight"),
            norm_bias: take("norm.bias"),
            running_mean: take("norm.running_mean"),
            running_var: take("norm.running_var"),
        }
    };
    let hidden: Vec<Hidden> = (0..3).map(layer).collect();
    let output = golden.floats(&format!("{prefix}.output.weight"));
    Network::from_layers(&hidden, &output, golden.floats(&format!("{prefix}.output.bias"))[0], device)
}

/// Values of every parameter in `PyTorch`'s layout, by name.
async fn parts(values: Mlp<Tensor<2>>, device: &Device) -> Vec<(String, Vec<f32>)> {
    let mut named = Vec::new();
    for (index, [weight, bias, gamma, beta]) in values.hidden.into_iter().enumerate() {
        let layer = [
            ("linear.weight", weight.transpose()), // [width, in]
            ("linear.bias", bias),
            ("norm.weight", gamma),
            ("norm.bias", beta),
        ];
        named.extend(layer.map(|(part, value)| (format!("hidden.{index}.{part}"), value)));
    }
    let [weight, bias] = values.output;
    named.extend([("output.weight".to_owned(), weight.transpose()), ("output.bias".to_owned(), bias)]);
    let mut read = Vec::new();
    for (name, value) in named {
        read.push((name, device.read(value).await.unwrap()));
    }
    read
}

fn assert_relative(what: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{what}");
    // A hidden bias has no gradient but rounding, and AdamW moves it by 1e-11 there and by 0 here.
    let scale = expected.iter().fold(1e-6_f32, |largest, value| largest.max(value.abs()));
    let largest = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest <= tolerance * scale, "{what}: {largest} off values up to {scale}");
}
