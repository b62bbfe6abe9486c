//! Since when tasks could have run, as far as a node can know it: waits are measured from there.
//!
//! Of tasks that were not tried before the job says it. Of a task that failed here the node knows when it sent it back to wait; if another
//! node tries it again, that one does not.

use divvy_core::{JobId, Millis, Seq};
use divvy_store::{Error, Exchange, Failed, Held, JobInfo, Lease, Progress, Result, Store};
use std::collections::HashMap;

/// Most failed tasks whose due time is remembered. Of those beyond the waits are not known.
const RETRIES_MAX: usize = 4_096;

/// Since when those tasks of a job could have run that were not tried before: since it was submitted, or since what it
/// comes after has ended. Of tasks that came later, or waited for others, nobody knows.
///
/// # Errors
/// Whatever the store says.
pub(crate) fn since(store: &dyn Store, info: &JobInfo) -> Result<Option<Millis>> {
    if info.progress == Progress::Open || info.counts.blocked > 0 {
        return Ok(None);
    }
    let mut due = info.created;
    for before in &info.spec.after {
        match store.job(*before) {
            Ok(JobInfo { progress: Progress::Finished(at), .. }) => due = due.max(at),
            // Nothing is leased before its end: it has been tried again since.
            Ok(_) => return Ok(None),
            Err(Error::NoJob(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(due))
}

/// What is charged to a task: which attempt of it comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tried {
    failed: u32,
    lost: u32,
}

impl Tried {
    /// What the tasks of a lease were charged with when it was given.
    pub(crate) fn before(lease: &Lease) -> Tried {
        Tried { failed: lease.attempts, lost: lease.crashes }
    }

    /// After one more failure. That of a task which gets more memory does not count.
    fn after(self, failed: &Failed) -> Tried {
        Tried { failed: self.failed + u32::from(!failed.outgrown), ..self }
    }
}

/// When a failed task is due again, and for which attempt: others may have made that one, and all of this is past.
#[derive(Debug)]
struct Retry {
    next: Tried,
    due: Millis,
}

/// When tasks that failed here are due again.
#[derive(Debug, Default)]
pub(crate) struct Retries(HashMap<(JobId, Seq), Retry>);

impl Retries {
    /// The store has taken in these reports. `tried`: what the tasks of a lease had been charged with before it.
    pub(crate) fn on_reported(
        &mut self,
        wall: Millis,
        exchange: &Exchange,
        tried: impl Fn(Held) -> Option<Tried>,
    ) {
        let mut failing = exchange.reports.iter().filter(|report| !report.failed.is_empty()).peekable();
        if failing.peek().is_some() && self.0.len() >= RETRIES_MAX {
            // What is past due was tried elsewhere, as like as not. Once for all of the reports: it looks at each.
            self.0.retain(|_, retry| retry.due > wall);
        }
        for report in failing {
            let Some(before) = tried((report.job, report.fence)) else { continue };
            for failed in &report.failed {
                let wait_ms = if failed.outgrown { 0 } else { failed.retry_ms };
                let retry = Retry { next: before.after(failed), due: wall.saturating_add(wait_ms) };
                self.note((report.job, failed.seq), retry);
            }
        }
    }

    fn note(&mut self, task: (JobId, Seq), retry: Retry) {
        if self.0.len() < RETRIES_MAX || self.0.contains_key(&task) {
            self.0.insert(task, retry);
        }
    }

    /// Since when the tasks of a lease could have run; `fresh`: since when those could that were not tried before.
    pub(crate) fn of(&mut self, lease: &Lease, fresh: Option<Millis>) -> Option<Millis> {
        match lease.open.first() {
            Some(seq) if lease.open.len() == 1 => {
                let noted = self.0.remove(&(lease.job, seq));
                let again = noted.filter(|retry| retry.next == Tried::before(lease)).map(|retry| retry.due);
                again.or(fresh.filter(|_| lease.attempts + lease.crashes == 0))
            }
            _ => fresh,
        }
    }

    /// Of a job that this node lets go of, nothing is waited for here.
    pub(crate) fn forget(&mut self, known: impl Fn(JobId) -> bool) {
        self.0.retain(|(job, _), _| known(*job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::{Demand, Fence, Range};
    use divvy_store::Report;

    fn lease(lo: Seq, hi: Seq, attempts: u32) -> Lease {
        let (open, demand) = (Range::new(lo, hi).into(), Demand::new());
        let (job, fence) = (JobId(1), Fence(1));
        Lease { job, fence, open, attempts, crashes: 0, quarantined: false, taken: 0, class: 0, demand }
    }

    fn failing(seq: Seq, retry_ms: Millis, outgrown: bool) -> Exchange {
        let failed = vec![Failed { seq, error: "no".into(), retry_ms, outgrown }];
        let report = Report { job: JobId(1), fence: Fence(1), failed, ..Report::default() };
        Exchange { reports: vec![report], ..Exchange::default() }
    }

    /// As if by a lease whose tasks had failed so often before.
    fn report(retries: &mut Retries, wall: Millis, failing: &Exchange, failed: u32) {
        retries.on_reported(wall, failing, |_| Some(Tried { failed, lost: 0 }));
    }

    #[test]
    fn a_task_that_failed_here_is_due_when_it_was_to_be_tried_again() {
        let mut retries = Retries::default();
        report(&mut retries, 1_000, &failing(3, 500, false), 0);
        report(&mut retries, 1_000, &failing(4, 500, true), 0);
        assert_eq!(retries.of(&lease(3, 4, 1), Some(7)), Some(1_500));
        assert_eq!(retries.of(&lease(4, 5, 0), Some(7)), Some(1_000), "with more memory, at once");
        assert_eq!(retries.of(&lease(3, 4, 2), Some(7)), None, "it failed elsewhere since");
        assert_eq!(retries.of(&lease(5, 6, 0), Some(7)), Some(7));
        assert_eq!(retries.of(&lease(5, 9, 0), Some(7)), Some(7));
    }

    #[test]
    fn what_was_noted_is_for_the_next_attempt_only() {
        let mut retries = Retries::default();
        report(&mut retries, 1_000, &failing(3, 500, false), 0);
        assert_eq!(retries.of(&lease(3, 4, 2), Some(7)), None, "another node made the second attempt");
        report(&mut retries, 3_000, &failing(3, 500, false), 2);
        assert_eq!(retries.of(&lease(3, 4, 3), Some(7)), Some(3_500));
        retries.on_reported(4_000, &failing(3, 500, false), |_| None);
        assert_eq!(retries.of(&lease(3, 4, 4), Some(7)), None, "of a lease that is not known nothing is");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_goes_with_the_job() {
        let mut retries = Retries::default();
        let full = RETRIES_MAX as u64;
        (0..full + 10).for_each(|seq| report(&mut retries, 1, &failing(seq, 100, false), 0));
        assert_eq!(retries.of(&lease(full + 5, full + 6, 1), None), None);
        report(&mut retries, 2, &failing(0, 100, false), 1);
        assert_eq!(retries.of(&lease(0, 1, 2), None), Some(102), "what is known already has its place");
        retries.forget(|job| job != JobId(1));
        assert_eq!(retries.of(&lease(1, 2, 1), None), None);
    }

    #[test]
    fn what_is_past_due_makes_room() {
        let mut retries = Retries::default();
        let full = RETRIES_MAX as u64;
        (0..full).for_each(|seq| report(&mut retries, 1, &failing(seq, 100, false), 0));
        report(&mut retries, 200, &failing(full, 100, false), 0);
        assert_eq!(retries.of(&lease(full, full + 1, 1), None), Some(300));
        assert_eq!(retries.of(&lease(0, 1, 1), None), None);
    }
}
