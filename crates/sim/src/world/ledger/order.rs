//! What waits for what: tasks for their parents, jobs for other jobs, jobs for somebody who lets them go; and jobs that
//! end because too many of their tasks are dead.

use super::{Job, Ledger};
use crate::world::broken::{Checked, ensure};
use divvy_core::{Intervals, JobId, Range, Seq};
use std::collections::BTreeSet;

impl Job {
    /// A new job, with those of its tasks blocked that have parents.
    pub(super) fn with_blocked(mut self) -> Job {
        let graph = &self.plan.graph;
        let blocked = (0..graph.len()).filter(|seq| !graph.parents(*seq).is_empty());
        self.blocked = blocked.map(|seq| Range::new(seq, seq + 1)).collect();
        self
    }

    /// The first of a task's parents that is not done.
    pub(crate) fn blocker(&self, seq: Seq) -> Option<Seq> {
        let graph = &self.plan.graph;
        let parents = if seq < graph.len() { graph.parents(seq) } else { &[] };
        parents.iter().copied().find(|parent| !self.done.contains(*parent))
    }

    /// Tasks are done: others may have waited for them.
    pub(super) fn wake(&mut self) {
        let free = self.blocked.iter().filter(|seq| self.blocker(*seq).is_none());
        let free: Intervals = free.map(|seq| Range::new(seq, seq + 1)).collect();
        self.blocked.remove_all(&free);
    }

    /// The class in which a task runs next.
    pub(super) fn class_of(&self, seq: Seq) -> u32 {
        self.grown.get(&seq).copied().unwrap_or_else(|| self.plan.spec.needs.class_of(seq))
    }
}

impl Ledger {
    /// Of the jobs that come before this one, those that have not succeeded.
    fn waits_for<'a>(&'a self, job: &'a Job) -> impl Iterator<Item = &'a Job> {
        let before = job.plan.spec.after.iter().filter_map(|id| self.jobs.get(id));
        before.filter(|before| !before.succeeded())
    }

    pub(crate) fn is_stuck(&self, job: &Job) -> bool {
        let hopeless = |before: &Job| before.is_finished() || self.is_stuck(before);
        !job.is_finished() && self.waits_for(job).any(hopeless)
    }

    /// Whether nothing of it may be leased.
    pub(super) fn rests(&self, job: &Job) -> bool {
        job.paused || self.waits_for(job).next().is_some()
    }

    /// A job, and all that come before it.
    pub(super) fn with_those_before(&self, id: JobId) -> BTreeSet<JobId> {
        let before = self.jobs.get(&id).into_iter().flat_map(|job| &job.plan.spec.after);
        before.flat_map(|before| self.with_those_before(*before)).chain([id]).collect()
    }

    /// Whether a finished job may go: nobody waits for it in vain.
    pub(crate) fn may_forget(&self, id: JobId) -> bool {
        let waits = |other: &Job| !other.is_finished() && other.plan.spec.after.contains(&id);
        self.jobs[&id].succeeded() || !self.jobs.values().any(waits)
    }

    pub(crate) fn on_paused(&mut self, id: JobId, paused: bool) {
        let job = self.jobs.get_mut(&id).expect("paused jobs are known");
        if !job.is_finished() {
            job.paused = paused;
        }
    }

    /// Jobs of which a task died, and now more are dead than may be, are canceled. Returns how many.
    pub(super) fn on_too_many_dead(&mut self) -> usize {
        let mut over = Vec::new();
        for (id, job) in &mut self.jobs {
            let most = job.plan.spec.policy.max_fails.unwrap_or(u64::MAX);
            if std::mem::take(&mut job.has_died) && job.dead.len() as u64 > most && !job.is_finished() {
                over.push(*id);
            }
        }
        over.iter().for_each(|id| drop(self.take_out(*id, None)));
        over.len()
    }

    /// Nothing of it is to be leased while it rests, and no task before its parents are done.
    pub(super) fn is_free_to_run(&self, lease: &divvy_store::Lease) -> Checked {
        let job = &self.jobs[&lease.job];
        ensure!(!job.paused, Grants, "{lease:?} of a job that is paused");
        ensure!(!self.rests(job), Grants, "{lease:?} of a job that comes after others");
        for seq in lease.open.iter() {
            let early = job.blocker(seq);
            ensure!(early.is_none(), Grants, "{lease:?} holds {seq}, which waits for {early:?}");
            let class = job.class_of(seq);
            ensure!(class == lease.class, Grants, "{lease:?} holds {seq}, which is of class {class}");
        }
        let demand = job.plan.spec.needs.demand(lease.class);
        ensure!(demand == lease.demand, Replies, "{lease:?} takes {demand}");
        Ok(())
    }
}
