//! Bugs on purpose, each small and each one somebody might really make.

use super::Node;
use crate::lent::Lent;
use divvy_store::{Exchange, Held};

impl Node {
    pub(super) fn planted_lease(&self, mut lent: Lent) -> Lent {
        if self.cfg.bug == Some(crate::Bug::ReportsBeforeTheEnd) {
            let all = lent.open.clone();
            lent.on_done(&all);
            lent.open = all;
        }
        lent
    }

    pub(super) fn planted_exchange(&self, mut exchange: Exchange) -> Exchange {
        match self.cfg.bug {
            Some(crate::Bug::DropsFailures) if exchange.claim.is_some() => {
                exchange.reports.iter_mut().for_each(|r| r.failed.clear());
            }
            Some(crate::Bug::Hoards) => {
                if let Some(claim) = &mut exchange.claim {
                    claim.leases_max = usize::MAX;
                    claim.wants.iter_mut().for_each(|w| w.tasks = u64::MAX);
                }
            }
            _ => {}
        }
        exchange
    }

    pub(super) fn planted_borrow(&mut self, lost: Held, lent: &Lent) -> bool {
        let other = self.held.iter_mut().find(|(key, _)| key.0 == lost.0);
        match other {
            Some((_, other)) if self.cfg.bug == Some(crate::Bug::BorrowsAFence) => {
                other.on_done(&lent.open);
                true
            }
            _ => false,
        }
    }
}
