//! A whole run at once, for those who need nothing between its epochs.

use super::config::TrainConfig;
use super::{Trained, Trainer};
use crate::Result;
use crate::device::Device;
use crate::progress::Progress;
use crate::train::data::dataset::Dataset;

/// A whole run. `progress` is told of every step.
///
/// # Errors
/// As [`Trainer::new`] and [`Trainer::epoch`].
pub async fn train(
    data: &Dataset,
    config: &TrainConfig,
    device: &Device,
    progress: &mut impl Progress,
) -> Result<Trained> {
    let mut trainer = Trainer::new(data.clone(), config.clone(), None, device)?;
    loop {
        let (epoch, epochs) = (trainer.epochs_done(), trainer.config().epochs);
        let mut progress = WithinRun { progress, epoch, epochs };
        if Box::pin(trainer.epoch(&mut progress)).await?.is_none() {
            return Box::pin(trainer.finish()).await;
        }
    }
}

/// Steps of an epoch as steps of the run.
struct WithinRun<'a, P> {
    progress: &'a mut P,
    epoch: usize,
    epochs: usize,
}

impl<P: Progress> Progress for WithinRun<'_, P> {
    fn step(&mut self, done: usize, total: usize) -> bool {
        self.progress.step(self.epoch * total + done, self.epochs * total)
    }

    fn rest(&mut self) -> impl Future<Output = ()> {
        self.progress.rest()
    }
}
