//! What happens in memory: an atomic addition, and locks.

use super::{Cost, Stretches};
use anyhow::Result;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::time::Instant;

const ALONE: Stretches = Stretches { count: 101, acts: 10_000 };
/// Long enough for threads that have been started one after the other to meet.
const SHARED: Stretches = Stretches { count: 31, acts: 100_000 };

/// An addition that other threads see.
pub(super) fn atomic() -> Cost {
    let counter = AtomicU64::new(0);
    let times = ALONE.time(|| {
        black_box(&counter).fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    Cost::new("atomic add", "one thread adds to a number that others may read", times.unwrap_or_default())
}

/// A lock that nobody else wants.
pub(super) fn lock_alone() -> Cost {
    let lock = Mutex::new(0u64);
    let times = ALONE.time(|| {
        *black_box(&lock).lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Ok(())
    });
    Cost::new("lock", "taken and given back where nobody else wants it", times.unwrap_or_default())
}

/// A lock that a thread on each processor wants all the time: what one of them spends on it.
pub(super) fn lock_shared() -> Result<Cost> {
    let threads = std::thread::available_parallelism()?.get().max(2);
    let times = (0..SHARED.count).map(|_| shared_stretch(threads)).collect();
    Ok(Cost::new("lock contended", "the same where a thread on each processor wants it", times))
}

/// Seconds of a thread for each time that it has the lock.
fn shared_stretch(threads: usize) -> f64 {
    let (lock, start) = (Mutex::new(0u64), Barrier::new(threads));
    let work = || {
        start.wait();
        let begun = Instant::now();
        for _ in 0..SHARED.acts {
            *lock.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        begun.elapsed().as_secs_f64() / f64::from(SHARED.acts)
    };
    let times = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().map(|thread| thread.join().expect("counting does not panic")).collect::<Vec<_>>()
    });
    times.iter().sum::<f64>() / times.len() as f64
}
