//! A labelled folder, without its pixels.
//!
//! | file | holds |
//! |---|---|
//! | `labels`, `names`, `metadata` | which pictures of a folder are real, generated, of which source |
//! | `set` | labelled pictures with facts, and features under every treatment |
//! | `rows` | numbers in half precision |
//! | `dataset` | rows of features with labels, sources and weights |
//! | `duplicates` | pictures that are there twice |

pub mod dataset;
pub mod duplicates;
pub mod labels;
mod metadata;
pub mod names;
pub mod rows;
pub mod set;
