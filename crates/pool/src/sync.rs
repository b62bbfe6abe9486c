//! The one seam between the pool and its threads, locks and atomics, so that the model checker can replace them all.
//!
//! Every other file names these types through here. Under `--cfg loom` waiting loops shrink to nothing: each turn of
//! such a loop multiplies the interleavings to explore and proves nothing new.

#[cfg(loom)]
pub(crate) use loom::{
    hint::spin_loop,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread,
};

#[cfg(not(loom))]
pub(crate) use std::{
    hint::spin_loop,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread,
};

/// Locks, and goes on where another thread panicked with the lock held: no code of the caller runs under the pool's
/// locks, and each critical section leaves its data whole before it can panic.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// Waits on a condition variable, with the same view of poisoning as [`lock`].
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(|poison| poison.into_inner())
}
