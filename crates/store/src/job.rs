//! Jobs and tasks as a store shows them.

use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Seq};

/// How a job's tasks may fail and be shared. All bounds are the job's own, so that every node keeps the same ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Starts that may fail or time out before a task is dead. At least 1.
    pub max_attempts: u32,
    /// Times that a task may be lost with its node while it was alone in its lease. At least 1.
    pub crash_limit: u32,
    /// Most tasks in one lease; 0 for no limit.
    pub range_max: u64,
    /// Whether only one node at a time may hold leases of the job (ordered output needs it).
    pub exclusive: bool,
    /// How long a job that succeeded is kept after its end.
    pub retention_ms: Millis,
}

impl Default for Policy {
    /// A batch command: one attempt, five crashes, forgotten a day after success.
    fn default() -> Policy {
        Policy {
            max_attempts: 1,
            crash_limit: 5,
            range_max: 0,
            exclusive: false,
            retention_ms: 24 * 3600 * 1000,
        }
    }
}

/// An array job's inputs, which are computed and never stored: `first + step * seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// Input and id of seq 0.
    pub first: u64,
    /// Distance from one id to the next, at least 1.
    pub step: u64,
}

/// What does not change during a job's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// A name for people.
    pub name: String,
    /// Which kind of handler runs it; a node leases only kinds that it has.
    pub handler: String,
    /// What the handler needs to know (command, directory, environment); the store does not look inside.
    pub detail: Vec<u8>,
    /// Bounds and sharing.
    pub policy: Policy,
    /// `Some` for an array job, `None` where records are stored.
    pub array: Option<Array>,
}

impl JobSpec {
    /// The id that users see for a seq: the array's value, else counting from 1.
    #[must_use]
    pub fn id_of(&self, seq: Seq) -> u64 {
        match self.array {
            Some(a) => a.first + a.step * seq,
            None => seq + 1,
        }
    }

    /// The seq behind a user's id, `None` if no seq has it. The caller checks it against the tail.
    #[must_use]
    pub fn seq_of(&self, id: u64) -> Option<Seq> {
        let Array { first, step } = self.array.unwrap_or(Array { first: 1, step: 1 });
        let off = id.checked_sub(first)?;
        off.is_multiple_of(step).then_some(off / step)
    }
}

/// A job to submit.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The job.
    pub spec: JobSpec,
    /// Its inputs, or the first of them.
    pub input: Input,
}

/// Where a new job's inputs come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// So many tasks, computed by [`JobSpec::array`]; the job is closed at once.
    Array(u64),
    /// These records, and the job is closed.
    Closed(Vec<crate::Block>),
    /// These records, and more to come by [`crate::Store::append`] from the node that is named, if one is.
    Open(Vec<crate::Block>, Option<NodeId>),
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More records may come.
    Open,
    /// All records are there, not all tasks have ended.
    Closed,
    /// All tasks have ended: done, dead or canceled.
    Finished(Millis),
}

/// A job's tasks by state. `tail = ready + retrying + running + done + dead + canceled`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Never leased, or waiting with no failed attempt: it came back from a lease that was lost or given back.
    pub ready: u64,
    /// Waiting with an attempt that failed, due or not.
    pub retrying: u64,
    /// In a lease, started or not.
    pub running: u64,
    /// Ended well.
    pub done: u64,
    /// Used up their attempts.
    pub dead: u64,
    /// Taken out by a person.
    pub canceled: u64,
}

/// A job and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobInfo {
    /// Its id.
    pub id: JobId,
    /// What it is.
    pub spec: JobSpec,
    /// Open, closed or finished.
    pub progress: Progress,
    /// Whether it was canceled as a whole.
    pub canceled: bool,
    /// Number of tasks so far.
    pub tail: Seq,
    /// Bytes of records so far.
    pub bytes: u64,
    /// Tasks by state.
    pub counts: Counts,
    /// When it was submitted.
    pub created: Millis,
    /// Who still appends to it, while it is open.
    pub producer: Option<NodeId>,
    /// Tasks reported done under a stale fence, which changed nothing.
    pub stale: u64,
}

/// What a task is doing. DESIGN.md, "Vocabulary".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// May be leased.
    Ready,
    /// Waits for another attempt.
    Retrying {
        /// Not before this time.
        due: Millis,
        /// Attempts that failed.
        attempts: u32,
    },
    /// Lent to a node.
    Running {
        /// To whom.
        node: NodeId,
        /// Under which fence.
        fence: Fence,
    },
    /// Ended well.
    Done,
    /// Used up its attempts.
    Dead,
    /// Taken out by a person.
    Canceled,
}

/// A task, looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// Its place in the log.
    pub seq: Seq,
    /// What it is doing.
    pub state: TaskState,
    /// The last error, where the store still knows one.
    pub error: Option<String>,
}

/// A dead task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Its place in the log.
    pub seq: Seq,
    /// Attempts that failed.
    pub attempts: u32,
    /// Nodes that were lost while they ran it alone.
    pub crashes: u32,
    /// The last error.
    pub error: String,
    /// When it died.
    pub at: Millis,
}

/// Which tasks of a job an operation is about: all, or these.
pub type Selection<'a> = Option<&'a Intervals>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_seqs_translate_both_ways() {
        let spec = |array| JobSpec {
            name: String::new(),
            handler: String::new(),
            detail: vec![],
            policy: Policy::default(),
            array,
        };
        let list = spec(None);
        assert_eq!((list.id_of(0), list.seq_of(1), list.seq_of(0)), (1, Some(0), None));
        let array = spec(Some(Array { first: 10, step: 5 }));
        assert_eq!((array.id_of(3), array.seq_of(25)), (25, Some(3)));
        assert_eq!((array.seq_of(9), array.seq_of(11)), (None, None));
        let all = spec(Some(Array { first: 0, step: 1 }));
        assert_eq!(all.seq_of(u64::MAX), Some(u64::MAX));
    }
}
