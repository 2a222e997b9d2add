//! Safelight tells whether a picture was made by a diffusion model, on the reader's own device.
//!
//! Two flows run through this library, each in one direction:
//!
//! ```text
//! bytes ─ picture ─ pixels ─ clip ─ features ─ head ─ verdict      (check)
//! labelled folder ─ features ─ audit ─ trainer ─ head ─ report     (train)
//! ```
//!
//! `train` never sees a pixel; `clip` never sees a head; only `web` knows JavaScript; only `device`
//! knows which backend runs. Nothing here reads a tensor synchronously, so the terminal and the
//! browser run the same code.

pub mod clip;
mod clock;
pub mod cpu;
pub mod detector;
pub mod device;
pub mod error;
pub mod extractor;
pub mod features;
mod gpu;
pub mod head;
mod hex;
#[cfg(feature = "train")]
pub mod metrics;
pub mod picture;
pub mod pixels;
pub mod progress;
mod random;
#[cfg(feature = "train")]
pub mod train;
pub mod treatment;
#[cfg(target_arch = "wasm32")]
pub mod web;
pub mod webp;

pub use error::{Error, Result};
