//! A simulated process: when it lives, and what reaches its node.

use super::World;
use super::broken::{Checked, ensure};
use super::fault::Fault;
use super::net::Request;
use super::pool::{Outcome, Pool};
use super::queue::{Event, Place};
use divvy_core::{Millis, NodeId, Rng, Seq};
use divvy_decide::{Config, Node, Refusal, Until};
use divvy_store::{Held, NodeInfo, Reply};

/// Why a session was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A fault that has nothing to do with any task.
    Fault,
    /// This task killed the process.
    Deadly(Held, Seq),
}

/// A process in a slot, or the empty slot.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) life: u32,
    pub(crate) node: Option<Node>,
    pub(crate) session: Option<NodeId>,
    pub(crate) pool: Pool,
    pub(crate) cfg: Config,
    pub(crate) rng: Rng,
    pub(crate) paused_until: u64,
    /// How far its reading of the store's clock is off.
    pub(crate) skew_ms: i64,
    /// When it wants to look at its workers, and the earliest event that was planned for it.
    wake_at: u64,
    planned: u64,
    /// When it last looked for nothing, and how often in a row within less than a quarter of its report interval.
    looked_at: u64,
    spins: u32,
    /// The trip that it waits for.
    pub(crate) trip: Option<u64>,
    /// Leases that were lost here with the last session.
    pub(crate) left_behind: Vec<Held>,
    /// It will hear of a change of the store soon.
    pub(crate) hears: bool,
    pub(crate) is_stopping: bool,
    /// When it leaves by itself.
    pub(crate) until: Until,
}

impl Host {
    pub(crate) fn new(cfg: Config, rng: Rng) -> Host {
        Host {
            life: 0,
            node: None,
            session: None,
            pool: Pool::default(),
            cfg,
            rng,
            paused_until: 0,
            skew_ms: 0,
            wake_at: u64::MAX,
            planned: u64::MAX,
            looked_at: 0,
            spins: 0,
            trip: None,
            left_behind: Vec::new(),
            hears: false,
            is_stopping: false,
            until: Until::Stopped,
        }
    }

    /// Leases held.
    pub(crate) fn leases(&self) -> usize {
        self.node.as_ref().map_or(0, Node::leases)
    }
}

impl World {
    pub(crate) fn place(&self, slot: usize) -> Place {
        Place { slot, life: self.hosts[slot].life }
    }

    /// A new process in an empty slot. It asks for a session first.
    pub(crate) fn on_spawn(&mut self, at: Place) {
        if self.is_closing() {
            return;
        }
        let calm = self.is_calm();
        let last = self.state.ledger.jobs.iter().next_back().map(|(id, job)| (*id, job.is_finished()));
        let host = &mut self.hosts[at.slot];
        let mut cfg = host.cfg.clone();
        if calm {
            cfg.until = Until::Stopped;
        } else if at.slot > 0 && host.rng.chance(0.1) {
            cfg.until =
                last.filter(|(_, finished)| !finished).map_or(cfg.until, |(id, _)| Until::Finished(id));
        }
        host.until = cfg.until;
        host.pool = Pool::new(cfg.workers);
        let info = NodeInfo { name: String::new(), pid: 0, workers: cfg.workers };
        host.node = Some(Node::new(cfg));
        (host.trip, host.is_stopping, host.paused_until) = (None, false, 0);
        host.hears = false;
        (host.wake_at, host.planned) = (u64::MAX, u64::MAX);
        self.send(Request::Register { at, info });
    }

    pub(crate) fn on_registered(&mut self, at: Place, session: NodeId) -> Checked {
        self.hosts[at.slot].session = Some(session);
        self.stray(at, session);
        let (now, mut out) = (self.queue.now(), Vec::new());
        self.node(at.slot).on_registered(now, &mut out);
        self.act(at.slot, out)?;
        if self.is_closing() { self.close(at.slot) } else { Ok(()) }
    }

    pub(crate) fn node(&mut self, slot: usize) -> &mut Node {
        self.hosts[slot].node.as_mut().expect("the process lives")
    }

    pub(crate) fn on_wake(&mut self, at: Place) -> Checked<bool> {
        let now = self.queue.now();
        let host = &mut self.hosts[at.slot];
        if host.planned > now {
            return Ok(false); // of two planned events the earlier one did it
        }
        host.planned = u64::MAX;
        if host.wake_at > now {
            host.planned = host.wake_at;
            self.queue.at(host.wake_at, Event::Wake(at));
            return Ok(false);
        }
        let found = self.look(at.slot)?;
        let host = &mut self.hosts[at.slot];
        let again = !found && now - host.looked_at < host.cfg.report_every_ns / 4;
        (host.looked_at, host.spins) = (now, if again { host.spins + 1 } else { 0 });
        ensure!(host.spins < 10, Spins, "node {} looked {} times in vain", at.slot, host.spins);
        Ok(true)
    }

    /// The engine looks at its workers. False if there was nothing new and nothing to do.
    pub(crate) fn look(&mut self, slot: usize) -> Checked<bool> {
        let now = self.queue.now();
        let (host, mut out) = (&mut self.hosts[slot], Vec::new());
        if host.session.is_none() {
            return Ok(true); // between two sessions: nothing to look at
        }
        let tick = host.pool.look();
        let worked = !tick.worked.is_empty();
        let node = host.node.as_mut().expect("the process lives");
        node.on_tick(now, tick, &mut host.rng, &mut out);
        let found = worked || !out.is_empty();
        host.spins = if found { 0 } else { host.spins };
        self.act(slot, out)?;
        Ok(found)
    }

    pub(crate) fn on_changed(&mut self, at: Place) -> Checked<bool> {
        self.hosts[at.slot].hears = false;
        if self.hosts[at.slot].session.is_none() {
            return Ok(false);
        }
        let (now, mut out) = (self.queue.now(), Vec::new());
        self.node(at.slot).on_changed(now, &mut out);
        let heard = !out.is_empty();
        self.act(at.slot, out)?;
        Ok(heard)
    }

    pub(crate) fn on_reply(
        &mut self,
        at: Place,
        trip: u64,
        wall: Millis,
        reply: Result<Reply, Refusal>,
    ) -> Checked {
        match reply {
            Err(why) => self.on_refused(at, trip, why).map(drop),
            Ok(reply) => {
                let (now, mut out) = (self.queue.now(), Vec::new());
                self.hosts[at.slot].trip.take_if(|t| *t == trip);
                self.node(at.slot).on_reply(now, wall, trip, reply, &mut out);
                self.act(at.slot, out)
            }
        }
    }

    pub(crate) fn on_refused(&mut self, at: Place, trip: u64, why: Refusal) -> Checked<bool> {
        let (now, mut out) = (self.queue.now(), Vec::new());
        let host = &mut self.hosts[at.slot];
        if host.trip.take_if(|t| *t == trip).is_none() {
            return Ok(false);
        }
        if why == Refusal::Gone {
            host.left_behind = host.pool.held();
        }
        let node = host.node.as_mut().expect("the process lives");
        node.on_refused(now, trip, why, &mut host.rng, &mut out);
        self.act(at.slot, out)?;
        Ok(true)
    }

    /// Tells a node to stop. False if there is none that could.
    pub(crate) fn stop(&mut self, slot: usize) -> Checked<bool> {
        let now = self.queue.now();
        let host = &mut self.hosts[slot];
        let able = host.session.is_some() && host.paused_until <= now && !host.is_stopping;
        let Some(node) = host.node.as_mut().filter(|_| able) else { return Ok(false) };
        let mut out = Vec::new();
        host.is_stopping = true;
        node.on_stop(now, &mut out);
        let at = Place { slot, life: host.life };
        self.queue.after(self.plan.grace_ns, Event::Grace(at));
        self.act(slot, out)?;
        Ok(true)
    }

    /// A stopping node's time is up: what still runs is stopped, which is no fault of the tasks.
    pub(crate) fn on_grace(&mut self, at: Place) -> Checked<bool> {
        let now = self.queue.now();
        let busy = self.hosts[at.slot].pool.busy();
        if busy.is_empty() || self.hosts[at.slot].session.is_none() {
            return Ok(false);
        }
        self.tally.count(Fault::Grace);
        busy.iter().for_each(|worker| self.hosts[at.slot].pool.end(now, *worker, Outcome::Stopped));
        self.look(at.slot)?;
        Ok(true)
    }

    /// The process is gone, in the middle of whatever it did. False if there was none.
    pub(crate) fn kill(&mut self, slot: usize, cause: Cause) -> bool {
        let detect_ns = 1 + self.rng.faults.below(self.plan.detect_ns);
        let host = &mut self.hosts[slot];
        if host.node.take().is_none() {
            return false;
        }
        host.life += 1;
        host.left_behind = host.pool.held();
        if let Some(session) = host.session.take() {
            self.causes.entry(session).or_insert(cause);
            self.queue.after(detect_ns, Event::Detected(session));
        }
        self.respawn(slot);
        true
    }

    pub(crate) fn respawn(&mut self, slot: usize) {
        if self.is_closing() {
            return;
        }
        let ns = 1 + self.rng.faults.below(self.plan.respawn_ns);
        let at = self.place(slot);
        self.queue.after(ns, Event::Spawn(at));
    }

    /// Plans the next look for when the node wants it.
    pub(crate) fn plan_wake(&mut self, slot: usize) {
        let (now, at) = (self.queue.now(), self.place(slot));
        let host = &mut self.hosts[slot];
        let Some(node) = &host.node else { return };
        host.wake_at = node.wake_at(now);
        if host.wake_at < host.planned {
            host.planned = host.wake_at;
            self.queue.at(host.wake_at, Event::Wake(at));
        }
    }
}
