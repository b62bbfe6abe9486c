//! Leases that a reply names: those of earlier grants as they stand, and new ones as the port allows them.

use super::{Ledger, Lent};
use crate::world::broken::{Checked, ensure};
use divvy_core::{Millis, NodeId};
use divvy_store::{Claim, Exchange, Held, Lease, Reply, rules};

impl Ledger {
    pub(super) fn on_leases(
        &mut self,
        now: Millis,
        node: NodeId,
        asked: &Exchange,
        reply: &Reply,
    ) -> Checked {
        let unlisted = self.holds(node).filter(|(held, _)| !asked.held.contains(held)).count();
        let idle = self.holds(node).next().is_none();
        let alone = self.holds(node).any(|(_, lent)| lent.quarantined);
        let mut known = 0;
        let mut new: Vec<&Lease> = Vec::new();
        for lease in &reply.leases {
            let held = (lease.job, lease.fence);
            ensure!(!asked.held.contains(&held), Replies, "{held:?} was listed and is told again");
            match self.leases.get(&held) {
                Some(lent) => {
                    let same = lent.node == node
                        && lent.open == lease.open
                        && lent.class == lease.class
                        && lent.taken == lease.taken;
                    ensure!(same, Replies, "{lease:?} is told, but stands as {lent:?}");
                    known += 1;
                }
                None => new.push(lease),
            }
        }
        ensure!(
            known == unlisted,
            Replies,
            "node {node} is told {known} of {unlisted} leases it did not list"
        );
        if asked.claim.is_some() {
            let session = self.sessions.get_mut(&node).expect("a live session");
            session.hungry = new.is_empty() && (session.hungry || idle);
        }
        let Some(first) = new.first() else { return Ok(()) };
        ensure!(unlisted == 0, Grants, "node {node} gets {first:?}, and holds what it did not list");
        ensure!(!alone, Grants, "node {node} gets {first:?} beside a suspect");
        ensure!(
            !first.quarantined || (idle && new.len() == 1),
            Grants,
            "node {node} gets a suspect beside others"
        );
        let Some(claim) = &asked.claim else {
            ensure!(false, Grants, "node {node} gets {first:?} without a claim");
            return Ok(());
        };
        self.within_claim(claim, &new)?;
        new.iter().try_for_each(|lease| self.grant(now, node, lease))
    }

    /// The bounds of the claim, which hold for all its leases together.
    fn within_claim(&self, claim: &Claim, new: &[&Lease]) -> Checked {
        let id = new[0].job;
        ensure!(new.iter().all(|l| l.job == id), Grants, "one claim, leases of several jobs: {new:?}");
        let Some(job) = self.jobs.get(&id) else {
            ensure!(false, Grants, "lease of an unknown job {id}");
            return Ok(());
        };
        let tasks: u64 = new.iter().map(|l| l.open.len()).sum();
        let class = new[0].class;
        ensure!(new.iter().all(|l| l.class == class), Grants, "leases of several classes: {new:?}");
        let backup = new[0].taken > 0;
        ensure!(!backup || new.len() == 1, Grants, "a backup beside others: {new:?}");
        let named: Vec<_> = claim.wants.iter().filter(|w| w.job == id).collect();
        let want = named.iter().find(|w| w.class == class).map_or(0, |w| w.tasks);
        let want = if named.is_empty() { claim.want_new } else { want };
        let taken = claim.backups.iter().filter(|b| b.job == id).map(|b| b.tasks).max().unwrap_or(0);
        let want = if backup { taken } else { want };
        ensure!(tasks <= want, Grants, "{tasks} tasks granted, {want} wanted");
        let fits = job.plan.spec.needs.demand(class).fits(&claim.capacity);
        ensure!(fits, Grants, "{new:?} where there is only {}", claim.capacity);
        ensure!(new.len() <= claim.leases_max, Grants, "{} leases, at most {}", new.len(), claim.leases_max);
        let lost = |seq| job.parts.iter().any(|(tasks, part)| *part == 1 && tasks.contains(seq));
        let isolated = new.iter().filter(|l| l.crashes > 0 || l.open.first().is_some_and(lost)).count();
        let most = claim.isolated_max;
        ensure!(isolated <= most, Grants, "{isolated} tasks to be kept apart are granted, at most {most}");
        let (bytes, most) = (tasks * job.plan.record_len, claim.bytes_max.max(job.plan.record_len));
        ensure!(bytes <= most, Grants, "{bytes} bytes granted, at most {most}");
        let below =
            |l: &&&Lease| claim.below.is_none_or(|below| l.open.first().is_some_and(|seq| seq < below));
        ensure!(
            new.iter().all(|l| below(&l)),
            Grants,
            "{new:?}, though only {:?} was asked for",
            claim.below
        );
        let asked = claim.only.is_none_or(|only| self.with_those_before(only).contains(&id))
            && claim.handlers.contains(&job.plan.spec.handler);
        ensure!(asked, Grants, "job {id} was not asked for");
        Ok(())
    }

    fn grant(&mut self, now: Millis, node: NodeId, lease: &Lease) -> Checked {
        if lease.taken > 0 {
            self.take(node, lease)?;
        }
        self.is_free(node, lease)?;
        self.is_free_to_run(lease)?;
        self.charged(now, lease)?;
        let held: Held = (lease.job, lease.fence);
        let job = self.jobs.get_mut(&lease.job).expect("looked at by within_claim");
        ensure!(lease.fence > job.fence, FencesRise, "{held:?} after fence {}", job.fence);
        job.fence = lease.fence;
        for (tasks, part) in &mut job.parts {
            let n = tasks.intersect(&lease.open).len();
            ensure!(
                n == 0 || lease.open.len() <= *part,
                Grants,
                "{lease:?} is more than {part} that were lost together"
            );
            tasks.remove_all(&lease.open);
        }
        job.parts.retain(|(tasks, _)| !tasks.is_empty());
        let (open, quarantined) = (lease.open.clone(), lease.quarantined);
        let lent = Lent { node, open, class: lease.class, quarantined, cut: false, taken: lease.taken };
        self.leases.insert(held, lent);
        Ok(())
    }

    /// The tasks are the upper ones of a lease of another node, which has them no longer.
    fn take(&mut self, node: NodeId, lease: &Lease) -> Checked {
        let allows = self.jobs[&lease.job].plan.spec.allows_backups();
        ensure!(allows, Grants, "{lease:?} of a job that allows no backups");
        let theirs = self.leases_of(lease.job).find(|(_, lent)| lent.open.covers(&lease.open));
        let Some((held, lent)) = theirs.map(|(held, lent)| (*held, lent.clone())) else {
            ensure!(false, Grants, "{lease:?} is taken from nobody");
            return Ok(());
        };
        let left = lent.open.minus(&lease.open);
        let upper = left.hull().is_none_or(|left| Some(left.hi) <= lease.open.first());
        let half = lease.open.len() <= lent.open.len().div_ceil(2) && lease.taken == lent.taken + 1;
        ensure!(lent.node != node && upper && half, Grants, "{lease:?} is taken from {held:?}: {lent:?}");
        if left.is_empty() {
            self.leases.remove(&held);
        } else {
            self.leases.insert(held, Lent { open: left, cut: true, ..lent });
        }
        Ok(())
    }

    /// The tasks are in the log, have not ended, and nobody else has them.
    fn is_free(&self, node: NodeId, lease: &Lease) -> Checked {
        let (job, open) = (&self.jobs[&lease.job], &lease.open);
        let policy = &job.plan.spec.policy;
        ensure!(!open.is_empty(), Partition, "an empty lease");
        let beyond = open.hull().is_some_and(|h| h.hi > job.tail);
        ensure!(!beyond, Partition, "{lease:?} ends after the tail {}", job.tail);
        let done = open.intersect(&job.done);
        ensure!(done.is_empty(), Partition, "{lease:?} holds {done:?}, which is done");
        let canceled = open.intersect(&job.canceled);
        ensure!(canceled.is_empty(), Partition, "{lease:?} holds {canceled:?}, which is canceled");
        let dead = open.ranges().iter().any(|r| job.dead.range(r.lo..r.hi).next().is_some());
        ensure!(!dead, Partition, "{lease:?} holds dead tasks");
        for (held, lent) in self.leases_of(lease.job) {
            let both = lent.open.intersect(open);
            ensure!(
                both.is_empty(),
                Partition,
                "{both:?} is in {lease:?} and in {held:?} of node {}",
                lent.node
            );
            ensure!(
                !policy.exclusive || lent.node == node,
                Grants,
                "an exclusive job on nodes {node} and {}",
                lent.node
            );
        }
        let within = policy.range_max == 0 || open.len() <= policy.range_max;
        ensure!(within, Grants, "{lease:?} has more than {} tasks", policy.range_max);
        Ok(())
    }

    /// The lease says what its tasks are charged with.
    fn charged(&self, now: Millis, lease: &Lease) -> Checked {
        let job = &self.jobs[&lease.job];
        let policy = &job.plan.spec.policy;
        let told = (lease.attempts, lease.crashes);
        let charges = lease.open.ranges().iter().flat_map(|r| job.charges.range(r.lo..r.hi));
        for (seq, charge) in charges {
            let alone = lease.open.len() == 1;
            ensure!(alone, Charges, "{seq} with {charge:?} is not alone in {lease:?}");
            let truth = (charge.attempts, charge.crashes);
            ensure!(told == truth, Charges, "{lease:?} is charged {told:?}, {seq} has {truth:?}");
            // What is taken was due for who had it, by a clock that may be ahead.
            let due = charge.due <= now || lease.taken > 0;
            ensure!(due, Grants, "{seq} is due at {}, leased at {now}", charge.due);
        }
        let free = lease.open.ranges().iter().all(|r| job.charges.range(r.lo..r.hi).next().is_none());
        ensure!(!free || told == (0, 0), Charges, "{lease:?} is charged, nothing ever happened");
        let suspect = rules::needs_quarantine(policy, lease.crashes);
        ensure!(suspect == lease.quarantined, Grants, "{lease:?} of a suspect, or not: {suspect}");
        Ok(())
    }
}
