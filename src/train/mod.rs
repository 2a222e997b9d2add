//! Making a head: a labelled folder's features in, a head with honest figures out. Nothing here sees
//! a pixel.
//!
//! | folder | holds | uses |
//! |---|---|---|
//! | `data` | labelled pictures, their facts, features and weights | |
//! | `validation` | folds, calibration, thresholds, figures | `data` |
//! | `trainer` | the recipe: hyper-parameters, loss, SAM, epochs | `data` |
//! | `audit` | what facts and captions alone give away | `data`, `validation`, `trainer` |
//! | `session` | folds, the head that is kept, the report | all of them |
//! | `curve` | what a head gains from a few pictures of a new source | `data`, `trainer` |

pub mod audit;
pub mod curve;
pub mod data;
pub mod session;
pub mod trainer;
pub mod validation;
