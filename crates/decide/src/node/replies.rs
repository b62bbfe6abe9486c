//! What the store's answers do to a node.

use super::{End, Lent, Node, Phase, Trip};
use crate::backoff::full_jitter;
use crate::config::Until;
use crate::event::{Action, Refusal};
use divvy_core::{Millis, Rng};
use divvy_store::{JobView, Reply};

impl Node {
    /// The store answered. `wall` is the store's time of the exchange. An answer to an earlier one is ignored.
    pub fn on_reply(&mut self, now: u64, wall: Millis, id: u64, reply: Reply, out: &mut Vec<Action>) {
        let Some(trip) = self.take_trip(id) else { return };
        self.refused = 0;
        self.round_trip.observe(now, now.saturating_sub(trip.sent_ns) as f64);
        self.workers_all = reply.workers.max(u64::from(self.cfg.workers));
        self.hungry = reply.hungry;
        self.held.values_mut().for_each(Lent::on_confirmed);
        self.on_taken(&reply, out);
        let passes: Vec<u64> = reply.leases.iter().map(|lease| self.passes_of(lease)).collect();
        self.on_views(now, &reply.jobs);
        if trip.claims {
            self.on_claimed(now, wall, trip, &reply);
        }
        let granted = !reply.leases.is_empty();
        for (lease, passes) in reply.leases.into_iter().zip(passes) {
            let (key, mut lent) = ((lease.job, lease.fence), Lent::new(lease.clone()));
            lent.passes = passes;
            self.moved_at = now;
            if lent.shelf.is_empty() {
                // The workers have it now. What is on a shelf may go back from there, and nobody would ring for that.
                self.idle = 0;
            }
            #[cfg(feature = "planted")]
            let lent = self.planted_lease(lent);
            self.held.insert(key, lent);
            out.push(Action::Start(lease));
        }
        self.retire_settled(out);
        if self.phase == Phase::Running {
            self.cut_paused(out);
            // What was granted just now has had no time to start: giving it back would go round for ever.
            if reply.hungry > 0 && !granted {
                self.give_back(out);
            }
            if self.is_through(trip.claims) {
                return self.end(End::Finished, out);
            }
            if trip.claims {
                // This was the best that the store had.
                self.start_shelved(false, out);
            }
        } else {
            // A lease that arrives after the stop goes back unstarted.
            self.cut_all(out);
        }
        self.step(now, out);
    }

    /// The exchange has no reply.
    pub fn on_refused(&mut self, now: u64, id: u64, why: Refusal, rng: &mut Rng, out: &mut Vec<Action>) {
        if self.take_trip(id).is_none() {
            return;
        }
        #[cfg(feature = "planted")]
        if self.cfg.bug == Some(crate::Bug::ForgetsUnanswered) {
            self.held.values_mut().for_each(Lent::on_confirmed);
        }
        self.held.values_mut().for_each(Lent::on_unanswered);
        match why {
            Refusal::Again => {
                let (base, cap) = self.cfg.refused_ns;
                self.again_at = now + full_jitter(base, cap, self.refused, rng);
                self.refused += 1;
                self.step(now, out);
            }
            Refusal::Gone => {
                for (key, lent) in std::mem::take(&mut self.held) {
                    out.push(Action::Drop(key, lent.open));
                    out.push(Action::Abandon(key));
                    out.push(Action::Retire(key));
                }
                self.idle = self.cfg.workers;
                (self.dry, self.empty, self.claim_at) = (false, false, now);
                self.bored_at = None;
                self.refused_with = 0;
                match self.phase {
                    Phase::Running => out.push(Action::Register),
                    Phase::Stopping | Phase::Ended => self.end(End::Stopped, out),
                }
            }
            Refusal::ForGood => self.end(End::Refused, out),
        }
    }

    fn take_trip(&mut self, id: u64) -> Option<Trip> {
        #[cfg(feature = "planted")]
        if self.cfg.bug == Some(crate::Bug::TakesAnyReply) {
            return self.trip.take();
        }
        self.trip.take_if(|trip| trip.id == id)
    }

    /// Leases and tasks that the store no longer has for this node.
    fn on_taken(&mut self, reply: &Reply, out: &mut Vec<Action>) {
        for (key, open) in &reply.open {
            let Some(lent) = self.held.get_mut(key) else { continue };
            let taken = lent.open.minus(open);
            if !taken.is_empty() {
                lent.open.remove_all(&taken);
                lent.shelf.remove_all(&taken);
                lent.unstarted = lent.unstarted.min(lent.open.len());
                out.push(Action::Drop(*key, taken));
            }
        }
        let is_over = |job| !reply.jobs.iter().any(|view| view.job == job && !view.finished);
        for key in &reply.lost {
            let Some(lent) = self.held.remove(key) else {
                if is_over(key.0) && self.strays.remove(key) {
                    out.push(Action::Abandon(*key));
                }
                continue;
            };
            #[cfg(feature = "planted")]
            if self.planted_borrow(*key, &lent) {
                continue;
            }
            if !lent.open.is_empty() {
                out.push(Action::Drop(*key, lent.open));
                if is_over(key.0) {
                    out.push(Action::Abandon(*key));
                }
            }
            out.push(Action::Retire(*key));
        }
    }

    fn on_views(&mut self, now: u64, views: &[JobView]) {
        for view in views {
            let job = self.jobs.entry(view.job).or_default();
            job.held_since = if view.backups > 0 { job.held_since.or(Some(now)) } else { None };
            job.passes.resize(view.classes.len(), 0);
            job.view = Some(view.clone());
        }
        self.unable.retain(|id| views.iter().any(|v| v.job == *id && !v.finished));
        // What is remembered is bounded by what is held and what was just heard of.
        let held = &self.held;
        self.jobs.retain(|id, job| {
            let seen = views.iter().any(|v| v.job == *id);
            if !seen {
                job.view = None;
            }
            let live = job.view.as_ref().is_some_and(|v| !v.finished);
            live || held.keys().any(|(held_job, _)| held_job == id)
        });
    }

    fn on_claimed(&mut self, now: u64, wall: Millis, trip: Trip, reply: &Reply) {
        self.dry = reply.leases.is_empty();
        self.note_bored(now);
        if trip.takes && self.dry {
            self.asked_again_at = now + self.cfg.dry_claim_ns;
        }
        self.quiet = self.dry && reply.next_due.is_none() && trip.asks_all;
        self.empty = self.quiet && trip.open == 0;
        self.refused_with = if self.dry { trip.open } else { 0 };
        // Who has more room than when it asked asks again, and who kept room free for what others have taken meanwhile.
        let again = self.dry && (self.grew || self.forget_overdue());
        self.claim_at = if self.dry && !again {
            let due = reply.next_due.map(|due| now + due.saturating_sub(wall).max(1) * 1_000_000);
            due.unwrap_or(u64::MAX).min(now + self.cfg.dry_poll_ns)
        } else {
            now
        };
    }

    fn retire_settled(&mut self, out: &mut Vec<Action>) {
        self.held.retain(|key, lent| {
            let settled = lent.is_settled();
            if settled {
                out.push(Action::Retire(*key));
            }
            !settled
        });
    }

    /// Whether there is nothing left to do, after the answer to an exchange that asked for work or did not.
    fn is_through(&self, claims: bool) -> bool {
        match self.cfg.until {
            Until::Stopped => false,
            Until::Empty => self.empty && self.held.is_empty() && !self.may_take(),
            Until::Finished(job) => {
                let over = match self.view(job) {
                    Some(view) => view.finished || view.stuck,
                    // Every claim is told of its job: one that is not there was forgotten. Who did not claim is told of
                    // nothing that it holds nothing of, such as a job whose last task waits for another attempt.
                    None => claims,
                };
                over && self.held.is_empty()
            }
        }
    }
}
