//! How many tasks a worker takes at once, from how long its last chunk took.
//!
//! Two forces: a chunk should last about `chunk_target`, so that taking it costs nothing; and no chunk may hold more
//! than a small share of what is left, so that a cliff from short to long tasks leaves little stuck behind one worker.

use crate::Config;
use std::time::Duration;

/// The limits that all workers share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    chunk_max: u32,
    target_ns: u64,
    /// A chunk is at most one such part of its word: two for each worker, as in guided self-scheduling.
    parts: u32,
}

impl Limits {
    pub(crate) fn of(config: &Config) -> Limits {
        let target_ns = nanos(config.chunk_target);
        let parts = u32::try_from(config.workers).unwrap_or(u32::MAX).saturating_mul(2);
        Limits { chunk_max: config.chunk_max, target_ns, parts }
    }
}

/// The chunk size of one worker in one feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizer {
    chunk: u32,
}

impl Sizer {
    /// Nothing is known of the feed's tasks yet, and the first might take an hour: start with one.
    pub(crate) fn new() -> Sizer {
        Sizer { chunk: 1 }
    }

    /// How many tasks to take from a word that holds `remaining` (at least one).
    pub(crate) fn size(self, limits: Limits, remaining: u32) -> u32 {
        self.chunk.min(remaining / limits.parts).max(1)
    }

    /// Learns that `n` tasks took that long.
    pub(crate) fn learn(&mut self, limits: Limits, n: u32, took: Duration) {
        let took_ns = nanos(took);
        if took_ns > limits.target_ns {
            // Straight to what fits: halving step by step would run twelve long chunks after a cliff.
            let fits = u128::from(n) * u128::from(limits.target_ns) / u128::from(took_ns);
            self.chunk = (fits as u32).max(1);
        } else if took_ns < limits.target_ns / 2 && n >= self.chunk {
            // A chunk cut short by the end of its word says nothing about a longer one.
            self.chunk = self.chunk.saturating_mul(2).min(limits.chunk_max);
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
#[path = "chunk_tests.rs"]
mod tests;
