//! When to take tasks from a node that is slow, or stuck.
//!
//! Nobody can tell from here whether a task that another node holds will end in a moment or never. So this node waits
//! first, for as long as it would need, together with the other idle nodes, for all that the other one holds. What is done
//! over again is then about what was stood idle for at most, and a node that has merely not reported yet has time to. Only
//! time counts in which the tasks were there and held: a node that has been idle for an hour has waited for none of them.

use super::{Node, Phase};
use divvy_core::JobId;
use divvy_store::Backup;

impl Node {
    /// Takes note since when this node has had no work of its own: workers are idle, and the store has nothing for them.
    /// What it took from others does not count as such, else it would wait anew after each.
    pub(super) fn note_bored(&mut self, now: u64) {
        let has_own = self.held.values().any(|lent| !lent.open.is_empty() && lent.lease.taken == 0);
        if self.idle == 0 && has_own {
            self.bored_at = None;
        } else if self.idle > 0 && self.dry && self.bored_at.is_none() {
            self.bored_at = Some(now);
        }
    }

    /// What may be taken from others by now.
    pub(super) fn backups(&self, now: u64) -> Vec<Backup> {
        let due = self.jobs.keys().filter(|job| self.backup_at(**job).is_some_and(|at| at <= now));
        due.map(|job| Backup { job: *job, tasks: self.redone_by(*job, now) }).collect()
    }

    /// When something may be taken from others, if nothing happens before.
    pub(super) fn take_at(&self) -> Option<u64> {
        let may = self.idle > 0 && self.phase == Phase::Running && self.may_claim() && !self.is_stuck();
        if may { self.jobs.keys().filter_map(|job| self.backup_at(*job)).min() } else { None }
    }

    /// Whether others hold something that this node may take sooner or later.
    pub(super) fn may_take(&self) -> bool {
        self.jobs.keys().any(|job| self.held_elsewhere(*job) > 0)
    }

    fn held_elsewhere(&self, job: JobId) -> u64 {
        if self.unable.contains(&job) { 0 } else { self.view(job).map_or(0, |view| view.backups) }
    }

    /// When as much may be taken of a job as a node holds of it.
    fn backup_at(&self, job: JobId) -> Option<u64> {
        let tasks = self.held_elsewhere(job);
        if tasks == 0 {
            return None;
        }
        let wait = (tasks as f64 * self.redo_ns(job)) as u64;
        // Below the time between two claims the store could not have heard that they are done.
        let at = self.waited_since(job)?.saturating_add(wait.max(self.cfg.dry_claim_ns));
        Some(at.max(self.asked_again_at))
    }

    /// Since when this node has stood idle beside tasks of a job that others hold.
    fn waited_since(&self, job: JobId) -> Option<u64> {
        let held_since = self.jobs.get(&job)?.held_since?;
        Some(self.bored_at?.max(held_since))
    }

    /// How many tasks of a job the idle nodes could have done over again by now.
    fn redone_by(&self, job: JobId, now: u64) -> u64 {
        let waited = self.waited_since(job).map_or(0, |since| now.saturating_sub(since));
        // What is due by the view is not a task less by rounding.
        self.held_elsewhere(job).max((waited as f64 / self.redo_ns(job).max(1.0)) as u64)
    }

    /// How long it takes for a task, where all that are idle share the work.
    fn redo_ns(&self, job: JobId) -> f64 {
        let known = self.jobs.get(&job).and_then(|job| job.task_ns.get());
        let task_ns = known.unwrap_or(self.cfg.unknown_task_ns as f64);
        task_ns / (u64::from(self.idle.max(1)) + self.hungry) as f64
    }
}
