//! Reports: what counts of them, and that it is true.

use super::{Ledger, Runs};
use crate::world::broken::{Checked, ensure};
use divvy_core::{Millis, NodeId, Range};
use divvy_store::{Report, rules};

impl Ledger {
    pub(super) fn on_report(&mut self, now: Millis, node: NodeId, report: &Report, runs: &Runs) -> Checked {
        let held = (report.job, report.fence);
        let run = runs.of(held);
        // Also of what does not count any more nothing may be made up.
        let ran = report.done.is_empty() || run.is_some_and(|r| r.done.covers(&report.done));
        ensure!(ran, TrueReports, "node {node} reports {report:?}, but ran: {run:?}");
        let Some(lent) = self.leases.get_mut(&held).filter(|lent| lent.node == node) else { return Ok(()) };
        let job = self.jobs.get_mut(&report.job).expect("a lease has a job");

        let done = lent.open.intersect(&report.done);
        let here = done.is_empty() || run.is_some_and(|r| r.node == node);
        ensure!(here, TrueReports, "{held:?}: {done:?} counts for node {node}, but ran: {run:?}");
        let again = job.done.intersect(&done);
        ensure!(again.is_empty(), OneCompletion, "{held:?}: {again:?} is done a second time");
        lent.open.remove_all(&done);
        job.done.insert_all(&done);
        job.ended += done.len();
        job.wake();
        self.accepted += done.len();
        job.charges.retain(|seq, _| !done.contains(*seq));

        for failed in report.failed.iter().filter(|f| lent.open.contains(f.seq)).collect::<Vec<_>>() {
            let seq = failed.seq;
            let ran = run.is_some_and(|r| r.node == node && r.failed.contains(seq));
            ensure!(ran, TrueReports, "{held:?}: {seq} counts as failed, but ran: {run:?}");
            if !lent.open.contains(seq) {
                continue; // named twice
            }
            lent.open.remove(Range::new(seq, seq + 1));
            if let Some(more) = job.plan.spec.needs.more(lent.class).filter(|_| failed.outgrown) {
                job.grown.insert(seq, more);
                job.charges.entry(seq).and_modify(|charge| charge.due = 0);
                continue;
            }
            let mut charge = job.charges.get(&seq).copied().unwrap_or_default();
            charge.attempts += 1;
            charge.due = now + failed.retry_ms;
            if rules::dies_after_failure(&job.plan.spec.policy, charge.attempts) {
                job.die(seq, charge);
            } else {
                job.charges.insert(seq, charge);
            }
        }

        let back = lent.open.intersect(&report.back);
        lent.open.remove_all(&back);
        for range in back.ranges() {
            job.charges.range_mut(range.lo..range.hi).for_each(|(_, charge)| charge.due = 0);
        }
        if lent.open.is_empty() {
            self.leases.remove(&held);
        }
        Ok(())
    }
}
