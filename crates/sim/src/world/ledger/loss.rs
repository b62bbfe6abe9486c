//! Ends of sessions, and what people do to tasks: leases end otherwise than by reports.

use super::{Charge, Ledger};
use crate::world::broken::{Checked, ensure};
use crate::world::host::Cause;
use divvy_core::{Fence, Intervals, JobId, NodeId, Range};
use divvy_store::rules::{AfterLoss, after_loss};
use divvy_store::{Expired, Held};

impl Ledger {
    /// A session ended in peace.
    pub(crate) fn on_left(&mut self, node: NodeId) {
        for (held, lent) in self.end(node) {
            let job = self.jobs.get_mut(&held.0).expect("a lease has a job");
            for range in lent.open.ranges() {
                job.charges.range_mut(range.lo..range.hi).for_each(|(_, charge)| charge.due = 0);
            }
        }
    }

    /// A session was lost.
    pub(crate) fn on_expired(&mut self, node: NodeId, told: Expired, cause: Option<Cause>) -> Checked {
        let mut truth = Expired::default();
        let lost = self.end(node);
        let had = |held: &Held| lost.iter().any(|(key, _)| key == held);
        // A deadly task whose lease the store had already taken back may still have run.
        let culprit = cause.and_then(|c| match c {
            Cause::Deadly(held, seq) if had(&held) => Some((held, seq)),
            _ => None,
        });
        for (held, lent) in &lost {
            truth.leases += 1;
            let job = self.jobs.get_mut(&held.0).expect("a lease has a job");
            let (n, first) = (lent.open.len(), lent.open.first().expect("leases are not empty"));
            let policy = job.plan.spec.policy.clone();
            let charge = job.charges.get(&first).copied().filter(|_| n == 1).unwrap_or_default();
            match after_loss(&policy, n, charge.crashes, lent.quarantined) {
                AfterLoss::Waits { part, crashes } => {
                    truth.waiting += n;
                    if n == 1 {
                        job.charges.insert(first, Charge { crashes, due: 0, ..charge });
                    } else {
                        job.parts.push((lent.open.clone(), part));
                    }
                }
                AfterLoss::Dies { crashes } => {
                    truth.dead += 1;
                    job.die(first, Charge { crashes, ..charge });
                    if !job.plan.task(first).deadly {
                        let framed = culprit.is_some() && policy.crash_limit > 1;
                        ensure!(!framed, Charges, "{first} of {held:?} dies for {culprit:?} of node {node}");
                        job.unlucky.insert(first);
                    }
                }
            }
        }
        ensure!(told == truth, Replies, "node {node} expired: told {told:?}, it was {truth:?}");
        self.on_too_many_dead();
        Ok(())
    }

    fn end(&mut self, node: NodeId) -> Vec<(Held, super::Lent)> {
        self.sessions.remove(&node);
        let held: Vec<Held> = self.holds(node).map(|(held, _)| *held).collect();
        held.into_iter().filter_map(|held| Some((held, self.leases.remove(&held)?))).collect()
    }

    /// Somebody canceled these tasks, or the job.
    pub(crate) fn on_canceled(&mut self, id: JobId, tasks: Option<&Intervals>, told: u64) -> Checked {
        let hit = self.take_out(id, tasks);
        ensure!(told == hit.len(), Replies, "{told} tasks of job {id} canceled, there were {hit:?}");
        Ok(())
    }

    /// Takes out what has not ended of these tasks, or of the whole job, and says what that was. A finished job stays
    /// as it is.
    pub(super) fn take_out(&mut self, id: JobId, tasks: Option<&Intervals>) -> Intervals {
        let job = self.jobs.get_mut(&id).expect("canceled jobs are known");
        if job.is_finished() {
            return Intervals::new();
        }
        let mut hit = Intervals::from(Range::new(0, job.tail)).minus(&job.done).minus(&job.canceled);
        job.dead.keys().for_each(|seq| hit.remove(Range::new(*seq, seq + 1)));
        if let Some(tasks) = tasks {
            hit = hit.intersect(tasks);
        } else {
            (job.open, job.canceled_whole) = (false, true);
        }
        job.ended += hit.len();
        job.canceled.insert_all(&hit);
        job.blocked.remove_all(&hit);
        job.charges.retain(|seq, _| !hit.contains(*seq));
        let leases = self.leases.range_mut((id, Fence(0))..=(id, Fence(u64::MAX)));
        for (_, lent) in leases {
            lent.cut |= !lent.open.intersect(&hit).is_empty();
            lent.open.remove_all(&hit);
        }
        self.leases.retain(|_, lent| !lent.open.is_empty());
        hit
    }

    /// Somebody gave dead tasks new attempts.
    pub(crate) fn on_retried(&mut self, id: JobId, tasks: Option<&Intervals>, told: u64) -> Checked {
        let job = self.jobs.get_mut(&id).expect("retried jobs are known");
        let before = job.dead.len();
        let grown = &mut job.grown;
        job.dead.retain(|seq, _| {
            let stays = tasks.is_some_and(|t| !t.contains(*seq));
            if !stays {
                grown.remove(seq);
            }
            stays
        });
        let n = (before - job.dead.len()) as u64;
        job.ended -= n;
        ensure!(told == n, Replies, "{told} dead tasks of job {id} retried, there were {n}");
        Ok(())
    }

    /// The dead tasks of a job, as the store lists them.
    pub(crate) fn died(&self, id: JobId, told: &[divvy_store::Dead]) -> Checked {
        let job = &self.jobs[&id];
        let truth = job.dead.iter().map(|(seq, c)| (*seq, c.attempts, c.crashes));
        let same = truth.eq(told.iter().map(|d| (d.seq, d.attempts, d.crashes)));
        ensure!(same, Charges, "dead of job {id}: told {told:?}, they are {:?}", job.dead);
        Ok(())
    }

    /// The tasks of one of a job's leases, as somebody might pick them from a list of what runs.
    pub(crate) fn lent_of(&self, job: JobId, nth: usize) -> Option<Intervals> {
        self.leases_of(job).nth(nth).map(|(_, lent)| lent.open.clone())
    }

    /// All leases and who has them.
    pub(crate) fn lent(&self) -> Vec<(Held, NodeId)> {
        self.leases.iter().map(|(held, lent)| (*held, lent.node)).collect()
    }
}
