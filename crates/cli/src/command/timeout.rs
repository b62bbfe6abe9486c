//! `--timeout`: a fixed time, or a share of what tasks usually take.

use divvy_engine::process::GoOn;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// Longest time of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Timeout {
    /// As long as it takes.
    #[default]
    Never,
    /// Milliseconds.
    Millis(u64),
    /// Percent of the median of the tasks that ended well here so far.
    Percent(u32),
}

/// Tasks that have to end well before a share of their median limits others.
const ENOUGH: u64 = 3;
/// How often a running task is held against the median, which moves.
const LOOK_EVERY_NS: u64 = 200_000_000;

/// The limit on this node.
#[derive(Debug)]
pub enum Limit {
    /// None.
    Never,
    /// Nanoseconds.
    Fixed(u64),
    /// Percent of a median.
    Share(u32, Mutex<Median>),
}

impl Limit {
    /// No time has been seen yet.
    pub fn new(timeout: Timeout) -> Limit {
        match timeout {
            Timeout::Never => Limit::Never,
            Timeout::Millis(ms) => Limit::Fixed(ms.saturating_mul(1_000_000)),
            Timeout::Percent(percent) => Limit::Share(percent, Mutex::default()),
        }
    }

    /// A task ended well after this time.
    pub fn learn(&self, run_ns: u64) {
        if let Limit::Share(_, median) = self {
            median.lock().unwrap_or_else(PoisonError::into_inner).add(run_ns);
        }
    }

    /// The limit by now, nanoseconds.
    pub fn now_ns(&self) -> Option<u64> {
        match self {
            Limit::Never => None,
            Limit::Fixed(ns) => Some(*ns),
            Limit::Share(percent, median) => {
                let median = median.lock().unwrap_or_else(PoisonError::into_inner).get()?;
                Some((u128::from(median) * u128::from(*percent) / 100).try_into().unwrap_or(u64::MAX))
            }
        }
    }

    /// Whether a task of this age may go on.
    pub fn go_on(&self, age_ns: u64) -> GoOn {
        let look_again = match self {
            Limit::Share(..) => age_ns.saturating_add(LOOK_EVERY_NS),
            Limit::Fixed(_) => u64::MAX,
            Limit::Never => return GoOn::Always,
        };
        match self.now_ns() {
            Some(limit) if age_ns >= limit => GoOn::TimedOut,
            limit => GoOn::Until(look_again.min(limit.unwrap_or(u64::MAX))),
        }
    }
}

/// Buckets of a factor of two: a median is known to 1/32.
const FINE: u32 = 5;

/// The median of any number of times, in a histogram of buckets that grow with what they hold.
#[derive(Debug)]
pub struct Median {
    counts: Box<[u64; 64 << FINE]>,
    total: u64,
}

impl Default for Median {
    fn default() -> Median {
        Median { counts: Box::new([0; 64 << FINE]), total: 0 }
    }
}

impl Median {
    fn add(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
    }

    fn get(&self) -> Option<u64> {
        if self.total < ENOUGH {
            return None;
        }
        let mut below = 0;
        let found = self.counts.iter().position(|count| {
            below += count;
            2 * below >= self.total
        });
        found.map(top)
    }
}

fn bucket(ns: u64) -> usize {
    let log = ns.max(1).ilog2();
    let fine = (u128::from(ns.max(1)) << FINE >> log) as u64 & ((1 << FINE) - 1);
    ((u64::from(log) << FINE) | fine) as usize
}

/// The largest time of a bucket: a limit made of it is rather too long than too short.
fn top(bucket: usize) -> u64 {
    let (log, fine) = (bucket as u32 >> FINE, (bucket & ((1 << FINE) - 1)) as u128);
    let next = (((1u128 << FINE) + fine + 1) << log).div_ceil(1 << FINE);
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_median_limits_once_three_have_ended() {
        let limit = Limit::new(Timeout::Percent(200));
        limit.learn(1_000_000);
        limit.learn(1_000_000_000);
        assert_eq!(limit.go_on(u64::MAX - LOOK_EVERY_NS), GoOn::Until(u64::MAX));
        limit.learn(3_000_000);
        let now = limit.now_ns().unwrap();
        assert!((6_000_000..6_200_000).contains(&now), "{now}");
        assert_eq!((limit.go_on(0), limit.go_on(now)), (GoOn::Until(now), GoOn::TimedOut));
        assert_eq!(Limit::new(Timeout::Never).go_on(u64::MAX), GoOn::Always);
        assert_eq!(Limit::new(Timeout::Millis(5)).go_on(1), GoOn::Until(5_000_000));
    }

    #[test]
    fn every_time_is_in_its_bucket() {
        for ns in [0, 1, 2, 31, 32, 33, 1_000, 123_456_789, u64::MAX / 3, u64::MAX] {
            let (top, at) = (top(bucket(ns)), ns.max(1));
            assert!(top >= at && u128::from(top) * 32 <= u128::from(at) * 34 + 64, "{ns} {top}");
        }
    }
}
