//! `async` handlers: many tasks under way at once, on tokio.
//!
//! The pool's threads only hand tasks over, and are held back while as many are under way as are allowed. Each worker has a
//! *driver*: one tokio task that polls the futures of all tasks that this worker handed over, in slots that are used again.
//! So a task costs neither a tokio task nor an allocation of its own; what is ready at its first poll costs little more
//! than a call. `docs/decisions/0010-async-handlers.md` has what else was weighed.
//!
//! | file | idea |
//! |---|---|
//! | `limit.rs` | how many may be under way |
//! | `inbox.rs` | what a driver is to look at: tasks handed over, futures that were woken |
//! | `slots.rs` | futures under way |
//! | `driver.rs` | the tokio task: polls, hands results over, tells |
//! | `runtime.rs` | where drivers run |

mod driver;
mod inbox;
mod limit;
mod runtime;
mod slots;

pub(crate) use runtime::{Runtime, Started};

use crate::calls::{Ended, Plan, delay, task};
use crate::detail::Detail;
use crate::error::Error;
use crate::node::Trouble;
use crate::record::Record;
use crate::results::Channel;
use crate::task::Task;
use divvy_core::{Intervals, JobId, Range, Rng, Seq, State};
use divvy_engine::{Chunk, Detached, Handler, Order, Runner, StopLevel, panic_message};
use divvy_store::{Held, JobSpec};
use driver::Driver;
use inbox::Inbox;
use limit::{Limit, Want};
use std::fmt::Display;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// The bounds of an `async` handler.
#[derive(Debug, Clone)]
pub struct Async {
    concurrency: usize,
    timeout: Option<Duration>,
    pub(crate) runtime: Option<tokio::runtime::Handle>,
}

impl Default for Async {
    /// A thousand tasks under way, no timeout.
    fn default() -> Async {
        Async { concurrency: 1_000, timeout: None, runtime: None }
    }
}

impl Async {
    /// How many may be under way at once. At least 1.
    #[must_use]
    pub fn concurrency(self, most: usize) -> Async {
        Async { concurrency: most.max(1), ..self }
    }

    /// How long an attempt may take; it is dropped then, and has failed.
    #[must_use]
    pub fn timeout(self, limit: Duration) -> Async {
        Async { timeout: Some(limit), ..self }
    }

    /// Where handlers run.
    #[must_use]
    pub fn on_runtime(self, runtime: tokio::runtime::Handle) -> Async {
        Async { runtime: Some(runtime), ..self }
    }
}

/// An `async` function as a handler.
pub(crate) struct Flights<In, Out, F> {
    kind: String,
    function: Arc<F>,
    plan: Plan<Out>,
    bounds: Async,
    runtime: tokio::runtime::Handle,
    workers: usize,
    trouble: Trouble,
    input: PhantomData<fn(In)>,
}

impl<In, Out, F> Flights<In, Out, F> {
    pub(crate) fn new(
        kind: String,
        function: F,
        plan: Plan<Out>,
        bounds: Async,
        runtime: tokio::runtime::Handle,
        workers: usize,
        trouble: Trouble,
    ) -> Flights<In, Out, F> {
        let function = Arc::new(function);
        Flights { kind, function, plan, bounds, runtime, workers, trouble, input: PhantomData }
    }
}

impl<In, Out, E, F, Fut> Handler for Flights<In, Out, F>
where
    In: Record,
    Out: Send + 'static,
    E: Display + Send + 'static,
    F: Fn(Task<In>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Out, E>> + Send + 'static,
{
    fn kind(&self) -> &str {
        &self.kind
    }

    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let detail = Detail::of(&spec.detail, In::NAME)?;
        let limit = Arc::new(Limit::new(self.bounds.concurrency));
        let work = Arc::new(Work {
            function: self.function.clone(),
            timeout: self.bounds.timeout,
            attempts_here: detail.attempts_here,
            retry_ms: self.plan.retry_ms,
            wants: self.plan.channel.is_some(),
            input: PhantomData,
        });
        let drivers = (0..self.workers).map(|_| {
            let (inbox, work) = (Arc::new(Inbox::default()), work.clone());
            let begin = move |from: &Arc<Detached>, seq| work.clone().attempts(from.clone(), seq);
            let driver = Driver::new(inbox.clone(), limit.clone(), self.plan.channel.clone(), begin);
            self.runtime.spawn(driver.run());
            inbox
        });
        Ok(Arc::new(Carrier {
            drivers: drivers.collect(),
            order: self.plan.order(spec.policy.exclusive),
            limit,
            plan: self.plan.clone(),
            trouble: self.trouble.clone(),
            job,
        }))
    }
}

struct Work<In, F> {
    function: Arc<F>,
    timeout: Option<Duration>,
    attempts_here: u32,
    retry_ms: (u64, u64),
    /// Whether anybody wants what the function returns.
    wants: bool,
    input: PhantomData<fn(In)>,
}

impl<In: Record, F> Work<In, F> {
    /// A task, with all attempts that are made in one go; and which was the last.
    async fn attempts<Out, E, Fut>(self: Arc<Self>, from: Arc<Detached>, seq: Seq) -> (u32, Ended<Out>)
    where
        E: Display,
        F: Fn(Task<In>) -> Fut,
        Fut: Future<Output = Result<Out, E>>,
    {
        let mut failed = 0;
        loop {
            let ended = self.attempt(&from, seq, failed).await;
            failed += 1;
            if ended.is_ok() || failed >= self.attempts_here {
                return (from.task(seq).attempt + failed - 1, ended);
            }
            // Of any seed: it only has to differ from the neighbours'.
            let mut rng = Rng::new(from.fence().0.rotate_left(32) ^ seq ^ u64::from(failed));
            tokio::time::sleep(delay(self.retry_ms, failed, &mut rng)).await;
        }
    }

    async fn attempt<Out, E, Fut>(&self, from: &Arc<Detached>, seq: Seq, before: u32) -> Ended<Out>
    where
        E: Display,
        F: Fn(Task<In>) -> Fut,
        Fut: Future<Output = Result<Out, E>>,
    {
        let future = guarded(|| {
            let mut task = task::<In>(from, seq)?;
            task.attempt += before;
            Ok((self.function)(task))
        })?;
        match self.timeout {
            None => caught(future, self.wants).await,
            Some(limit) => match tokio::time::timeout(limit, caught(future, self.wants)).await {
                Ok(ended) => ended,
                Err(_) => Err(format!("timed out after {} s", limit.as_secs_f64())),
            },
        }
    }
}

/// A panic becomes the error of the attempt.
fn guarded<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let panicked =
        |panic: Box<dyn std::any::Any + Send>| Err(format!("panicked: {}", panic_message(&*panic)));
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(panicked)
}

/// Polls the user's future, and drops what nobody wants, inside of the guard.
async fn caught<Out, E: Display>(future: impl Future<Output = Result<Out, E>>, wants: bool) -> Ended<Out> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let polled = guarded(|| {
            Ok(match future.as_mut().poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(output)) => Poll::Ready(Ok(wants.then_some(output))),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error.to_string())),
            })
        });
        // A future that panicked is not polled again.
        polled.unwrap_or_else(|error| Poll::Ready(Err(error)))
    })
    .await
}

/// The task that a worker is to hand over next.
struct Next<'a, Out> {
    from: &'a Detached,
    seq: Seq,
    channel: Option<&'a Channel<Out>>,
}

impl<Out> Want for Next<'_, Out> {
    fn is_ended(&self) -> bool {
        self.from.is_ended(self.seq)
    }

    fn is_waited_for(&self) -> bool {
        self.channel.is_some_and(|channel| channel.waits_for(self.seq))
    }
}

/// The runner: hands tasks over to the drivers.
struct Carrier<Out> {
    /// One for each worker.
    drivers: Vec<Arc<Inbox>>,
    order: Order,
    limit: Arc<Limit>,
    plan: Plan<Out>,
    trouble: Trouble,
    job: JobId,
}

impl<Out: Send + 'static> Runner for Carrier<Out> {
    fn order(&self) -> Order {
        self.order
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let from = Arc::new(chunk.detach());
        let Range { mut lo, hi } = chunk.range();
        while lo < hi {
            let next = Next { from: &from, seq: lo, channel: self.plan.channel.as_deref() };
            let room = self.limit.acquire((hi - lo) as usize, &next, || chunk.enter(State::HeldBack));
            match room {
                // Canceled, or a stop.
                Some(0) => {
                    chunk.stopped(lo);
                    lo += 1;
                }
                Some(n) => {
                    let next = lo + n as u64;
                    self.drivers[chunk.worker()].hand_over(from.clone(), Range::new(lo, next));
                    lo = next;
                }
                None => {
                    self.trouble.report(Error::RuntimeGone(self.job));
                    chunk.stop().ask(StopLevel::End);
                    return chunk.stopped_from(lo);
                }
            }
        }
    }

    fn on_leased(&self, _: Held, open: &Intervals) {
        self.plan.channel.iter().for_each(|channel| channel.expect(open));
    }

    fn on_returned(&self, tasks: &Intervals) {
        self.plan.channel.iter().for_each(|channel| channel.forgo(tasks));
    }

    fn on_ended(&self) {
        self.limit.wake();
        self.plan.channel.iter().for_each(|channel| channel.wake_writers());
        self.drivers.iter().for_each(|driver| driver.look());
    }

    fn in_hand(&self) -> bool {
        self.limit.in_use() > 0 || self.plan.channel.as_ref().is_some_and(|channel| channel.in_hand())
    }
}

impl<Out> Drop for Carrier<Out> {
    fn drop(&mut self) {
        self.drivers.iter().for_each(|driver| driver.close());
    }
}
