//! The report half of an exchange: what became of leased tasks.

use super::bugs::Bug;
use super::event::{Event, Ledger};
use super::job::{Job, Waiting};
use super::{Bugs, Model};
use divvy_core::{Fence, Intervals, Millis, NodeId};
use divvy_store::{Dead, Failed, Report};

impl Model {
    pub(super) fn on_report(&mut self, now: Millis, node: NodeId, report: &Report) {
        let Some(job) = self.jobs.get_mut(&report.job) else { return };
        let Some(fence) = job.lease_of(node, report, self.bugs) else {
            job.stale += report.done.len();
            self.ledger.push(Event::Refused { job: job.id, fence: report.fence, node });
            return;
        };
        job.on_done(fence, node, &report.done, self.bugs, &mut self.ledger);
        for failed in &report.failed {
            job.on_failed(now, fence, failed, self.bugs, &mut self.ledger);
        }
        job.on_back(fence, &report.back, self.bugs);
        self.end_leases(report.job);
    }
}

impl Job {
    /// The lease that a report is about, if it counts.
    fn lease_of(&self, node: NodeId, report: &Report, bugs: Bugs) -> Option<Fence> {
        let lent = self.leases.get(&report.fence);
        let counts = lent.is_some_and(|l| l.node == node || bugs.has(Bug::NodeNotChecked));
        if counts {
            return Some(report.fence);
        }
        let holds = |fence: &Fence| !self.leases[fence].open.intersect(&report.done).is_empty();
        self.leases.keys().copied().find(|f| bugs.has(Bug::FenceNotChecked) && holds(f))
    }

    fn on_done(&mut self, fence: Fence, node: NodeId, done: &Intervals, bugs: Bugs, ledger: &mut Ledger) {
        let lent = self.leases.get_mut(&fence).expect("looked up");
        let mut accepted = lent.open.intersect(done);
        lent.open.remove_all(&accepted);
        self.done.insert_all(&accepted);
        self.wake_children(&accepted, bugs);
        if bugs.has(Bug::ResentReportCounted) {
            accepted = done.clone();
        }
        if !accepted.is_empty() {
            ledger.push(Event::Accepted { job: self.id, fence, node, tasks: accepted });
        }
    }

    fn on_failed(&mut self, now: Millis, fence: Fence, failed: &Failed, bugs: Bugs, ledger: &mut Ledger) {
        let max = self.spec.policy.max_attempts + u32::from(bugs.has(Bug::AttemptsOffByOne));
        let lent = self.leases.get_mut(&fence).expect("looked up");
        let (mut attempts, crashes, mut class) = (lent.attempts + 1, lent.crashes, lent.class);
        let more = self.spec.needs.more(class).filter(|_| failed.outgrown);
        if !lent.open.contains(failed.seq) {
            match self.waiting.get(&failed.seq) {
                Some(w) if bugs.has(Bug::ResentReportCounted) => attempts = w.attempts + 1,
                _ => return,
            }
            self.waiting.remove(&failed.seq);
        }
        let task = divvy_core::Range::new(failed.seq, failed.seq + 1);
        lent.open.remove(task);
        let (error, mut due) = (failed.error.clone(), now + failed.retry_ms);
        if let Some(more) = more {
            (class, due) = (more, 0);
            attempts -= u32::from(!bugs.has(Bug::OutgrownCharged));
        }
        if more.is_none() || bugs.has(Bug::OutgrownCharged) {
            ledger.push(Event::Failed { job: self.id, fence, seq: failed.seq, attempts });
        }
        if attempts >= max {
            self.die(Dead { seq: failed.seq, attempts, crashes, error, at: now }, bugs, ledger);
        } else {
            self.wait(Waiting { range: task, part: 0, attempts, crashes, class, due, error: Some(error) });
        }
    }

    fn on_back(&mut self, fence: Fence, back: &Intervals, bugs: Bugs) {
        let lent = self.leases.get_mut(&fence).expect("looked up");
        let back = lent.open.intersect(back);
        if !bugs.has(Bug::GivenBackKept) {
            lent.open.remove_all(&back);
        }
        if bugs.has(Bug::ClassForgotten) {
            self.leases.get_mut(&fence).expect("looked up").class = 0;
        }
        self.wait_again(fence, &back, 0, None);
    }

    /// Lets tasks of a lease wait in its class, due at once. `None`: charged with what the lease is charged with.
    pub(super) fn wait_again(&mut self, fence: Fence, tasks: &Intervals, part: u64, crashes: Option<u32>) {
        let lent = self.leases[&fence].clone();
        let crashes = crashes.unwrap_or(lent.crashes);
        for range in tasks.ranges() {
            let (attempts, class, error) = (lent.attempts, lent.class, lent.error.clone());
            self.wait(Waiting { range: *range, part, attempts, crashes, class, due: 0, error });
        }
    }

    pub(super) fn die(&mut self, dead: Dead, bugs: Bugs, ledger: &mut Ledger) {
        let Dead { seq, attempts, crashes, .. } = dead;
        ledger.push(Event::Died { job: self.id, seq, attempts, crashes });
        self.dead.insert(seq, dead);
        let max = self.spec.policy.max_fails.unwrap_or(u64::MAX);
        self.has_failed |= self.dead.len() as u64 > max && !bugs.has(Bug::MaxFailsIgnored);
    }
}
