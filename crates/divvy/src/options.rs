//! How a store is opened and a node is run.

use crate::error::{Error, Result};
use std::time::Duration;

pub use divvy_store::sqlite::Durability;

/// How [`Divvy::open_with`](crate::Divvy::open_with) opens, and how every run of it behaves. The defaults are safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Worker threads of each run, 1 to 1 000. Default: one for each core.
    pub workers: usize,
    /// What an acknowledged operation survives. Default: power loss.
    pub durability: Durability,
    /// How long tasks that run may go on after a stop, and results may be taken. Default: 10 s.
    pub grace: Duration,
    /// Mean delay before a failed task's second attempt; it doubles with each further one. Default: 100 ms.
    pub retry_first: Duration,
    /// Longest mean delay between two attempts. Default: 30 s.
    pub retry_longest: Duration,
}

const WORKERS_MAX: usize = 1_000;

impl Default for Options {
    fn default() -> Options {
        Options {
            workers: std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX),
            durability: Durability::Fsync,
            grace: Duration::from_secs(10),
            retry_first: Duration::from_millis(100),
            retry_longest: Duration::from_secs(30),
        }
    }
}

impl Options {
    /// Says everything that is wrong, at once.
    ///
    /// # Errors
    /// [`Error::Options`].
    pub fn validate(&self) -> Result<()> {
        let checks = [
            (!(1..=WORKERS_MAX).contains(&self.workers), "workers: between 1 and 1000"),
            (self.retry_first > self.retry_longest, "retry_first: not longer than retry_longest"),
        ];
        let problems: Vec<_> = checks.into_iter().filter_map(|(wrong, why)| wrong.then_some(why)).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::Options(problems)) }
    }

    pub(crate) fn retry_ms(&self) -> (u64, u64) {
        (self.retry_first.as_millis() as u64, self.retry_longest.as_millis() as u64)
    }
}
