//! What a worker may queue for.

use crate::error::{Error, require_not_negative};

/// Share of those present at a [`Station::Batch`] who are in the batch being written. A half would be right if all came
/// back at once; two thirds if they came evenly during a write of constant length. Fitted to simulations.
pub(crate) const SHARE_WRITTEN: f64 = 0.625;

/// A station of a closed network. Times are seconds per round of a worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Station {
    /// One server: a lock, a single writer. With `n` workers a visit takes `base + growth * n`.
    Serial {
        /// Seconds of a visit that do not depend on the number of workers.
        base: f64,
        /// Seconds that each active worker adds to every visit: what makes throughput peak. 0 for most things.
        growth: f64,
    },
    /// Several equal servers with one queue: cores.
    Servers {
        /// Seconds of one server that a visit takes.
        demand: f64,
        /// How many there are, at least 1.
        servers: u32,
    },
    /// One server that takes all who wait at once: a store whose commit is shared by what came during the last one.
    ///
    /// Its rate with j present is taken as that of a batch of five eighths of j, the others waiting for the next one.
    /// In simulations of commits of constant length that is within 5 % wherever workers think for as long as a commit
    /// takes or longer. Workers that come back at once fall in step, and commits of exponential length are worse than
    /// their mean: there it is up to a fifth too high.
    Batch {
        /// Seconds that a batch takes whatever its size (the fsync).
        flush: f64,
        /// Seconds that each member adds.
        item: f64,
        /// The largest batch, at least 1.
        size_max: u32,
    },
}

impl Station {
    /// Refuses what is no time and no server.
    pub(super) fn check(&self) -> Result<(), Error> {
        let (times, servers) = match *self {
            Station::Serial { base, growth } => ([base, growth], 1),
            Station::Servers { demand, servers } => ([demand, 0.0], servers),
            Station::Batch { flush, item, size_max } => ([flush, item], size_max),
        };
        for time in times {
            require_not_negative("a station's time", time)?;
        }
        let must = "at least 1";
        if servers == 0 { Err(Error::Invalid { what: "a station's size", value: 0.0, must }) } else { Ok(()) }
    }

    /// Seconds of a visit of a worker who is alone there, `n` being active in all.
    pub(super) fn alone(&self, n: u32) -> f64 {
        match *self {
            Station::Serial { base, growth } => base + growth * f64::from(n),
            Station::Servers { demand, .. } => demand,
            Station::Batch { flush, item, .. } => flush + item,
        }
    }

    /// Visits that end per second while `present` workers are there, `n` being active in all.
    pub(super) fn rate(&self, present: u32, n: u32) -> f64 {
        match *self {
            Station::Serial { .. } => 1.0 / self.alone(n),
            Station::Servers { demand, servers } => f64::from(present.min(servers)) / demand,
            Station::Batch { flush, item, size_max } => {
                let size = (SHARE_WRITTEN * f64::from(present)).clamp(1.0, f64::from(size_max));
                size / (flush + item * size)
            }
        }
    }
}
