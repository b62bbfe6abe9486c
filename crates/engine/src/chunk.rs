//! What a runner sees of the chunk it runs.

use crate::detached::Detached;
use crate::handler::Task;
use crate::lent::Lent;
use crate::stop::{Stop, StopLevel};
use crate::worker::Desk;
use divvy_core::{Demand, Fence, Range, Seq, State};
use divvy_decide::{Failure, Worked};
use divvy_store::Held;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::cell::Cell;
use std::sync::Arc;

/// A task by its lease: what its outcome is told under. Small, to be kept where the outcome is told later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskKey {
    /// The lease.
    pub lease: Held,
    /// The task.
    pub seq: Seq,
}

/// Consecutive tasks of one lease, in the hands of one worker.
///
/// Every task's outcome has to be told once: by [`done`](Chunk::done), [`failed`](Chunk::failed) or
/// [`stopped`](Chunk::stopped), here, or later through [`settle`](Chunk::settle) of a chunk of the same job or through
/// [`Detached::tell`]. A task whose outcome is never told is given back when the node stops.
pub struct Chunk<'a> {
    pub(crate) lent: &'a Arc<Lent>,
    pub(crate) range: Range,
    pub(crate) desk: &'a Desk,
    /// Done tasks not yet put into `worked`: consecutive ones cost one addition each.
    run_of_done: Range,
    pub(crate) worked: Worked,
    pub(crate) settled: Vec<TaskKey>,
    pub(crate) now_ns: u64,
    /// Tasks of it go on after it.
    detached: Cell<bool>,
    /// Time of it that was no task's, as far as is known, and tasks of which the time is not known.
    pub(crate) left_out: (u64, u64),
}

impl<'a> Chunk<'a> {
    pub(crate) fn new(lent: &'a Arc<Lent>, range: Range, desk: &'a Desk, now_ns: u64) -> Chunk<'a> {
        let run_of_done = Range::new(range.lo, range.lo);
        let (worked, settled, detached) = (Worked::default(), Vec::new(), Cell::new(false));
        Chunk { lent, range, desk, run_of_done, worked, settled, now_ns, detached, left_out: (0, 0) }
    }

    /// The tasks.
    #[must_use]
    pub fn range(&self) -> Range {
        self.range
    }

    /// A task of the chunk.
    #[must_use]
    #[inline]
    pub fn task(&self, seq: Seq) -> Task<'a> {
        self.lent.task(seq)
    }

    /// Whether the tasks' inputs are their ids.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.lent.spec.array.is_some()
    }

    /// The task behind a user's id, if it is one of the chunk.
    #[must_use]
    pub fn seq_of(&self, id: u64) -> Option<Seq> {
        self.lent.spec.seq_of(id).filter(|seq| self.range.contains(*seq))
    }

    /// A task's name for telling its outcome later.
    #[must_use]
    pub fn key(&self, seq: Seq) -> TaskKey {
        TaskKey { lease: self.lent.key(), seq }
    }

    /// The fence under which the tasks run.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.lent.lease.fence
    }

    /// Whether the tasks were taken from a node that is slow, and may still run there.
    #[must_use]
    pub fn is_backup(&self) -> bool {
        self.lent.lease.taken > 0
    }

    /// What each task takes of the node while it runs.
    #[must_use]
    pub fn demand(&self) -> &'a Demand {
        &self.lent.lease.demand
    }

    /// Whether a failure of this attempt would be the task's last.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.lent.is_last_attempt()
    }

    /// Whether a task that has outgrown its class gets more memory, and the attempt does not count.
    #[must_use]
    pub fn may_get_more(&self) -> bool {
        self.lent.spec.needs.more(self.lent.lease.class).is_some()
    }

    /// The worker's number, from 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.desk.number
    }

    /// Whether a running task should end: a stop, or nobody wants it any more.
    #[must_use]
    #[inline]
    pub fn is_ended(&self, seq: Seq) -> bool {
        self.desk.stop.level() >= StopLevel::End || self.lent.is_unwanted(seq)
    }

    /// Whether a task that has not started should not start any more: the same, or a stop that lets the running
    /// ones finish.
    #[must_use]
    #[inline]
    pub fn is_over(&self, seq: Seq) -> bool {
        self.desk.stop.level() >= StopLevel::Finish || self.lent.is_dropped(seq)
    }

    /// Waits so long, held back, or until somebody wants this worker's attention: look at [`Chunk::is_over`] then.
    pub fn hold_back(&mut self, ns: u64) {
        self.enter(State::HeldBack);
        let poke = self.poke();
        let limit = Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ };
        // A wait cut short by a signal is only looked at earlier.
        if poll(&mut [PollFd::new(&poke.0, PollFlags::IN)], Some(&limit)).is_ok_and(|woken| woken > 0) {
            poke.clear();
        }
    }

    /// How to hear of a stop.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.desk.stop
    }

    /// What wakes this worker out of a wait in the kernel.
    pub(crate) fn poke(&self) -> &crate::stop::Poke {
        &self.desk.poke
    }

    /// A standard input that is empty.
    pub(crate) fn nothing(&self) -> &std::fs::File {
        &self.desk.nothing
    }

    /// Where this node's processes are written down for its survivors.
    pub(crate) fn children(&self) -> Option<&crate::process::Children> {
        self.desk.children.as_ref()
    }

    /// A task ended well.
    #[inline]
    pub fn done(&mut self, seq: Seq) {
        self.done_all(Range::new(seq, seq + 1));
    }

    /// All these tasks ended well. What was done right before them costs no more than one addition.
    #[inline]
    pub fn done_all(&mut self, tasks: Range) {
        if tasks.lo == self.run_of_done.hi {
            self.run_of_done.hi = tasks.hi;
        } else {
            self.worked.done.insert(self.run_of_done);
            self.run_of_done = tasks;
        }
    }

    /// A task failed.
    pub fn failed(&mut self, seq: Seq, error: String) {
        self.worked.failed.push(Failure { seq, error, outgrown: false });
    }

    /// A task was ended because it needed more memory than it may take.
    pub fn outgrown(&mut self, seq: Seq, error: String) {
        self.worked.failed.push(Failure { seq, error, outgrown: true });
    }

    /// A task was stopped without fault of its own.
    pub fn stopped(&mut self, seq: Seq) {
        self.stopped_all(Range::new(seq, seq + 1));
    }

    /// All these tasks were stopped, or not started, without fault of their own.
    pub fn stopped_all(&mut self, tasks: Range) {
        self.worked.stopped.insert(tasks);
    }

    /// This task and all behind it were not started.
    pub fn stopped_from(&mut self, seq: Seq) {
        self.worked.stopped.insert(Range::new(seq, self.range.hi));
    }

    /// A task of an earlier chunk, perhaps of another lease, ended well.
    pub fn settle(&mut self, key: TaskKey) {
        if key.lease == self.lent.key() {
            self.worked.done.insert(Range::new(key.seq, key.seq + 1));
        } else {
            self.settled.push(key);
        }
    }

    /// A hold on tasks that go on after the chunk, out of this worker's hands. How long they take is not known then.
    #[must_use]
    pub fn detach(&self) -> Detached {
        self.detached.set(true);
        self.hold()
    }

    /// A hold on tasks that are run within the chunk: to ask of them where the chunk is out of reach, or to tell their outcome
    /// when their results are safe. What the chunk takes is what they took.
    #[must_use]
    pub fn hold(&self) -> Detached {
        Detached { lent: self.lent.clone(), told: self.desk.told.clone(), stop: self.desk.stop.clone() }
    }

    /// Goes over to another state of the account. A chunk begins in `run` and is put back there by its end.
    pub fn enter(&mut self, state: State) {
        self.now_ns = self.desk.now();
        self.desk.meter.enter(state, self.now_ns);
    }

    /// A process has been started that will be told tasks when it is ready, or before: see [`Chunk::started`].
    pub fn starting(&mut self) {
        self.enter(State::Run);
        self.desk.meter.on_starting();
    }

    /// So much of what this worker has spent on the job in `run` was the start of a process. To be told once it is known, in
    /// whatever chunk that is.
    pub fn started(&mut self, ns: u64) {
        self.enter(State::Run);
        self.desk.meter.on_started(ns);
    }

    /// So much of this chunk's time is not counted as its tasks', and neither are so many of its tasks: how long they
    /// took by themselves is not known.
    pub fn leave_out(&mut self, ns: u64, tasks: u64) {
        self.left_out = (self.left_out.0 + ns, self.left_out.1 + tasks);
    }

    /// The clock that the account uses, nanoseconds.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.desk.now()
    }

    /// Whether its tasks may take longer than the chunk.
    pub(crate) fn is_detached(&self) -> bool {
        self.detached.get()
    }

    /// How many of the tasks were not given back.
    pub(crate) fn ran(&self) -> u64 {
        self.range.len() - self.worked.stopped.len()
    }

    /// How many of them have a time that is known.
    pub(crate) fn timed(&self) -> u64 {
        self.ran().saturating_sub(self.left_out.1)
    }

    /// What is left of a time that it took, for those.
    pub(crate) fn timed_ns(&self, took_ns: u64) -> u64 {
        if self.timed() == 0 { 0 } else { took_ns.saturating_sub(self.left_out.0) }
    }

    pub(crate) fn finish(&mut self) {
        self.worked.done.insert(self.run_of_done);
        self.run_of_done.lo = self.run_of_done.hi;
    }
}
