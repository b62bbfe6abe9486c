//! Since when tasks could have run, as far as a node can know it: waits are measured from there.
//!
//! Of tasks that were not tried before the job says it. Of a task that failed here the node knows when it sent it back to wait; if another
//! node tries it again, that one does not.

use divvy_core::{JobId, Millis, Seq};
use divvy_store::{Error, Exchange, JobInfo, Lease, Progress, Result, Store};
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

/// When tasks that failed here are due again.
#[derive(Debug, Default)]
pub(crate) struct Retries(HashMap<(JobId, Seq), Millis>);

impl Retries {
    /// The store has taken in these reports.
    pub(crate) fn on_reported(&mut self, wall: Millis, exchange: &Exchange) {
        for report in &exchange.reports {
            for failed in &report.failed {
                let wait_ms = if failed.outgrown { 0 } else { failed.retry_ms };
                if self.0.len() < RETRIES_MAX {
                    self.0.insert((report.job, failed.seq), wall.saturating_add(wait_ms));
                }
            }
        }
    }

    /// Since when the tasks of a lease could have run; `fresh`: since when those could that were not tried before.
    pub(crate) fn of(&mut self, lease: &Lease, fresh: Option<Millis>) -> Option<Millis> {
        match lease.open.first() {
            Some(seq) if lease.open.len() == 1 => {
                let again = self.0.remove(&(lease.job, seq));
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
    use divvy_store::{Failed, Report};

    fn lease(lo: Seq, hi: Seq, attempts: u32) -> Lease {
        let (open, demand) = (Range::new(lo, hi).into(), Demand::new());
        let (job, fence) = (JobId(1), Fence(1));
        Lease { job, fence, open, attempts, crashes: 0, quarantined: false, class: 0, demand }
    }

    fn failing(seq: Seq, retry_ms: Millis, outgrown: bool) -> Exchange {
        let failed = vec![Failed { seq, error: "no".into(), retry_ms, outgrown }];
        let report = Report { job: JobId(1), fence: Fence(1), failed, ..Report::default() };
        Exchange { reports: vec![report], ..Exchange::default() }
    }

    #[test]
    fn a_task_that_failed_here_is_due_when_it_was_to_be_tried_again() {
        let mut retries = Retries::default();
        retries.on_reported(1_000, &failing(3, 500, false));
        retries.on_reported(1_000, &failing(4, 500, true));
        assert_eq!(retries.of(&lease(3, 4, 1), Some(7)), Some(1_500));
        assert_eq!(retries.of(&lease(4, 5, 0), Some(7)), Some(1_000), "with more memory, at once");
        assert_eq!(retries.of(&lease(3, 4, 2), Some(7)), None, "it failed elsewhere since");
        assert_eq!(retries.of(&lease(5, 6, 0), Some(7)), Some(7));
        assert_eq!(retries.of(&lease(5, 9, 0), Some(7)), Some(7));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_goes_with_the_job() {
        let mut retries = Retries::default();
        (0..RETRIES_MAX as u64 + 10).for_each(|seq| retries.on_reported(1, &failing(seq, 1, false)));
        assert_eq!(retries.of(&lease(RETRIES_MAX as u64 + 5, RETRIES_MAX as u64 + 6, 1), None), None);
        retries.forget(|job| job != JobId(1));
        assert_eq!(retries.of(&lease(0, 1, 1), None), None);
    }
}
