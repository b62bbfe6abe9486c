//! Requests at the store: performed, checked, answered when they are durable.

use super::World;
use super::broken::{Broken, Checked, Invariant, ensure};
use super::fault::Fault;
use super::net::{Answer, Request};
use super::queue::{Event, Place};
use crate::model::Event as Happened;
use divvy_core::{Millis, NodeId};
use divvy_decide::Refusal;
use divvy_store::{Error, Exchange, Reply};

impl World {
    pub(crate) fn on_arrive(&mut self, request: Request) -> Checked {
        if let Request::Exchange { at, trip, .. } = request {
            if !self.disk.is_up {
                return Ok(());
            }
            if self.strikes(Fault::Busy, self.plan.net.rate) {
                let (wall, reply) = (self.wall(Some(at.slot)), Err(Refusal::Again));
                self.answer(Answer::Reply { at, trip, wall, reply });
                return Ok(());
            }
        } else if !self.disk.is_up {
            let ns = self.patience_ns();
            self.queue.after(ns, Event::Arrive(Box::new(request)));
            return Ok(());
        }
        let accepted = self.state.ledger.accepted;
        let answer = self.perform(&request)?;
        self.state.ledger.performed += 1;
        if let Some(actor) = changed(&request, &answer) {
            self.sound(self.state.ledger.accepted - accepted)?;
            self.ring(actor);
        }
        let again = (!matches!(request, Request::Exchange { .. })).then_some(request);
        self.answer_durably(answer, again);
        Ok(())
    }

    fn perform(&mut self, request: &Request) -> Checked<Answer> {
        match request {
            Request::Exchange { at, node, trip, exchange } => {
                let wall = self.wall(Some(at.slot));
                let reply = self.exchange(wall, *node, exchange)?;
                Ok(Answer::Reply { at: *at, trip: *trip, wall, reply })
            }
            Request::Register { at, info } => {
                let now = self.wall(Some(at.slot));
                let node = self.state.backend.register(now, info).map_err(refused)?;
                self.state.ledger.on_registered(node, info.workers)?;
                Ok(Answer::Registered { at: *at, node })
            }
            Request::Leave { node } => {
                let now = self.wall(None);
                self.state.backend.leave(now, *node).map_err(refused)?;
                self.state.ledger.on_left(*node);
                Ok(Answer::Left)
            }
            Request::Expire { node } => {
                let now = self.wall(None);
                let told = self.state.backend.expire(now, *node).map_err(refused)?;
                let cause = self.causes.get(node).copied();
                self.state.ledger.on_expired(*node, told, cause)?;
                Ok(Answer::Expired)
            }
            Request::Errand(errand) => {
                let now = self.wall(None);
                self.perform_errand(now, errand)
            }
        }
    }

    fn exchange(&mut self, now: Millis, node: NodeId, asked: &Exchange) -> Checked<Result<Reply, Refusal>> {
        let lives = self.state.ledger.sessions.contains_key(&node);
        match self.state.backend.exchange(now, node, asked) {
            Ok(reply) => {
                ensure!(lives, Replies, "node {node} has no session, yet it is answered");
                self.trace.reply(now, &reply);
                self.trace.line(self.queue.now(), format_args!("store: node {node} is told {reply:?}"));
                let too_many = self.state.ledger.on_exchange(now, node, asked, &reply, &self.runs)?;
                (0..too_many).for_each(|_| self.tally.count(Fault::TooManyDead));
                Ok(Ok(reply))
            }
            Err(Error::NodeGone(_)) => {
                ensure!(!lives, Replies, "node {node} has a session, yet it is gone");
                Ok(Err(Refusal::Gone))
            }
            Err(error) => Err(refused(error)),
        }
    }

    /// The store's state is sound, and as many completions were accepted as the ledger knows of.
    fn sound(&mut self, accepted: u64) -> Checked {
        let (sound, events) = self.state.backend.look();
        if let Err(why) = sound {
            return Err(Broken { invariant: Invariant::SoundStore, why });
        }
        let told = events.iter().map(|event| match event {
            Happened::Accepted { tasks, .. } => tasks.len(),
            _ => 0,
        });
        let told: u64 = told.sum();
        ensure!(told == accepted, OneCompletion, "{told} completions were booked, {accepted} were new");
        Ok(())
    }

    /// Who waits for work hears that the store changed, except who changed it.
    fn ring(&mut self, actor: Option<usize>) {
        for slot in 0..self.hosts.len() {
            let host = &self.hosts[slot];
            let deaf = host.hears || host.session.is_none() || actor == Some(slot);
            if deaf || self.strikes(Fault::BellLost, 0.1) {
                continue;
            }
            let at = Place { slot, life: self.hosts[slot].life };
            self.hosts[slot].hears = true;
            self.queue.after(self.plan.bell_ns, Event::Changed(at));
        }
    }
}

/// Whether the store's tasks may have changed by this, and which slot's process did it, if one did.
fn changed(request: &Request, answer: &Answer) -> Option<Option<usize>> {
    match (request, answer) {
        (Request::Exchange { at, exchange, .. }, Answer::Reply { reply: Ok(reply), .. }) => {
            let quiet = exchange.reports.is_empty() && reply.leases.is_empty();
            (!quiet).then_some(Some(at.slot))
        }
        (Request::Exchange { .. }, _) => None,
        _ => Some(None),
    }
}

fn refused(error: Error) -> Broken {
    Broken { invariant: Invariant::Replies, why: error.to_string() }
}
