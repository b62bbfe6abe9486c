//! What a node decided, performed: leases to the workers, exchanges to the network, and the bounds it keeps.

use super::World;
use super::broken::{Checked, ensure};
use super::fault::Fault;
use super::host::Cause;
use super::net::Request;
use super::pool::Outcome;
use super::queue::{Event, Place};
use divvy_core::Intervals;
use divvy_decide::{Action, End};
use divvy_store::{Exchange, Held, Lease, NodeInfo};

impl World {
    /// Performs what a node decided, and whatever it decides on the way.
    pub(crate) fn act(&mut self, slot: usize, mut out: Vec<Action>) -> Checked {
        let mut next = 0;
        while next < out.len() {
            let action = std::mem::replace(&mut out[next], Action::Register);
            next += 1;
            self.trace.line(self.queue.now(), format_args!("node {slot}: {action:?}"));
            match action {
                Action::Start(lease) => self.start(slot, &lease)?,
                Action::Run(held, seq) => {
                    let fresh = self.hosts[slot].pool.run(held, seq);
                    ensure!(
                        fresh,
                        StartedOnce,
                        "node {slot} runs {seq} of {held:?}, which it has not started"
                    );
                }
                Action::Cut(held, n) => self.cut(slot, held, n, &mut out),
                Action::Drop(held, tasks) => self.drop_tasks(slot, held, &tasks),
                Action::Abandon(_) => {}
                Action::Retire(held) => {
                    let quiet = self.hosts[slot].pool.retire(held);
                    ensure!(quiet, StartedOnce, "node {slot} retires {held:?}, of which tasks wait or run");
                }
                Action::Exchange(trip, exchange) => {
                    let host = &mut self.hosts[slot];
                    host.trip = Some(trip);
                    let session = host.session.expect("only a registered node exchanges");
                    self.asks_within_bounds(slot, &exchange)?;
                    let (at, ns) = (self.place(slot), self.plan.timeout_ns);
                    self.queue.after(ns, Event::Timeout { at, trip });
                    self.send_exchange(at, session, trip, exchange);
                }
                Action::Tuned(_) => {}
                Action::Register => self.register_again(slot),
                Action::End(end) => return self.end(slot, end),
            }
        }
        self.feed(slot)?;
        self.bounded(slot)?;
        self.plan_wake(slot);
        Ok(())
    }

    fn start(&mut self, slot: usize, lease: &Lease) -> Checked {
        let fresh = self.hosts[slot].pool.start(lease);
        ensure!(fresh, StartedOnce, "node {slot} starts {lease:?}, which it has");
        Ok(())
    }

    fn cut(&mut self, slot: usize, held: Held, n: u64, out: &mut Vec<Action>) {
        let back = self.hosts[slot].pool.cut(held, n);
        let now = self.queue.now();
        if self.hosts[slot].pool.idle().is_some() {
            // Who was woken for what is no longer there finds nothing to do.
            self.queue.at(now, Event::Bell(self.place(slot)));
        }
        self.node(slot).on_cut(now, held, &back, out);
    }

    fn drop_tasks(&mut self, slot: usize, held: Held, tasks: &Intervals) {
        let now = self.queue.now();
        let hit = self.hosts[slot].pool.drop_tasks(held, tasks);
        if self.plan.kills_dropped && !hit.is_empty() {
            hit.iter().for_each(|worker| self.hosts[slot].pool.end(now, *worker, Outcome::Stopped));
            // They ring the bell when they find nothing else to do.
            self.queue.at(now, Event::Bell(self.place(slot)));
        }
    }

    fn register_again(&mut self, slot: usize) {
        let at = self.place(slot);
        let host = &mut self.hosts[slot];
        host.session = None;
        let info = NodeInfo { name: String::new(), pid: 0, workers: host.cfg.workers };
        self.send(Request::Register { at, info });
    }

    fn end(&mut self, slot: usize, end: End) -> Checked {
        let busy = self.hosts[slot].pool.busy();
        ensure!(busy.is_empty(), QuietStop, "node {slot} ends ({end:?}) while its workers {busy:?} run");
        ensure!(end != End::Refused, Replies, "node {slot} was refused for good");
        let host = &mut self.hosts[slot];
        (host.node, host.life) = (None, host.life + 1);
        if let Some(node) = host.session.take() {
            self.send(Request::Leave { node });
        }
        self.respawn(slot);
        Ok(())
    }

    /// Gives idle workers the tasks that wait.
    fn feed(&mut self, slot: usize) -> Checked {
        let now = self.queue.now();
        let at = self.place(slot);
        let host = &mut self.hosts[slot];
        let Some(session) = host.session else { return Ok(()) };
        while let Some(worker) = host.pool.idle() {
            let steals = self.plan.steals.then_some(&mut host.rng);
            let Some(r) = host.pool.next(now, worker, steals) else { break };
            self.runs.on_started(session, r.held, r.seq)?;
            let Some(plan) = self.plans.get(&r.held.0) else {
                ensure!(false, StartedOnce, "{:?} is of no job", r.held);
                break;
            };
            self.queue.after(plan.task(r.seq).run_ns, Event::Ended { at, worker, run: r.run });
        }
        Ok(())
    }

    pub(crate) fn on_ended(&mut self, at: Place, worker: usize, run: u64) -> Checked<bool> {
        let now = self.queue.now();
        let Some(r) = self.hosts[at.slot].pool.running(worker, run) else { return Ok(false) };
        let work = self.plans[&r.held.0].task(r.seq);
        if work.deadly {
            self.tally.count(Fault::Deadly);
            self.kill(at.slot, Cause::Deadly(r.held, r.seq));
            return Ok(true);
        }
        let (outgrown, fails) = (r.class < work.fits, r.attempts < work.fails);
        self.runs.on_ended(r.held, r.seq, outgrown || fails);
        let outcome = match (outgrown, fails) {
            (true, _) => Outcome::Outgrown,
            (_, true) => Outcome::Failed,
            _ => Outcome::Done,
        };
        if outcome != Outcome::Done {
            self.tally.count(if outgrown { Fault::Outgrown } else { Fault::Failing });
        }
        self.hosts[at.slot].pool.end(now, worker, outcome);
        self.feed(at.slot)?;
        self.on_bell(at)?;
        Ok(true)
    }

    /// A worker that has nothing to do rings the bell. False if all have.
    pub(crate) fn on_bell(&mut self, at: Place) -> Checked<bool> {
        let rings = self.hosts[at.slot].pool.idle().is_some();
        if rings {
            self.look(at.slot)?;
        }
        Ok(rings)
    }

    /// What the node asks for, together with what it holds, is within its bounds.
    fn asks_within_bounds(&self, slot: usize, exchange: &Exchange) -> Checked {
        let Some(claim) = &exchange.claim else { return Ok(()) };
        let host = &self.hosts[slot];
        let node = host.node.as_ref().expect("the process lives");
        let bytes_of = |held: &Held| {
            let tasks = node.open(*held).map_or(0, Intervals::len);
            tasks * self.plans.get(&held.0).map_or(0, |plan| plan.record_len)
        };
        let bytes: u64 = exchange.held.iter().map(bytes_of).sum();
        let (asked, most) = (claim.bytes_max, host.cfg.bytes_max);
        let within = asked == 0 || asked.saturating_add(bytes) <= most;
        ensure!(within, NodeBounds, "node {slot} asks for {asked} bytes, holds {bytes}, at most {most}");
        let (asked, n, most) = (claim.leases_max, host.leases(), host.cfg.leases_max);
        // One more for what all that it holds may be waiting for.
        let within = asked.saturating_add(n) <= most + usize::from(claim.below.is_some());
        ensure!(within, NodeBounds, "node {slot} asks for {asked} leases, holds {n}, at most {most}");
        Ok(())
    }

    /// The node holds what it may, and no more.
    fn bounded(&self, slot: usize) -> Checked {
        let host = &self.hosts[slot];
        let (n, most) = (host.leases(), host.cfg.leases_max);
        ensure!(n <= most + 1, NodeBounds, "node {slot} holds {n} leases, at most {most}");
        let (taken, capacity) = (host.pool.taken(), &host.cfg.capacity);
        ensure!(taken.fits(capacity), NodeBounds, "tasks take {taken} of node {slot}, which has {capacity}");
        Ok(())
    }
}
