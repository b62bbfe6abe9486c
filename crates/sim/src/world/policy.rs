//! What the dividing costs: makespan over its lower bound, with the real decisions and no faults.
//!
//! Fixed lease sizes lose a factor of up to 29 on logs whose slow tasks come last; claims of one task pay a round
//! trip each. Guided sizes and tails that are given back are worth having only as long as this table stays near 1.

use super::end::Stage;
use super::net::Request;
use super::plan::Plan;
use super::work::{JobPlan, Kind, Times};
use super::{Options, World, client::Errand};
use divvy_core::Rng;
use divvy_decide::{Config, Until};
use divvy_store::{Array, JobSpec};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write;
use std::rc::Rc;

/// A way in which task times may be distributed.
const LOADS: &[(&str, Times, f64)] = &[
    ("uniform, mean 10 ms", Times::Uniform, 10e6),
    ("exponential, mean 10 ms", Times::Exponential, 10e6),
    ("10 ms, 0.1 % take 10 s", Times::Rare(0.001, 1000.0), 10e6),
    ("pareto 1.5, mean 10 ms", Times::Pareto(1.5), 10e6),
    ("10 ms, the last 1 % take 1 s", Times::SlowEnd(0.01, 100.0), 10e6),
    ("uniform, mean 0.1 ms", Times::Uniform, 1e5),
];

/// Nodes and workers of each.
const CREWS: &[(usize, u32)] = &[(1, 2), (1, 32), (4, 8), (8, 4), (32, 1)];

/// What one job came to.
#[derive(Debug, Clone, Copy)]
pub struct Score {
    /// Makespan over the greater of total work per worker and the longest task.
    pub ratio: f64,
    /// The same of one queue that costs nothing: what no lease size could save, since nobody knows a task's time
    /// before it has ended.
    pub greedy: f64,
    /// Exchanges with the store.
    pub exchanges: u64,
}

/// Runs a job of so many tasks on so many nodes.
///
/// # Panics
/// If the run breaks a promise: then there is nothing to compare.
#[must_use]
pub fn score(times: Times, mean_ns: f64, tasks: u64, nodes: usize, workers: u32, seed: u64) -> Score {
    let cfg = Config::new(workers, vec!["a".to_owned()], Until::Stopped);
    // A claim and report round trip takes half a millisecond: two ways and a sync.
    let plan = Plan { sync_ns: 200_000, ..Plan::quiet(vec![cfg; nodes], 150_000) };
    let mut rng = Rng::new(seed);
    let job = JobPlan {
        spec: JobSpec { array: Some(Array { first: 1, step: 1 }), ..JobSpec::new("a") },
        kind: Kind::Array,
        tasks,
        record_len: 0,
        block_len: 1,
        times,
        mean_ns,
        failing: 0.0,
        deadly: 0.0,
        outgrowing: 0.0,
        graph: divvy_store::Graph::default(),
        seed: rng.bits(),
    };
    let times: Vec<u64> = (0..tasks).map(|seq| job.task(seq).run_ns).collect();
    let (total, longest) = times.iter().fold((0, 0), |(sum, max), ns| (sum + ns, max.max(*ns)));
    let bound = (total as f64 / f64::from(workers * nodes as u32)).max(longest as f64);

    let mut world = World::new(&mut rng, plan, &Options::default());
    world.stage = Stage::Calm { until: u64::MAX, events: u64::MAX };
    world.client.is_waiting = true;
    world.send(Request::Errand(Errand::Submit(Rc::new(job))));
    if let Err(broken) = world.live(0) {
        panic!("{broken}");
    }
    let makespan = world.drained_at.expect("it ran to its end");
    let greedy = greedy_ns(&times, workers * nodes as u32) as f64 / bound;
    Score { ratio: makespan as f64 / bound, greedy, exchanges: world.state.ledger.performed }
}

/// The makespan if each worker takes the next task the moment it is free.
fn greedy_ns(times: &[u64], workers: u32) -> u64 {
    let mut free: BinaryHeap<Reverse<u64>> = (0..workers).map(|_| Reverse(0)).collect();
    let mut last = 0;
    for ns in times {
        let Reverse(at) = free.pop().expect("there are workers");
        last = last.max(at + ns);
        free.push(Reverse(at + ns));
    }
    last
}

/// The table: a line for each distribution, a column for each crew, means of three seeds.
#[must_use]
pub fn table() -> String {
    let mut out = format!("{:<30}", "makespan / lower bound");
    for (nodes, workers) in CREWS {
        let _ = write!(out, "{:>22}", format!("{nodes} x {workers}"));
    }
    out.push('\n');
    for (name, times, mean_ns) in LOADS {
        let _ = write!(out, "{name:<30}");
        for (nodes, workers) in CREWS {
            let scores: Vec<Score> =
                (1..=3).map(|seed| score(*times, *mean_ns, 100_000, *nodes, *workers, seed)).collect();
            let mean = |what: fn(&Score) -> f64| scores.iter().map(what).sum::<f64>() / scores.len() as f64;
            let (ratio, greedy) = (mean(|s| s.ratio), mean(|s| s.greedy));
            let _ = write!(out, "{ratio:>8.3} /{greedy:>5.3} {:>6.0}", mean(|s| s.exchanges as f64));
        }
        out.push('\n');
    }
    out.push_str("100 000 tasks on nodes x workers, means of three seeds: divvy / one queue that costs nothing, requests\n");
    out
}
