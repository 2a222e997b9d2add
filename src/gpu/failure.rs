//! What the device complains about. An operation that is invalid, or has no memory, is dropped without a word to whoever
//! asked for it: buffers then hold zeros, or the last picture's values, and wgpu's own handler panics.

use std::sync::{Arc, Mutex};

use super::lock::lock;
use crate::{Error, Result};

/// The first complaint, until it is forgiven.
#[derive(Debug, Clone, Default)]
pub struct Failure(Arc<Mutex<Option<String>>>);

impl Failure {
    /// Hears what `device` complains about from now on.
    pub fn hear(&self, device: &wgpu::Device) {
        let heard = self.clone();
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&heard.0).get_or_insert_with(|| one_line(&error.to_string()));
        }));
    }

    /// Whether there was none.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`].
    pub fn check(&self) -> Result<()> {
        lock(&self.0).clone().map_or(Ok(()), |message| Err(failed(message)))
    }

    /// Forgets it; `false` where there was none.
    pub fn forgive(&self) -> bool {
        lock(&self.0).take().is_some()
    }
}

/// [`Error::DeviceFailed`] of a GPU.
pub fn failed(message: String) -> Error {
    Error::DeviceFailed { device: "GPU", message }
}

/// wgpu writes an error and its causes as a paragraph.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
