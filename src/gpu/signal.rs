//! A callback that a future waits for: wgpu calls back, the towers are async.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use super::lock::lock;

/// What the callback said, and who waits for it.
#[derive(Debug)]
struct State<T> {
    said: Option<T>,
    waiting: Option<Waker>,
}

/// A function to be called once, and a future of what it was called with.
pub fn signal<T>() -> (impl FnOnce(T), impl Future<Output = T>) {
    let state = Arc::new(Mutex::new(State { said: None, waiting: None }));
    let heard = state.clone();
    let say = move |value| {
        let waiting = {
            let mut state = lock(&state);
            state.said = Some(value);
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    };
    let hear = poll_fn(move |task| {
        let mut state = lock(&heard);
        state.waiting = Some(task.waker().clone());
        state.said.take().map_or(Poll::Pending, Poll::Ready)
    });
    (say, hear)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_before_and_while_somebody_waits_is_heard() {
        let (say, hear) = signal();
        say(1);
        assert_eq!(pollster::block_on(hear), 1);
        let (say, hear) = signal();
        let speaker = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            say(2);
        });
        assert_eq!(pollster::block_on(hear), 2);
        speaker.join().unwrap();
    }
}
