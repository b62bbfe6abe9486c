//! Tasks that outlive their chunk: handed to something that waits, or run and not safe yet, and told of later from any thread.

use crate::chunk::TaskKey;
use crate::handler::Task;
use crate::lent::Lent;
use crate::mailbox::Mailbox;
use crate::stop::{Stop, StopLevel};
use divvy_core::{Fence, Intervals, Range, Seq};
use divvy_decide::{Failure, Worked};
use std::sync::Arc;

/// Tasks of one lease, beyond the chunk in which a worker took them. Cheap to clone, and it keeps their records.
///
/// Their outcomes are told by [`tell`](Detached::tell) when they are known. Until then the runner has them in hand
/// ([`Runner::in_hand`](crate::Runner::in_hand)). Tasks that are never told of are given back when the node stops.
#[derive(Clone)]
pub struct Detached {
    pub(crate) lent: Arc<Lent>,
    pub(crate) told: Arc<Mailbox>,
    pub(crate) stop: Stop,
}

/// What became of detached tasks.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Ended well.
    pub done: Intervals,
    /// Failed, with the error.
    pub failed: Vec<(Seq, String)>,
    /// Stopped without fault of theirs.
    pub stopped: Intervals,
}

impl Told {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.done.is_empty() && self.failed.is_empty() && self.stopped.is_empty()
    }
}

impl Detached {
    /// A task of the lease.
    #[must_use]
    #[inline]
    pub fn task(&self, seq: Seq) -> Task<'_> {
        self.lent.task(seq)
    }

    /// The id that users know a task by.
    #[must_use]
    pub fn id(&self, seq: Seq) -> u64 {
        self.lent.spec.id_of(seq)
    }

    /// Whether the tasks' inputs are their ids.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.lent.spec.array.is_some()
    }

    /// A task's name.
    #[must_use]
    pub fn key(&self, seq: Seq) -> TaskKey {
        TaskKey { lease: self.lent.key(), seq }
    }

    /// The fence under which the tasks run.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.lent.lease.fence
    }

    /// Whether a failure of this attempt would be the task's last.
    #[must_use]
    pub fn is_last_attempt(&self) -> bool {
        self.lent.is_last_attempt()
    }

    /// Whether a running task should end: a stop, or nobody wants it any more.
    #[must_use]
    #[inline]
    pub fn is_ended(&self, seq: Seq) -> bool {
        self.stop.level() >= StopLevel::End || self.lent.is_unwanted(seq)
    }

    /// Whether a task was taken away; it may go on where the job allows [backups](divvy_store::Policy::backups).
    #[must_use]
    pub fn is_dropped(&self, seq: Seq) -> bool {
        self.lent.is_dropped(seq)
    }

    /// Whether any task of the lease was taken away: cheaper to ask than for each.
    #[must_use]
    pub fn has_lost_any(&self) -> bool {
        self.lent.has_lost_any()
    }

    /// How to hear of a stop, and to ask for one.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Tells what became of tasks of this lease. Telling many at once costs as much as telling one.
    pub fn tell(&self, told: Told) {
        let failure = |(seq, error)| Failure { seq, error, outgrown: false };
        let mut worked = Worked {
            done: told.done,
            failed: told.failed.into_iter().map(failure).collect(),
            stopped: told.stopped,
            ..Worked::default()
        };
        if self.told.put([(self.lent.key(), &mut worked)]) {
            self.stop.bell().ring();
        }
    }

    /// Tells that consecutive tasks ended well.
    pub fn tell_done(&self, tasks: Range) {
        self.tell(Told { done: tasks.into(), ..Told::default() });
    }
}
