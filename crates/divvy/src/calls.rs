//! Synchronous handlers: run on the pool's threads, one task after the other.

use crate::detail::Detail;
use crate::record::Record;
use crate::results::{Batch, Channel, Item};
use crate::task::Task;
use divvy_core::{Intervals, JobId, Rng, Seq, State};
use divvy_engine::{Chunk, Detached, Handler, Order, Runner, panic_message};
use divvy_store::{Held, JobSpec};
use std::fmt::Display;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How a node runs a handler's jobs.
pub(crate) struct Plan<Out> {
    /// Where results go; `None`: nobody wants them.
    pub(crate) channel: Option<Arc<Channel<Out>>>,
    /// First and longest mean delay between attempts that are made in one go.
    pub(crate) retry_ms: (u64, u64),
}

impl<Out> Plan<Out> {
    pub(crate) fn order(&self, exclusive: bool) -> Order {
        if exclusive && self.channel.is_some() { Order::InOrder } else { Order::Spread }
    }
}

impl<Out> Clone for Plan<Out> {
    fn clone(&self) -> Plan<Out> {
        Plan { channel: self.channel.clone(), retry_ms: self.retry_ms }
    }
}

/// A delay before the attempt after `failed` ones: full jitter, as the node's.
pub(crate) fn delay((first, longest): (u64, u64), failed: u32, rng: &mut Rng) -> Duration {
    let mean = first.saturating_mul(1 << failed.saturating_sub(1).min(32)).min(longest);
    Duration::from_millis(rng.below(mean + 1))
}

/// A task's input, decoded.
pub(crate) fn task<In: Record>(from: &Arc<Detached>, seq: Seq) -> Result<Task<In>, String> {
    let told = from.task(seq);
    let number;
    let bytes = if from.is_array() {
        number = told.id.to_le_bytes();
        &number[..]
    } else {
        told.input
    };
    let input = In::decode(bytes)?;
    Ok(Task { input, id: told.id, attempt: told.attempt, job: told.job, seq, from: from.clone() })
}

pub(crate) struct Function<In, Out, F> {
    kind: String,
    function: Arc<F>,
    plan: Plan<Out>,
    input: PhantomData<fn(In)>,
}

impl<In, Out, F> Function<In, Out, F> {
    pub(crate) fn new(kind: String, function: F, plan: Plan<Out>) -> Function<In, Out, F> {
        Function { kind, function: Arc::new(function), plan, input: PhantomData }
    }
}

impl<In, Out, E, F> Handler for Function<In, Out, F>
where
    In: Record,
    Out: Send + 'static,
    E: Display,
    F: Fn(Task<In>) -> Result<Out, E> + Send + Sync + 'static,
{
    fn kind(&self) -> &str {
        &self.kind
    }

    fn open(&self, _: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let detail = Detail::of(&spec.detail, In::NAME)?;
        Ok(Arc::new(Calls {
            function: self.function.clone(),
            plan: self.plan.clone(),
            order: self.plan.order(spec.policy.exclusive),
            attempts_here: detail.attempts_here,
            patience: Patience::default(),
            input: PhantomData,
        }))
    }
}

struct Calls<In, Out, F> {
    function: Arc<F>,
    plan: Plan<Out>,
    order: Order,
    attempts_here: u32,
    patience: Patience,
    input: PhantomData<fn(In)>,
}

/// Waiting between two attempts, until a stop.
#[derive(Default)]
struct Patience(Mutex<()>, Condvar);

impl Patience {
    /// Returns early when the task has ended.
    fn wait(&self, time: Duration, ended: impl Fn() -> bool) {
        let until = Instant::now() + time;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !ended() {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return;
            };
            held = self.1.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn end(&self) {
        // Under the lock: whoever has just asked whether to wait is waiting by then.
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.1.notify_all();
    }
}

impl<In, Out, E, F> Runner for Calls<In, Out, F>
where
    In: Record,
    Out: Send + 'static,
    E: Display,
    F: Fn(Task<In>) -> Result<Out, E> + Send + Sync + 'static,
{
    fn order(&self) -> Order {
        self.order
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let from = Arc::new(chunk.detach());
        let range = chunk.range();
        let wants = self.plan.channel.is_some();
        let mut items = Vec::with_capacity(if wants { range.len() as usize } else { 0 });
        for seq in range.lo..range.hi {
            if chunk.is_ended(seq) {
                chunk.stopped(seq);
                continue;
            }
            let (attempt, ended) = self.attempts(chunk, &from, seq);
            match ended {
                // It gave up because it was asked to: no fault of its own.
                Err(_) if chunk.is_ended(seq) => chunk.stopped(seq),
                Err(error) if !wants || !chunk.is_last_attempt() => chunk.failed(seq, error),
                Err(error) => items.push(Item { seq, attempt, ended: Err(error) }),
                Ok(Some(output)) => items.push(Item { seq, attempt, ended: Ok(output) }),
                Ok(None) => chunk.done(seq),
            }
        }
        if let Some(channel) = self.plan.channel.as_ref().filter(|_| !items.is_empty())
            && channel.put(Batch { from, items }, || chunk.enter(State::HeldBack))
        {
            chunk.enter(State::Run);
        }
    }

    fn on_leased(&self, _: Held, open: &Intervals) {
        self.plan.channel.iter().for_each(|channel| channel.expect(open));
    }

    fn on_returned(&self, tasks: &Intervals) {
        self.plan.channel.iter().for_each(|channel| channel.forgo(tasks));
    }

    fn on_ended(&self) {
        self.patience.end();
        self.plan.channel.iter().for_each(|channel| channel.wake_writers());
    }

    fn in_hand(&self) -> bool {
        self.plan.channel.as_ref().is_some_and(|channel| channel.in_hand())
    }
}

impl<In, Out, E, F> Calls<In, Out, F>
where
    In: Record,
    E: Display,
    F: Fn(Task<In>) -> Result<Out, E>,
{
    /// All attempts that are made in one go, and which was the last. What it returned is there if somebody wants it.
    fn attempts(&self, chunk: &mut Chunk<'_>, from: &Arc<Detached>, seq: Seq) -> (u32, Ended<Out>) {
        let mut failed = 0;
        loop {
            let ended = self.attempt(from, seq, failed);
            failed += 1;
            if ended.is_ok() || failed >= self.attempts_here || from.is_ended(seq) {
                return (from.task(seq).attempt + failed - 1, ended);
            }
            chunk.enter(State::HeldBack);
            let mut rng = Rng::new(chunk.now_ns() ^ seq);
            self.patience.wait(delay(self.plan.retry_ms, failed, &mut rng), || from.is_ended(seq));
            chunk.enter(State::Run);
        }
    }

    /// One attempt. All that is the user's happens inside of the guard: also writing the error, and dropping what nobody
    /// wants.
    #[inline]
    fn attempt(&self, from: &Arc<Detached>, seq: Seq, before: u32) -> Ended<Out> {
        let attempt = || {
            let mut task = task::<In>(from, seq)?;
            task.attempt += before;
            let output = std::hint::black_box((self.function)(task)).map_err(|error| error.to_string())?;
            Ok(self.plan.channel.is_some().then_some(output))
        };
        let panicked =
            |panic: Box<dyn std::any::Any + Send>| Err(format!("panicked: {}", panic_message(&*panic)));
        catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(panicked)
    }
}

/// How an attempt ended.
pub(crate) type Ended<Out> = Result<Option<Out>, String>;
