//! What the page loads when somebody trains: the library with its feature `train`, whose exports to JavaScript are
//! those of `safelight::web`. The page's first module, the library without that feature, is a quarter of its size,
//! compressed.

pub use safelight;
