//! Elapsed time, natively and in a browser (where `std::time::Instant` panics).

#[cfg(target_arch = "wasm32")]
mod performance {
    use wasm_bindgen::prelude::wasm_bindgen;

    #[wasm_bindgen]
    extern "C" {
        /// Milliseconds, monotonic, in pages and workers alike; as fine as the browser lets a page measure.
        #[wasm_bindgen(js_namespace = performance)]
        pub fn now() -> f64;
    }
}

/// A moment to measure from.
#[derive(Debug, Clone, Copy)]
pub struct Clock(#[cfg(not(target_arch = "wasm32"))] std::time::Instant, #[cfg(target_arch = "wasm32")] f64);

impl Clock {
    /// Now.
    #[must_use]
    pub fn start() -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        return Self(std::time::Instant::now());
        #[cfg(target_arch = "wasm32")]
        return Self(performance::now());
    }

    /// Milliseconds since [`Clock::start`].
    #[must_use]
    pub fn ms(self) -> f64 {
        #[cfg(not(target_arch = "wasm32"))]
        return self.0.elapsed().as_secs_f64() * 1e3;
        #[cfg(target_arch = "wasm32")]
        return performance::now() - self.0;
    }
}
