//! What the CPU path adds to burn-flex.

pub mod attention;
pub mod kernel;
pub mod places;
pub mod product;
pub mod shares;
pub mod split;
