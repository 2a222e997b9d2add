//! Making a head: a labelled folder's features in, a head with honest figures out. Nothing here sees
//! a pixel.
//!
//! | file | holds |
//! |---|---|
//! | `labels`, `names`, `metadata` | which pictures of a folder are real, generated, of which source |
//! | `set` | labelled pictures with facts and features under every treatment |
//! | `duplicates`, `audit` | pictures that are there twice; what facts alone give away |
//! | `dataset` | rows of features with labels and sources |
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
//! | `validation`, `logistic` | folds over sources; calibration and thresholds from held-out logits |
//! | `held_out`, `judged` | verdicts from what the other folds say; the figures of a tier |
//! | `report` | what is reported of a training |
//! | `session` | folds, the head that is kept, the report |

pub mod audit;
mod batches;
pub mod config;
pub mod dataset;
pub mod duplicates;
mod held_out;
pub mod judged;
pub mod labels;
pub mod learner;
mod logistic;
pub mod loss;
mod metadata;
pub mod names;
pub mod network;
pub mod report;
pub mod sam;
pub mod session;
pub mod set;
pub mod speed;
mod state;
mod streams;
pub mod trainer;
pub mod validation;
