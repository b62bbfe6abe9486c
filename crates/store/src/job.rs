//! Jobs and tasks as a store shows them.

use crate::graph::Graph;
use divvy_core::{Demand, Fence, Intervals, JobId, Millis, NodeId, Range, Seq};

/// How a job's tasks may fail and be shared. All bounds are the job's own, so that every node keeps the same ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Starts that may fail or time out before a task is dead. At least 1.
    pub max_attempts: u32,
    /// Times that a task may be lost with its node while it was alone in its lease. At least 1.
    pub crash_limit: u32,
    /// If a task dies and more than so many are dead then, the rest is canceled. `None`: never.
    pub max_fails: Option<u64>,
    /// Most tasks in one lease; 0 for no limit.
    pub range_max: u64,
    /// Whether only one node at a time may hold leases of the job (ordered output needs it).
    pub exclusive: bool,
    /// Whether a task may run twice at once without harm, since what it does counts once however often it is done. A
    /// node that has nothing else to do may take such tasks from a slow node's lease; but not of a job that is exclusive
    /// or has needs.
    pub backups: bool,
    /// How long a job that succeeded is kept after its end.
    pub retention_ms: Millis,
}

impl Default for Policy {
    /// A batch command: one attempt, five crashes, forgotten a day after success.
    fn default() -> Policy {
        Policy {
            max_attempts: 1,
            crash_limit: 5,
            max_fails: None,
            range_max: 0,
            exclusive: false,
            backups: false,
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

/// What tasks take of their node.
///
/// Each task is of one *class*, a number from 0; all tasks of a lease are of the same one. A job that says nothing
/// has one class, whose tasks take nothing but a worker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// The classes that tasks may have; none means one that takes nothing.
    pub classes: Vec<Class>,
    /// From which seq on tasks begin in which class: ascending, the first from 0. Empty: all begin in class 0.
    pub starts: Vec<(Seq, u32)>,
}

/// Tasks that take the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Class {
    /// What each takes while it runs.
    pub demand: Demand,
    /// The class of a task that has outgrown this one: it was ended for want of memory, and gets more.
    pub more: Option<u32>,
}

impl Needs {
    /// The class in which a task begins.
    #[must_use]
    pub fn class_of(&self, seq: Seq) -> u32 {
        let after = self.starts.partition_point(|(from, _)| *from <= seq);
        after.checked_sub(1).map_or(0, |at| self.starts[at].1)
    }

    /// Where the run of tasks that begin in the same class ends; `u64::MAX` for the last.
    #[must_use]
    pub fn run_end(&self, seq: Seq) -> Seq {
        let after = self.starts.partition_point(|(from, _)| *from <= seq);
        self.starts.get(after).map_or(u64::MAX, |(from, _)| *from)
    }

    /// The runs of a range, with their classes, in their order.
    pub fn runs(&self, range: Range) -> impl Iterator<Item = (Range, u32)> {
        let mut next = self.starts.partition_point(|(from, _)| *from <= range.lo);
        let mut lo = range.lo;
        std::iter::from_fn(move || {
            if lo >= range.hi {
                return None;
            }
            let class = next.checked_sub(1).map_or(0, |at| self.starts[at].1);
            let run = Range::new(lo, self.starts.get(next).map_or(range.hi, |(from, _)| range.hi.min(*from)));
            (lo, next) = (run.hi, next + 1);
            Some((run, class))
        })
    }

    /// Number of classes, at least 1.
    #[must_use]
    pub fn classes(&self) -> u32 {
        self.classes.len().max(1) as u32
    }

    /// What a task of a class takes.
    #[must_use]
    pub fn demand(&self, class: u32) -> Demand {
        self.classes.get(class as usize).map_or(Demand::new(), |c| c.demand.clone())
    }

    /// The class of a task that has outgrown this one.
    #[must_use]
    pub fn more(&self, class: u32) -> Option<u32> {
        self.classes.get(class as usize).and_then(|c| c.more)
    }

    /// Whether the numbers can belong together.
    #[must_use]
    pub fn is_sane(&self) -> bool {
        let known = |class: u32| class < self.classes();
        let ascending = self.starts.windows(2).all(|pair| pair[0].0 < pair[1].0);
        ascending
            && self.starts.first().is_none_or(|(from, _)| *from == 0)
            && self.starts.iter().all(|(_, class)| known(*class))
            // Only upwards, so that nothing outgrows in a circle.
            && self.classes.iter().zip(0..).all(|(c, at)| c.more.is_none_or(|more| more > at && known(more)))
    }
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
    /// What its tasks take of their node.
    pub needs: Needs,
    /// Jobs that have to succeed first: to finish with every task done.
    pub after: Vec<JobId>,
}

impl JobSpec {
    /// A job of stored records for this kind of handler, everything else as it is by default.
    #[must_use]
    pub fn new(handler: impl Into<String>) -> JobSpec {
        JobSpec {
            name: String::new(),
            handler: handler.into(),
            detail: Vec::new(),
            policy: Policy::default(),
            array: None,
            needs: Needs::default(),
            after: Vec::new(),
        }
    }

    /// Whether a node may take tasks that another one holds.
    #[must_use]
    pub fn allows_backups(&self) -> bool {
        self.policy.backups && !self.policy.exclusive && self.needs.classes.is_empty()
    }

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
    /// Nothing of it is leased until somebody lets it go on, as after [`crate::Store::pause`].
    pub paused: bool,
}

/// Where a new job's inputs come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// So many tasks, computed by [`JobSpec::array`]; the job is closed at once.
    Array(u64),
    /// These records, and the job is closed.
    Closed(Vec<crate::Block>),
    /// These records, as many as the graph has tasks, each to be run when those it waits for are done; the job is
    /// closed.
    Graph(Vec<crate::Block>, Graph),
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
    /// All tasks have ended: done, dead or canceled; or are blocked by such as did not end well.
    Finished(Millis),
}

/// A job's tasks by state. `tail = blocked + ready + retrying + running + done + dead + canceled`, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Waiting for other tasks of the job.
    pub blocked: u64,
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
    /// Whether it was canceled as a whole, by a person or because too many tasks failed.
    pub canceled: bool,
    /// Whether nothing of it is leased for the time being.
    pub paused: bool,
    /// Of the jobs that have to succeed first, those that have not, in the order in which it names them.
    pub waits_for: Vec<JobId>,
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

/// Most tasks that [`TaskState::Blocked`] names.
pub const BLOCKERS_SHOWN: usize = 20;

/// What a task is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskState {
    /// Waits for other tasks of the job.
    Blocked {
        /// Those that are not done, ascending; at most [`BLOCKERS_SHOWN`] of them.
        by: Vec<Seq>,
    },
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
        let spec = |array| JobSpec { array, ..JobSpec::new("") };
        let list = spec(None);
        assert_eq!((list.id_of(0), list.seq_of(1), list.seq_of(0)), (1, Some(0), None));
        let array = spec(Some(Array { first: 10, step: 5 }));
        assert_eq!((array.id_of(3), array.seq_of(25)), (25, Some(3)));
        assert_eq!((array.seq_of(9), array.seq_of(11)), (None, None));
        let all = spec(Some(Array { first: 0, step: 1 }));
        assert_eq!(all.seq_of(u64::MAX), Some(u64::MAX));
    }

    #[test]
    fn tasks_begin_in_the_class_of_their_run() {
        let classes = vec![Class { more: Some(1), ..Class::default() }, Class::default()];
        let needs = Needs { classes, starts: vec![(0, 1), (5, 0)] };
        assert!(needs.is_sane());
        assert_eq!([0, 4, 5, 9].map(|seq| needs.class_of(seq)), [1, 1, 0, 0]);
        assert_eq!([0, 4, 5].map(|seq| needs.run_end(seq)), [5, 5, u64::MAX]);
        let runs = |lo, hi| needs.runs(Range::new(lo, hi)).collect::<Vec<_>>();
        assert_eq!(runs(2, 9), [(Range::new(2, 5), 1), (Range::new(5, 9), 0)]);
        assert_eq!((runs(2, 5), runs(5, 5)), (vec![(Range::new(2, 5), 1)], vec![]));
        let none = Needs::default();
        assert_eq!((none.is_sane(), none.classes(), none.class_of(7), none.more(0)), (true, 1, 0, None));
        let circle = vec![Class { more: Some(0), ..Class::default() }];
        assert!(!Needs { classes: circle, starts: vec![] }.is_sane());
        assert!(!Needs { classes: vec![], starts: vec![(0, 1)] }.is_sane());
    }
}
