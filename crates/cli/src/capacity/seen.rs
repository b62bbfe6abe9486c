//! From what nodes have noted to what the oracle is shown.

use divvy_core::Toll;
use divvy_core::toll::{Level as Sums, Sum};
use divvy_model::capacity::{Level, Moments, Seen};
use divvy_store::Observation;

/// All that was seen of a job. `lease_max`: most tasks in a lease, 0 for no bound.
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
