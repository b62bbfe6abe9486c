//! What a store answers, with nothing else in the way: one array job that does not end.
//!
//! The model store would do, but looks through all leases for each exchange, and a minute of 10 000 nodes is a million
//! exchanges. A test runs both and demands the same history.

use divvy_core::{Demand, Fence, Intervals, JobId, NodeId, Range, Seq};
use divvy_store::{Claim, Exchange, JobView, Lease, Reply};
use std::collections::BTreeMap;

/// The job.
pub(super) const JOB: JobId = JobId(1);
/// More tasks than any number of workers runs meanwhile.
pub(super) const TASKS: u64 = 1 << 40;

/// A store as far as exchanges of the job's nodes go.
pub(super) trait Grants {
    fn join(&mut self, workers: u32) -> NodeId;
    fn leave(&mut self, node: NodeId);
    fn exchange(&mut self, now_ms: u64, node: NodeId, exchange: &Exchange) -> Reply;
}

#[derive(Debug, Default)]
struct Session {
    workers: u64,
    leases: BTreeMap<Fence, Intervals>,
}

/// The stand-in.
#[derive(Debug, Default)]
pub(super) struct Endless {
    /// Most tasks in a lease.
    range_max: u64,
    nodes: Vec<Session>,
    workers: u64,
    fence: u64,
    head: Seq,
    done: u64,
    /// What was given back.
    waiting: BTreeMap<Seq, Range>,
}

impl Endless {
    /// With at most so many tasks in a lease; 0 for no bound.
    pub(super) fn new(range_max: u64) -> Endless {
        Endless { range_max: if range_max == 0 { u64::MAX } else { range_max }, ..Endless::default() }
    }

    /// What was given back first, as a lease each, then one from the head.
    fn grant(&mut self, claim: &Claim) -> Vec<(Fence, Intervals)> {
        let mut named = claim.wants.iter().filter(|want| want.job == JOB);
        let mut tasks = named.next().map_or(claim.want_new, |want| want.tasks);
        let mut granted = Vec::new();
        while tasks > 0 && granted.len() < claim.leases_max {
            let (_, from) = self.waiting.pop_first().unwrap_or((0, Range::new(self.head, TASKS)));
            let lent = Range::new(from.lo, from.lo + from.len().min(self.range_max).min(tasks));
            tasks -= lent.len();
            self.fence += 1;
            granted.push((Fence(self.fence), Intervals::from(lent)));
            if from.hi == TASKS {
                self.head = lent.hi;
                break;
            }
            if lent.hi < from.hi {
                self.waiting.insert(lent.hi, Range::new(lent.hi, from.hi));
            }
        }
        granted
    }

    fn view(&self) -> JobView {
        JobView {
            job: JOB,
            claimable: TASKS - self.head + self.waiting.values().map(|range| range.len()).sum::<u64>(),
            finished: false,
            open: false,
            record_bytes: 0,
            dead: 0,
            unfinished: TASKS - self.done,
            blocked: 0,
            paused: false,
            stuck: false,
            backups: 0,
            classes: Vec::new(),
        }
    }
}

impl Grants for Endless {
    fn join(&mut self, workers: u32) -> NodeId {
        self.nodes.push(Session { workers: workers.into(), leases: BTreeMap::new() });
        self.workers += u64::from(workers);
        NodeId(self.nodes.len() as u64)
    }

    fn leave(&mut self, node: NodeId) {
        let session = std::mem::take(&mut self.nodes[node.0 as usize - 1]);
        assert!(session.leases.is_empty(), "a node that leaves holds nothing");
        self.workers -= session.workers;
    }

    fn exchange(&mut self, _now_ms: u64, node: NodeId, exchange: &Exchange) -> Reply {
        let at = node.0 as usize - 1;
        for report in &exchange.reports {
            let open = self.nodes[at].leases.get_mut(&report.fence).expect("a lease of this node");
            open.remove_all(&report.done);
            open.remove_all(&report.back);
            if open.is_empty() {
                self.nodes[at].leases.remove(&report.fence);
            }
            self.done += report.done.len();
            self.waiting.extend(report.back.ranges().iter().map(|range| (range.lo, *range)));
        }
        let granted = exchange.claim.as_ref().map(|claim| self.grant(claim)).unwrap_or_default();
        self.nodes[at].leases.extend(granted.iter().cloned());
        let holds = &self.nodes[at].leases;
        Reply {
            leases: granted.into_iter().map(|(fence, open)| lease(fence, open)).collect(),
            lost: exchange.held.iter().filter(|(_, fence)| !holds.contains_key(fence)).copied().collect(),
            jobs: vec![self.view()],
            workers: self.workers,
            ..Reply::default()
        }
    }
}

fn lease(fence: Fence, open: Intervals) -> Lease {
    Lease {
        job: JOB,
        fence,
        open,
        attempts: 0,
        crashes: 0,
        quarantined: false,
        taken: 0,
        class: 0,
        demand: Demand::new(),
    }
}
