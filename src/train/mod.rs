//! Making a head: a labelled folder's features in, a head with honest figures out. Nothing here sees
//! a pixel.
//!
//! | file | holds |
//! |---|---|
//! | `labels`, `metadata` | which pictures of a folder are real, generated, of which source |
//! | `dataset` | features, labels and sources of pictures |
//! | `loss` | binary cross-entropy, each picture with its weight |
//! | `network` | the MLP with gradients |
//! | `trainer` | epochs, schedule, batches |
//! | `validation` | grouped folds; calibration and thresholds from sources not trained on |

pub mod dataset;
pub mod labels;
mod loss;
mod metadata;
mod network;
pub mod trainer;
pub mod validation;
