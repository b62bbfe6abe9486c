//! A lease while workers run it.

use crate::handler::{Runner, Task};
use divvy_core::{Intervals, Range, Seq};
use divvy_store::{Held, JobSpec, Lease, Records};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What workers need to know of a lease. They share it; only what was taken away changes.
pub(crate) struct Lent {
    pub(crate) lease: Lease,
    pub(crate) spec: Arc<JobSpec>,
    /// The inputs; nothing for an array.
    pub(crate) records: Records,
    pub(crate) runner: Arc<dyn Runner>,
    /// Since when its tasks could have run, by the node's clock, which may begin later; where that is known.
    pub(crate) due_ns: Option<i64>,
    /// The pool runs one range; a lease with holes is run as its hull, and the holes are passed over.
    has_holes: bool,
    /// Whether anything was taken away, so that the common case is one load.
    dropped_any: AtomicBool,
    dropped: RwLock<Intervals>,
    /// Nobody wants what was dropped, also if somebody else could have taken it.
    abandoned: AtomicBool,
}

impl Lent {
    pub(crate) fn new(lease: Lease, spec: Arc<JobSpec>, runner: Arc<dyn Runner>) -> Lent {
        let has_holes = lease.open.ranges().len() > 1;
        let (dropped_any, dropped) = (AtomicBool::new(false), RwLock::default());
        let records = Records::default();
        Lent {
            lease,
            spec,
            records,
            runner,
            due_ns: None,
            has_holes,
            dropped_any,
            dropped,
            abandoned: AtomicBool::new(false),
        }
    }

    pub(crate) fn key(&self) -> Held {
        (self.lease.job, self.lease.fence)
    }

    /// A task of the lease.
    #[inline]
    pub(crate) fn task(&self, seq: Seq) -> Task<'_> {
        let input = if self.spec.array.is_some() { &[][..] } else { self.records.get(seq) };
        Task { job: self.lease.job, seq, id: self.spec.id_of(seq), input, attempt: self.lease.attempts + 1 }
    }

    /// Whether a failure of this attempt would be the task's last.
    pub(crate) fn is_last_attempt(&self) -> bool {
        self.lease.attempts + 1 >= self.spec.policy.max_attempts
    }

    /// The range to feed.
    pub(crate) fn hull(&self) -> Range {
        self.lease.open.hull().expect("a lease is never empty")
    }

    /// The parts of a chunk that are in the lease.
    pub(crate) fn in_lease(&self, chunk: Range) -> Intervals {
        let chunk = Intervals::from(chunk);
        if self.has_holes { self.lease.open.intersect(&chunk) } else { chunk }
    }

    /// These tasks are no longer ours.
    pub(crate) fn drop_tasks(&self, tasks: &Intervals) {
        self.dropped.write().unwrap_or_else(PoisonError::into_inner).insert_all(tasks);
        self.dropped_any.store(true, Ordering::Release);
    }

    /// Whether any task was taken away.
    pub(crate) fn has_lost_any(&self) -> bool {
        self.dropped_any.load(Ordering::Acquire)
    }

    /// Whether a task was taken away.
    #[inline] // asked for every task
    pub(crate) fn is_dropped(&self, seq: Seq) -> bool {
        self.has_lost_any() && self.is_dropped_cold(seq)
    }

    /// The job is over.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// Whether tasks that were taken away may go on here.
    pub(crate) fn may_stray(&self) -> bool {
        self.has_lost_any() && self.spec.allows_backups() && !self.abandoned.load(Ordering::Acquire)
    }

    /// Whether a task should end that was taken away. One that may run twice goes on while its job does: whoever has taken
    /// it may be the slower one.
    #[inline] // asked for every task
    pub(crate) fn is_unwanted(&self, seq: Seq) -> bool {
        self.is_dropped(seq) && (!self.spec.allows_backups() || self.abandoned.load(Ordering::Acquire))
    }

    #[cold]
    fn is_dropped_cold(&self, seq: Seq) -> bool {
        self.dropped.read().unwrap_or_else(PoisonError::into_inner).contains(seq)
    }
}
