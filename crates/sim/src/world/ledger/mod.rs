//! The outside observer: what a store must be like, told from nothing but requests and answers.
//!
//! The ledger sees every request in the order in which the store performed it, and every answer, also those that
//! get lost afterwards. From these it keeps its own books of leases, completions and charges, by the words of the
//! port, and holds each answer against them. It looks into no store, so it judges the model as it judges SQLite.
//! It is cloned and put back together with the store's state: it tells one history.

mod grant;
mod loss;
mod order;
mod report;
mod told;

use super::broken::{Checked, ensure};
use super::runs::Runs;
use super::work::JobPlan;
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range, Seq};
use divvy_store::{Exchange, Held, Reply};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The books.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) jobs: BTreeMap<JobId, Job>,
    pub(crate) sessions: BTreeMap<NodeId, Session>,
    leases: BTreeMap<Held, Lent>,
    job_last: JobId,
    node_last: NodeId,
    /// Requests performed.
    pub(crate) performed: u64,
    /// Completions accepted.
    pub(crate) accepted: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    workers: u32,
    hungry: bool,
}

#[derive(Debug, Clone)]
struct Lent {
    node: NodeId,
    open: Intervals,
    class: u32,
    quarantined: bool,
    /// Somebody canceled tasks of it, or took them.
    cut: bool,
    taken: u32,
}

/// What a task carries from one lease to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Charge {
    pub(crate) attempts: u32,
    pub(crate) crashes: u32,
    due: Millis,
}

#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) plan: Rc<JobPlan>,
    pub(crate) tail: Seq,
    pub(crate) open: bool,
    pub(crate) done: Intervals,
    pub(crate) canceled: Intervals,
    pub(crate) dead: BTreeMap<Seq, Charge>,
    /// Charges of tasks that have not ended.
    charges: BTreeMap<Seq, Charge>,
    /// Tasks that were lost together, and how many of them may be leased together.
    parts: Vec<(Intervals, u64)>,
    /// Innocent tasks that were condemned by bad luck: a fault hit their node while they ran there alone.
    pub(crate) unlucky: BTreeSet<Seq>,
    fence: Fence,
    /// Done, dead or canceled.
    pub(crate) ended: u64,
    /// Tasks with a parent that is not done.
    blocked: Intervals,
    /// The classes of the tasks that have outgrown the one in which they began.
    grown: BTreeMap<Seq, u32>,
    pub(crate) paused: bool,
    /// Canceled as a whole, by somebody or for its dead.
    pub(crate) canceled_whole: bool,
    /// A task died since the last time that the dead were counted.
    has_died: bool,
}

impl Job {
    pub(crate) fn is_finished(&self) -> bool {
        !self.open && self.unfinished() == 0
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.is_finished() && self.done.len() == self.tail
    }

    /// Tasks that have not ended and are not blocked.
    pub(crate) fn unfinished(&self) -> u64 {
        self.tail - self.ended - self.blocked.len()
    }

    /// Tasks that may still run, the blocked ones among them.
    fn left(&self) -> u64 {
        if self.is_finished() { 0 } else { self.tail - self.ended }
    }

    fn die(&mut self, seq: Seq, charge: Charge) {
        self.charges.remove(&seq);
        self.dead.insert(seq, charge);
        self.ended += 1;
        self.has_died = true;
    }
}

impl Ledger {
    pub(crate) fn on_submitted(&mut self, id: JobId, plan: &Rc<JobPlan>, tail: u64, open: bool) -> Checked {
        ensure!(id > self.job_last, Replies, "job {id} came after job {}", self.job_last);
        self.job_last = id;
        let job = Job {
            plan: plan.clone(),
            tail,
            open,
            done: Intervals::new(),
            canceled: Intervals::new(),
            dead: BTreeMap::new(),
            charges: BTreeMap::new(),
            parts: Vec::new(),
            unlucky: BTreeSet::new(),
            fence: Fence(0),
            ended: 0,
            blocked: Intervals::new(),
            grown: BTreeMap::new(),
            paused: false,
            canceled_whole: false,
            has_died: false,
        };
        self.jobs.insert(id, job.with_blocked());
        Ok(())
    }

    pub(crate) fn on_appended(&mut self, id: JobId, range: Range, n: u64, close: bool) -> Checked {
        let job = self.jobs.get_mut(&id);
        let fits = job.as_ref().is_some_and(|j| j.open && range == Range::new(j.tail, j.tail + n));
        ensure!(fits, Replies, "{n} tasks appended to job {id} are {range}");
        if let Some(job) = job {
            (job.tail, job.open) = (range.hi, !close);
        }
        Ok(())
    }

    pub(crate) fn on_registered(&mut self, node: NodeId, workers: u32) -> Checked {
        ensure!(node > self.node_last, Replies, "node {node} came after node {}", self.node_last);
        self.node_last = node;
        self.sessions.insert(node, Session { workers, hungry: false });
        Ok(())
    }

    /// An exchange of a live session. Returns how many jobs it ended for their dead.
    pub(crate) fn on_exchange(
        &mut self,
        now: Millis,
        node: NodeId,
        asked: &Exchange,
        reply: &Reply,
        runs: &Runs,
    ) -> Checked<usize> {
        for report in &asked.reports {
            self.on_report(now, node, report, runs)?;
        }
        let too_many = self.on_too_many_dead();
        self.on_leases(now, node, asked, reply)?;
        self.told(node, asked, reply)?;
        Ok(too_many)
    }

    pub(crate) fn on_forgotten(&mut self, id: JobId) -> Checked {
        let finished = self.jobs.get(&id).is_some_and(Job::is_finished);
        ensure!(finished, Replies, "job {id} was forgotten before its end");
        self.jobs.remove(&id);
        Ok(())
    }

    /// Tasks that have not ended, in all jobs.
    pub(crate) fn unfinished(&self) -> u64 {
        self.jobs.values().map(Job::left).sum()
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.jobs.values().all(Job::is_finished)
    }

    fn holds(&self, node: NodeId) -> impl Iterator<Item = (&Held, &Lent)> {
        self.leases.iter().filter(move |(_, lent)| lent.node == node)
    }

    fn leases_of(&self, job: JobId) -> impl Iterator<Item = (&Held, &Lent)> {
        self.leases.range((job, Fence(0))..=(job, Fence(u64::MAX)))
    }
}
