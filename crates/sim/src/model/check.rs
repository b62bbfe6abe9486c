//! The invariants of one state of the model.

use super::Model;
use super::job::Job;
use divvy_core::{Fence, Intervals, NodeId, Range, Seq};
use divvy_store::Held;
use std::collections::BTreeSet;

type Check = Result<(), String>;

/// Where a task may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    AboveTheHead,
    Done,
    Canceled,
    Dead,
    Lease(Fence),
    Waiting,
    Blocked,
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}

impl Model {
    /// Asserts every invariant of the state.
    ///
    /// # Panics
    /// If one is broken, naming it.
    pub fn check(&self) {
        if let Err(what) = self.soundness() {
            panic!("the store's state is broken: {what}");
        }
    }

    /// The first broken invariant, if there is one.
    ///
    /// # Errors
    /// What is broken, for people.
    pub fn soundness(&self) -> Check {
        for job in self.jobs.values() {
            job.soundness().map_err(|what| format!("job {}: {what}", job.id))?;
        }
        self.sessions()
    }

    /// Leases name live nodes, and nodes their leases.
    fn sessions(&self) -> Check {
        let by_job: BTreeSet<(NodeId, Held)> = self
            .jobs
            .values()
            .flat_map(|job| job.leases.iter().map(|(fence, lent)| (lent.node, (job.id, *fence))))
            .collect();
        let by_node = self.nodes.iter().flat_map(|(id, n)| n.holds.iter().map(|held| (*id, *held))).collect();
        ensure(by_job == by_node, || format!("leases {by_job:?}, but nodes hold {by_node:?}"))?;
        let workers = self.nodes.values().map(|n| u64::from(n.info.workers)).sum();
        ensure(self.workers == workers, || format!("{} workers, counted {workers}", self.workers))?;
        let known = |set: &BTreeSet<NodeId>| set.iter().all(|id| self.nodes.contains_key(id));
        ensure(known(&self.hungry) && known(&self.gone), || "a node without a session".to_owned())?;
        for (id, node) in &self.nodes {
            let alone = node.holds.iter().any(|(job, fence)| self.jobs[job].leases[fence].quarantined);
            ensure(!alone || node.holds.len() == 1, || format!("node {id} has more than its suspect"))?;
        }
        Ok(())
    }
}

impl Job {
    fn soundness(&self) -> Check {
        self.partition()?;
        self.charges()?;
        self.order()?;
        let (counts, tail) = (self.counts(), self.tail);
        let sum = counts.blocked
            + counts.ready
            + counts.retrying
            + counts.running
            + counts.done
            + counts.dead
            + counts.canceled;
        ensure(sum == tail, || format!("{counts:?} do not add up to {tail}"))?;
        ensure(counts.done == self.done.len, || format!("{} done, accepted {}", counts.done, self.done.len))?;
        let open = counts.ready + counts.retrying + counts.running;
        ensure(open == self.unfinished(), || format!("{open} open, {} unfinished", self.unfinished()))?;
        let finished = open == 0 && !self.open;
        ensure(finished == self.finished.is_some(), || format!("{open} open, yet {:?}", self.progress()))?;
        ensure(self.producer.is_none() || self.open, || "a producer of a closed job".to_owned())?;
        let nodes: BTreeSet<NodeId> = self.leases.values().map(|l| l.node).collect();
        let shared = self.spec.policy.exclusive && nodes.len() > 1;
        ensure(!shared, || format!("exclusive, yet leased by {nodes:?}"))?;
        let (fence, grants) = (self.fence.0, self.grants);
        ensure(fence == grants, || format!("{grants} leases, but the highest fence is {fence}"))
    }

    /// Every task is in exactly one place.
    fn partition(&self) -> Check {
        let above = Intervals::from(Range::new(self.head, self.tail)).minus(&self.canceled.set);
        let mut pieces: Vec<(Range, Place)> = Vec::new();
        let mut add = |place, set: &Intervals| pieces.extend(set.ranges().iter().map(|r| (*r, place)));
        add(Place::AboveTheHead, &above);
        add(Place::Done, &self.done.set);
        add(Place::Blocked, &self.blocked);
        add(Place::Canceled, &self.canceled.set);
        for (fence, lent) in &self.leases {
            ensure(!lent.open.is_empty(), || format!("lease {fence} is empty"))?;
            ensure(lent.granted.covers(&lent.open), || format!("lease {fence} grew"))?;
            add(Place::Lease(*fence), &lent.open);
        }
        pieces.extend(self.dead.keys().map(|seq| (Range::new(*seq, seq + 1), Place::Dead)));
        pieces.extend(self.waiting.values().map(|w| (w.range, Place::Waiting)));
        pieces.sort_unstable();
        let mut at = 0;
        for (range, place) in pieces {
            ensure(range.lo <= at, || format!("[{at}, {}) is nowhere", range.lo))?;
            ensure(range.lo == at, || format!("{range} is {place:?} and somewhere else"))?;
            at = range.hi;
        }
        ensure(at == self.tail, || format!("places end at {at}, the tail is {}", self.tail))?;
        let canceled = self.canceled.set.len();
        ensure(canceled == self.canceled.len, || {
            format!("canceled {canceled}, counted {}", self.canceled.len)
        })
    }

    /// Blocked is who has a parent that is not done, and classes are such as the job has.
    fn order(&self) -> Check {
        let free = self.blocked.iter().find(|seq| self.blockers(*seq).is_empty());
        ensure(free.is_none(), || format!("{free:?} is blocked by nobody"))?;
        let known = |class: u32| class < self.spec.needs.classes();
        for (tasks, class) in self.leases.values().map(|l| (&l.open, l.class)) {
            ensure(known(class), || format!("{tasks:?} is of class {class}"))?;
            let early = self.early(tasks);
            ensure(early.is_none(), || format!("{early:?} is leased before its parents are done"))?;
        }
        for w in self.waiting.values() {
            ensure(known(w.class), || format!("{w:?} is of no class"))?;
            let early = self.early(&w.range.into());
            ensure(early.is_none(), || format!("{early:?} waits before its parents are done"))?;
        }
        Ok(())
    }

    /// A task with a parent that is not done.
    fn early(&self, tasks: &Intervals) -> Option<Seq> {
        self.family.as_ref()?;
        tasks.iter().find(|seq| !self.blockers(*seq).is_empty())
    }

    /// Attempts and crashes are within the policy, and charged to single tasks only.
    fn charges(&self) -> Check {
        let policy = &self.spec.policy;
        let within = |n: u64, attempts: u32, crashes: u32| {
            let single = n == 1 || (attempts == 0 && crashes == 0);
            single && attempts < policy.max_attempts && crashes < policy.crash_limit
        };
        for w in self.waiting.values() {
            ensure(within(w.range.len(), w.attempts, w.crashes), || format!("charges of {w:?}"))?;
        }
        for (fence, l) in &self.leases {
            ensure(within(l.granted.len(), l.attempts, l.crashes), || {
                format!("charges of lease {fence}: {l:?}")
            })?;
            let alone = self.is_suspect(l.crashes) == l.quarantined;
            ensure(alone, || format!("lease {fence} of a suspect is not alone"))?;
        }
        for dead in self.dead.values() {
            let due = dead.attempts == policy.max_attempts || dead.crashes == policy.crash_limit;
            let within = dead.attempts <= policy.max_attempts && dead.crashes <= policy.crash_limit;
            ensure(due && within, || format!("died too early or too late: {dead:?}"))?;
        }
        Ok(())
    }
}
