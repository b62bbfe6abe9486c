//! What a task is.

use crate::chunk::{Chunk, TaskKey};
use divvy_core::{Intervals, JobId, Range, Seq};
use divvy_store::{Held, JobSpec};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

pub use divvy_pool::{Grain, Order};

/// A kind of work that a node can do, such as running commands.
pub trait Handler: Send + Sync {
    /// The kind, as jobs name it.
    fn kind(&self) -> &str;

    /// Gets ready for a job's tasks.
    ///
    /// # Errors
    /// A sentence for people if the job cannot run here. A node for this job only stops with it; others leave the
    /// job, unless they were told [otherwise](crate::Engine::on_unable).
    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String>;
}

/// What runs one job's tasks on this node.
pub trait Runner: Send + Sync {
    /// Whether workers should start tasks in the order of their seqs (cheap beside a process), or each in a part
    /// of the range (cheap beside a few nanoseconds).
    fn order(&self) -> Order;

    /// How large its chunks should be, where starting one costs more than a call. Asked at each lease.
    fn grain(&self) -> Option<Grain> {
        None
    }

    /// Runs the tasks of a chunk and says of each what became of it.
    fn run(&self, chunk: &mut Chunk<'_>);

    /// A lease has come; before any task of it runs.
    fn on_leased(&self, _lease: Held, _open: &Intervals) {}

    /// These leased tasks have been given back or taken away. Those that have started are still told as stopped.
    fn on_returned(&self, _tasks: &Intervals) {}

    /// No worker runs anything, and no task will come that is not here by now. Returns the tasks that ended well
    /// but were not told, because they waited for others; `None` if that failed, and the node is to stop.
    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        Some(Vec::new())
    }

    /// A stop was asked for, or tasks were taken away: whatever waits inside of this runner should ask again whether its
    /// task [is ended](Chunk::is_ended). Called by the coordinator, so it must be quick.
    fn on_ended(&self) {}

    /// Whether tasks that have left the workers' hands will still be told of. A node that stops waits for them, until
    /// the grace time has passed.
    fn in_hand(&self) -> bool {
        false
    }

    /// Completions are about to be reported: what they stand on has to be durable when this returns.
    ///
    /// # Errors
    /// A sentence for people; nothing is reported, and the node stops.
    fn before_report(&self) -> Result<(), String> {
        Ok(())
    }
}

/// A task, as a function sees it.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Its job.
    pub job: JobId,
    /// Its place in the log.
    pub seq: Seq,
    /// The id that users know it by; for arrays also its input.
    pub id: u64,
    /// Its record; empty for arrays.
    pub input: &'a [u8],
    /// Attempts, this one included.
    pub attempt: u32,
}

/// A plain Rust function as a handler. A panic fails the attempt, never the worker.
pub struct Function<F> {
    kind: String,
    function: Arc<F>,
}

impl<F> Function<F> {
    /// A handler of this kind. What the function returns is kept from being optimised away, and then dropped.
    pub fn new<T, E>(kind: impl Into<String>, function: F) -> Function<F>
    where
        F: Fn(Task<'_>) -> Result<T, E> + Send + Sync + 'static,
        E: std::fmt::Display,
    {
        Function { kind: kind.into(), function: Arc::new(function) }
    }
}

impl<F, T, E> Handler for Function<F>
where
    F: Fn(Task<'_>) -> Result<T, E> + Send + Sync + 'static,
    E: std::fmt::Display,
{
    fn kind(&self) -> &str {
        &self.kind
    }

    fn open(&self, _: JobId, _: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        Ok(Arc::new(Calls(self.function.clone())))
    }
}

struct Calls<F>(Arc<F>);

impl<F, T, E> Runner for Calls<F>
where
    F: Fn(Task<'_>) -> Result<T, E> + Send + Sync,
    E: std::fmt::Display,
{
    fn order(&self) -> Order {
        Order::Spread
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        for seq in range.lo..range.hi {
            if chunk.is_ended(seq) {
                chunk.stopped_all(Range::new(seq, range.hi));
                return;
            }
            let task = chunk.task(seq);
            match catch_unwind(AssertUnwindSafe(|| std::hint::black_box((self.0)(task)))) {
                Ok(Ok(_)) => chunk.done(seq),
                Ok(Err(error)) => chunk.failed(seq, error.to_string()),
                Err(panic) => chunk.failed(seq, format!("panicked: {}", panic_message(&*panic))),
            }
        }
    }
}

/// The message of a panic, where it has one.
#[must_use]
pub fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
