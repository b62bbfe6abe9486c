//! Observations as the capacity oracle is shown them (`divvy_model::capacity`).

use super::Observation;
use divvy_core::Toll;
use divvy_core::toll::{Level as Sums, Sum};
use divvy_model::capacity::{Level, Moments, Seen};
use std::collections::BTreeMap;

/// Round trips that a stretch of time at one level of workers has on average, at the least: below that stretches are made longer.
const TRIPS_OF_A_STRETCH: u64 = 16;

/// All that was seen of a job. `cores`: those that its nodes share; `lease_max`: most tasks in a lease, 0 for no bound.
#[must_use]
pub fn seen(observations: &[Observation], cores: u32, lease_max: u64) -> Seen {
    let stretches = stretches(observations);
    let sums = || stretches.iter().flat_map(Toll::levels);
    let untold = |sums: &Sums| sums.get(Sum::Trips) - sums.get(Sum::Told);
    let mut levels: Vec<Level> = sums().map(level).collect();
    levels.sort_by(|a, b| a.workers.total_cmp(&b.workers));
    Seen {
        levels,
        node: workers_of_a_node(observations),
        cores: f64::from(cores),
        lease_max: (lease_max > 0).then_some(lease_max as f64),
        untold: sums().map(untold).sum::<u64>() as f64,
    }
}

/// What all nodes paid, by stretches of time as long as the longest observation, or longer if too little happens in one.
fn stretches(observations: &[Observation]) -> Vec<Toll> {
    let length = |seen: &Observation| seen.until.saturating_sub(seen.from);
    let mut stretch = observations.iter().map(length).max().unwrap_or(0).max(1);
    loop {
        let mut tolls: BTreeMap<u64, Toll> = BTreeMap::new();
        for seen in observations {
            let middle = seen.from + length(seen) / 2;
            tolls.entry(middle / stretch).or_default().merge(&seen.toll);
        }
        let levels = || tolls.values().flat_map(Toll::levels);
        let trips: u64 = levels().map(|sums| sums.get(Sum::Trips)).sum();
        if tolls.len() <= 1 || trips >= TRIPS_OF_A_STRETCH * levels().count() as u64 {
            return tolls.into_values().collect();
        }
        stretch = stretch.saturating_mul(2);
    }
}

/// Nodes count by how long they were seen.
fn workers_of_a_node(observations: &[Observation]) -> f64 {
    let time = |seen: &Observation| seen.until.saturating_sub(seen.from) as f64;
    let all: f64 = observations.iter().map(time).sum();
    let workers: f64 = observations.iter().map(|seen| time(seen) * seen.workers as f64).sum();
    if all > 0.0 { workers / all } else { 1.0 }
}

fn level(sums: &Sums) -> Level {
    let of = |sum: Sum| sums.get(sum) as f64;
    let (trips, told) = (of(Sum::Trips), of(Sum::Told).max(1.0));
    let moments = |count: f64, sum: Sum, squares: Sum| Moments::of(count, of(sum) / 1e9, of(squares) / 1e12);
    Level {
        workers: of(Sum::Workers) / trips,
        trips: of(Sum::Told),
        tasks: of(Sum::Tasks) / trips,
        own: of(Sum::Own) / trips / 1e9,
        work: moments(told, Sum::Work, Sum::WorkSq),
        work_beyond: moments(told, Sum::WorkBeyond, Sum::WorkBeyondSq),
        commit: moments(told, Sum::Commit, Sum::CommitSq),
        commit_beyond: moments(told, Sum::CommitBeyond, Sum::CommitBeyondSq),
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
    use divvy_core::toll::{Habits, Trip};

    fn observation(from: u64, until: u64, node_workers: u64, trips: &[Trip]) -> Observation {
        let mut seen = Observation { from, until, workers: node_workers, ..Observation::default() };
        let mut habits = Habits::default();
        trips.iter().for_each(|trip| seen.toll.pay(trip, &mut habits));
        seen
    }

    #[test]
    fn sums_become_means_in_seconds() {
        let cost = Cost { work_ns: 3_000_000, commit_ns: 1_000_000, group: 2, retries: 1 };
        let trip = Trip {
            workers: 6,
            own: 2,
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
        near(level.own, 0.080);
        near(level.work.mean, 0.004);
        near(level.work.variance, 1e-6);
        near(level.commit.mean, 0.001);
        near(level.group, 2.0);
        near(level.retries, 1.0);
        near(level.task.mean, 0.010);
        near(level.cpu, 0.002);
        near(level.busy, 1.5);
    }

    /// How often the workers of a level changed, and when, is kept; but not as a cell of two round trips each.
    #[test]
    fn a_number_of_workers_that_is_there_twice_is_two_levels() {
        let trip =
            |workers| Trip { workers, total_ns: 1, tasks: 1, cost: Some(Cost::default()), ..Trip::default() };
        let second =
            |n: u64, workers, trips| observation(n * 1_000, (n + 1) * 1_000, 1, &vec![trip(workers); trips]);
        let levels = |observations: &[Observation]| -> Vec<(f64, f64)> {
            seen(observations, 2, 0).levels.iter().map(|level| (level.workers, level.trips)).collect()
        };
        // Two nodes, whose seconds do not begin at the same moment.
        let two = [second(0, 2, 30), second(1, 1, 20), second(2, 2, 40)];
        let other =
            two.clone().map(|seen| Observation { from: seen.from + 400, until: seen.until + 400, ..seen });
        assert_eq!(levels(&[two, other].concat()), [(1.0, 40.0), (2.0, 60.0), (2.0, 80.0)]);
        assert_eq!(levels(&[second(0, 2, 2), second(1, 1, 3), second(2, 2, 4)]), [(1.0, 3.0), (2.0, 6.0)]);
    }

    /// Nodes of one, three and eight workers, each of which runs a task in 50 ms: what all get done is what there are of them.
    #[test]
    fn nodes_may_be_of_different_sizes() {
        let node = |own: u64| {
            let trip = Trip { workers: 12, own, gap_ns: 500_000_000, tasks: 10 * own, ..Trip::default() };
            observation(0, 1_000, own, &vec![Trip { cost: Some(Cost::default()), ..trip }; 20])
        };
        let seen = seen(&[node(1), node(3), node(8)], 2, 0);
        let [level] = seen.levels[..] else { panic!("one level: {seen:?}") };
        assert!((level.workers * level.tasks / level.own - 240.0).abs() < 1e-6, "{level:?}");
    }

    #[test]
    fn what_the_store_does_not_tell_is_counted() {
        let trip = Trip { workers: 1, total_ns: 1, tasks: 1, ..Trip::default() };
        let seen = seen(&[observation(0, 1, 1, &[trip, trip])], 2, 0);
        assert_eq!((seen.untold, seen.lease_max, seen.levels[0].trips), (2.0, None, 0.0));
    }
}
