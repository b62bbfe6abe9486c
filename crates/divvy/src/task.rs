//! A task, as its handler gets it.

use divvy_core::{JobId, Seq};
use divvy_engine::Detached;
use std::fmt;
use std::sync::Arc;

/// One task: its input, and what may be asked about it.
pub struct Task<In> {
    /// The input.
    pub input: In,
    /// The id: an array's number, else the record's place, counting from 1.
    pub id: u64,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The job.
    pub job: JobId,
    pub(crate) seq: Seq,
    pub(crate) from: Arc<Detached>,
}

impl<In> Task<In> {
    /// The task's name for the outside world: the same in every attempt, also after a crash. What must not happen
    /// twice elsewhere is asked there under this key.
    pub fn key(&self) -> Key {
        Key { job: self.job, task: self.id }
    }

    /// A number that rises with every lease of the task: a target that remembers the highest one it saw can
    /// refuse a writer that was overtaken.
    pub fn fence(&self) -> u64 {
        self.from.fence().0
    }

    /// Whether the task should end: its job was canceled, or this node has no more time. What it returns then counts
    /// no longer. A long synchronous handler looks at this now and then; an `async` one is dropped by itself.
    pub fn is_canceled(&self) -> bool {
        self.from.is_ended(self.seq)
    }
}

impl<In: fmt::Debug> fmt::Debug for Task<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Task { input, id, attempt, job, .. } = self;
        let mut shown = f.debug_struct("Task");
        shown.field("job", job).field("id", id).field("attempt", attempt).field("input", input).finish()
    }
}

/// A task's stable name, `job-task`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The job.
    pub job: JobId,
    /// The task's id.
    pub task: u64,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.job, self.task)
    }
}
