//! Observations as the capacity oracle is shown them (`divvy_model::capacity`).

use super::Observation;
use divvy_core::Toll;
use divvy_core::toll::{Level as Sums, Sum};
use divvy_model::capacity::{Level, Moments, Seen};

/// All that was seen of a job. `cores`: those that its nodes share; `lease_max`: most tasks in a lease, 0 for no bound.
#[must_use]
pub fn seen(observations: &[Observation], cores: u32, lease_max: u64) -> Seen {
    let mut toll = Toll::default();
    observations.iter().for_each(|seen| toll.merge(&seen.toll));
    let levels: Vec<Level> = toll.levels().map(level).collect();
    let trips = |sums: &Sums| sums.get(Sum::Trips) - sums.get(Sum::Told);
    Seen {
        levels,
        node: workers_of_a_node(observations),
        cores: f64::from(cores),
        lease_max: (lease_max > 0).then_some(lease_max as f64),
        untold: toll.levels().map(trips).sum::<u64>() as f64,
    }
}

/// Nodes count by how long they were seen.
fn workers_of_a_node(observations: &[Observation]) -> f64 {
    let there = || observations.iter().map(Observation::presence);
    let nodes_ms: u64 = there().map(|presence| presence.node_ms).sum();
    let workers_ms: u64 = there().map(|presence| presence.worker_ms).sum();
    if nodes_ms > 0 { workers_ms as f64 / nodes_ms as f64 } else { 1.0 }
}

fn level(sums: &Sums) -> Level {
    let of = |sum: Sum| sums.get(sum) as f64;
    let (trips, told) = (of(Sum::Trips), of(Sum::Told).max(1.0));
    let moments = |count: f64, sum: Sum, squares: Sum| Moments::of(count, of(sum) / 1e9, of(squares) / 1e12);
    Level {
        workers: of(Sum::Workers) / trips,
        trips: of(Sum::Told),
        tasks: of(Sum::Tasks) / trips,
        cycle: (of(Sum::Total) + of(Sum::Gap)) / trips / 1e9,
        work: moments(told, Sum::Work, Sum::WorkSq),
        commit: moments(told, Sum::Commit, Sum::CommitSq),
        group: of(Sum::Group) / told,
        retries: of(Sum::Retries) / told,
        task: moments(of(Sum::Ran), Sum::Run, Sum::RunSq),
        cpu: of(Sum::Cpu) / of(Sum::Tasks).max(1.0) / 1e9,
        busy: of(Sum::Busy) / (of(Sum::Total) + of(Sum::Gap)).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::Cost;
    use divvy_core::toll::Trip;

    fn observation(from: u64, until: u64, node_workers: u64, trips: &[Trip]) -> Observation {
        let mut seen = Observation { from, until, workers: node_workers, ..Observation::default() };
        trips.iter().for_each(|trip| seen.toll.pay(trip));
        seen
    }

    #[test]
    fn sums_become_means_in_seconds() {
        let cost = Cost { work_ns: 3_000_000, commit_ns: 1_000_000, group: 2, retries: 1 };
        let trip = Trip {
            workers: 6,
            total_ns: 10_000_000,
            gap_ns: 30_000_000,
            cost: Some(cost),
            tasks: 4,
            ran: 5,
            run_ns: 50_000_000,
            cpu_ns: 8_000_000,
            busy_ns: 60_000_000,
        };
        let other = Trip { cost: Some(Cost { work_ns: 5_000_000, ..cost }), ..trip };
        let seen = seen(&[observation(0, 3, 2, &[trip]), observation(0, 1, 6, &[other])], 2, 4);
        assert_eq!((seen.node, seen.cores, seen.lease_max, seen.untold), (3.0, 2.0, Some(4.0), 0.0));
        let [level] = seen.levels[..] else { panic!("one level: {seen:?}") };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}: {level:?}");
        near(level.workers, 6.0);
        near(level.trips, 2.0);
        near(level.tasks, 4.0);
        near(level.cycle, 0.040);
        near(level.work.mean, 0.004);
        near(level.work.variance, 1e-6);
        near(level.commit.mean, 0.001);
        near(level.group, 2.0);
        near(level.retries, 1.0);
        near(level.task.mean, 0.010);
        near(level.cpu, 0.002);
        near(level.busy, 1.5);
    }

    #[test]
    fn what_the_store_does_not_tell_is_counted() {
        let trip = Trip { workers: 1, total_ns: 1, tasks: 1, ..Trip::default() };
        let seen = seen(&[observation(0, 1, 1, &[trip, trip])], 2, 0);
        assert_eq!((seen.untold, seen.lease_max, seen.levels[0].trips), (2.0, None, 0.0));
    }
}
