//! Making a head: a labelled folder's features in, a head with honest figures out. Nothing here sees
//! a pixel.
//!
//! | file | holds |
//! |---|---|
//! | `labels`, `metadata` | which pictures of a folder are real, generated, of which source |
//! | `dataset` | features, labels and sources of pictures |
//! | `config` | hyper-parameters and the presets |
//! | `batches` | which rows make a step |
//! | `loss` | `CVaR` of the cross-entropy, and the AUC loss |
//! | `network` | the MLP with gradients |
//! | `sam` | sharpness-aware minimisation around `AdamW` |
//! | `learner` | a batch in, the network moved |
//! | `streams` | random numbers that are a function of where they are used |
//! | `trainer` | epochs, the best of them, the finished tensors |
//! | `state` | a run on its way to disk and back |
//! | `speed` | how fast it trains, for the bench |
//! | `validation` | grouped folds; calibration and thresholds from sources not trained on |

mod batches;
pub mod config;
pub mod dataset;
pub mod labels;
pub mod learner;
pub mod loss;
mod metadata;
pub mod network;
pub mod sam;
pub mod speed;
mod state;
mod streams;
pub mod trainer;
pub mod validation;
