//! What a node has seen of a job, as the store has it afterwards.

use divvy_core::{Clock, JobId, Seq};
use divvy_decide::{Config, Until};
use divvy_engine::{
    Chunk, Engine, Function, Handler, Order, Outcome, Runner, Settings, SystemClock, Task, TaskKey,
};
use divvy_store::sqlite::Sqlite;
use divvy_store::{Array, Input, JobSpec, NewJob, Observation, Store};
use std::sync::{Arc, Mutex};

const KIND: &str = "test";
const TASKS: u64 = 10;

/// Runs a job of ten tasks to its end on two workers, and says what was seen of it.
fn run(handler: Arc<dyn Handler>, account: bool) -> (Outcome, Vec<Observation>) {
    let (clock, store) = (SystemClock::start(), Arc::new(Sqlite::in_memory().unwrap()));
    let spec = JobSpec { array: Some(Array { first: 0, step: 1 }), ..JobSpec::new(KIND) };
    let job = NewJob { spec, input: Input::Array(TASKS), paused: false };
    let job = store.submit(clock.millis(), &job).unwrap();
    let mut settings = Settings::new(Config::new(2, vec![KIND.into()], Until::Finished(job)));
    settings.account = account;
    let outcome =
        Engine::new(settings, store.clone(), Arc::new(clock), vec![handler]).run(&mut |_| {}).unwrap();
    assert_eq!(store.job(job).unwrap().counts.done, TASKS);
    (outcome, store.observations(job).unwrap())
}

fn tasks(seen: &[Observation]) -> u64 {
    seen.iter().map(|seen| seen.tasks).sum()
}

#[test]
fn a_node_without_an_account_keeps_none_and_tells_nothing() {
    let function = || Arc::new(Function::new(KIND, |_: Task<'_>| Ok::<_, String>(())));
    let (outcome, seen) = run(function(), true);
    assert!(outcome.usage.account.total() > 0 && tasks(&seen) == TASKS, "{seen:?}");
    let (outcome, seen) = run(function(), false);
    assert_eq!(outcome.usage.account.total(), 0);
    assert!(seen.is_empty(), "{seen:?}");
}

/// Runs tasks, and tells of none before the node is quiet: as output does that waits for its turn.
#[derive(Default)]
struct Late(Mutex<Vec<TaskKey>>);

impl Runner for Late {
    fn order(&self) -> Order {
        Order::Spread
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        let keys = (range.lo..range.hi).map(|seq: Seq| chunk.key(seq));
        self.0.lock().unwrap().extend(keys);
    }

    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        Some(std::mem::take(&mut self.0.lock().unwrap()))
    }
}

struct Lately;

impl Handler for Lately {
    fn kind(&self) -> &str {
        KIND
    }

    fn open(&self, _: JobId, _: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        Ok(Arc::new(Late::default()))
    }
}

#[test]
fn tasks_that_are_told_of_in_the_quiet_are_counted_once() {
    let (_, seen) = run(Arc::new(Lately), true);
    assert_eq!(tasks(&seen), TASKS, "{seen:?}");
}
