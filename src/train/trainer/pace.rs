//! How often a run waits for its device.

use crate::clock::Clock;

/// How many steps may be queued on the device before it is waited for: enough to keep it busy, few enough
/// that a stop is heard soon and that the queue's memory has a bound.
pub(super) struct Pace {
    clock: Clock,
    every: usize,
    queued: usize,
}

impl Pace {
    pub fn start() -> Self {
        Self { clock: Clock::start(), every: 1, queued: 0 }
    }

    /// Counts a step; whether to wait now.
    pub fn step(&mut self) -> bool {
        self.queued += 1;
        self.queued >= self.every
    }

    /// Aims at a wait about every quarter of a second.
    pub fn waited(&mut self) {
        let ms = self.clock.ms();
        if ms < 125.0 {
            self.every *= 2;
        } else if ms > 500.0 {
            self.every = (self.every / 2).max(1);
        }
        self.queued = 0;
        self.clock = Clock::start();
    }
}
