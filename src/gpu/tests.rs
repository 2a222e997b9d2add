//! Every kernel and every way to compute it, over random shapes, against a plain float64 reference. They run on
//! whatever adapter there is; Mesa's lavapipe will do, and without any they fail.

use pollster::block_on;

use super::attention::{Sequences, WALKS, attention};
use super::context::{Adapter, Context};
use super::linear::{Epilogue, TILES, linear};
use super::matrix::Matrix;
use super::rows;
use super::weight::{Format, Weight};
use crate::random::random;

/// Random shapes of every product: what is compiled once computes them all.
const SHAPES: usize = 6;

/// A device with WebGPU's default limits, whatever the adapter could do.
pub fn open() -> Context {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
        .expect("no GPU adapter: install Mesa's software one (Debian: mesa-vulkan-drivers)");
    let (device, queue) = block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    Context::new(Adapter { name: String::new(), software: true }, device, queue)
}

/// Random numbers and shapes, the same in every run.
struct Draw(u64);

impl Draw {
    fn size(&mut self, most: usize) -> usize {
        1 + (random(&mut self.0) % most as u64) as usize
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (random(&mut self.0) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
    }
}

/// A weight in one format: what the device gets, and what it means.
fn weight(gpu: &Context, draw: &mut Draw, format: Format, [outputs, inputs]: [usize; 2]) -> (Weight, Vec<f32>) {
    let values = draw.values(outputs * inputs);
    let (bytes, scales, values): (Vec<u8>, Vec<f32>, Vec<f32>) = match format {
        Format::F32 => (values.iter().flat_map(|value| value.to_le_bytes()).collect(), Vec::new(), values),
        Format::F16 => {
            let halves: Vec<_> = values.iter().map(|&value| half::f16::from_f32(value)).collect();
            let bytes = halves.iter().flat_map(|half| half.to_le_bytes()).collect();
            (bytes, Vec::new(), halves.iter().map(|half| half.to_f32()).collect())
        }
        Format::Int8 => {
            let scales: Vec<f32> = draw.values(outputs).iter().map(|value| (value + 1.5) / 100.0).collect();
            // All of −128…127.
            let integers: Vec<i8> = values.iter().map(|value| (value * 128.0).floor() as i8).collect();
            let means = |(at, &integer): (usize, &i8)| f32::from(integer) * scales[at / inputs];
            let values = integers.iter().enumerate().map(means).collect();
            (integers.iter().map(|integer| integer.cast_unsigned()).collect(), scales, values)
        }
    };
    (Weight::new(gpu, format, [outputs, inputs], &bytes, &scales), values)
}

/// Each value of `got` is within rounding of `expected`, whose second number says how large the summed terms are.
fn assert_rounded(what: &str, got: &[f32], expected: &[(f64, f64)], terms: usize) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (at, (&got, &(expected, size))) in got.iter().zip(expected).enumerate() {
        // The bound of a float32 sum in any order, and a few units for exp and the division.
        let allowed = (terms + 16) as f64 * f64::from(f32::EPSILON) * (size + expected.abs());
        let difference = (f64::from(got) - expected).abs();
        assert!(difference <= allowed, "{what}, value {at}: {got} instead of {expected}");
    }
}

fn read(gpu: &Context, matrix: &Matrix) -> Vec<f32> {
    block_on(gpu.read(matrix)).unwrap()
}

#[test]
fn every_way_to_compute_a_product_agrees_with_the_plain_one() {
    let gpu = open();
    let mut draw = Draw(1);
    let limits = gpu.limits();
    for (index, tile) in TILES.into_iter().enumerate() {
        assert!(tile.fits(&limits), "{}", tile.name());
        for format in [Format::F32, Format::F16, Format::Int8] {
            // A tile compiles in seconds here: each format gets one epilogue, each tile all of them in some format.
            for _ in 0..SHAPES {
                let then = ["nothing", "gelu", "residual"][(index + format as usize) % 3];
                let (n, outputs, inputs) = (draw.size(70), draw.size(150), 4 * draw.size(50));
                let what = format!("{} {} {then} {n}×{inputs}→{outputs}", tile.name(), format.name());
                let x = draw.values(n * inputs);
                let (device_weight, w) = weight(&gpu, &mut draw, format, [outputs, inputs]);
                let bias = (then != "nothing" || index % 2 == 0).then(|| draw.values(outputs));
                let residual = draw.values(n * outputs);
                let device_bias = bias.as_ref().map(|bias| gpu.floats("bias", bias));
                let device_residual = gpu.upload(&residual, outputs);
                let epilogue = match then {
                    "gelu" => Epilogue::QuickGelu,
                    "residual" => Epilogue::Add(&device_residual),
                    _ => Epilogue::Nothing,
                };
                let y = linear(&gpu, tile, &gpu.upload(&x, inputs), &device_weight, device_bias.as_ref(), epilogue);
                let expected: Vec<_> = (0..n * outputs)
                    .map(|at| {
                        let (row, column) = (at / outputs, at % outputs);
                        let terms = (0..inputs)
                            .map(|k| f64::from(x[row * inputs + k]) * f64::from(w[column * inputs + k]))
                            .chain(bias.as_ref().map(|bias| f64::from(bias[column])));
                        let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
                        match then {
                            "gelu" => (sum / (1.0 + (-1.702 * sum).exp()), size),
                            "residual" => (sum + f64::from(residual[at]), size + 1.0),
                            _ => (sum, size),
                        }
                    })
                    .collect();
                assert_rounded(&what, &read(&gpu, &y), &expected, inputs);
            }
        }
    }
}

#[test]
fn every_way_to_compute_attention_agrees_with_the_plain_one() {
    let gpu = open();
    let mut draw = Draw(2);
    for walk in WALKS {
        for causal in [false, true] {
            for tokens in [1, 77, draw.size(90), draw.size(90)] {
                let (n, heads, head) = (draw.size(2), draw.size(3), 4 * draw.size(16));
                let width = heads * head;
                let what = format!("{} {n}×{tokens} tokens, {heads} heads of {head}, causal {causal}", walk.name());
                // Scores of a few units, so that the softmax is neither flat nor one-hot.
                let qkv: Vec<f32> = draw.values(n * tokens * 3 * width).iter().map(|value| value * 2.0).collect();
                let y = attention(&gpu, walk, &gpu.upload(&qkv, 3 * width), Sequences { tokens, heads, causal });
                let value = |row: usize, part: usize, at: usize| f64::from(qkv[row * 3 * width + part * width + at]);
                let mut expected = Vec::new();
                for row in 0..n * tokens {
                    let first = row / tokens * tokens;
                    let keys = if causal { row + 1 - first } else { tokens };
                    for at in 0..width {
                        let start = at / head * head;
                        let score = |key: usize| -> f64 {
                            let terms = (start..start + head).map(|d| value(row, 0, d) * value(first + key, 1, d));
                            terms.sum::<f64>() / (head as f64).sqrt()
                        };
                        let shares: Vec<f64> = (0..keys).map(|key| score(key).exp()).collect();
                        let total: f64 = shares.iter().sum();
                        let sum: f64 = (0..keys).map(|key| shares[key] * value(first + key, 2, at)).sum();
                        expected.push((sum / total, 8.0)); // a score's rounding, of a few units, is in the exponent
                    }
                }
                assert_rounded(&what, &read(&gpu, &y), &expected, head + keys_of(tokens));
            }
        }
    }
}

/// Terms that a softmax sums.
fn keys_of(tokens: usize) -> usize {
    tokens
}

#[test]
fn layer_norm_agrees_with_the_plain_one() {
    let gpu = open();
    let mut draw = Draw(3);
    for width in [4, 64, 768, 1024, 4 * draw.size(400)] {
        let n = draw.size(40);
        // A mean far from zero: the sum of squares minus the square of the sum would lose everything.
        let x: Vec<f32> = draw.values(n * width).iter().map(|value| value + 1000.0).collect();
        let (scale, shift) = (draw.values(width), draw.values(width));
        let y = rows::layer_norm(&gpu, &gpu.upload(&x, width), &gpu.floats("", &scale), &gpu.floats("", &shift));
        let mut expected = Vec::new();
        for row in x.chunks(width) {
            let mean = row.iter().map(|&value| f64::from(value)).sum::<f64>() / width as f64;
            let variance = row.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / width as f64;
            let norm = |(&value, (scale, shift)): (&f32, (&f32, &f32))| {
                let normed = (f64::from(value) - mean) / (variance + 1e-5).sqrt();
                // The mean of values near 1000 is exact to their spacing.
                (normed * f64::from(*scale) + f64::from(*shift), 100.0)
            };
            expected.extend(row.iter().zip(scale.iter().zip(&shift)).map(norm));
        }
        assert_rounded(&format!("{n}×{width}"), &read(&gpu, &y), &expected, 16);
    }
}

#[test]
fn means_of_patches_agree_with_the_plain_ones_and_leave_the_class_token_out() {
    let gpu = open();
    let mut draw = Draw(7);
    for _ in 0..SHAPES {
        let (n, tokens, width) = (draw.size(5), 1 + draw.size(250), 4 * draw.size(80));
        let mut x = draw.values(n * tokens * width);
        let mut expected = Vec::new();
        for picture in x.chunks_mut(tokens * width) {
            picture[..width].fill(1e6); // what must not be in the mean
            for column in 0..width {
                let patches = || picture[width..].iter().skip(column).step_by(width).map(|&value| f64::from(value));
                let of_one = 1.0 / (tokens - 1) as f64;
                expected.push((patches().sum::<f64>() * of_one, patches().map(f64::abs).sum::<f64>() * of_one));
            }
        }
        let y = rows::patch_means(&gpu, &gpu.upload(&x, width), tokens);
        assert_eq!((y.rows(), y.width()), (n, width));
        assert_rounded(&format!("{n}×{tokens}×{width}"), &read(&gpu, &y), &expected, tokens);
    }
}

#[test]
fn patches_tokens_and_gathered_rows_are_exact() {
    let gpu = open();
    let mut draw = Draw(4);
    for _ in 0..SHAPES {
        let (n, grid, patch, width) = (draw.size(4), draw.size(5), 2 * draw.size(7), 4 * draw.size(20));
        let what = format!("{n} pictures of {grid}×{grid} patches of {patch}, width {width}");
        let side = grid * patch;
        let pixels = draw.values(n * 3 * side * side);
        let got = read(&gpu, &rows::patches(&gpu, &gpu.upload(&pixels, 3 * side * side), side, patch));
        let mut expected = Vec::new();
        for (picture, place) in (0..n).flat_map(|picture| (0..grid * grid).map(move |place| (picture, place))) {
            for channel in 0..3 {
                for (y, x) in (0..patch).flat_map(|y| (0..patch).map(move |x| (y, x))) {
                    let (row, column) = (place / grid * patch + y, place % grid * patch + x);
                    expected.push(pixels[((picture * 3 + channel) * side + row) * side + column]);
                }
            }
        }
        assert_eq!(got, expected, "{what}");

        let tokens = grid * grid + 1;
        let (patches, class, position) =
            (draw.values(n * (tokens - 1) * width), draw.values(width), draw.values(tokens * width));
        let (on_device, class_buffer) = (gpu.upload(&patches, width), gpu.floats("", &class));
        let hidden = rows::tokens(&gpu, &on_device, &class_buffer, &gpu.floats("", &position), tokens);
        let mut expected = Vec::new();
        for picture in patches.chunks((tokens - 1) * width) {
            let all = class.iter().chain(picture);
            expected.extend(all.zip(&position).map(|(value, place)| value + place));
        }
        assert_eq!(read(&gpu, &hidden), expected, "{what}");

        let length = draw.size(tokens); // of a text, which may be shorter than there are positions
        let words = draw.values(n * length * width);
        let texts = rows::positions(&gpu, &gpu.upload(&words, width), &gpu.floats("", &position), length);
        let placed = words.iter().zip(position[..length * width].iter().cycle()).map(|(value, place)| value + place);
        assert_eq!(read(&gpu, &texts), placed.collect::<Vec<_>>(), "{what}");

        // Every other row of y is gathered, from any row of hidden; those between stay as they are.
        let gathered: Vec<usize> = (0..draw.size(6)).map(|_| draw.size(n * tokens) - 1).collect();
        let y = gpu.upload(&vec![-1.0; 2 * gathered.len() * width], width);
        rows::gather(&gpu, &hidden, &gathered, &y, 2, 1);
        for (at, row) in read(&gpu, &y).chunks(width).enumerate() {
            let source = (at % 2 == 1).then(|| gathered[at / 2]);
            let whole = source.map_or(vec![-1.0; width], |source| expected[source * width..][..width].to_vec());
            assert_eq!(row, whole, "{what}, row {at}");
        }
    }
}

#[test]
fn weights_side_by_side_are_one_weight() {
    let gpu = open();
    let mut draw = Draw(5);
    for format in [Format::F32, Format::F16, Format::Int8] {
        let parts: Vec<_> = [3, 8, 5].map(|outputs| weight(&gpu, &mut draw, format, [outputs, 12])).into();
        let whole = Weight::stack(&gpu, &parts.iter().map(|(part, _)| part.clone()).collect::<Vec<_>>()).unwrap();
        let x = gpu.upload(&draw.values(2 * 12), 12);
        let product = |weight: &Weight| read(&gpu, &linear(&gpu, TILES[0], &x, weight, None, Epilogue::Nothing));
        let (together, apart) = (product(&whole), parts.iter().map(|(part, _)| product(part)).collect::<Vec<_>>());
        for row in 0..2 {
            let apart: Vec<f32> =
                apart.iter().flat_map(|part| part.chunks(part.len() / 2).nth(row).unwrap().to_vec()).collect();
            assert_eq!(together[row * 16..][..16], apart);
        }
    }
    let mixed = [Format::F32, Format::F16].map(|format| weight(&gpu, &mut draw, format, [4, 4]).0);
    assert!(Weight::stack(&gpu, &mixed).is_none());
}
