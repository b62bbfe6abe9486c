//! A lease as its holder sees it.

use divvy_core::Intervals;
use divvy_store::{Failed, Lease, Report};

/// A held lease: what of it is unfinished, and what the store has not confirmed yet.
#[derive(Debug, Clone)]
pub(crate) struct Lent {
    pub(crate) lease: Lease,
    /// Tasks that have not ended here: started or not.
    pub(crate) open: Intervals,
    /// Of those the ones that wait for room here; none if they take nothing of the node.
    pub(crate) shelf: Intervals,
    /// How many tasks of leases that came later were started since it was last somebody's turn.
    pub(crate) passes: u64,
    /// Tasks that the engine has and no worker has started, as of the last tick.
    pub(crate) unstarted: u64,
    /// What happened since the last exchange went out.
    unsent: Report,
    /// What the exchange on its way says; it counts as unsent again if no answer comes.
    sent: Option<Report>,
}

impl Lent {
    pub(crate) fn new(lease: Lease) -> Lent {
        let report = Report { job: lease.job, fence: lease.fence, ..Report::default() };
        let (open, takes) = (lease.open.clone(), !lease.demand.is_empty());
        let (shelf, unstarted) = if takes { (open.clone(), 0) } else { (Intervals::new(), open.len()) };
        Lent { open, shelf, passes: 0, unstarted, unsent: report, sent: None, lease }
    }

    /// Takes up to so many tasks off the shelf, the last ones first.
    pub(crate) fn unshelve(&mut self, n: u64) -> Intervals {
        self.shelf.split_off(self.shelf.len().saturating_sub(n))
    }

    pub(crate) fn on_done(&mut self, done: &Intervals) {
        self.open.remove_all(done);
        self.unsent.done.insert_all(done);
    }

    pub(crate) fn on_back(&mut self, back: &Intervals) {
        self.open.remove_all(back);
        self.unstarted = self.unstarted.min(self.open.len());
        self.unsent.back.insert_all(back);
    }

    /// All that is open goes back.
    pub(crate) fn give_up(&mut self) {
        self.shelf = Intervals::new();
        self.on_back(&self.open.clone());
    }

    pub(crate) fn on_failed(&mut self, failed: Failed) {
        self.open.remove(divvy_core::Range::new(failed.seq, failed.seq + 1));
        self.unsent.failed.push(failed);
    }

    pub(crate) fn has_unsent(&self) -> bool {
        !(self.unsent.done.is_empty() && self.unsent.failed.is_empty() && self.unsent.back.is_empty())
    }

    /// Tasks that the store takes to be here, as of its last answer.
    pub(crate) fn unconfirmed(&self) -> u64 {
        let told = |report: &Report| report.done.len() + report.failed.len() as u64 + report.back.len();
        self.open.len() + told(&self.unsent) + self.sent.as_ref().map_or(0, told)
    }

    /// Whether everything about it has been said and confirmed.
    pub(crate) fn is_settled(&self) -> bool {
        self.open.is_empty() && self.sent.is_none() && !self.has_unsent()
    }

    /// The report that goes out now.
    pub(crate) fn send(&mut self) -> Option<Report> {
        debug_assert!(self.sent.is_none(), "two exchanges at once");
        if !self.has_unsent() {
            return None;
        }
        let next = Report { job: self.lease.job, fence: self.lease.fence, ..Report::default() };
        self.sent = Some(std::mem::replace(&mut self.unsent, next));
        self.sent.clone()
    }

    /// The store has what was sent.
    pub(crate) fn on_confirmed(&mut self) {
        self.sent = None;
    }

    /// No answer: what was sent may or may not have arrived. Saying it again is safe.
    pub(crate) fn on_unanswered(&mut self) {
        let Some(mut sent) = self.sent.take() else { return };
        sent.done.insert_all(&self.unsent.done);
        sent.back.insert_all(&self.unsent.back);
        sent.failed.append(&mut self.unsent.failed);
        self.unsent = sent;
    }
}
