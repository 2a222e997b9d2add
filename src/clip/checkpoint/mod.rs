//! From a Hugging Face `CLIPModel` checkpoint to a model pack, in a stream: one row of one tensor is held
//! at a time (in int8, one tensor), whatever the size of the file.
//!
//! | file | holds |
//! |---|---|
//! | `config` | `config.json` → the shape of the model |
//! | `index` | `model.safetensors.index.json` → the files of a checkpoint in parts |
//! | `plan` | the files' headers → what is read, in which order, and the pack's own header |
//! | `rows` | one tensor's rows, in the pack's number type |
//! | `converter` | the checkpoint's bytes in, the pack's bytes out |
//! | `source_hash` | is a file the one that was published? |
//! | `own_tokenizer` | the `tokenizer.json` that a checkpoint brings |
//!
//! The headers are read first, so a checkpoint that does not fit is refused, by the tensor's name, before
//! anything is written. The same bytes always give the same pack, so a conversion that was interrupted
//! goes on from what it had written.

mod config;
mod converter;
mod index;
mod own_tokenizer;
mod plan;
mod rows;
mod source_hash;

pub use config::read_config;
pub use converter::{Converter, Piece};
pub use index::files_of_index;
pub use own_tokenizer::{TOKENIZER, own_tokenizer};
pub use plan::{Part, Plan, Precision};
pub use source_hash::SourceHash;
