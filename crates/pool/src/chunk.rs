//! How many tasks a worker takes at once, from how long its last chunk took.
//!
//! Two forces: a chunk should last about `chunk_target`, so that taking it costs nothing; and no chunk may hold more
//! than a small share of what is left, so that a cliff from short to long tasks leaves little stuck behind one worker.
//! How long a chunk should last depends on what starting one costs, which may differ from feed to feed: a [`Grain`].

use crate::Config;
use std::time::Duration;

/// How large the chunks of a feed should be, where that differs from the pool's own measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grain {
    /// How long a chunk should take: long against what starting one costs its worker.
    pub target: Duration,
    /// Tasks in one chunk, at least, as long as that many are there: for tasks that are cheaper together. They cannot
    /// be stolen from each other, so it should be no more than it has to be. 0 means 1.
    pub least: u32,
    /// Tasks in one chunk, at most. 0 means 1.
    pub most: u32,
}

impl Grain {
    pub(crate) fn of(config: &Config) -> Grain {
        Grain { target: config.chunk_target, least: 1, most: config.chunk_max }
    }
}

/// A feed's limits, which all workers share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    least: u32,
    chunk_max: u32,
    target_ns: u64,
    /// A chunk is at most one such part of its word: two for each worker, as in guided self-scheduling.
    parts: u32,
}

impl Limits {
    pub(crate) fn of(grain: Grain, workers: usize) -> Limits {
        let (least, chunk_max) = (grain.least.max(1), grain.most.max(1));
        let parts = u32::try_from(workers).unwrap_or(u32::MAX).saturating_mul(2);
        Limits { least, chunk_max, target_ns: nanos(grain.target), parts }
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
        self.chunk.min(remaining / limits.parts).max(limits.least).min(remaining)
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
