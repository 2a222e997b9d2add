//! Ways to compute one thing, against the clock.

use crate::clock::Clock;
use crate::gpu::context::Context;
use crate::{Error, Result};

/// A measurement shorter than this, in milliseconds, says more about the clock and the queue than about the kernel.
pub const LEAST_MS: f64 = 8.0;

/// Runs of a measurement at most.
const MOST_RUNS: usize = 512;

/// What a race is about: one product, or attention.
pub trait Trial<W> {
    /// Computes a small part of it, so that the kernel is compiled and a slow one is known before it runs for long.
    /// Gives how many times longer the whole takes at most.
    async fn probe(&self, gpu: &Context, way: W) -> Result<f64>;

    /// Whether its kernel is there already.
    fn is_compiled(&self, gpu: &Context, way: W) -> bool;

    /// Computes it into buffers that hold no earlier result, and gives whether this one is right.
    async fn is_right(&self, gpu: &Context, way: W) -> Result<bool>;

    /// Records the one kernel that computes it, and reads nothing.
    fn run(&self, gpu: &Context, way: W);

    /// How much kernel there is to compile: multiply-adds of floats in its innermost loop.
    fn length(&self, way: W) -> f64;
}

/// Races on one device, one after another against one clock.
pub struct Races<'a> {
    gpu: &'a Context,
    clock: Clock,
    /// Milliseconds of compiling for each unit of length, as seen so far.
    slowness: f64,
}

impl<'a> Races<'a> {
    pub fn start(gpu: &'a Context) -> Self {
        Self { gpu, clock: Clock::start(), slowness: 0.0 }
    }

    /// Kernels of another kind follow, whose compiling the ones so far say nothing about.
    pub fn change_kind(&mut self) {
        self.slowness = 0.0;
    }

    /// Milliseconds since the start.
    pub fn ms(&self) -> f64 {
        self.clock.ms()
    }

    /// Tries `ways` until the clock shows `until`, and gives those that are right with their milliseconds, the fastest
    /// first. A kernel takes the longer to compile the more of it there is, on a software adapter seconds: one that would
    /// not be ready in time is not begun. Nor is one measured that a small part of the work shows to be too slow for the
    /// time that is left.
    ///
    /// # Errors
    /// [`Error::DeviceFailed`] where the device was lost, and where no way gives the right result.
    pub async fn race<W: Copy>(&mut self, until: f64, ways: &[W], trial: &impl Trial<W>) -> Result<Vec<(f64, W)>> {
        let mut times: Vec<(f64, W)> = Vec::new();
        for &way in ways {
            match self.attempt(until, times.is_empty(), way, trial).await {
                Ok(ms) => times.extend(ms.map(|ms| (ms, way))),
                // What one way asks of the device in vain, another may not ask.
                Err(error) if !self.gpu.forgive() => return Err(error),
                Err(_) => (),
            }
        }
        if times.is_empty() {
            return Err(none_right());
        }
        times.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(times)
    }

    /// Milliseconds of one way; `None` where it is wrong, or not worth the time. The first one always is: there must be one.
    async fn attempt<W: Copy>(
        &mut self,
        until: f64,
        is_first: bool,
        way: W,
        trial: &impl Trial<W>,
    ) -> Result<Option<f64>> {
        let gpu = self.gpu;
        let compiling = if trial.is_compiled(gpu, way) { 0.0 } else { self.slowness * trial.length(way) };
        if !is_first && self.clock.ms() + compiling > until {
            return Ok(None);
        }
        let start = Clock::start();
        trial.probe(gpu, way).await?;
        let compiled = start.ms();
        let times_longer = trial.probe(gpu, way).await?;
        let probed = start.ms() - compiled;
        self.slowness = self.slowness.max((compiled - probed) / trial.length(way));
        if !is_first && self.clock.ms() + 2.0 * probed * times_longer > until {
            return Ok(None);
        }
        if !trial.is_right(gpu, way).await? {
            return Ok(None);
        }
        time(gpu, || trial.run(gpu, way)).await.map(Some)
    }
}

/// No way gives the right result.
pub fn none_right() -> Error {
    Error::DeviceFailed { device: "GPU", message: "every kernel gives a wrong result on it".to_owned() }
}

/// Milliseconds of one run, from as many as it takes to be sure. `run` records one kernel; its data are bound once, so that
/// what is measured is the device.
///
/// # Errors
/// [`Error::DeviceFailed`].
pub async fn time(gpu: &Context, run: impl Fn()) -> Result<f64> {
    let mut runs = 1;
    loop {
        let clock = Clock::start();
        run();
        gpu.repeat(runs - 1);
        gpu.wait().await?;
        let ms = clock.ms();
        if ms >= LEAST_MS || runs >= MOST_RUNS {
            return Ok(ms / runs as f64);
        }
        runs *= 8;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use pollster::block_on;

    use super::*;
    use crate::gpu::tests::open;

    /// A way that is a number of milliseconds, and wrong where that is odd.
    struct Sleep {
        /// Whole runs.
        runs: Cell<usize>,
    }

    impl Trial<u64> for Sleep {
        async fn probe(&self, _: &Context, way: u64) -> Result<f64> {
            std::thread::sleep(Duration::from_millis(way / 10));
            Ok(10.0)
        }

        fn is_compiled(&self, _: &Context, _: u64) -> bool {
            false
        }

        async fn is_right(&self, gpu: &Context, way: u64) -> Result<bool> {
            self.run(gpu, way);
            Ok(way.is_multiple_of(2))
        }

        fn run(&self, _: &Context, way: u64) {
            self.runs.set(self.runs.get() + 1);
            std::thread::sleep(Duration::from_millis(way));
        }

        fn length(&self, _: u64) -> f64 {
            1.0
        }
    }

    #[test]
    fn the_fastest_right_way_wins_and_wrong_ones_are_out() {
        let (gpu, trial) = (open(), Sleep { runs: Cell::new(0) });
        let times = block_on(Races::start(&gpu).race(5000.0, &[30, 5, 10, 20], &trial)).unwrap();
        assert_eq!(times.iter().map(|&(_, way)| way).collect::<Vec<_>>(), [10, 20, 30]);
        let none = block_on(Races::start(&gpu).race(5000.0, &[5, 7], &trial));
        assert_eq!(none, Err(none_right()));
    }

    #[test]
    fn a_slow_way_is_probed_and_not_run() {
        let (gpu, trial) = (open(), Sleep { runs: Cell::new(0) });
        let times = block_on(Races::start(&gpu).race(1000.0, &[20, 2000], &trial)).unwrap();
        assert_eq!((times.len(), trial.runs.get()), (1, 2), "one run to look at the result, one to measure");
    }
}
