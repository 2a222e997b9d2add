//! Locks that are never poisoned: nothing that holds one panics halfway.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the mutex guards.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
