//! What the CPU path adds to burn-flex.

pub mod product;
