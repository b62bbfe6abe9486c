//! The reference model: a store in memory that is simple enough to be read as the meaning of the port.
//!
//! It has the operations of [`divvy_store::Store`] with the same names and answers, keeps every set of tasks as a
//! set, looks everything up anew, and shares no rule with the real adapters. It is the store of the
//! simulator, the other half of every comparison with an adapter ([`crate::twin`]), and, with a planted
//! [`Bug`], the proof that the checks find what they are for.
//!
//! A [`Model`] is plain data: cloning it is taking a snapshot, and putting the clone back is a crash that forgot
//! what happened since. [`ModelStore`] is a model behind a lock, for callers that want the port itself.

mod after;
mod bugs;
mod check;
mod claim;
mod event;
mod graph;
mod job;
mod loss;
mod observe;
mod report;
mod select;
mod store;

pub use bugs::{Bug, Bugs};
pub use event::Event;
pub use store::ModelStore;

use divvy_core::{JobId, Millis, NodeId, Range, Seq};
use divvy_store::{
    Block, Dead, Error, Exchange, Held, Holding, Input, JobInfo, Lease, NewJob, NodeInfo, Records, Reply,
    Result, TaskInfo,
};
use job::Job;
use std::collections::{BTreeMap, BTreeSet};

/// A store in memory. Operations mean what [`divvy_store::Store`] says.
#[derive(Debug, Clone, Default)]
pub struct Model {
    jobs: BTreeMap<JobId, Job>,
    nodes: BTreeMap<NodeId, Session>,
    /// Sessions that are known to have ended and are not expired yet.
    gone: BTreeSet<NodeId>,
    /// Nodes that hold nothing and were granted nothing.
    hungry: BTreeSet<NodeId>,
    /// Workers of all nodes.
    workers: u64,
    last_job: u64,
    last_node: u64,
    version: u64,
    seen: observe::Seen,
    bugs: Bugs,
    ledger: event::Ledger,
}

#[derive(Debug, Clone)]
struct Session {
    info: NodeInfo,
    holds: BTreeSet<Held>,
}

impl Model {
    /// An empty store with these bugs.
    #[must_use]
    pub fn new(bugs: Bugs) -> Model {
        Model { bugs, ..Model::default() }
    }

    /// Keeps events from now on. Whoever asks for this has to [`take`](Model::take_events) them.
    pub fn record_events(&mut self) {
        self.ledger.open();
    }

    /// The events since the last time; none if nobody asked to record them.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.ledger.take()
    }

    /// Makes it known that a session has ended: [`Model::gone`] lists it until it is expired.
    pub fn lose(&mut self, node: NodeId) {
        if self.nodes.contains_key(&node) {
            self.gone.insert(node);
        }
    }

    /// See [`divvy_store::Store::submit`].
    ///
    /// # Errors
    /// `NodeGone` if the producer's session has ended, `NoJob` if it comes after one that is not there, `Conflict` if
    /// its needs are not sane or its graph is of another number of tasks.
    pub fn submit(&mut self, now: Millis, new: &NewJob) -> Result<JobId> {
        let producer = match new.input {
            Input::Open(_, Some(node)) => Some(self.session(node)?),
            _ => None,
        };
        new.spec.after.iter().try_for_each(|before| self.find(*before).map(drop))?;
        let id = JobId(self.last_job + 1);
        let mut job = Job::new(id, new.spec.clone(), now);
        if !new.spec.needs.is_sane() {
            return Err(Error::Conflict { job: id, why: "names classes that it does not have" });
        }
        match &new.input {
            Input::Array(n) => job.tail = *n,
            Input::Closed(blocks) => drop(job.push(blocks)),
            Input::Graph(blocks, graph) => {
                if job.push(blocks).len() != graph.len() {
                    return Err(Error::Conflict { job: id, why: "has a graph of another number of tasks" });
                }
                job.set_graph(graph);
            }
            Input::Open(blocks, _) => {
                job.push(blocks);
                (job.open, job.producer) = (true, producer);
            }
        }
        self.ledger.push(Event::Added { job: id, tasks: Range::new(0, job.tail) });
        self.last_job = id.0;
        self.jobs.insert(id, job);
        self.version += 1;
        self.settle(now, id);
        let job = self.job_mut(id)?;
        job.paused = new.paused && job.finished.is_none();
        Ok(id)
    }

    /// See [`divvy_store::Store::append`].
    ///
    /// # Errors
    /// `NoJob`, or `Conflict` if the job is not open.
    pub fn append(&mut self, now: Millis, id: JobId, blocks: &[Block], close: bool) -> Result<Range> {
        let job = self.job_mut(id)?;
        if !job.open {
            return Err(Error::Conflict { job: id, why: "is not open" });
        }
        let tasks = job.push(blocks);
        if close {
            (job.open, job.producer) = (false, None);
        }
        self.ledger.push(Event::Added { job: id, tasks });
        self.version += 1;
        self.settle(now, id);
        Ok(tasks)
    }

    /// See [`divvy_store::Store::register`].
    pub fn register(&mut self, info: &NodeInfo) -> NodeId {
        self.last_node += 1;
        self.version += 1;
        self.workers += u64::from(info.workers);
        let id = NodeId(self.last_node);
        self.nodes.insert(id, Session { info: info.clone(), holds: BTreeSet::new() });
        id
    }

    /// See [`divvy_store::Store::exchange`].
    ///
    /// # Errors
    /// `NodeGone` if the session has ended.
    pub fn exchange(&mut self, now: Millis, node: NodeId, exchange: &Exchange) -> Result<Reply> {
        self.session(node)?;
        for report in &exchange.reports {
            self.on_report(now, node, report);
        }
        exchange.reports.iter().for_each(|report| self.settle(now, report.job));
        let mut granted = Vec::new();
        if let Some(claim) = &exchange.claim {
            granted = self.on_claim(now, node, &exchange.held, claim);
            if !granted.is_empty() {
                self.hungry.remove(&node);
            } else if self.nodes[&node].holds.is_empty() {
                self.hungry.insert(node);
            }
        }
        self.version += 1;
        Ok(self.reply(now, node, exchange, &granted))
    }

    fn reply(&self, now: Millis, node: NodeId, exchange: &Exchange, granted: &[Held]) -> Reply {
        let holds = &self.nodes[&node].holds;
        let listed: BTreeSet<Held> = exchange.held.iter().copied().collect();
        let secret = |held: &Held| self.bugs.has(Bug::LostGrantKeptSecret) && !granted.contains(held);
        let told = holds.iter().filter(|held| !listed.contains(held) && !secret(held));
        let leases = told.map(|held| self.lease(*held)).collect();
        let cut = holds.iter().filter(|h| listed.contains(h) && self.jobs[&h.0].leases[&h.1].cut);
        let claim = exchange.claim.as_ref();
        let named = holds
            .iter()
            .chain(&exchange.held)
            .map(|(job, _)| *job)
            .chain(exchange.reports.iter().map(|r| r.job));
        let asked = claim.iter().flat_map(|c| c.wants.iter().map(|w| w.job).chain(c.only));
        let dry = claim.filter(|_| granted.is_empty());
        let takeable = dry.into_iter().flat_map(|c| self.takeable(c));
        let jobs: BTreeSet<JobId> = named.chain(asked).chain(takeable).collect();
        let about = claim.map(|c| self.asked_for(c)).unwrap_or_default();
        let due = about.iter().flat_map(|id| self.jobs[id].waiting.values().map(|w| w.due));
        Reply {
            leases,
            lost: exchange.held.iter().filter(|h| !holds.contains(h)).copied().collect(),
            open: cut.map(|held| (*held, self.jobs[&held.0].leases[&held.1].open.clone())).collect(),
            jobs: jobs
                .iter()
                .filter_map(|id| self.jobs.get(id))
                .map(|job| self.view(now, node, job))
                .collect(),
            workers: self.workers,
            hungry: self.hungry.iter().filter(|other| **other != node).count() as u64,
            next_due: due.filter(|due| *due > now).min(),
        }
    }

    fn lease(&self, (job, fence): Held) -> Lease {
        let lent = &self.jobs[&job].leases[&fence];
        Lease {
            job,
            fence,
            open: lent.open.clone(),
            attempts: lent.attempts,
            crashes: lent.crashes,
            quarantined: lent.quarantined,
            taken: lent.taken,
            class: lent.class,
            demand: self.jobs[&job].spec.needs.demand(lent.class),
        }
    }

    /// See [`divvy_store::Store::gone`].
    #[must_use]
    pub fn gone(&self) -> Vec<NodeId> {
        self.gone.iter().copied().collect()
    }

    /// See [`divvy_store::Store::nodes`].
    #[must_use]
    pub fn nodes(&self) -> Vec<(NodeId, NodeInfo)> {
        self.nodes.iter().map(|(id, node)| (*id, node.info.clone())).collect()
    }

    /// See [`divvy_store::Store::holdings`].
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding> {
        let mut all = Vec::new();
        for (node, session) in &self.nodes {
            let jobs: BTreeSet<JobId> = session.holds.iter().map(|(job, _)| *job).collect();
            for job in jobs {
                let lent = session.holds.iter().filter(|held| held.0 == job);
                let open: Vec<u64> = lent.map(|held| self.jobs[&job].leases[&held.1].open.len()).collect();
                let (leases, tasks) = (open.len() as u64, open.iter().sum());
                all.push(Holding { node: *node, job, leases, tasks });
            }
        }
        all
    }

    /// See [`divvy_store::Store::forget`].
    ///
    /// # Errors
    /// `NoJob`, or `Conflict` if it has not finished, or not succeeded while others wait for it.
    pub fn forget(&mut self, id: JobId) -> Result<()> {
        let job = self.find(id)?;
        if job.finished.is_none() {
            return Err(Error::Conflict { job: id, why: "has not finished" });
        }
        let waits = |other: &Job| other.finished.is_none() && other.spec.after.contains(&id);
        if !job.succeeded() && self.jobs.values().any(waits) {
            return Err(Error::Conflict { job: id, why: "has not succeeded, and others wait for it" });
        }
        self.jobs.remove(&id);
        self.seen.forget(id);
        self.version += 1;
        Ok(())
    }

    /// See [`divvy_store::Store::sweep`].
    pub fn sweep(&mut self, now: Millis) -> Vec<JobId> {
        let old = |job: &&Job| {
            let age = job.finished.map_or(0, |at| now.saturating_sub(at));
            job.dead.is_empty() && job.canceled.len == 0 && age > job.spec.policy.retention_ms
        };
        let swept: Vec<JobId> = self.jobs.values().filter(old).map(|job| job.id).collect();
        for id in &swept {
            self.jobs.remove(id);
            self.seen.forget(*id);
        }
        self.version += u64::from(!swept.is_empty());
        swept
    }

    /// See [`divvy_store::Store::jobs`].
    #[must_use]
    pub fn jobs(&self) -> Vec<JobInfo> {
        self.jobs.values().map(|job| self.info(job)).collect()
    }

    /// See [`divvy_store::Store::job`].
    ///
    /// # Errors
    /// `NoJob`.
    pub fn job(&self, id: JobId) -> Result<JobInfo> {
        Ok(self.info(self.find(id)?))
    }

    /// See [`divvy_store::Store::task`].
    ///
    /// # Errors
    /// `NoJob`.
    pub fn task(&self, id: JobId, seq: Seq) -> Result<Option<TaskInfo>> {
        Ok(self.find(id)?.task(seq))
    }

    /// See [`divvy_store::Store::dead`].
    ///
    /// # Errors
    /// `NoJob`.
    pub fn dead(&self, id: JobId, from: Seq, limit: usize) -> Result<Vec<Dead>> {
        Ok(self.find(id)?.dead.range(from..).take(limit).map(|(_, dead)| dead.clone()).collect())
    }

    /// See [`divvy_store::Store::read`].
    ///
    /// # Errors
    /// `NoJob`, or `Conflict` if the job is an array.
    pub fn read(&self, id: JobId, range: Range) -> Result<Records> {
        let job = self.find(id)?;
        if job.spec.array.is_some() {
            return Err(Error::Conflict { job: id, why: "is an array: its inputs are computed" });
        }
        let there = range.intersect(Range::new(0, job.tail)).unwrap_or_default();
        Ok(Records::new(job.blocks_of(there)))
    }

    /// See [`divvy_store::Store::version`].
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    fn session(&self, node: NodeId) -> Result<NodeId> {
        if self.nodes.contains_key(&node) { Ok(node) } else { Err(Error::NodeGone(node)) }
    }

    fn find(&self, id: JobId) -> Result<&Job> {
        self.jobs.get(&id).ok_or(Error::NoJob(id))
    }

    fn job_mut(&mut self, id: JobId) -> Result<&mut Job> {
        self.jobs.get_mut(&id).ok_or(Error::NoJob(id))
    }

    /// Draws the conclusions of a step for a job: too many deaths cancel it, and it ends when nothing of it is open.
    fn settle(&mut self, now: Millis, id: JobId) {
        let bugs = self.bugs;
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if std::mem::take(&mut job.has_failed) && !job.is_over() {
            let rest = job.cancel_whole(bugs);
            self.ledger.push(Event::Canceled { job: id, tasks: rest });
        }
        self.end_leases(id);
        let job = self.jobs.get_mut(&id).expect("it is there");
        if job.finished.is_none() && job.is_over() {
            job.finished = Some(now);
            self.ledger.push(Event::Finished { job: id });
        }
    }

    /// Ends the leases of a job that have nothing open.
    fn end_leases(&mut self, id: JobId) {
        let job = self.jobs.get_mut(&id).expect("it is there");
        let empty: Vec<_> =
            job.leases.iter().filter(|(_, l)| l.open.is_empty()).map(|(f, l)| (*f, l.node)).collect();
        for (fence, node) in empty {
            job.leases.remove(&fence);
            if let Some(session) = self.nodes.get_mut(&node) {
                session.holds.remove(&(id, fence));
            }
        }
    }
}
