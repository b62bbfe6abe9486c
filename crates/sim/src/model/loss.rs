//! The end of a session, in peace or not.
//!
//! The rule of loss in this module's own words, so that it is a second opinion on `divvy_store::rules`: several
//! unfinished tasks come back in eighths, charged with nothing new. One that was alone is charged. Charged up to
//! the limit it is dead, if its node had nothing else at the time (of which a limit of 1 asks nothing).

use super::bugs::Bug;
use super::event::Ledger;
use super::job::Job;
use super::{Bugs, Model};
use divvy_core::{Fence, Millis, NodeId};
use divvy_store::{Dead, Expired};
use std::collections::BTreeSet;

impl Model {
    /// See [`divvy_store::Store::leave`].
    pub fn leave(&mut self, now: Millis, node: NodeId) {
        for (id, fence) in self.end_session(node) {
            let job = self.jobs.get_mut(&id).expect("it has a lease");
            let open = job.leases[&fence].open.clone();
            job.wait_again(fence, &open, 0, None);
            job.leases.remove(&fence);
            self.settle(now, id);
        }
    }

    /// See [`divvy_store::Store::expire`].
    pub fn expire(&mut self, now: Millis, node: NodeId) -> Expired {
        let (mut expired, mut touched) = (Expired::default(), BTreeSet::new());
        for (id, fence) in self.end_session(node) {
            let job = self.jobs.get_mut(&id).expect("it has a lease");
            expired.leases += 1;
            touched.insert(id);
            match job.on_lost(now, fence, self.bugs, &mut self.ledger) {
                Fate::Waiting(tasks) => expired.waiting += tasks,
                Fate::Dead => expired.dead += 1,
            }
            job.leases.remove(&fence);
        }
        touched.into_iter().for_each(|id| self.settle(now, id));
        expired
    }

    /// Takes a node out of the list and says what it held. Empty if it was not there.
    fn end_session(&mut self, node: NodeId) -> Vec<divvy_store::Held> {
        let Some(session) = self.nodes.remove(&node) else { return Vec::new() };
        self.version += 1;
        self.workers -= u64::from(session.info.workers);
        self.gone.remove(&node);
        self.hungry.remove(&node);
        session.holds.into_iter().collect()
    }
}

enum Fate {
    Waiting(u64),
    Dead,
}

impl Job {
    fn on_lost(&mut self, now: Millis, fence: Fence, bugs: Bugs, ledger: &mut Ledger) -> Fate {
        let lent = self.leases[&fence].clone();
        if lent.attempts > 0 && bugs.has(Bug::ExpireForgetsRetries) {
            return Fate::Waiting(0);
        }
        let back = if bugs.has(Bug::ExpireFreesWholeRange) { &lent.granted } else { &lent.open };
        let tasks = back.len();
        if tasks > 1 {
            let eighth = tasks / 8 + u64::from(!tasks.is_multiple_of(8));
            self.wait_again(fence, back, eighth, None);
            return Fate::Waiting(tasks);
        }
        let crashes = lent.crashes + u32::from(!bugs.has(Bug::LostNotCharged));
        let limit = self.spec.policy.crash_limit;
        let condemned = crashes >= limit && (lent.quarantined || limit == 1);
        if condemned {
            let seq = lent.open.first().expect("a lease is never empty");
            let error = format!("took its node down {crashes} times");
            self.die(Dead { seq, attempts: lent.attempts, crashes, error, at: now }, bugs, ledger);
            return Fate::Dead;
        }
        self.wait_again(fence, back, 1, Some(crashes));
        Fate::Waiting(1)
    }
}
