//! CLIP: configuration, weight files, and the two towers over a small set of operations.
//!
//! | file | holds |
//! |---|---|
//! | `config` | the sizes of a model, and which tensors it needs |
//! | `header` | the header of a safetensors file |
//! | `checkpoint` | a Hugging Face checkpoint → a pack |
//! | `pack` | the manifest of a model pack; reading its weight file in pieces |
//! | `weights`, `rows` | one tensor, checked, onto the device; the table that stays on the CPU |
//! | `ops` | the fused operations, on the CPU with burn and on a GPU with our own kernels |
//! | `transformer` | the blocks that both towers are made of |
//! | `pace` | how fast a device passes them, and so what is submitted at once |
//! | `tokenizer` | captions to token ids |
//! | `vision`, `text` | the image tower; the text tower |
//! | `self_test` | does this device compute what the CPU computes? |
//! | `speed` | each kernel of a tower beside what the GPU can do; natively, for the bench |

pub mod checkpoint;
pub mod config;
mod header;
mod ops;
mod pace;
pub mod pack;
mod rows;
pub mod self_test;
#[cfg(feature = "native")]
pub mod speed;
pub mod text;
pub mod tokenizer;
mod transformer;
mod values;
pub mod vision;
pub mod weights;

use text::TextTower;
use vision::VisionTower;

use crate::Error;

/// A result that is no number is a GPU's fault: the CPU computes finite values from finite weights and pixels, or says
/// itself that it cannot.
fn blame_gpu(error: Error) -> Error {
    match error {
        Error::NotFinite { name } => {
            Error::DeviceFailed { device: "GPU", message: format!("{name} holds a value that is not a finite number") }
        }
        other => other,
    }
}

/// An open model: its towers on one device.
#[derive(Debug)]
pub struct Clip {
    /// The image tower.
    pub vision: VisionTower,
    /// The text tower, where the pack has one.
    pub text: Option<TextTower>,
}

/// What a tower holds after one of its stages, read back from the device.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Its name in the goldens.
    pub name: String,
    /// `[n, tokens, width]`.
    pub shape: [usize; 3],
    /// Row-major.
    pub values: Vec<f32>,
}
