//! What the model did, for a checker that looks at the whole history and not at one state.

use divvy_core::{Fence, Intervals, JobId, NodeId, Range, Seq};

/// A step of some tasks' lives. Tasks come as ranges and sets: a history costs per lease, not per task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Acknowledged with this reply: from now on each must end.
    Added {
        /// The job.
        job: JobId,
        /// The new tasks.
        tasks: Range,
    },
    /// Lent to a node.
    Granted {
        /// The job.
        job: JobId,
        /// The new lease.
        fence: Fence,
        /// Its holder.
        node: NodeId,
        /// Its tasks.
        tasks: Intervals,
    },
    /// Completions that counted. Of each task there may be one.
    Accepted {
        /// The job.
        job: JobId,
        /// The lease under which they were reported.
        fence: Fence,
        /// Who reported.
        node: NodeId,
        /// The tasks.
        tasks: Intervals,
    },
    /// A report under a stale fence, or by a node whose lease it is not.
    Refused {
        /// The job.
        job: JobId,
        /// The fence it came under.
        fence: Fence,
        /// Who reported.
        node: NodeId,
    },
    /// An attempt that counted as failed.
    Failed {
        /// The job.
        job: JobId,
        /// The lease under which it failed.
        fence: Fence,
        /// The task.
        seq: Seq,
        /// Failed attempts so far, this one included.
        attempts: u32,
    },
    /// A task is dead.
    Died {
        /// The job.
        job: JobId,
        /// The task.
        seq: Seq,
        /// Attempts that failed.
        attempts: u32,
        /// Nodes lost with it.
        crashes: u32,
    },
    /// Taken out.
    Canceled {
        /// The job.
        job: JobId,
        /// The tasks.
        tasks: Intervals,
    },
    /// Dead tasks that go on, with nothing charged.
    Retried {
        /// The job.
        job: JobId,
        /// The tasks.
        tasks: Intervals,
    },
    /// The job has finished.
    Finished {
        /// The job.
        job: JobId,
    },
}

/// Where events go: nowhere, unless somebody asked for them and takes them away.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(Option<Vec<Event>>);

impl Ledger {
    pub(super) fn open(&mut self) {
        self.0.get_or_insert_default();
    }

    pub(super) fn push(&mut self, event: Event) {
        if let Some(list) = &mut self.0 {
            list.push(event);
        }
    }

    pub(super) fn take(&mut self) -> Vec<Event> {
        self.0.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
