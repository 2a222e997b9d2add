//! The library inside a real browser's worker: `wasm-pack test --headless --chrome` and `--firefox`.
//!
//! The tiny tower and the training recipe run on the CPU and on WebGPU in both browsers. The real model runs on the CPU in
//! both, and on WebGPU in Firefox (lavapipe, seconds a picture); Chromium's software adapter needs
//! minutes for it. `SAFELIGHT_GPU_PICTURES`, read when the test is compiled, says how many of the 16
//! pictures Firefox compares on WebGPU (default 2).
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use common::Golden;
use js_sys::{Function, Promise, Reflect, Uint8Array};
use safelight::clip::pack::{Manifest, PackReader};
use safelight::clip::self_test;
use safelight::clip::vision::VisionTower;
use safelight::cpu::attention::attend;
use safelight::cpu::product::Panels;
use safelight::device::{Device, Kind, Preference};
use safelight::picture::{Limits, Picture};
use safelight::pixels;
use safelight::web::threads;
use safelight::web::webp::Canvas;
use safelight::webp::WebpEncoder;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

const TINY: (&str, &[u8]) = (include_str!("golden/tiny/pack.json"), include_bytes!("golden/tiny/model.safetensors"));
const TINY_GOLDEN: &[u8] = include_bytes!("golden/tiny/goldens.safetensors");
const TOWERS: &[u8] = include_bytes!("golden/text/tiny.safetensors");
/// Towers of ViT-L/14's true widths, two blocks deep.
const L14: &[u8] = include_bytes!("golden/text/l14.safetensors");
const CLIP_GOLDEN: &[u8] = include_bytes!("golden/clip/vit-b16.safetensors");
const PACK: &str = "models/packs/clip-vit-base-patch16-int8";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn request(url: &str) -> Promise;
}

/// A file of the repository; the test runner serves its working directory.
async fn file(path: &str) -> Vec<u8> {
    let origin = Reflect::get(&Reflect::get(&js_sys::global(), &"location".into()).unwrap(), &"origin".into()).unwrap();
    let response = JsFuture::from(request(&format!("{}/{path}", origin.as_string().unwrap()))).await.unwrap();
    let ok = Reflect::get(&response, &"ok".into()).unwrap();
    assert_eq!(ok.as_bool(), Some(true), "{path} is not served");
    let read: Function = Reflect::get(&response, &"arrayBuffer".into()).unwrap().unchecked_into();
    let buffer = JsFuture::from(Promise::from(read.call0(&response).unwrap())).await.unwrap();
    Uint8Array::new(&buffer).to_vec()
}

async fn open(manifest: &str, weights: &[u8], preference: Preference) -> VisionTower {
    safelight::web::kernel::install(); // the library's start function is not run in its tests
    let device = self_test::open(preference).await.unwrap();
    let info = device.info();
    console_log!("{:?}", info);
    assert_eq!(info.kind == Kind::Gpu, preference == Preference::Gpu);
    assert_eq!(info.self_test.is_some(), preference == Preference::Gpu);
    let mut reader = PackReader::new(Manifest::parse(manifest).unwrap(), device).unwrap();
    for chunk in weights.chunks(4 << 20) {
        reader.push(chunk).unwrap();
    }
    reader.finish().unwrap().1.vision
}

async fn compare_tiny(preference: Preference) {
    let golden = Golden::read(TINY_GOLDEN);
    let tower = open(TINY.0, TINY.1, preference).await;
    common::compare_stages(&tower, golden.floats("pixels"), &golden).await;
    common::compare_features(&tower, golden.floats("pixels"), &golden, 0).await;
}

async fn compare_clip(preference: Preference, pictures: usize) {
    let golden = Golden::read(CLIP_GOLDEN);
    let manifest = String::from_utf8(file(&format!("{PACK}/pack.json")).await).unwrap();
    let weights = file(&format!("{PACK}/model.safetensors")).await;
    let tower = open(&manifest, &weights, preference).await;
    drop(weights);
    for (index, name) in golden.names().iter().enumerate().take(pictures) {
        let bytes = file(&format!("tests/golden/clip/pictures/{name}")).await;
        let picture = Picture::decode(&bytes, &Limits::default()).unwrap();
        let start = js_sys::Date::now();
        common::compare_features(&tower, pixels::clip_pixels(&picture, 224), &golden, index).await;
        console_log!("{name}: {} ms", js_sys::Date::now() - start);
    }
}

fn in_firefox() -> bool {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap();
    Reflect::get(&navigator, &"userAgent".into()).unwrap().as_string().unwrap().contains("Firefox")
}

#[wasm_bindgen_test]
async fn the_tiny_tower_on_the_cpu() {
    compare_tiny(Preference::Cpu).await;
}

#[wasm_bindgen_test]
async fn the_tiny_tower_on_webgpu() {
    compare_tiny(Preference::Gpu).await;
}

#[wasm_bindgen_test]
async fn a_gpu_without_timestamps_checks_and_does_not_train() {
    let hide = "
        const own = Object.getOwnPropertyDescriptor(GPUAdapter.prototype, 'features');
        const without = function () { return new Set([...own.get.call(this)].filter((name) => name !== 'timestamp-query')); };
        Object.defineProperty(GPUAdapter.prototype, 'features', { configurable: true, get: without });
        () => Object.defineProperty(GPUAdapter.prototype, 'features', own)";
    let show: Function = js_sys::eval(hide).unwrap().unchecked_into();
    compare_tiny(Preference::Gpu).await;
    let device = Device::open_for_training(Preference::Gpu).await.unwrap();
    show.call0(&JsValue::NULL).unwrap();
    assert_eq!(device.info().kind, Kind::Cpu);
    assert!(device.info().fallback.as_ref().is_some_and(|reason| reason.contains("timestamp-query")));
    let device = Device::open_for_training(Preference::Gpu).await.unwrap();
    assert_eq!(device.info().kind, Kind::Gpu);
}

/// Odd numbers of rows, several panels, chunks that do not divide them, and sums that are taken in blocks, the last one
/// shorter. Sums of 1,028 rounded products differ from exact ones by some 1e-6 of what they sum; one product too few or
/// too many is 1e-3 of it.
fn compare_products() {
    // The last two are large enough for several threads.
    for [m, n, k] in [[1, 8, 4], [3, 16, 12], [5, 8, 516], [9, 24, 1028], [11, 104, 1028], [257, 1016, 12]] {
        let (x, bias): (Vec<f32>, Vec<f32>) = ((0..m * k).map(wave).collect(), (0..n).map(wave).collect());
        let weight: Vec<f32> = (0..n * k).map(|index| wave(index + 5)).collect(); // [n, k]
        let panels = Panels::pack(&weight, n, k).expect("this browser takes no module for the product");
        let got = panels.multiply(&x, &bias, false);
        let quick: Vec<f32> = got.iter().map(|&x| x / (1.0 + (-1.702 * x).exp())).collect();
        assert_close(&panels.multiply(&x, &bias, true), &quick, 1e-5);
        for (at, got) in got.into_iter().enumerate() {
            let (row, column) = (at / n, at % n);
            let factors = x[row * k..][..k].iter().zip(&weight[column * k..][..k]);
            let products = factors.map(|(&a, &b)| f64::from(a) * f64::from(b));
            let expected = f64::from(bias[column]) + products.clone().sum::<f64>();
            let most = 1e-5 * (1.0 + products.map(f64::abs).sum::<f64>());
            let error = (f64::from(got) - expected).abs();
            assert!(error < most, "{m} × {n} × {k} at {at}: {got}, not {expected}");
        }
    }
    assert!(Panels::pack(&[0.0; 28], 7, 4).is_none() && Panels::pack(&[0.0; 48], 8, 6).is_none());
}

/// Against attention as it is written in books, in f64. The kernel's is in f32, and so are its sums of 64 products.
fn compare_attention() {
    for (n, tokens, heads, head, causal) in
        [(1, 1, 1, 8, false), (2, 7, 3, 8, false), (1, 9, 2, 16, true), (2, 50, 4, 64, true)]
    {
        let width = heads * head;
        let [q, k, v] =
            [1, 2, 3].map(|from| (0..n * tokens * width).map(|at| 2.0 * wave(at * from + from)).collect::<Vec<_>>());
        let got =
            attend([&q, &k, &v], tokens, width, heads, causal).expect("this browser takes no module for attention");
        let mut expected = vec![0.0; got.len()];
        for picture_and_head in 0..n * heads {
            let row = |token: usize| {
                let start = (picture_and_head / heads * tokens + token) * width + picture_and_head % heads * head;
                start..start + head
            };
            for token in 0..tokens {
                let seen = if causal { token + 1 } else { tokens };
                let dot = |other| {
                    q[row(token)].iter().zip(&k[row(other)]).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
                };
                let weights: Vec<f64> = (0..seen).map(|other| (dot(other) / (head as f64).sqrt()).exp()).collect();
                let total: f64 = weights.iter().sum();
                for (at, place) in row(token).enumerate() {
                    let sum: f64 =
                        weights.iter().enumerate().map(|(other, weight)| weight * f64::from(v[row(other)][at])).sum();
                    expected[place] = (sum / total) as f32;
                }
            }
        }
        assert_close(&got, &expected, 2e-5);
    }
    assert!(attend([&[0.0; 12]; 3], 1, 12, 2, false).is_none());
}

/// By no more than this, or this part of what is larger than 1.
fn assert_close(got: &[f32], expected: &[f32], most: f32) {
    assert_eq!(got.len(), expected.len());
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= most * expected.abs().max(1.0), "at {at}: {got}, not {expected}");
    }
}

fn wave(index: usize) -> f32 {
    (index as f32 * 0.7).sin()
}

/// Starts one helper, a worker that runs `code` with `module` and `memory`; gives the number of threads.
async fn with_helper(code: &str, patience: u32) -> usize {
    safelight::web::kernel::install();
    let start = format!(
        "const worker = new Worker(URL.createObjectURL(new Blob([`onmessage = ({{ data: {{ module, memory }} }}) => {{ {code} }}`])));
         return new Promise((resolve) => {{
           worker.onmessage = () => resolve({{ count: 1, patience: {patience}, stop: () => worker.terminate() }});
           worker.postMessage({{ module, memory }});
         }});"
    );
    threads::offer_threads(Function::new_with_args("module, memory", &start).unchecked_into());
    threads::start().await
}

/// What `www/helper.ts` does.
const HELPER: &str =
    "const { help } = new WebAssembly.Instance(module, { env: { memory } }).exports; postMessage(0); help();";

#[wasm_bindgen_test]
fn the_kernels_on_one_thread() {
    safelight::web::kernel::install();
    compare_products();
    compare_attention();
}

#[wasm_bindgen_test]
async fn the_kernels_on_two_threads() {
    assert_eq!(with_helper(HELPER, 5_000).await, 2);
    compare_products();
    compare_attention();
    assert_eq!(threads::start().await, 2);
}

/// A helper that claims its chunks and computes none: nothing hangs, nothing is wrong, and one thread goes on.
#[wasm_bindgen_test]
async fn the_kernels_with_a_helper_that_is_lost() {
    let thief = "const words = new Int32Array(memory.buffer, 0, 64);
                 postMessage(0);
                 for (;;) if (Atomics.load(words, 16) > 0) Atomics.sub(words, 16, 1);";
    assert_eq!(with_helper(thief, 100).await, 2);
    // It may come too late for the chunks of one product.
    for _ in 0..20 {
        compare_products();
        if threads::start().await == 1 {
            return;
        }
    }
    panic!("the thief stole nothing");
}

/// No helper came up: the module for threads is not used.
#[wasm_bindgen_test]
async fn the_kernels_without_a_helper() {
    safelight::web::kernel::install();
    let none = "return Promise.resolve({ count: 0, patience: 0, stop() {} })";
    threads::offer_threads(Function::new_with_args("", none).unchecked_into());
    let before = threads::start().await;
    threads::offer_threads(Function::new_with_args("", "throw new Error('refused')").unchecked_into());
    assert_eq!(threads::start().await, before);
    compare_products();
}

#[wasm_bindgen_test]
async fn the_text_tower_on_the_cpu() {
    safelight::web::kernel::install();
    common::text::compare(TOWERS, &Device::cpu(), true).await;
}

#[wasm_bindgen_test]
async fn the_text_tower_on_webgpu() {
    common::text::compare(TOWERS, &Device::open(Preference::Gpu).await.unwrap(), true).await;
}

#[wasm_bindgen_test]
async fn the_towers_of_l14_on_the_cpu() {
    safelight::web::kernel::install();
    common::text::compare(L14, &Device::cpu(), true).await;
}

#[wasm_bindgen_test]
async fn the_towers_of_l14_on_webgpu() {
    common::text::compare(L14, &Device::open(Preference::Gpu).await.unwrap(), true).await;
}

#[wasm_bindgen_test]
async fn the_training_recipe_on_the_cpu() {
    Box::pin(common::recipe::compare(&Device::cpu(), 1e-4)).await;
}

#[wasm_bindgen_test]
async fn the_training_recipe_on_webgpu() {
    Box::pin(common::recipe::compare(&Device::open(Preference::Gpu).await.unwrap(), 1e-3)).await;
}

#[wasm_bindgen_test]
async fn the_browser_writes_webp() {
    let smooth = |width: u32, height: u32| {
        let rgb =
            (0..width * height * 3).map(|index| (index / 3 % width * 200 / width + index / 3 / width) as u8).collect();
        Picture { width, height, rgb, format: "PNG".to_owned() }
    };
    let picture = smooth(64, 48);
    let mut lost = Vec::new();
    for quality in [40, 95] {
        let written = Canvas.recompress(&picture, quality).await.unwrap();
        assert_eq!((written.width, written.height, &*written.format), (64, 48, "WebP"));
        lost.push(written.rgb.iter().zip(&picture.rgb).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>());
    }
    assert!(lost[0] > lost[1] && lost[1] > 0 && lost[0] < 6 * 64 * 48 * 3, "{lost:?}");
    assert_eq!(Canvas.recompress(&smooth(16_400, 1), 80).await, None); // longer than WebP allows
}

#[wasm_bindgen_test]
async fn clip_on_the_cpu() {
    compare_clip(Preference::Cpu, 16).await;
}

#[wasm_bindgen_test]
async fn clip_on_webgpu() {
    if in_firefox() {
        let pictures = option_env!("SAFELIGHT_GPU_PICTURES").map_or(2, |count| count.parse().unwrap());
        compare_clip(Preference::Gpu, pictures).await;
    } else {
        console_log!("not run: this browser's software adapter needs minutes a picture");
    }
}

#[wasm_bindgen_test]
async fn a_software_adapter_is_not_taken_by_itself() {
    let device = self_test::open(Preference::Auto).await.unwrap();
    assert!(device.info().kind == Kind::Cpu && device.info().fallback.is_some(), "{:?}", device.info());
}
