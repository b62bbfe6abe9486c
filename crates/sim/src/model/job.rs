//! One job of the model: its sets, and what is derived from them.

use super::graph::Family;
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range, Seq};
use divvy_store::rules::AHEAD_MAX;
use divvy_store::{Block, ClassView, Counts, Dead, JobInfo, JobSpec, JobView, Progress, TaskInfo, TaskState};
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
    pub(super) class: u32,
    pub(super) quarantined: bool,
    /// Somebody canceled tasks of it, or took them.
    pub(super) cut: bool,
    /// How often its tasks were taken from a node.
    pub(super) taken: u32,
    pub(super) error: Option<String>,
}

impl Lent {
    /// Nothing charged.
    pub(super) fn new(node: NodeId, class: u32, tasks: Intervals) -> Lent {
        let (open, granted) = (tasks.clone(), tasks);
        Lent {
            node,
            open,
            granted,
            attempts: 0,
            crashes: 0,
            class,
            quarantined: false,
            cut: false,
            taken: 0,
            error: None,
        }
    }
}

/// Tasks below the head that may be leased: they came back, or were set aside.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) range: Range,
    /// Most tasks of it in one lease, 0 for no limit.
    pub(super) part: u64,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) class: u32,
    /// 0: at once.
    pub(super) due: Millis,
    pub(super) error: Option<String>,
}

impl Waiting {
    /// Tasks that wait with nothing charged and may be leased at once.
    pub(super) fn uncharged(range: Range, class: u32) -> Waiting {
        Waiting { range, part: 0, attempts: 0, crashes: 0, class, due: 0, error: None }
    }

    /// Whether nothing is charged and nothing has to be kept apart.
    pub(super) fn is_free(&self) -> bool {
        (self.part, self.attempts, self.crashes) == (0, 0, 0)
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
    pub(super) paused: bool,
    /// A task died with which more than `max_fails` are dead: it is to be canceled before this step is over.
    pub(super) has_failed: bool,
    pub(super) finished: Option<Millis>,
    pub(super) stale: u64,
    pub(super) blocks: Vec<(Seq, Arc<Block>)>,
    pub(super) bytes: u64,
    /// Everything below was leased at least once, or set aside, or canceled.
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
    /// Who waits for whom, in a job with a graph.
    pub(super) family: Option<Arc<Family>>,
    /// Tasks with a parent that is not done.
    pub(super) blocked: Intervals,
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
            paused: false,
            has_failed: false,
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
            family: None,
            blocked: Intervals::new(),
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

    /// Tasks that have not ended and are not blocked.
    pub(super) fn unfinished(&self) -> u64 {
        let ended = self.done.len + self.dead.len() as u64 + self.canceled.len;
        self.tail.saturating_sub(ended + self.blocked.len())
    }

    /// Whether nothing of it is left to run, and nothing more can come.
    pub(super) fn is_over(&self) -> bool {
        !self.open && self.unfinished() == 0
    }

    /// Whether it has finished with every task done.
    pub(super) fn succeeded(&self) -> bool {
        self.finished.is_some() && self.done.len == self.tail
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
        let blocked = self.blocked.len();
        // As in a real store: done is what is nowhere else.
        let done = self.tail.saturating_sub(blocked + ready + retrying + running + dead + canceled);
        Counts { blocked, ready, retrying, running, done, dead, canceled }
    }

    pub(super) fn progress(&self) -> Progress {
        match self.finished {
            Some(at) => Progress::Finished(at),
            None if self.open => Progress::Open,
            None => Progress::Closed,
        }
    }

    /// As far as the job alone can tell: see [`super::Model::view`].
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
            blocked: self.blocked.len(),
            paused: self.paused,
            stuck: false,
            backups: 0,
            classes: self.class_views(now),
        }
    }

    fn class_views(&self, now: Millis) -> Vec<ClassView> {
        let needs = &self.spec.needs;
        let class = |class| ClassView { demand: needs.demand(class), claimable: 0, oldest: None };
        let mut views: Vec<ClassView> = (0..needs.classes.len() as u32).map(class).collect();
        if views.is_empty() {
            return views;
        }
        let due = self.waiting.values().filter(|w| w.due <= now).map(|w| (w.range, w.class));
        let untouched = self.untouched();
        let ahead = self.ahead().into_iter().flat_map(|(run, class)| {
            let pieces = untouched.intersect(&run.into());
            pieces.ranges().iter().map(|piece| (*piece, class)).collect::<Vec<_>>()
        });
        for (range, class) in due.chain(ahead) {
            let view = &mut views[class as usize];
            view.claimable += range.len();
            view.oldest = Some(view.oldest.map_or(range.lo, |oldest| oldest.min(range.lo)));
        }
        views
    }

    /// The runs from the head on that a claim may reach, without those that are canceled as a whole.
    pub(super) fn ahead(&self) -> Vec<(Range, u32)> {
        let (untouched, mut ranges, mut runs) = (self.untouched(), self.waiting.len() as u64, Vec::new());
        for (run, class) in self.spec.needs.runs(Range::new(self.head, self.tail)) {
            // Most jobs have nothing canceled, and a model is looked at often.
            let whole = self.canceled.len == 0;
            let pieces = if whole { 1 } else { untouched.intersect(&run.into()).ranges().len() };
            if pieces > 0 {
                runs.push((run, class));
            }
            ranges += pieces as u64;
            if ranges > AHEAD_MAX {
                break;
            }
        }
        runs
    }

    /// These tasks as ranges of which each lies in one run of the class in which it begins.
    pub(super) fn runs(&self, tasks: &Intervals) -> Vec<(Range, u32)> {
        tasks.ranges().iter().flat_map(|range| self.spec.needs.runs(*range)).collect()
    }

    pub(super) fn info(&self) -> JobInfo {
        JobInfo {
            id: self.id,
            spec: self.spec.clone(),
            progress: self.progress(),
            canceled: self.canceled_whole,
            paused: self.paused,
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
        } else if self.blocked.contains(seq) {
            (TaskState::Blocked { by: self.blockers(seq) }, None)
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
