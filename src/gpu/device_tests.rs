//! Buffers that are kept, what a device complains about, and kernels that it cannot run.

use pollster::block_on;

use super::attention::Walk;
use super::context::Context;
use super::linear::{TILES, Tile};
use super::matrix::Matrix;
use super::tests::open;
use super::tuning::race::Races;
use super::tuning::trial::ProductTrial;
use super::weight::{Format, Product};
use crate::{Error, Result};

impl Context {
    /// Asks for more workgroups than any device has.
    pub fn record_too_much(&self) {
        let x = self.matrix(1, 4);
        let code = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n\
                    @compute @workgroup_size(1) fn main() { x[0] = 1.0; }";
        let pipeline = self.pipeline("too much", || code.to_owned());
        self.record(&pipeline, &[(0, x.buffer.buffer())], [1 << 30, 1 << 30, 1]);
        self.submit();
    }
}

#[test]
fn a_second_pass_allocates_nothing() {
    let gpu = open();
    let x = gpu.upload(&[1.0; 64], 16);
    let buffer = |matrix: &Matrix| matrix.buffer.buffer().clone();
    let first = buffer(&gpu.matrix(4, 16));
    assert!(first == buffer(&gpu.matrix(4, 16)) && first != buffer(&x));
}

#[test]
fn passes_of_two_sizes_take_turns_and_allocate_nothing() {
    let gpu = open();
    let pass = |rows: usize| {
        gpu.begin();
        let matrix = gpu.matrix(rows, 16);
        matrix.buffer.buffer().clone()
    };
    let first = [4, 8].map(pass);
    for _ in 0..3 {
        assert!([4, 8].map(pass) == first);
    }
}

#[test]
fn what_is_not_used_for_long_is_given_back() {
    let gpu = open();
    let pass = |rows: usize| {
        gpu.begin();
        let matrix = gpu.matrix(rows, 1 << 14); // 64 KiB a row
        matrix.buffer.buffer().clone()
    };
    let large = pass(1 << 11); // 128 MiB, the most
    let small = pass(1);
    pass(2);
    assert!(pass(1) == small, "a little is kept");
    assert!(pass(1 << 11) != large, "together they are more than is kept");
}

#[test]
fn what_the_device_complains_about_is_an_error_until_it_is_forgiven() {
    let gpu = open();
    let x = gpu.upload(&[1.0; 16], 16);
    let failed = |result: Result<Vec<f32>>| matches!(result, Err(Error::DeviceFailed { device: "GPU", .. }));
    drop(gpu.matrix(1 << 20, 1 << 12)); // 16 GiB
    assert!(failed(block_on(gpu.read(&x))) && failed(block_on(gpu.read(&x))));
    assert!(gpu.forgive() && !gpu.forgive());
    assert_eq!(block_on(gpu.read(&x)), Ok(vec![1.0; 16]));
    gpu.record_too_much();
    assert!(failed(block_on(gpu.read(&x))));
}

#[test]
fn a_repeated_kernel_runs_as_often_on_the_same_data() {
    let gpu = open();
    let x = gpu.upload(&[0.0; 4], 4);
    let code = "@group(0) @binding(0) var<storage, read_write> x: array<f32>;\n\
                @compute @workgroup_size(1) fn main() { x[0] += 1.0; }";
    let pipeline = gpu.pipeline("count", || code.to_owned());
    gpu.record(&pipeline, &[(0, x.buffer.buffer())], [1, 1, 1]);
    gpu.repeat(4);
    assert_eq!(block_on(gpu.read(&x)), Ok(vec![5.0, 0.0, 0.0, 0.0]));
}

#[test]
fn a_wiped_buffer_holds_no_earlier_result() {
    let gpu = open();
    drop(gpu.upload(&[1.0; 16], 16));
    gpu.wipe();
    assert_eq!(block_on(gpu.read(&gpu.matrix(1, 16))), Ok(vec![0.0; 16]));
}

#[test]
fn a_kernel_that_cannot_run_does_not_win() {
    let gpu = open();
    let impossible = Tile { lanes: [64, 64], ..TILES[0] };
    assert!(!impossible.fits(&gpu.limits()));
    let trial = ProductTrial::new(&gpu, Product { shape: [64, 64], format: Format::F32 }, 8);
    let timed = block_on(Races::start(&gpu).race(5000.0, &[TILES[0], impossible], &trial)).unwrap();
    assert_eq!(timed.iter().map(|&(_, tile)| tile).collect::<Vec<_>>(), [TILES[0]]);
    let wide = Walk { shared: Some(16), lanes: 64, queries: 1 };
    assert!(wide.fits(&gpu.limits(), 64) && !wide.fits(&gpu.limits(), 256));
}
