//! What goes back unstarted: to hungry nodes, at a stop, because its job was paused.

use super::{Action, Node};
use crate::lent::Lent;
use crate::size::LEASE_MAX;
use divvy_core::JobId;
use divvy_store::Held;

impl Node {
    /// Half of what waits here, newest leases first, if moving it saves more than the trips cost:
    /// `A - B > 2c/S`, where A tasks wait here and B with the thief, which is idle (`B = 0`), a round trip takes c,
    /// and a task S.
    pub(super) fn give_back(&mut self, out: &mut Vec<Action>) {
        self.give_half_of_shelves();
        let waiting = self.waiting_ns().unwrap_or(u64::MAX);
        if (waiting as f64) < 2.0 * self.round_trip_ns() {
            return;
        }
        let mut left = self.unstarted().div_ceil(2);
        for (key, lent) in self.held.iter().rev() {
            if self.has_claimable(key.0) {
                continue; // the hungry have only not heard of it yet
            }
            let n = lent.unstarted.min(left);
            left -= n;
            if n > 0 {
                out.push(Action::Cut(*key, n));
            }
        }
    }

    /// Of what waits for room here, another node may have room for half.
    fn give_half_of_shelves(&mut self) {
        let keys: Vec<Held> = self.held.keys().copied().filter(|key| !self.has_claimable(key.0)).collect();
        for key in keys {
            let Some(lent) = self.held.get_mut(&key) else { continue };
            let back = lent.unshelve(lent.shelf.len().div_ceil(2));
            lent.on_back(&back);
            self.urgent |= !back.is_empty();
        }
    }

    fn has_claimable(&self, job: JobId) -> bool {
        self.view(job).is_some_and(|view| view.claimable > 0)
    }

    /// Everything that has not started.
    pub(super) fn cut_all(&mut self, out: &mut Vec<Action>) {
        self.cut_where(|_, _| true, out);
        #[cfg(feature = "planted")]
        if self.cfg.bug == Some(crate::Bug::LeavesEarly) {
            out.push(Action::End(super::End::Stopped));
        }
    }

    /// Everything that has not started, of jobs that were paused.
    pub(super) fn cut_paused(&mut self, out: &mut Vec<Action>) {
        let paused: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.view.as_ref().is_some_and(|view| view.paused))
            .map(|(job, _)| *job)
            .collect();
        if !paused.is_empty() {
            self.cut_where(|(job, _), _| paused.contains(job), out);
        }
    }

    fn cut_where(&mut self, is_meant: impl Fn(&Held, &Lent) -> bool, out: &mut Vec<Action>) {
        for (key, lent) in self.held.iter_mut() {
            if !is_meant(key, lent) {
                continue;
            }
            let back = lent.unshelve(u64::MAX);
            lent.on_back(&back);
            self.urgent |= !back.is_empty();
            if lent.unstarted > 0 {
                out.push(Action::Cut(*key, LEASE_MAX));
            }
        }
    }
}
