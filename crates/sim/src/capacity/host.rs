//! A node in virtual time: its decisions, its workers, and what it notes of its round trips.

use super::grants::JOB;
use crate::world::pool::Pool;
use divvy_core::toll::{Cost, Habits, Trip};
use divvy_core::{NodeId, Rng, Toll};
use divvy_decide::{Config, Node, Tick, Until};
use divvy_store::observation::{WINDOWS_MAX, thinned};
use divvy_store::{Exchange, Observation, Reply};

/// How often a node tells what it has seen.
const WINDOW_NS: u64 = 1_000_000_000;
/// How often a node looks at its workers for no reason, at the most.
const REPORT_EVERY_NS: u64 = 100_000_000;

pub(super) struct Host {
    /// `None` when it has left.
    pub(super) node: Option<Node>,
    pub(super) id: NodeId,
    pub(super) rng: Rng,
    pub(super) pool: Pool,
    pub(super) workers: u32,
    pub(super) is_stopping: bool,
    /// Nothing has happened that the store was not told of.
    pub(super) is_told: bool,
    /// As far as the node knows, tasks wait for its workers.
    pub(super) waits: bool,
    /// When it wants to look at its workers, and when the earliest event planned for that is.
    pub(super) looks_at: u64,
    pub(super) planned: u64,
    pub(super) notes: Notes,
}

impl Host {
    pub(super) fn new(id: NodeId, workers: u32, now: u64, rng: Rng) -> Host {
        let config = Config::new(workers, vec!["a".into()], Until::Finished(JOB));
        Host {
            node: Some(Node::new(config)),
            id,
            rng,
            pool: Pool::new(workers),
            workers,
            is_stopping: false,
            is_told: true,
            waits: false,
            looks_at: u64::MAX,
            planned: u64::MAX,
            notes: Notes { window: now, ..Notes::default() },
        }
    }

    /// When to look at the workers. While they are all busy, nothing waits for them and there is nothing to tell, looks now
    /// and then find nothing until one runs dry, and that is seen anyhow; with 10 000 nodes they would take most of the time.
    pub(super) fn wake_at(&self, now: u64) -> u64 {
        let at = self.node.as_ref().map_or(u64::MAX, |node| node.wake_at(now));
        let idles = self.pool.idle().is_some() || self.waits || !self.is_told || self.is_stopping;
        if idles || at < now + REPORT_EVERY_NS { at } else { u64::MAX }
    }

    /// Looks at the workers.
    pub(super) fn tick(&mut self) -> Tick {
        let tick = self.pool.look();
        self.is_told &= tick.worked.is_empty();
        self.waits = !tick.unstarted.is_empty();
        for (_, worked) in &tick.worked {
            self.notes.ran += worked.tasks;
            self.notes.run_ns += worked.run_ns;
        }
        tick
    }

    /// Tells what was seen since the last time.
    pub(super) fn observe(&mut self, now: u64) {
        let toll = std::mem::take(&mut self.notes.toll);
        let from = std::mem::replace(&mut self.notes.window, now);
        let (from, until) = (from / 1_000_000, now / 1_000_000);
        let workers = self.workers.into();
        let seen =
            Observation { job: JOB, node: self.id, from, until, workers, toll, ..Observation::default() };
        self.notes.told.push(seen);
        if self.notes.told.len() > WINDOWS_MAX {
            self.notes.told = thinned(std::mem::take(&mut self.notes.told));
        }
    }
}

/// What `divvy_engine` notes of round trips (its `paying.rs`), by the same rules.
#[derive(Default)]
pub(super) struct Notes {
    toll: Toll,
    habits: Habits,
    /// When the last noted trip ended; `None` if there was none, or it found nothing to do.
    ended: Option<u64>,
    ran: u64,
    run_ns: u64,
    /// CPU time at the last trip, of the node and of the machine.
    cpu_ns: (u64, u64),
    /// When this window began.
    window: u64,
    pub(super) told: Vec<Observation>,
}

impl Host {
    /// A round trip has ended.
    pub(super) fn on_trip(
        &mut self,
        exchange: &Exchange,
        reply: &Reply,
        cost: Option<Cost>,
        (sent, ended): (u64, u64),
        cpu_ns: (u64, u64),
    ) {
        let notes = &mut self.notes;
        let (ran, run_ns) = (std::mem::take(&mut notes.ran), std::mem::take(&mut notes.run_ns));
        let before = std::mem::replace(&mut notes.cpu_ns, cpu_ns);
        let found = exchange.claim.is_none() || !reply.leases.is_empty();
        let ended_before = std::mem::replace(&mut notes.ended, found.then_some(ended));
        if let Some(last) = ended_before.filter(|_| found && reply.hungry == 0) {
            let trip = Trip {
                workers: reply.workers,
                own: self.workers.into(),
                total_ns: ended - sent,
                gap_ns: sent - last,
                cost,
                tasks: exchange.reports.iter().map(|report| report.done.len()).sum(),
                ran,
                run_ns,
                cpu_ns: cpu_ns.0 - before.0,
                busy_ns: cpu_ns.1 - before.1,
            };
            notes.toll.pay(&trip, &mut notes.habits);
        }
        if ended - notes.window >= WINDOW_NS {
            self.observe(ended);
        }
    }
}
