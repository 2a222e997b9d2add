//! CLIP: configuration, weight files, and the image tower over a small set of operations.
//!
//! | file | holds |
//! |---|---|
//! | `config` | the sizes of a model, and which tensors it needs |
//! | `pack` | the manifest of a model pack; reading its weight file in pieces |
//! | `weights` | one tensor: number type → f32 → device |
//! | `ops` | linear, layer norm, attention, QuickGELU, patches |
//! | `vision` | the image tower |
//! | `self_test` | does this device compute what the CPU computes? |

pub mod config;
mod ops;
pub mod pack;
pub mod self_test;
pub mod vision;
pub mod weights;
