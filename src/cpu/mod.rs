//! What the CPU path adds to burn-flex.

pub mod places;
pub mod product;
pub mod shares;
pub mod split;
