//! A device, and what is known of our kernels on it.

use std::collections::HashMap;
use std::sync::Mutex;

use super::choices::Choices;
use crate::gpu::context::Context;
use crate::gpu::lock::lock;

/// A device with the kernels that were chosen for it. Shared by everything that computes on it.
#[derive(Debug)]
pub struct Tuned {
    /// The device.
    pub context: Context,
    choices: Mutex<Choices>,
    /// Which kernels were right, and which were not, when they were asked.
    answers: Mutex<HashMap<String, bool>>,
    /// Milliseconds that choosing has taken.
    spent: Mutex<f64>,
}

impl Tuned {
    /// The device, for which nothing is chosen yet.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self { context, choices: Mutex::default(), answers: Mutex::default(), spent: Mutex::default() }
    }

    /// What was chosen for this device.
    #[must_use]
    pub fn choices(&self) -> Choices {
        lock(&self.choices).clone()
    }

    /// Uses what was chosen for this device.
    pub fn choose(&self, choices: Choices) {
        *lock(&self.choices) = choices;
    }

    /// Whether a kernel was right, where it was asked in this session.
    #[must_use]
    pub fn answer(&self, kernel: &str) -> Option<bool> {
        lock(&self.answers).get(kernel).copied()
    }

    /// Remembers whether a kernel was right.
    pub fn remember(&self, kernel: String, right: bool) {
        lock(&self.answers).insert(kernel, right);
    }

    /// Milliseconds that choosing has taken in this session, for all towers.
    #[must_use]
    pub fn spent(&self) -> f64 {
        *lock(&self.spent)
    }

    /// Counts milliseconds of choosing.
    pub fn spend(&self, ms: f64) {
        *lock(&self.spent) += ms;
    }

    /// Lets choosing take its whole time again, for the bench.
    pub fn renew(&self) {
        *lock(&self.spent) = 0.0;
    }
}
