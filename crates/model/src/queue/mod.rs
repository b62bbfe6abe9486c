//! Open queues: how long work waits, how much of it waits, and how many servers that takes.
//!
//! Arrivals are random and independent of how full the queue is. Where workers come back only when served, the closed
//! networks of [`crate::mva`] are the right model: there nothing ever overflows.

mod mgc;
mod mmc;
mod table;

pub use mgc::Mgc;
pub use mmc::{Mmc, servers_for};
pub use table::{Row, table};

/// Little's law: how many are present on average, `rate * time`, whatever the distributions.
///
/// `rate` per second, `time` in seconds from coming to leaving. Little, "A proof for the queuing formula L = lambda W",
/// 1961.
#[must_use]
pub fn little(rate: f64, time: f64) -> f64 {
    rate * time
}
