//! How many tasks to lease at once.

use crate::tuned::Bound;

/// What the size of a lease depends on. Times in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Mean time of a task, `None` before the first has ended.
    pub task_ns: Option<f64>,
    /// Tasks that this mean comes from.
    pub seen: u64,
    /// Mean time of a claim and report round trip.
    pub round_trip_ns: f64,
    /// Tasks that could be leased, as of the last reply.
    pub claimable: u64,
    /// Workers of this node, and of all nodes.
    pub workers: u64,
    /// See `workers`.
    pub workers_all: u64,
    /// Workers of this node that have nothing to do.
    pub idle: u64,
}

/// Tasks to ask for, and what that is set by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sized {
    /// How many.
    pub tasks: u64,
    /// By what.
    pub by: Bound,
}

/// The tasks to ask for.
///
/// `min(target, fair share)`, raised until coordination stays under `overhead_max`, and to one for each idle
/// worker. The fair share is half of what is left, in proportion to this node's workers:
/// factoring (Hummel, Schonberg, Flynn, CACM 35(8), 1992) with a node's workers taking their chunks together.
///
/// Raised no further than to a second of work, and near the end no further than to all of this node's share: a node whose
/// processor is mostly somebody else's measures round trips as slow as its tasks, and fifty of those would be what all others
/// wait for at the end. Four round trips' worth is worth a trip in any case.
/// Before the first task has ended it is one for each worker: a first lease of a thousand one-hour tasks would
/// keep every other node idle.
#[must_use]
pub fn lease_size(target_ns: u64, overhead_max: f64, known: &Known) -> Sized {
    let Some(task_ns) = known.task_ns else {
        return Sized { tasks: known.workers.max(1), by: Bound::Unknown };
    };
    // Below a nanosecond the clock's resolution, not the task, would decide.
    let task_ns = task_ns.max(1.0);
    let by_time = target_ns as f64 * known.workers as f64 / task_ns;
    let by_share = known.claimable as f64 * known.workers as f64 / (2.0 * known.workers_all.max(1) as f64);
    let raised = known.round_trip_ns / (overhead_max * task_ns);
    let second = RAISED_NS * known.workers as f64 / task_ns;
    let most = second.min(2.0 * by_share).max(4.0 * known.round_trip_ns / task_ns);
    let least = raised.min(most);
    let by_share = by_share.ceil();
    let (tasks, by) = match by_time.min(by_share) {
        enough if enough < least => (least, Bound::Overhead),
        enough if by_share < by_time => (enough, Bound::Share),
        enough => (enough, Bound::Target),
    };
    // The first tasks to end are the shortest: a mean of a few says little about thousands.
    let trusted = known.seen.saturating_mul(TRUST);
    let (tasks, by) = if tasks as u64 > trusted { (trusted, Bound::Trust) } else { (tasks as u64, by) };
    match tasks {
        few if few < known.idle.max(1) => Sized { tasks: known.idle.max(1), by: Bound::Idle },
        many if many > LEASE_MAX => Sized { tasks: LEASE_MAX, by: Bound::Most },
        _ => Sized { tasks, by },
    }
}

/// Work of each worker, in nanoseconds, up to which the cost of a round trip may raise a lease.
const RAISED_NS: f64 = 1e9;

/// Tasks that may be leased at once for each that was measured. It costs a few round trips, once a job.
const TRUST: u64 = 64;

/// Most tasks in a lease: a worker's slot counts in 32 bits.
pub const LEASE_MAX: u64 = u32::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: f64 = 1e6;

    fn known(task_ns: Option<f64>, claimable: u64, workers_all: u64) -> Known {
        Known {
            task_ns,
            seen: u64::MAX,
            round_trip_ns: 0.3 * MS,
            claimable,
            workers: 2,
            workers_all,
            idle: 0,
        }
    }

    fn size(task_ns: Option<f64>, claimable: u64, workers_all: u64) -> (u64, Bound) {
        let Sized { tasks, by } = lease_size(250_000_000, 0.02, &known(task_ns, claimable, workers_all));
        (tasks, by)
    }

    #[test]
    fn follows_time_then_share_then_overhead() {
        assert_eq!(size(None, 1_000_000, 2), (2, Bound::Unknown), "one for each worker");
        assert_eq!(size(Some(MS), 1_000_000, 2), (500, Bound::Target), "250 ms of two workers");
        assert_eq!(size(Some(MS), 100, 2), (50, Bound::Share), "half of what is left");
        assert_eq!(
            size(Some(MS), 1_000, 200),
            (10, Bound::Overhead),
            "a hundredth of the workers, raised to its share"
        );
        assert_eq!(size(Some(MS), 400, 20), (20, Bound::Share));
        assert_eq!(
            size(Some(MS), 200, 20),
            (15, Bound::Overhead),
            "a tenth of the workers, raised to 15 ms of work"
        );
        assert_eq!(size(Some(0.01 * MS), 100, 20), (120, Bound::Overhead), "four round trips' worth");
        assert_eq!(size(Some(100.0 * MS), 100, 20), (5, Bound::Target), "the first bound that holds");
        assert_eq!(size(Some(3_600_000.0 * MS), 100, 20), (1, Bound::Idle));
        assert_eq!(size(Some(0.0), u64::MAX / 4, 2), (500_000_000, Bound::Target));
    }

    #[test]
    fn a_round_trip_raises_a_lease_by_a_second_of_work_at_most() {
        let slow = Known { round_trip_ns: 100.0 * MS, ..known(Some(200.0 * MS), 10_000, 8) };
        assert_eq!(lease_size(250_000_000, 0.02, &slow), Sized { tasks: 10, by: Bound::Overhead });
    }

    #[test]
    fn few_measurements_and_idle_workers_bound_it() {
        let known = Known {
            task_ns: Some(10.0),
            seen: 2,
            round_trip_ns: 0.3 * MS,
            claimable: 1 << 40,
            workers: 8,
            workers_all: 8,
            idle: 5,
        };
        let of = |known: Known| lease_size(250_000_000, 0.02, &known);
        assert_eq!(of(known), Sized { tasks: 128, by: Bound::Trust });
        let long = Known { task_ns: Some(1e9), seen: 100, ..known };
        assert_eq!(of(long), Sized { tasks: 5, by: Bound::Idle });
        let short = Known { task_ns: Some(1e-3), seen: u64::MAX, round_trip_ns: 1e9, ..known };
        assert_eq!(of(short), Sized { tasks: LEASE_MAX, by: Bound::Most });
    }
}
