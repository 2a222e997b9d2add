//! Our own WebGPU kernels for the frozen towers: WGSL over wgpu, for any device with WebGPU's default limits.
//!
//! | file | holds |
//! |---|---|
//! | `context` | the device; kernels compiled once, recorded, submitted together |
//! | `failure` | what the device complains about |
//! | `signal`, `lock` | a callback as a future; a lock that is never poisoned |
//! | `pool` | buffers for activations, given back and used again |
//! | `matrix`, `weight` | activations; weights as they lie in their file, and their products |
//! | `source` | a kernel's file → WGSL: constants, unrolled lines |
//! | `linear`, `attention`, `rows` | the kernels, each with its file in `wgsl/` |
//! | `tuning` | which way of computing a product is fastest here, and right |
//! | `speed` | kernels beside what the device can do; natively, for the bench |

pub mod attention;
pub mod context;
#[cfg(test)]
mod device_tests;
mod failure;
pub mod linear;
mod lock;
pub mod matrix;
mod pool;
pub mod rows;
mod signal;
mod source;
#[cfg(feature = "native")]
pub mod speed;
#[cfg(test)]
mod tests;
pub mod tuning;
pub mod weight;

pub use context::Context;
