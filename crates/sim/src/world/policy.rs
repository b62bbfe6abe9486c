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
use divvy_store::{Array, JobSpec, Policy};
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
        spec: JobSpec {
            name: String::new(),
            handler: "a".to_owned(),
            detail: Vec::new(),
            policy: Policy::default(),
            array: Some(Array { first: 1, step: 1 }),
        },
        kind: Kind::Array,
        tasks,
        record_len: 0,
        block_len: 1,
        times,
        mean_ns,
        failing: 0.0,
        deadly: 0.0,
        seed: rng.bits(),
    };
    let runs = (0..tasks).map(|seq| job.task(seq).run_ns);
    let (total, longest) = runs.fold((0, 0), |(sum, max), ns| (sum + ns, ns.max(max)));
    let bound = (total as f64 / f64::from(workers * nodes as u32)).max(longest as f64);

    let mut world = World::new(&mut rng, plan, &Options::default());
    world.stage = Stage::Calm { until: u64::MAX, events: u64::MAX };
    world.client.is_waiting = true;
    world.send(Request::Errand(Errand::Submit(Rc::new(job))));
    if let Err(broken) = world.live(0) {
        panic!("{broken}");
    }
    let makespan = world.drained_at.expect("it ran to its end");
    Score { ratio: makespan as f64 / bound, exchanges: world.state.ledger.performed }
}

/// The table: a line for each distribution, a column for each crew, the worst of three seeds.
#[must_use]
pub fn table() -> String {
    let mut out = format!("{:<30}", "makespan / lower bound");
    for (nodes, workers) in CREWS {
        let _ = write!(out, "{:>16}", format!("{nodes} x {workers}"));
    }
    out.push('\n');
    for (name, times, mean_ns) in LOADS {
        let _ = write!(out, "{name:<30}");
        for (nodes, workers) in CREWS {
            let scores = (1..=3).map(|seed| score(*times, *mean_ns, 100_000, *nodes, *workers, seed));
            let worst = scores.max_by(|a, b| a.ratio.total_cmp(&b.ratio)).expect("three seeds");
            let _ = write!(out, "{:>8.3}{:>8}", worst.ratio, format!("({})", worst.exchanges));
        }
        out.push('\n');
    }
    out.push_str(
        "100 000 tasks, nodes x workers, worst of three seeds; in brackets the requests to the store\n",
    );
    out
}
