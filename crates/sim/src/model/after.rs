//! Jobs that rest: paused by a person, or coming after jobs that have not succeeded.

use super::Model;
use super::bugs::Bug;
use super::job::Job;
use divvy_core::{JobId, Millis, NodeId};
use divvy_store::{JobInfo, JobView, Result};
use std::collections::BTreeSet;

impl Model {
    /// See [`divvy_store::Store::pause`].
    ///
    /// # Errors
    /// `NoJob`.
    pub fn pause(&mut self, id: JobId, paused: bool) -> Result<()> {
        let job = self.job_mut(id)?;
        if job.finished.is_none() {
            job.paused = paused;
            self.version += 1;
        }
        Ok(())
    }

    /// The jobs that are to succeed before this one and have not. Who is no longer there has.
    pub(super) fn waits_for(&self, job: &Job) -> Vec<JobId> {
        let before = job.spec.after.iter().filter_map(|id| self.jobs.get(id));
        before.filter(|job| !job.succeeded()).map(|job| job.id).collect()
    }

    /// Whether nothing of it may be leased for the time being.
    pub(super) fn rests(&self, job: &Job) -> bool {
        let ends = |id: &JobId| !self.bugs.has(Bug::FailureLetsGo) || self.jobs[id].finished.is_none();
        let paused = job.paused && !self.bugs.has(Bug::PauseIgnored);
        paused || self.waits_for(job).iter().any(ends)
    }

    /// Whether it waits for what will not come by itself.
    fn is_stuck(&self, job: &Job) -> bool {
        let hopeless = |id: &JobId| self.jobs[id].finished.is_some() || self.is_stuck(&self.jobs[id]);
        job.finished.is_none() && self.waits_for(job).iter().any(hopeless)
    }

    /// A job and all that it comes after, directly or not.
    pub(super) fn with_forerunners(&self, id: JobId) -> BTreeSet<JobId> {
        let before = self.jobs.get(&id).into_iter().flat_map(|job| &job.spec.after);
        before.flat_map(|id| self.with_forerunners(*id)).chain([id]).collect()
    }

    pub(super) fn info(&self, job: &Job) -> JobInfo {
        JobInfo { waits_for: self.waits_for(job), ..job.info() }
    }

    pub(super) fn view(&self, now: Millis, asker: NodeId, job: &Job) -> JobView {
        let mut view = JobView { stuck: self.is_stuck(job), ..job.view(now) };
        if self.rests(job) {
            view.claimable = 0;
            view.classes.iter_mut().for_each(|class| (class.claimable, class.oldest) = (0, None));
        } else if view.claimable == 0 && self.allows_backups(job) {
            view.backups = job.holder(asker).map_or(0, |(_, tasks)| tasks);
        }
        view
    }
}
