//! What people do to tasks: cancel them, retry them.

use super::bugs::Bug;
use super::event::Event;
use super::job::{Job, Waiting};
use super::{Bugs, Model};
use divvy_core::{Intervals, JobId, Millis, Range};
use divvy_store::Result;
use divvy_store::job::Selection;

impl Model {
    /// See [`divvy_store::Store::cancel`].
    ///
    /// # Errors
    /// `NoJob`.
    pub fn cancel(&mut self, now: Millis, id: JobId, tasks: Selection<'_>) -> Result<u64> {
        let bugs = self.bugs;
        let job = self.job_mut(id)?;
        if job.finished.is_some() {
            return Ok(0);
        }
        let canceled = match tasks {
            Some(tasks) => job.cut(tasks, bugs),
            None => job.cancel_whole(bugs),
        };
        let n = canceled.len();
        self.ledger.push(Event::Canceled { job: id, tasks: canceled });
        self.version += 1;
        self.settle(now, id);
        Ok(n)
    }

    /// See [`divvy_store::Store::retry`].
    ///
    /// # Errors
    /// `NoJob`.
    pub fn retry(&mut self, id: JobId, tasks: Selection<'_>) -> Result<u64> {
        let job = self.job_mut(id)?;
        let chosen = job.dead.keys().filter(|seq| tasks.is_none_or(|t| t.contains(**seq)));
        let chosen: Intervals = chosen.map(|seq| Range::new(*seq, seq + 1)).collect();
        if chosen.is_empty() {
            return Ok(0);
        }
        job.dead.retain(|seq, _| !chosen.contains(*seq));
        for (run, class) in job.runs(&chosen) {
            job.wait(Waiting::uncharged(run, class));
        }
        job.finished = None;
        let n = chosen.len();
        self.ledger.push(Event::Retried { job: id, tasks: chosen });
        self.version += 1;
        Ok(n)
    }
}

impl Job {
    /// Takes out all that has not ended, and lets nothing more come.
    pub(super) fn cancel_whole(&mut self, bugs: Bugs) -> Intervals {
        self.canceled_whole = true;
        self.open = false;
        self.producer = None;
        self.cut(&Intervals::from(Range::new(0, self.tail)), bugs)
    }

    /// Takes these tasks out of wherever they are, if they have not ended, and says which.
    fn cut(&mut self, tasks: &Intervals, bugs: Bugs) -> Intervals {
        let mut cut = self.untouched().intersect(tasks);
        cut.insert_all(&self.blocked.intersect(tasks));
        self.blocked.remove_all(&cut);
        for lent in self.leases.values_mut() {
            let part = lent.open.intersect(tasks);
            if !part.is_empty() && !bugs.has(Bug::CancelLeavesLease) {
                lent.open.remove_all(&part);
                lent.cut = true;
            }
            cut.insert_all(&part);
        }
        for w in std::mem::take(&mut self.waiting).into_values() {
            let whole = Intervals::from(w.range);
            cut.insert_all(&whole.intersect(tasks));
            for range in whole.minus(tasks).ranges() {
                self.wait(Waiting { range: *range, ..w.clone() });
            }
        }
        self.canceled.insert_all(&cut);
        cut
    }
}
