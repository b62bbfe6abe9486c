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

/// Of the times that a thread takes the lock, it has to have found somebody else there at such a share, or the threads did not
/// meet: on a machine that others use they run one after the other, and pay what a lock costs that nobody wants.
const MET: f64 = 0.05;
/// In so many stretches they have to have met.
const MET_STRETCHES: usize = 5;

/// A lock that a thread on each processor wants all the time: what one of them spends on it. `None` if they hardly ever met.
pub(super) fn lock_shared() -> Result<Option<Cost>> {
    let threads = std::thread::available_parallelism()?.get().max(2);
    let stretches: Vec<Shared> = (0..SHARED.count).map(|_| shared_stretch(threads)).collect();
    let times = met(&stretches);
    let cost = times.map(|times| {
        Cost::new("lock contended", "the same where a thread on each processor wants it", times)
    });
    Ok(cost)
}

/// The times of those stretches in which the threads met, if there were enough.
fn met(stretches: &[Shared]) -> Option<Vec<f64>> {
    let times: Vec<f64> = stretches.iter().filter(|one| one.met >= MET).map(|one| one.seconds).collect();
    (times.len() >= MET_STRETCHES).then_some(times)
}

/// A stretch of a thread, or the mean of some.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shared {
    /// Seconds for each time that it had the lock.
    seconds: f64,
    /// The share of times at which somebody else had it.
    met: f64,
}

/// A stretch in which so many threads want the lock.
fn shared_stretch(threads: usize) -> Shared {
    let (lock, start) = (Mutex::new(0u64), Barrier::new(threads));
    let work = || {
        let mut met = 0;
        start.wait();
        let begun = Instant::now();
        for _ in 0..SHARED.acts {
            // As `lock` does it first; who finds it taken is counted while it waits anyway.
            let mut count = lock.try_lock().unwrap_or_else(|_| {
                met += 1;
                lock.lock().unwrap_or_else(PoisonError::into_inner)
            });
            *count += 1;
        }
        let acts = f64::from(SHARED.acts);
        Shared { seconds: begun.elapsed().as_secs_f64() / acts, met: f64::from(met) / acts }
    };
    let all = std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().map(|thread| thread.join().expect("counting does not panic")).collect::<Vec<_>>()
    });
    let mean = |of: fn(&Shared) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    Shared { seconds: mean(|one| one.seconds), met: mean(|one| one.met) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a busy machine it had the price of a lock that nobody else wants.
    #[test]
    fn threads_that_did_not_meet_tell_nothing() {
        let [alone, shared] = [(4e-9, 0.001), (2e-7, 0.3)].map(|(seconds, met)| Shared { seconds, met });
        assert_eq!(met(&[alone; 31]), None);
        assert_eq!(met(&[[alone; 27].as_slice(), &[shared; 4]].concat()), None, "hardly ever");
        assert_eq!(met(&[[alone; 20].as_slice(), &[shared; 11]].concat()), Some(vec![2e-7; 11]));
    }

    #[test]
    fn who_finds_a_lock_taken_is_counted() {
        let one = shared_stretch(1);
        assert!(one.seconds > 0.0 && one.met == 0.0, "{one:?}");
    }
}
