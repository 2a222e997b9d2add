//! What a head is worth on pictures that it never saw.
//!
//! | file | holds |
//! |---|---|
//! | `folds` | whole sources, dealt out to folds |
//! | `logistic` | logistic regression, for calibration and for the audit |
//! | `limits` | calibration and thresholds from held-out logits |
//! | `held_out` | verdicts from what the other folds say |
//! | `judged` | every figure of the pictures of one tier |
//! | `report` | how those figures are told |

pub mod folds;
pub(super) mod held_out;
pub mod judged;
pub mod limits;
pub(super) mod logistic;
pub mod report;
