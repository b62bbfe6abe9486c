//! What a node sets by what it measures, and why: for people, who otherwise see sizes change for no reason.
//!
//! Only changes by more than half are told: below that a setting follows noise, and nobody would read it.

use divvy_core::JobId;
use std::fmt;

/// A setting that follows measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// Tasks of this job to lease at once.
    Lease(JobId),
    /// Longest time from the end of a task to its report, nanoseconds.
    ReportEvery,
}

/// What a size of leases is set by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Nothing is known of the tasks yet.
    Unknown,
    /// So much work is enough for a while.
    Target,
    /// Other workers are to have their share of what is left.
    Share,
    /// Fewer would make the round trip cost too large a share.
    Overhead,
    /// Few tasks have been measured: their mean is not trusted with more.
    Trust,
    /// There is a worker without work for each.
    Idle,
    /// A worker's slot holds no more.
    Most,
}

/// Why a setting is what it is. Times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// The size of leases, by this, of a task's time, as far as that is known, and a round trip's.
    Size {
        /// What it is set by.
        by: Bound,
        /// Mean time of a task.
        task_ns: Option<u64>,
        /// Mean time of a round trip.
        round_trip_ns: u64,
    },
    /// Reports at this pace cost no more than they may, going by a round trip's time.
    Reports {
        /// Mean time of a round trip.
        round_trip_ns: u64,
    },
}

/// A setting that has changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuned {
    /// Which.
    pub what: Knob,
    /// What it was; 0 if it was not set.
    pub from: u64,
    /// What it is.
    pub to: u64,
    /// Why.
    pub why: Why,
}

/// Whether a change is worth a word: by more than half.
pub(crate) fn is_told(from: u64, to: u64) -> bool {
    let (low, high) = (from.min(to), from.max(to));
    u128::from(high) * 2 > u128::from(low) * 3
}

impl fmt::Display for Tuned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tuned { what, from, to, why } = self;
        match what {
            Knob::Lease(job) if *from == 0 => write!(f, "job {job}: leases of {to} tasks: {why}"),
            Knob::Lease(job) => write!(f, "job {job}: leases of {to} tasks instead of {from}: {why}"),
            Knob::ReportEvery => {
                write!(f, "reports every {} instead of {}: {why}", Time(*to), Time(*from))
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Why::Size { by, task_ns, round_trip_ns } => {
                match by {
                    Bound::Unknown => write!(f, "one for each worker, as no task has ended yet")?,
                    Bound::Target => write!(f, "that is work enough for a while")?,
                    Bound::Share => write!(f, "half of what is left, shared among all workers")?,
                    Bound::Overhead => write!(f, "with fewer, round trips would cost too much")?,
                    Bound::Trust => write!(f, "few tasks have been measured so far")?,
                    Bound::Idle => write!(f, "one for each worker that has none")?,
                    Bound::Most => write!(f, "no lease holds more")?,
                }
                match task_ns {
                    Some(task) => {
                        write!(f, " (a task takes {}, a round trip {})", Time(task), Time(round_trip_ns))
                    }
                    None => Ok(()),
                }
            }
            Why::Reports { round_trip_ns } => {
                write!(
                    f,
                    "a round trip takes {}, and may cost a small share of the time",
                    Time(round_trip_ns)
                )
            }
        }
    }
}

/// Nanoseconds in the unit that suits them.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.0 as f64;
        match self.0 {
            0..1_000 => write!(f, "{ns:.0} ns"),
            1_000..1_000_000 => write!(f, "{:.1} us", ns / 1e3),
            1_000_000..1_000_000_000 => write!(f, "{:.1} ms", ns / 1e6),
            _ => write!(f, "{:.1} s", ns / 1e9),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_by_more_than_half_are_told() {
        assert!(!is_told(100, 150) && !is_told(150, 100) && !is_told(7, 7));
        assert!(is_told(100, 151) && is_told(151, 100) && is_told(0, 1) && is_told(1, u64::MAX));
    }

    #[test]
    fn a_change_is_a_sentence() {
        let why = Why::Size { by: Bound::Overhead, task_ns: Some(1_500), round_trip_ns: 300_000 };
        let tuned = Tuned { what: Knob::Lease(JobId(3)), from: 2, to: 10_000, why };
        assert_eq!(
            tuned.to_string(),
            "job 3: leases of 10000 tasks instead of 2: with fewer, round trips would cost too much (a task takes \
             1.5 us, a round trip 300.0 us)"
        );
        let why = Why::Reports { round_trip_ns: 20_000_000 };
        let tuned = Tuned { what: Knob::ReportEvery, from: 100_000_000, to: 1_000_000_000, why };
        assert!(tuned.to_string().starts_with("reports every 1.0 s instead of 100.0 ms: "), "{tuned}");
    }
}
