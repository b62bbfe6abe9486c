//! The account of a node by job: gathered from the workers, told to the store about once a second.
//!
//! # Whose time it is
//!
//! What a worker does in a chunk, and between two chunks of a job, is that job's. While it *waits* it is nobody's in
//! particular: that time is divided among the jobs of which the node holds leases, in proportion to what the workers spent on
//! them meanwhile; if they were at none, equally, or it goes to the one job that the node
//! was started for. What is nobody's even then, such as a node that sits beside an empty store, is not kept. A job that was
//! canceled pays for its last tasks until they have ended, and for no worker that waits beside them.
//!
//! It is divided when an observation is made, and whenever the node gets its first lease or loses its last: time
//! without any work is not mixed with time with some.

use crate::meter::Phases;
use crate::tally::Part;
use crate::worker::Desk;
use divvy_core::{Account, JobId, Millis, NodeId, State};
use divvy_decide::Worked;
use divvy_store::{Exchange, Held, Lease, Observation, Spread};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A unit of [`Observation::queued`].
const QUEUED_SHIFT: u32 = 10;

/// What this node has seen and not told yet.
pub(crate) struct Ledger {
    workers: u64,
    /// The job that the node was started for.
    only: Option<JobId>,
    /// When the window began.
    begun_at: u64,
    /// Up to when time is divided, by both clocks.
    divided_at: (u64, Millis),
    /// Worker time up to then that workers keep back, since nobody knows yet what it was.
    kept_back: u64,
    window: BTreeMap<JobId, Observation>,
    ran: BTreeMap<JobId, Ran>,
    /// Tasks that were leased and had not started, when that was last looked at.
    unstarted: Vec<(JobId, u64)>,
    looked_at: u64,
}

/// Most jobs of which is known how long the workers ran for them, before those are forgotten that the node has let go of.
/// One of these that it hears of again would count the node, and its workers, a second time.
const LET_GO_MAX: usize = 1_024;

/// How long the workers ran tasks of a job.
#[derive(Default)]
struct Ran {
    /// Each worker's nanoseconds, since the node began with the job; empty as long as none of them was at it.
    ns: Vec<u64>,
    /// What was told of that, once anything was told of the job.
    told: Option<Spread>,
}

impl Ran {
    /// How evenly they ran, and the nodes that there are, each as far as it was not told yet.
    fn tell(&mut self) -> (Spread, u64) {
        let mut spread = Spread::default();
        self.ns.iter().for_each(|ns| spread.add(*ns as f64 / 1e9));
        let before = self.told.replace(spread);
        (spread.since(&before.unwrap_or_default()), before.is_none().into())
    }
}

impl Ledger {
    /// From the moment when the clock began.
    pub(crate) fn new(workers: usize, only: Option<JobId>, now: u64, wall: Millis) -> Ledger {
        Ledger {
            workers: workers as u64,
            only,
            begun_at: 0,
            divided_at: (0, wall.saturating_sub(now / 1_000_000)),
            kept_back: 0,
            window: BTreeMap::new(),
            ran: BTreeMap::new(),
            unstarted: Vec::new(),
            looked_at: now,
        }
    }

    /// Up to when time is divided.
    pub(crate) fn divided_at(&self) -> u64 {
        self.divided_at.0
    }

    /// Whether it is time to tell.
    pub(crate) fn is_due(&self, now: u64, every_ns: u64) -> bool {
        now.saturating_sub(self.begun_at) >= every_ns
    }

    /// What has become of tasks.
    pub(crate) fn on_worked(&mut self, worked: &[(Held, Worked)]) {
        for ((job, _), worked) in worked {
            let ended = worked.done.len() + worked.failed.len() as u64;
            if ended > 0 {
                self.seen(*job).tasks += ended;
            }
        }
    }

    /// Tasks that wait in this node, by lease.
    pub(crate) fn on_unstarted(&mut self, now: u64, unstarted: &[(Held, u64)]) {
        let passed = now.saturating_sub(self.looked_at);
        self.looked_at = now;
        for (job, tasks) in std::mem::take(&mut self.unstarted) {
            let queued = (u128::from(tasks) * u128::from(passed)) >> QUEUED_SHIFT;
            let seen = self.seen(job);
            seen.queued = seen.queued.saturating_add(u64::try_from(queued).unwrap_or(u64::MAX));
        }
        self.unstarted.extend(unstarted.iter().map(|((job, _), tasks)| (*job, *tasks)));
    }

    /// A round trip to the store.
    pub(crate) fn on_exchange(&mut self, exchange: &Exchange, granted: &[Lease]) {
        let jobs =
            exchange.reports.iter().map(|report| report.job).chain(granted.iter().map(|lease| lease.job));
        for job in jobs.collect::<BTreeSet<_>>() {
            self.seen(job).exchanges += 1;
        }
    }

    /// Divides the workers' time up to now. `held`: the jobs of which the node holds leases, or did since the last time.
    pub(crate) fn divide(
        &mut self,
        desks: &[Arc<Desk>],
        phases: &Phases,
        (now, wall): (u64, Millis),
        held: &[JobId],
    ) {
        let passed_ns = self.workers * now.saturating_sub(self.divided_at.0);
        // The wall clock may step back.
        let (from, until) = (self.divided_at.1, wall.max(self.divided_at.1));
        self.divided_at = (now, until);
        let (mut own, mut shared) = (BTreeMap::new(), Account::default());
        let mut kept_back = 0;
        for (worker, desk) in desks.iter().enumerate() {
            let (parts, kept) = desk.meter.fetch(phases, now);
            kept_back += kept;
            for (job, part) in parts {
                match job {
                    Some(job) => {
                        *own.entry(job).or_insert(0) += part.account.total();
                        self.put(job, worker, &part);
                    }
                    None => shared.merge(&part.account),
                }
            }
        }
        let offered_ns = (passed_ns + self.kept_back).saturating_sub(kept_back);
        self.kept_back = kept_back;
        own.retain(|_, ns: &mut u64| *ns > 0);
        let shares = self.shares(&own, held);
        let whole = shares.values().sum();
        let waited_ns = offered_ns.saturating_sub(own.values().sum());
        for job in own.keys().chain(shares.keys()).copied().collect::<BTreeSet<_>>() {
            let part = shares.get(&job).copied().unwrap_or(0);
            let seen = self.seen(job);
            if seen.until == 0 {
                seen.from = from;
            }
            seen.until = until;
            seen.account.merge(&shared.share(part, whole));
            let of_waiting = u128::from(waited_ns) * u128::from(part) / u128::from(whole.max(1));
            seen.offered_ns += own.get(&job).copied().unwrap_or(0) + of_waiting as u64;
        }
    }

    /// In which proportion jobs pay for workers that waited. `own`: what was spent on them.
    fn shares(&self, own: &BTreeMap<JobId, u64>, held: &[JobId]) -> BTreeMap<JobId, u64> {
        let owners = if held.is_empty() { self.only.as_slice() } else { held };
        let spent = |job: &JobId| own.get(job).map(|ns| (*job, *ns));
        let shares: BTreeMap<_, _> = owners.iter().filter_map(spent).collect();
        if shares.is_empty() { owners.iter().map(|job| (*job, 1)).collect() } else { shares }
    }

    fn put(&mut self, job: JobId, worker: usize, part: &Part) {
        let ran = &mut self.ran.entry(job).or_default().ns;
        ran.resize(self.workers as usize, 0);
        ran[worker] += part.account.get(State::Run);
        let seen = self.seen(job);
        seen.account.merge(&part.account);
        seen.cpu_ns += part.cpu_ns;
        seen.run.merge(&part.run);
        seen.wait.merge(&part.wait);
    }

    fn seen(&mut self, job: JobId) -> &mut Observation {
        self.window.entry(job).or_insert_with(|| Observation { job, ..Observation::default() })
    }

    /// What is to be told; a new window begins. To be called when all is divided.
    pub(crate) fn told(&mut self, node: NodeId) -> Vec<Observation> {
        let (now, wall) = self.divided_at;
        self.begun_at = now;
        let mut told: Vec<_> = std::mem::take(&mut self.window).into_values().collect();
        for seen in &mut told {
            if seen.until == 0 {
                // No time was spent on it, but something was heard of it.
                (seen.from, seen.until) = (wall, wall);
            }
            (seen.node, seen.workers) = (node, self.workers);
            (seen.spread, seen.nodes) = self.ran.entry(seen.job).or_default().tell();
        }
        told
    }

    /// A job of which the node will not hear for a while.
    pub(crate) fn forget(&mut self, known: impl Fn(JobId) -> bool) {
        if self.ran.len() > LET_GO_MAX {
            self.ran.retain(|job, _| known(*job));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_adds_up_to_how_the_workers_ran() {
        let mut ran = Ran::default();
        assert_eq!(ran.tell(), (Spread::default(), 1), "the node is there, and no worker was at it yet");
        ran.ns = vec![1_000_000_000, 0];
        assert_eq!(ran.tell(), (Spread { workers: 2, sum: 1.0, squares: 1.0 }, 0));
        ran.ns = vec![3_000_000_000, 2_000_000_000];
        assert_eq!(ran.tell(), (Spread { workers: 0, sum: 4.0, squares: 12.0 }, 0));
    }

    #[test]
    fn a_job_that_comes_back_finds_the_same_workers() {
        let mut ledger = Ledger::new(2, None, 0, 0);
        let mut told = |job| {
            ledger.seen(JobId(job)).exchanges += 1;
            let told = ledger.told(NodeId(1));
            ledger.forget(|_| false);
            (told[0].nodes, ledger.ran.len())
        };
        assert_eq!([told(1), told(1)], [(1, 1), (0, 1)]);
        let most = (2..=LET_GO_MAX as u64 + 1).map(|job| told(job).1).max();
        assert_eq!((most, told(1)), (Some(LET_GO_MAX), (1, 1)), "but not for ever");
    }

    fn ledger() -> Ledger {
        Ledger::new(4, None, 0, 0)
    }

    fn jobs(of: &[(u64, u64)]) -> BTreeMap<JobId, u64> {
        of.iter().map(|(job, ns)| (JobId(*job), *ns)).collect()
    }

    #[test]
    fn workers_that_wait_are_paid_by_the_jobs_that_are_held() {
        let ledger = ledger();
        let own = jobs(&[(1, 3), (2, 1)]);
        assert_eq!(ledger.shares(&own, &[JobId(1), JobId(2), JobId(3)]), own, "in proportion");
        assert_eq!(ledger.shares(&jobs(&[]), &[JobId(1), JobId(3)]), jobs(&[(1, 1), (3, 1)]));
        assert_eq!(ledger.shares(&jobs(&[(2, 5)]), &[JobId(1)]), jobs(&[(1, 1)]));
        let alone = Ledger::new(4, Some(JobId(7)), 0, 0);
        assert_eq!(alone.shares(&jobs(&[]), &[]), jobs(&[(7, 1)]));
    }

    /// A task that took a moment to die after its job was canceled brought that job all the time in which the node had
    /// nothing to do.
    #[test]
    fn a_job_that_is_over_does_not_pay_for_workers_that_wait() {
        assert_eq!(ledger().shares(&jobs(&[(1, 10_000_000)]), &[]), jobs(&[]));
    }
}
