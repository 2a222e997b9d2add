//! What the CPU path adds to burn-flex.

pub mod attention;
pub mod kernel;
pub mod places;
pub mod product;
#[cfg(feature = "native")]
pub mod quick_gelu;
pub mod shares;
pub mod split;
