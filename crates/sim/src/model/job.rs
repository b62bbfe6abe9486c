//! One job of the model: its sets, and what is derived from them.

use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range, Seq};
use divvy_store::{Block, Counts, Dead, JobInfo, JobSpec, JobView, Progress, TaskInfo, TaskState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A lease.
#[derive(Debug, Clone)]
pub(super) struct Lent {
    pub(super) node: NodeId,
    pub(super) open: Intervals,
    /// As it was granted. No rule needs it; the bug that frees whole ranges does.
    pub(super) granted: Intervals,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) quarantined: bool,
    /// Somebody canceled tasks of it.
    pub(super) cut: bool,
    pub(super) error: Option<String>,
}

/// Tasks that were leased before and may be leased again.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) range: Range,
    /// Most tasks of it in one lease, 0 for no limit.
    pub(super) part: u64,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    /// 0: at once.
    pub(super) due: Millis,
    pub(super) error: Option<String>,
}

impl Waiting {
    /// Tasks that wait with nothing charged and may be leased at once.
    pub(super) fn uncharged(range: Range) -> Waiting {
        Waiting { range, part: 0, attempts: 0, crashes: 0, due: 0, error: None }
    }
}

/// A set that knows its size, because the simulator asks for it at every exchange.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) set: Intervals,
    pub(super) len: u64,
}

impl Tally {
    pub(super) fn insert_all(&mut self, add: &Intervals) {
        self.len += add.len() - self.set.intersect(add).len();
        self.set.insert_all(add);
    }
}

/// A job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) id: JobId,
    pub(super) spec: JobSpec,
    pub(super) created: Millis,
    pub(super) producer: Option<NodeId>,
    pub(super) open: bool,
    pub(super) canceled_whole: bool,
    pub(super) finished: Option<Millis>,
    pub(super) stale: u64,
    pub(super) blocks: Vec<(Seq, Arc<Block>)>,
    pub(super) bytes: u64,
    /// Everything below was leased at least once, or canceled.
    pub(super) head: Seq,
    pub(super) tail: Seq,
    /// The highest fence so far.
    pub(super) fence: Fence,
    /// Leases so far, which is what the highest fence has to be.
    pub(super) grants: u64,
    pub(super) leases: BTreeMap<Fence, Lent>,
    /// By the lowest seq of each range.
    pub(super) waiting: BTreeMap<Seq, Waiting>,
    pub(super) dead: BTreeMap<Seq, Dead>,
    pub(super) canceled: Tally,
    /// Completions that were accepted. A real store does not keep them: there they are what is left over, and that
    /// both agree is what the model checks.
    pub(super) done: Tally,
}

impl Job {
    pub(super) fn new(id: JobId, spec: JobSpec, created: Millis) -> Job {
        Job {
            id,
            spec,
            created,
            producer: None,
            open: false,
            canceled_whole: false,
            finished: None,
            stale: 0,
            blocks: Vec::new(),
            bytes: 0,
            head: 0,
            tail: 0,
            fence: Fence(0),
            grants: 0,
            leases: BTreeMap::new(),
            waiting: BTreeMap::new(),
            dead: BTreeMap::new(),
            canceled: Tally::default(),
            done: Tally::default(),
        }
    }

    pub(super) fn push(&mut self, blocks: &[Block]) -> Range {
        let lo = self.tail;
        for block in blocks.iter().filter(|b| b.count() > 0) {
            self.blocks.push((self.tail, Arc::new(block.clone())));
            self.bytes += block.record_bytes();
            self.tail += block.count();
        }
        Range::new(lo, self.tail)
    }

    pub(super) fn wait(&mut self, waiting: Waiting) {
        self.waiting.insert(waiting.range.lo, waiting);
    }

    /// What was never leased and not canceled.
    pub(super) fn untouched(&self) -> Intervals {
        Intervals::from(Range::new(self.head, self.tail)).minus(&self.canceled.set)
    }

    /// Tasks that have not ended.
    pub(super) fn unfinished(&self) -> u64 {
        let ended = self.done.len + self.dead.len() as u64 + self.canceled.len;
        self.tail.saturating_sub(ended)
    }

    pub(super) fn record_bytes(&self) -> u64 {
        self.bytes.checked_div(self.tail).unwrap_or(0)
    }

    pub(super) fn counts(&self) -> Counts {
        let waits = |retries: bool| -> u64 {
            self.waiting.values().filter(|w| (w.attempts > 0) == retries).map(|w| w.range.len()).sum()
        };
        let ready = self.untouched().len() + waits(false);
        let retrying = waits(true);
        let running = self.leases.values().map(|l| l.open.len()).sum();
        let (dead, canceled) = (self.dead.len() as u64, self.canceled.len);
        // As in a real store: done is what is nowhere else.
        let done = self.tail.saturating_sub(ready + retrying + running + dead + canceled);
        Counts { blocked: 0, ready, retrying, running, done, dead, canceled }
    }

    pub(super) fn progress(&self) -> Progress {
        match self.finished {
            Some(at) => Progress::Finished(at),
            None if self.open => Progress::Open,
            None => Progress::Closed,
        }
    }

    pub(super) fn view(&self, now: Millis) -> JobView {
        let due = self.waiting.values().filter(|w| w.due <= now).map(|w| w.range.len()).sum::<u64>();
        JobView {
            job: self.id,
            claimable: self.untouched().len() + due,
            finished: self.finished.is_some(),
            open: self.open,
            record_bytes: self.record_bytes(),
            dead: self.dead.len() as u64,
            unfinished: self.unfinished(),
            blocked: 0,
            paused: false,
            stuck: false,
            classes: Vec::new(),
        }
    }

    pub(super) fn info(&self) -> JobInfo {
        JobInfo {
            id: self.id,
            spec: self.spec.clone(),
            progress: self.progress(),
            canceled: self.canceled_whole,
            paused: false,
            waits_for: Vec::new(),
            tail: self.tail,
            bytes: self.bytes,
            counts: self.counts(),
            created: self.created,
            producer: self.producer,
            stale: self.stale,
        }
    }

    pub(super) fn task(&self, seq: Seq) -> Option<TaskInfo> {
        if seq >= self.tail {
            return None;
        }
        let lent = self.leases.iter().find(|(_, l)| l.open.contains(seq));
        let waits = self.waiting.values().find(|w| w.range.contains(seq));
        let (state, error) = if let Some((fence, lent)) = lent {
            (TaskState::Running { node: lent.node, fence: *fence }, lent.error.clone())
        } else if let Some(w) = waits.filter(|w| w.attempts > 0) {
            (TaskState::Retrying { due: w.due, attempts: w.attempts }, w.error.clone())
        } else if waits.is_some() {
            (TaskState::Ready, None)
        } else if let Some(dead) = self.dead.get(&seq) {
            (TaskState::Dead, Some(dead.error.clone()))
        } else if self.canceled.set.contains(seq) {
            (TaskState::Canceled, None)
        } else if seq >= self.head {
            (TaskState::Ready, None)
        } else {
            (TaskState::Done, None)
        };
        Some(TaskInfo { seq, state, error })
    }

    /// The blocks that hold a range.
    pub(super) fn blocks_of(&self, range: Range) -> Vec<(Seq, Arc<Block>)> {
        if range.is_empty() {
            return Vec::new();
        }
        let from = self.blocks.partition_point(|(first, block)| first + block.count() <= range.lo);
        self.blocks[from..].iter().take_while(|(first, _)| *first < range.hi).cloned().collect()
    }
}
