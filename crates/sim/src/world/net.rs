//! What travels between processes and the store, and what may happen to it on the way.

use super::World;
use super::client::Errand;
use super::fault::Fault;
use super::queue::{Event, Place};
use divvy_core::{Millis, NodeId};
use divvy_decide::Refusal;
use divvy_store::{Exchange, Held, NodeInfo, Reply, Report};

/// What the store is asked to do, and who waits for the answer.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// A node's exchange. Lost with the network or with the store: the node's timeout deals with it.
    Exchange { at: Place, node: NodeId, trip: u64, exchange: Exchange },
    /// A process begins a session. Repeated until it is answered.
    Register { at: Place, info: NodeInfo },
    /// A node is through. Repeated until it is answered.
    Leave { node: NodeId },
    /// A session is known to have ended. Repeated until it is answered.
    Expire { node: NodeId },
    /// A person or a program submits, appends, cancels, retries, forgets. Repeated until it is answered.
    Errand(Errand),
}

/// What the store answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Reply { at: Place, trip: u64, wall: Millis, reply: Result<Reply, Refusal> },
    Registered { at: Place, node: NodeId },
    Left,
    Expired,
    Errand,
}

/// How the network is today. Times in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Net {
    /// Mean time of one way.
    pub(crate) latency_ns: u64,
    /// How much later a late message comes, at most.
    pub(crate) late_ns: u64,
    /// Probability of each fault of a message, while it may happen.
    pub(crate) rate: f64,
}

impl World {
    /// Sends an exchange, with the faults of the way there.
    pub(crate) fn send_exchange(&mut self, at: Place, node: NodeId, trip: u64, exchange: Exchange) {
        let rate = self.plan.net.rate;
        let request = Request::Exchange { at, node, trip, exchange };
        if self.strikes(Fault::Duplicate, rate) {
            let ns = self.way_ns() + self.rng.net.below(self.plan.net.late_ns);
            self.queue.after(ns, Event::Arrive(Box::new(request.clone())));
        }
        if self.strikes(Fault::RequestLost, rate) {
            return;
        }
        self.send(request);
    }

    /// Reports what ran in a slot's earlier session under its new one. Nobody waits for the answer.
    pub(crate) fn stray(&mut self, at: Place, node: NodeId) {
        let held = std::mem::take(&mut self.hosts[at.slot].left_behind);
        if !held.is_empty() && self.strikes(Fault::Stray, 0.5) {
            let ran = |held: &Held| {
                let done = self.runs.of(*held)?.done.clone();
                Some(Report { job: held.0, fence: held.1, done, ..Report::default() })
            };
            let reports = held.iter().filter_map(ran).collect();
            let exchange = Exchange { held, reports, claim: None };
            self.send(Request::Exchange { at, node, trip: 0, exchange });
        }
    }

    /// Sends a request that arrives, now or a little later.
    pub(crate) fn send(&mut self, request: Request) {
        let ns = self.way_ns();
        self.queue.after(ns, Event::Arrive(Box::new(request)));
    }

    /// Sends an answer that is durable.
    pub(crate) fn answer(&mut self, answer: Answer) {
        if matches!(answer, Answer::Reply { .. }) && self.strikes(Fault::ReplyLost, self.plan.net.rate) {
            return;
        }
        let ns = self.way_ns();
        self.queue.after(ns, Event::Deliver(Box::new(answer)));
    }

    fn way_ns(&mut self) -> u64 {
        let Net { latency_ns, late_ns, rate } = self.plan.net;
        let late = if self.strikes(Fault::Late, rate) { self.rng.net.below(late_ns) } else { 0 };
        latency_ns / 2 + self.rng.net.below(latency_ns.max(1)) + late
    }

    /// How long somebody who got no answer waits before saying it again.
    pub(crate) fn patience_ns(&mut self) -> u64 {
        1_000_000 + self.rng.net.below(self.plan.timeout_ns)
    }
}
