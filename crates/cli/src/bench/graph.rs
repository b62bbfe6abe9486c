//! `divvy bench graph`: what it costs to run tasks in the order that a graph demands.

use super::fsync;
use super::scratch::Scratch;
use crate::args::{GraphArgs, Output};
use crate::bill::account_json;
use crate::exit::Exit;
use crate::session::workers;
use anyhow::{Result, ensure};
use divvy_core::{Clock, Rng, Seq};
use divvy_decide::{Config, Until};
use divvy_engine::{Engine, Function, Settings, SystemClock, Task};
use divvy_store::{Block, Graph, Input, JobSpec, NewJob, Store};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const KIND: &str = "graph";

/// Measures tasks that do nothing but look whether those they wait for have run.
///
/// # Errors
/// Bad usage, whatever the store says, or a task that ran too early.
pub fn graph(args: &GraphArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let workers = workers(&args.workers)?;
    let parents = layers(args);
    let graph = Graph::new(parents.clone())?;
    let blocks = Block::pack_all((0..args.tasks).map(u64::to_le_bytes));
    let scratch = Scratch::new()?;
    let begun_ns = clock.nanos();
    let (_, store) = scratch.store(args.durability)?;
    let spec = JobSpec { name: KIND.into(), ..JobSpec::new(KIND) };
    let job =
        store.submit(clock.millis(), &NewJob { spec, input: Input::Graph(blocks, graph), paused: false })?;
    let submit_ns = clock.nanos() - begun_ns;
    let order = Arc::new(Ran {
        parents,
        ran: (0..args.tasks).map(|_| AtomicBool::default()).collect(),
        early: AtomicU64::default(),
    });
    let seen = order.clone();
    let engine = Engine::new(
        Settings::new(Config::new(workers, vec![KIND.into()], Until::Finished(job))),
        store.clone(),
        Arc::new(clock),
        vec![Arc::new(Function::new(KIND, move |task: Task<'_>| seen.run(task.seq)))],
    );
    let outcome = engine.run(&mut |_| {})?;
    let seconds = (clock.nanos() - begun_ns) as f64 / 1e9;
    let done = store.job(job)?.counts.done;
    let early = order.early.load(Ordering::Relaxed);
    ensure!(early == 0, "{early} tasks ran before a task that they wait for");
    let report = json!({
        "tasks": done,
        "width": args.width,
        "seconds": seconds,
        "submit_seconds": submit_ns as f64 / 1e9,
        "overhead_us_per_task": seconds * 1e6 / done.max(1) as f64,
        "fsync_p50_us": fsync::p50_us(scratch.dir())?,
        "durability": format!("{:?}", args.durability).to_lowercase(),
        "workers": workers,
        "account": account_json(&outcome.usage),
    });
    match output {
        Output::Json => println!("{report:#}"),
        Output::Human => println!(
            "{done} tasks of a graph in {seconds:.3} s: {:.1} us a task with {workers} workers, submit included\n\
             submit {:.3} s, fsync {:.0} us ({})",
            seconds * 1e6 / done.max(1) as f64,
            submit_ns as f64 / 1e9,
            report["fsync_p50_us"].as_f64().unwrap_or(0.0),
            report["durability"].as_str().unwrap_or(""),
        ),
        Output::Quiet => {}
    }
    Ok(if done == args.tasks { Exit::Done } else { Exit::Failed(args.tasks - done) })
}

/// Each task after 1 to 3 tasks of the layer before its own.
fn layers(args: &GraphArgs) -> Vec<Vec<Seq>> {
    let mut rng = Rng::new(args.seed);
    let before = |task: u64| (task / args.width).checked_sub(1).map(|layer| layer * args.width);
    let mut parents = |first: u64| (0..=rng.below(3)).map(|_| first + rng.below(args.width)).collect();
    (0..args.tasks).map(|task| before(task).map(&mut parents).unwrap_or_default()).collect()
}

/// Which tasks have run, and how many did so before one that they wait for.
struct Ran {
    parents: Vec<Vec<Seq>>,
    ran: Vec<AtomicBool>,
    early: AtomicU64,
}

impl Ran {
    fn run(&self, seq: Seq) -> Result<u64, std::convert::Infallible> {
        let ran = |seq: Seq| self.ran[seq as usize].load(Ordering::Acquire);
        if !self.parents[seq as usize].iter().all(|parent| ran(*parent)) {
            self.early.fetch_add(1, Ordering::Relaxed);
        }
        self.ran[seq as usize].store(true, Ordering::Release);
        Ok(seq)
    }
}
