//! What the account costs: tasks of a fixed amount of arithmetic, with it or without, for a counter of instructions.
//!
//! `account TASKS ROUNDS on|off`; `docs/benchmarks.md` has the commands and the figures.
#![forbid(unsafe_code)]

use divvy_core::Clock;
use divvy_decide::{Config, Until};
use divvy_engine::{Engine, Function, Settings, SystemClock, Task};
use divvy_store::sqlite::Sqlite;
use divvy_store::{Array, Input, JobSpec, NewJob, Store};
use std::hint::black_box;
use std::sync::Arc;

const KIND: &str = "arithmetic";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, tasks, rounds, account] = &args[..] else { return Err("account TASKS ROUNDS on|off".into()) };
    let (tasks, rounds): (u64, u64) = (tasks.parse()?, rounds.parse()?);
    let (store, clock): (Arc<dyn Store>, _) = (Arc::new(Sqlite::in_memory()?), SystemClock::start());
    let spec = JobSpec { array: Some(Array { first: 0, step: 1 }), ..JobSpec::new(KIND) };
    let job = store.submit(clock.millis(), &NewJob { spec, input: Input::Array(tasks), paused: false })?;
    let mut settings = Settings::new(Config::new(2, vec![KIND.into()], Until::Finished(job)));
    settings.account = account == "on";
    let work = move |task: Task<'_>| -> Result<u64, std::convert::Infallible> {
        Ok((0..rounds).fold(task.id, |n, _| black_box(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
    };
    let engine =
        Engine::new(settings, store.clone(), Arc::new(clock), vec![Arc::new(Function::new(KIND, work))]);
    let usage = engine.run(&mut |_| {})?.usage;
    let done = store.job(job)?.counts.done;
    println!(
        "{done} tasks in {:.3} s, {:.1} us of CPU each",
        clock.nanos() as f64 / 1e9,
        usage.cpu_ns as f64 / 1e3 / done as f64
    );
    Ok(())
}
