//! What cases are made of: jobs, a well-behaved node, and the checks that hold in every state.

use crate::{
    Array, Block, Claim, Counts, Exchange, Failed, Held, Input, JobSpec, JobView, Lease, Needs, NewJob,
    NodeInfo, Policy, Reply, Report, Store,
};
use divvy_core::demand::{CPUS, WHOLE};
use divvy_core::{Demand, Intervals, JobId, Millis, NodeId, Range, Seq};

/// When most of a case happens.
pub(super) const NOW: Millis = 1_700_000_000_000;
/// Long enough for whatever waits in a case.
pub(super) const HOUR: Millis = 3_600_000;
/// The handler of all jobs that have no other.
pub(super) const HANDLER: &str = "run";

pub(super) fn spec(policy: Policy) -> JobSpec {
    JobSpec { name: "a job".into(), detail: vec![1, 2, 3], policy, ..JobSpec::new(HANDLER) }
}

/// An array job of `n` tasks.
pub(super) fn array(store: &dyn Store, n: u64, policy: Policy) -> JobId {
    let spec = JobSpec { array: Some(Array { first: 1, step: 1 }), ..spec(policy) };
    store.submit(NOW, &NewJob { spec, input: Input::Array(n), paused: false }).unwrap()
}

/// An array job with the default policy but for the attempts that are allowed.
pub(super) fn array_with_attempts(store: &dyn Store, n: u64, max_attempts: u32) -> JobId {
    array(store, n, Policy { max_attempts, ..Policy::default() })
}

/// A job with stored records.
pub(super) fn closed(store: &dyn Store, blocks: Vec<Block>) -> JobId {
    store
        .submit(NOW, &NewJob { spec: spec(Policy::default()), input: Input::Closed(blocks), paused: false })
        .unwrap()
}

/// A job that may grow.
pub(super) fn open(store: &dyn Store, blocks: Vec<Block>, producer: Option<NodeId>) -> JobId {
    store
        .submit(
            NOW,
            &NewJob { spec: spec(Policy::default()), input: Input::Open(blocks, producer), paused: false },
        )
        .unwrap()
}

/// An array job of `n` tasks with these needs.
pub(super) fn needing(store: &dyn Store, n: u64, needs: Needs, policy: Policy) -> JobId {
    let spec = JobSpec { array: Some(Array { first: 1, step: 1 }), needs, ..spec(policy) };
    store.submit(NOW, &NewJob { spec, input: Input::Array(n), paused: false }).unwrap()
}

/// An array job of `n` tasks that comes after others.
pub(super) fn after(store: &dyn Store, n: u64, before: &[JobId]) -> JobId {
    let array = Some(Array { first: 1, step: 1 });
    let spec = JobSpec { array, after: before.to_vec(), ..spec(Policy::default()) };
    store.submit(NOW, &NewJob { spec, input: Input::Array(n), paused: false }).unwrap()
}

/// So many cores.
pub(super) fn cpus(n: u64) -> Demand {
    Demand::new().with(CPUS, n * WHOLE)
}

/// A block of `n` records, each of `bytes` bytes.
pub(super) fn block(n: u64, bytes: usize) -> Block {
    let records = vec![vec![b'x'; bytes]; n as usize];
    let mut blocks = Block::pack_all(&records);
    assert_eq!(blocks.len(), 1, "a case packs small blocks");
    blocks.remove(0)
}

pub(super) fn set(ranges: &[(Seq, Seq)]) -> Intervals {
    ranges.iter().map(|(lo, hi)| Range::new(*lo, *hi)).collect()
}

pub(super) fn one(seq: Seq) -> Intervals {
    set(&[(seq, seq + 1)])
}

pub(super) fn info(workers: u32) -> NodeInfo {
    NodeInfo { name: "a node".into(), pid: std::process::id(), workers }
}

/// A claim for any job, bounded by nothing but the number of tasks.
pub(super) fn any(tasks: u64) -> Claim {
    Claim {
        only: None,
        handlers: vec![HANDLER.into()],
        capacity: Demand::new(),
        wants: vec![],
        want_new: tasks,
        bytes_max: u64::MAX,
        leases_max: 1_000,
        isolated_max: 1_000,
        below: None,
        backups: vec![],
    }
}

/// A report of a lease that says nothing yet.
pub(super) fn about(lease: &Lease) -> Report {
    Report { job: lease.job, fence: lease.fence, ..Report::default() }
}

pub(super) fn failed(seq: Seq, retry_ms: Millis) -> Failed {
    Failed { seq, error: format!("error of {seq}"), retry_ms, outgrown: false }
}

pub(super) fn name(lease: &Lease) -> Held {
    (lease.job, lease.fence)
}

pub(super) fn opens(leases: &[Lease]) -> Vec<Intervals> {
    leases.iter().map(|lease| lease.open.clone()).collect()
}

/// A node that does what the port asks of nodes: it lists what it holds and believes what it is told.
pub(super) struct Node<'a> {
    store: &'a dyn Store,
    pub(super) id: NodeId,
    pub(super) held: Vec<Held>,
}

impl<'a> Node<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Node<'a> {
        Node { store, id: store.register(NOW, &info(1)).unwrap(), held: vec![] }
    }

    /// One exchange, with the list of what is held filled in.
    pub(super) fn exchange(&mut self, now: Millis, reports: Vec<Report>, claim: Option<Claim>) -> Reply {
        let exchange = Exchange { held: self.held.clone(), reports, claim };
        let reply = self.store.exchange(now, self.id, &exchange).unwrap();
        self.held.retain(|held| !reply.lost.contains(held));
        self.held.extend(reply.leases.iter().map(name));
        reply
    }

    pub(super) fn claim_at(&mut self, now: Millis, claim: Claim) -> Vec<Lease> {
        self.exchange(now, vec![], Some(claim)).leases
    }

    /// Claims from any job.
    pub(super) fn claim(&mut self, tasks: u64) -> Vec<Lease> {
        self.claim_at(NOW, any(tasks))
    }

    /// Claims from any job and expects one lease.
    pub(super) fn claim_one(&mut self, tasks: u64) -> Lease {
        let mut leases = self.claim(tasks);
        assert_eq!(leases.len(), 1, "one lease was expected: {leases:?}");
        leases.remove(0)
    }

    pub(super) fn report(&mut self, report: Report) -> Reply {
        self.exchange(NOW, vec![report], None)
    }

    pub(super) fn done(&mut self, lease: &Lease, done: Intervals) -> Reply {
        self.report(Report { done, ..about(lease) })
    }

    pub(super) fn fail(&mut self, lease: &Lease, seq: Seq, retry_ms: Millis) -> Reply {
        self.report(Report { failed: vec![failed(seq, retry_ms)], ..about(lease) })
    }

    pub(super) fn give_back(&mut self, lease: &Lease, back: Intervals) -> Reply {
        self.report(Report { back, ..about(lease) })
    }

    /// Dies, and is found dead.
    pub(super) fn die(self) -> crate::Expired {
        self.store.expire(NOW, self.id).unwrap()
    }
}

pub(super) fn counts(store: &dyn Store, job: JobId) -> Counts {
    store.job(job).unwrap().counts
}

/// The view of one job in a reply.
pub(super) fn view(reply: &Reply, job: JobId) -> JobView {
    reply
        .jobs
        .iter()
        .find(|view| view.job == job)
        .cloned()
        .unwrap_or_else(|| panic!("no view of job {job}: {reply:?}"))
}

/// What holds in every state of every store.
pub(super) fn sound(store: &dyn Store) {
    store.verify(true).unwrap();
    for job in store.jobs().unwrap() {
        let c = job.counts;
        let sum = c.blocked + c.ready + c.retrying + c.running + c.done + c.dead + c.canceled;
        assert_eq!(sum, job.tail, "counts of job {} conserve: {c:?}", job.id);
        let unfinished = c.ready + c.retrying + c.running;
        match job.progress {
            crate::Progress::Finished(_) => assert_eq!(unfinished, 0, "{job:?}"),
            crate::Progress::Closed => assert!(unfinished > 0, "{job:?}"),
            crate::Progress::Open => {}
        }
    }
}
