//! A pool thread: a chunk in, its outcomes into the mailbox.

use crate::chunk::{Chunk, TaskKey};
use crate::lent::Lent;
use crate::mailbox::Mailbox;
use crate::meter::{Meter, Phases};
use crate::process::Children;
use crate::stop::{Poke, Stop};
use crate::tally::Ran;
use divvy_core::{Clock, Range as Seqs, State};
use divvy_decide::Worked;
use divvy_store::Held;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The leases that workers may be given chunks of, by the pool's tag.
#[derive(Default)]
pub(crate) struct Leases(RwLock<HashMap<u64, Arc<Lent>>>);

impl Leases {
    pub(crate) fn insert(&self, tag: u64, lent: Arc<Lent>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(tag, lent);
    }

    /// No chunk will be run any more.
    pub(crate) fn clear(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn remove(&self, tag: u64) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&tag);
    }

    fn get(&self, tag: u64) -> Option<Arc<Lent>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&tag).cloned()
    }
}

/// What belongs to one worker and is read by the coordinator.
pub(crate) struct Desk {
    pub(crate) number: usize,
    pub(crate) meter: Meter,
    pub(crate) stop: Stop,
    pub(crate) poke: Arc<Poke>,
    pub(crate) children: Option<Children>,
    /// `/dev/null`, opened once for all workers: each task gets a duplicate.
    pub(crate) nothing: Arc<File>,
    pub(crate) clock: Arc<dyn Clock>,
    mailbox: Mailbox,
    /// Where outcomes come that are told later; all workers' the same.
    pub(crate) told: Arc<Mailbox>,
}

impl Desk {
    pub(crate) fn new(
        number: usize,
        stop: Stop,
        clock: Arc<dyn Clock>,
        children: Option<Children>,
        nothing: Arc<File>,
        told: Arc<Mailbox>,
        account: bool,
    ) -> std::io::Result<Desk> {
        let poke = stop.poke()?;
        Ok(Desk {
            number,
            meter: Meter::new(account),
            stop,
            poke,
            children,
            nothing,
            clock,
            mailbox: Mailbox::default(),
            told,
        })
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.nanos()
    }

    /// Everything that happened since the last look.
    pub(crate) fn collect(&self, into: &mut Vec<(Held, Worked)>) {
        self.mailbox.collect(into, false);
    }

    /// Adds what became of a chunk.
    fn put(&self, chunk: &mut Chunk<'_>, key: Held, run_ns: u64) {
        chunk.finish();
        (chunk.worked.run_ns, chunk.worked.tasks) = (chunk.timed_ns(run_ns), chunk.timed());
        if !chunk.lent.lease.demand.is_empty() {
            chunk.worked.ended.insert(chunk.range);
        }
        let mut settled: Vec<_> = chunk.settled.drain(..).map(settled).collect();
        let settled = settled.iter_mut().map(|(held, worked)| (*held, worked));
        // Whoever runs dry rings the bell: a busy worker's outcomes can wait.
        self.mailbox.put([(key, &mut chunk.worked)].into_iter().chain(settled));
    }
}

fn settled(task: TaskKey) -> (Held, Worked) {
    (task.lease, Worked { done: Seqs::new(task.seq, task.seq + 1).into(), ..Worked::default() })
}

/// The pool's view of a worker.
pub(crate) struct Worker {
    desk: Arc<Desk>,
    leases: Arc<Leases>,
    phases: Arc<Phases>,
    /// The lease of the last chunk: the next one is nearly always of the same.
    last: Option<(u64, Arc<Lent>)>,
    /// The clock at the last transition.
    now_ns: u64,
    in_run: bool,
}

impl Worker {
    pub(crate) fn new(desk: Arc<Desk>, leases: Arc<Leases>, phases: Arc<Phases>) -> Worker {
        Worker { desk, leases, phases, last: None, now_ns: 0, in_run: false }
    }

    fn lent(&mut self, tag: u64) -> Option<Arc<Lent>> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != tag) {
            self.last = self.leases.get(tag).map(|lent| (tag, lent));
        }
        self.last.as_ref().map(|(_, lent)| lent.clone())
    }

    /// Stamps a transition, unless the worker was in that state already.
    fn enter(&mut self, state: State) {
        self.now_ns = self.desk.now();
        self.in_run = state == State::Run;
        self.desk.meter.enter(state, self.now_ns);
    }
}

/// What a worker had spent before a chunk, to tell what the chunk took.
struct Before {
    working_ns: u64,
    held_ns: u64,
}

impl Before {
    fn of(desk: &Desk) -> Before {
        let spent = |state| desk.meter.spent(state);
        Before { working_ns: spent(State::Run) + spent(State::Spawn), held_ns: spent(State::HeldBack) }
    }

    /// What is counted of a chunk that has just ended. What held a task back belongs to its wait.
    fn ran(&self, chunk: &Chunk<'_>, begun_ns: u64) -> Ran {
        let now = Before::of(chunk.desk);
        let run_ns = chunk.timed_ns(now.working_ns - self.working_ns);
        let ready_ns = if chunk.timed() == chunk.ran() { chunk.left_out.0 } else { 0 };
        let begun_ns = begun_ns + (now.held_ns - self.held_ns) + ready_ns + run_ns / 2;
        let wait_ns = chunk.lent.due_ns.map(|due| (begun_ns as i64).saturating_sub(due).max(0) as u64);
        let run_ns = Some(run_ns).filter(|_| !chunk.is_detached());
        Ran { tasks: chunk.ran(), timed: chunk.timed(), run_ns, wait_ns }
    }
}

impl divvy_pool::Worker for Worker {
    fn run(&mut self, tag: u64, chunk: Range<u64>) -> Duration {
        // A chunk right behind another began when that one ended: no need to look at the clock.
        if !self.in_run {
            self.enter(State::Run);
        }
        let begun_ns = self.now_ns;
        let Some(lent) = self.lent(tag) else { return Duration::ZERO };
        self.desk.meter.on_job(lent.lease.job, begun_ns);
        let key = lent.key();
        let (mut tasks, mut ran, mut left_out_ns) = (0, 0, 0);
        for range in lent.in_lease(Seqs::new(chunk.start, chunk.end)).ranges() {
            tasks += range.len();
            let mut chunk = Chunk::new(&lent, *range, &self.desk, self.now_ns);
            let before = Before::of(&self.desk);
            lent.runner.run(&mut chunk);
            // Back in `run`, which is also the stamp of the chunk's end.
            chunk.enter(State::Run);
            let ended_ns = chunk.now_ns;
            self.desk.meter.on_chunk(before.ran(&chunk, self.now_ns), ended_ns);
            self.desk.put(&mut chunk, key, ended_ns - self.now_ns);
            self.now_ns = ended_ns;
            if chunk.timed() > 0 {
                left_out_ns += chunk.left_out.0;
                ran += chunk.timed();
            } else {
                ran += chunk.ran();
            }
        }
        // What was given back would have taken as long as what ran, and so would what has no time of its own.
        let took_ns = (self.now_ns - begun_ns).saturating_sub(left_out_ns);
        let took_ns = u128::from(took_ns) * u128::from(tasks) / u128::from(ran.max(1));
        Duration::from_nanos(u64::try_from(took_ns).unwrap_or(u64::MAX))
    }

    fn on_steal(&mut self) {
        self.enter(State::Steal);
    }

    fn on_wait(&mut self) {
        // A finished lease's records are not kept alive by a worker that sleeps.
        (self.last, self.in_run) = (None, false);
        self.desk.meter.on_wait(&self.phases, self.desk.now());
        self.desk.stop.bell().ring();
    }

    fn on_wake(&mut self) {
        self.desk.meter.on_wake(&self.phases, self.desk.now());
    }
}

impl Drop for Worker {
    /// The thread ends: parked from now on.
    fn drop(&mut self) {
        self.desk.meter.read_cpu(self.now_ns);
        self.enter(State::Parked);
        self.desk.meter.on_end();
    }
}
