//! What a pool is started with.

use std::time::Duration;

/// The bounds and sizes of a pool. [`Config::default`] is what production runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Threads, 1 to 65 536. Default: as many as the machine runs in parallel.
    pub workers: usize,
    /// Live feeds at once, 1 to 65 536; a further [`Pool::feed`](crate::Pool::feed) is refused with
    /// [`Error::Full`](crate::Error::Full). Default 64.
    pub feeds_max: usize,
    /// Tasks in one chunk, at most; at least 1. Default 4096.
    pub chunk_max: u32,
    /// How long a chunk should take: long against the some 50 ns that taking it costs, short against everything
    /// a person or a neighbour waits for. Not zero. Default 16 us.
    pub chunk_target: Duration,
    /// Threads are called `name-0`, `name-1`, ...; no NUL bytes. Default `divvy`. Linux shows the first 15 bytes.
    pub name: String,
}

/// More threads than any machine runs, fewer than a mistyped number.
const WORKERS_MAX: usize = 1 << 16;
/// Workers scan live feeds one by one.
const FEEDS_MAX: usize = 1 << 16;

impl Default for Config {
    fn default() -> Config {
        Config {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            feeds_max: 64,
            chunk_max: 4096,
            chunk_target: Duration::from_micros(16),
            name: "divvy".into(),
        }
    }
}

impl Config {
    /// Says everything that is wrong with it, at once.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with one sentence for each problem.
    pub fn validate(&self) -> Result<(), crate::Error> {
        let checks = [
            ((1..=WORKERS_MAX).contains(&self.workers), "workers: between 1 and 65536"),
            ((1..=FEEDS_MAX).contains(&self.feeds_max), "feeds_max: between 1 and 65536"),
            (self.chunk_max > 0, "chunk_max: at least 1"),
            (!self.chunk_target.is_zero(), "chunk_target: more than zero"),
            (!self.name.contains('\0'), "name: without NUL bytes"),
        ];
        let problems: Vec<&'static str> =
            checks.iter().filter(|(fine, _)| !fine).map(|&(_, problem)| problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(crate::Error::Config(problems)) }
    }
}

#[cfg(all(test, not(loom)))]
#[path = "config_tests.rs"]
mod tests;
