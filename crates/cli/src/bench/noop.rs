//! `divvy bench noop`: the engine alone. Real submit, real leases, a real typed handler for each task; only the
//! tasks do nothing.

use super::fsync;
use super::scratch::{Scratch, bytes_of, peak_rss_bytes};
use crate::args::{NoopArgs, Output};
use crate::bill::account_json;
use crate::exit::{Exit, bad_usage};
use crate::session::workers;
use anyhow::Result;
use divvy_core::{Clock, JobId};
use divvy_decide::{Config, Until};
use divvy_engine::{Engine, Function, Settings, SystemClock, Task};
use divvy_store::block::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use divvy_store::sqlite::Sqlite;
use divvy_store::{Array, Block, Input, JobSpec, NewJob, Store};
use serde_json::json;
use std::sync::Arc;

const KIND: &str = "noop";

/// Measures tasks that do nothing.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn noop(args: &NoopArgs, output: Output, clock: SystemClock) -> Result<Exit> {
    let workers = workers(&args.workers)?;
    if args.payload.is_some_and(|p| p as usize > BLOCK_BYTES_MAX) {
        return Err(bad_usage(format!("--payload: at most {BLOCK_BYTES_MAX} bytes")));
    }
    let scratch = Scratch::new()?;
    let begun_ns = clock.nanos();
    let (path, store) = scratch.store(args.durability)?;
    let (job, feeder) = submit(args, &store, &clock)?;
    let rounds = args.work;
    let function = Function::new(KIND, move |task| handler(task, rounds));
    let mut settings = Settings::new(Config::new(workers, vec![KIND.into()], Until::Finished(job)));
    settings.account = !args.no_account;
    let engine = Engine::new(settings, store.clone(), Arc::new(clock), vec![Arc::new(function)]);
    let outcome = engine.run(&mut |_| {})?;
    let submit_ns = feeder()?;
    let done = store.job(job)?.counts.done;
    drop(store);
    let seconds = (clock.nanos() - begun_ns) as f64 / 1e9;
    let store_bytes = bytes_of(&path);
    let report = json!({
        "tasks": done,
        "seconds": seconds,
        "tasks_per_second": done as f64 / seconds,
        "submit_seconds": submit_ns as f64 / 1e9,
        "store_bytes": store_bytes,
        "peak_rss_bytes": peak_rss_bytes()?,
        "fsync_p50_us": fsync::p50_us(scratch.dir())?,
        "durability": format!("{:?}", args.durability).to_lowercase(),
        "workers": workers,
        "payload": args.payload,
        "account": account_json(&outcome.usage),
    });
    match output {
        Output::Json => println!("{report:#}"),
        Output::Human => println!(
            "{done} tasks in {seconds:.3} s: {:.0} tasks/s with {workers} workers\n\
             submit {:.3} s, store {store_bytes} bytes, peak memory {} bytes, fsync {:.0} us ({})\n\
             unaccounted {:.2} %, coordination overhead {:.2} %",
            done as f64 / seconds,
            submit_ns as f64 / 1e9,
            report["peak_rss_bytes"],
            report["fsync_p50_us"].as_f64().unwrap_or(0.0),
            report["durability"].as_str().unwrap_or(""),
            100.0 * outcome.usage.account.unaccounted(outcome.usage.workers, outcome.usage.wall_ns),
            100.0 * outcome.usage.account.overhead(),
        ),
        Output::Quiet => {}
    }
    Ok(if done == args.tasks { Exit::Done } else { Exit::Failed(args.tasks - done) })
}

/// A handler as a user would write it: it looks at its task and returns something that is then not thrown away
/// by the optimiser.
fn handler(task: Task<'_>, rounds: u64) -> Result<u64, std::convert::Infallible> {
    let begin = task.id.wrapping_add(task.input.len() as u64);
    Ok((0..rounds).fold(begin, |n, _| std::hint::black_box(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
}

type Feeder = Box<dyn FnOnce() -> Result<u64>>;

/// Submits the job, and gives back how to wait for its last record and learn how long that took, nanoseconds.
fn submit(args: &NoopArgs, store: &Arc<Sqlite>, clock: &SystemClock) -> Result<(JobId, Feeder)> {
    let begun_ns = clock.nanos();
    let array = args.payload.is_none().then_some(Array { first: 0, step: 1 });
    let spec = JobSpec { name: KIND.into(), array, ..JobSpec::new(KIND) };
    let Some(payload) = args.payload else {
        let job =
            store.submit(clock.millis(), &NewJob { spec, input: Input::Array(args.tasks), paused: false })?;
        let took = clock.nanos() - begun_ns;
        return Ok((job, Box::new(move || Ok(took))));
    };
    let job =
        store.submit(clock.millis(), &NewJob { spec, input: Input::Open(vec![], None), paused: false })?;
    let (store, clock, tasks) = (store.clone(), *clock, args.tasks);
    // Beside the node, as inputs from a pipe come.
    let feeder = std::thread::spawn(move || -> Result<u64> {
        append(&*store, job, tasks, payload as usize, &clock)?;
        Ok(clock.nanos() - begun_ns)
    });
    Ok((job, Box::new(move || feeder.join().expect("the feeder does not panic"))))
}

fn append(store: &dyn Store, job: JobId, tasks: u64, payload: usize, clock: &SystemClock) -> Result<()> {
    let per_block = (BLOCK_BYTES_MAX / payload.max(1)).clamp(1, BLOCK_RECORDS_MAX) as u64;
    let mut seq = 0;
    while seq < tasks {
        // A few blocks a call: one fsync for all of them.
        let mut blocks = Vec::with_capacity(8);
        while seq < tasks && blocks.len() < 8 {
            let hi = (seq + per_block).min(tasks);
            blocks.push(block(seq, hi, payload));
            seq = hi;
        }
        store.append(clock.millis(), job, &blocks, false)?;
    }
    store.append(clock.millis(), job, &[], true)?;
    Ok(())
}

/// Records that differ, so that nothing can be gained by their likeness.
fn block(lo: u64, hi: u64, payload: usize) -> Block {
    let mut bytes = Vec::with_capacity((hi - lo) as usize * payload);
    let mut ends = Vec::with_capacity((hi - lo) as usize);
    for seq in lo..hi {
        let pattern = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        bytes.extend(pattern.iter().cycle().take(payload));
        ends.push(bytes.len() as u32);
    }
    Block::pack(&bytes, &ends)
}
