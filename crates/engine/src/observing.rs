//! What a node sees of its own work, and when it tells the store: where its workers' time went, what its round trips
//! cost, how long tasks waited.
//!
//! Nothing is decided by any of it. A node that keeps no account has none of this, and pays for none of it.

use crate::cpu;
use crate::due::{Retries, Tried};
use crate::ledger::Ledger;
use crate::meter::Phases;
use crate::paying::Paying;
use crate::settings::Settings;
use crate::worker::Desk;
use divvy_core::toll::Cost;
use divvy_core::{Clock, JobId, Millis, NodeId};
use divvy_decide::{Tick, Until};
use divvy_store::{Exchange, Held, Lease, Reply, Store};
use std::sync::Arc;

/// How often the CPU time of processes and of the machine is read: the system counts it in hundredths of a second.
const SYSTEM_READ_EVERY_NS: u64 = 100_000_000;

/// How many times earlier than otherwise is told what may be the last of a job.
const SOONER_AT_THE_END: u64 = 10;

/// What was seen and not told yet, and what it is seen by.
pub(crate) struct Observing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    desks: Vec<Arc<Desk>>,
    phases: Arc<Phases>,
    every_ns: u64,
    ledger: Ledger,
    paying: Paying,
    retries: Retries,
    /// CPU time of the processes that were started and have ended, and of the machine, and when to read it again.
    system_ns: (u64, u64),
    system_read_at: u64,
}

impl Observing {
    /// From the moment when the clock began.
    pub(crate) fn start(
        settings: &Settings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        desks: Vec<Arc<Desk>>,
        phases: Arc<Phases>,
    ) -> Observing {
        let only = match settings.decide.until {
            Until::Finished(job) => Some(job),
            Until::Stopped | Until::Empty => None,
        };
        Observing {
            ledger: Ledger::new(desks.len(), only, clock.nanos(), clock.millis()),
            store,
            clock,
            desks,
            phases,
            every_ns: settings.observe_every_ns,
            paying: Paying::of(settings.decide.workers.into()),
            retries: Retries::default(),
            system_ns: (0, 0),
            system_read_at: 0,
        }
    }

    /// Whether it is time to tell.
    pub(crate) fn is_due(&self) -> bool {
        self.ledger.is_due(self.clock.nanos(), self.every_ns)
    }

    /// The same where nobody may hear of a job again before the node writes for another one.
    pub(crate) fn is_due_at_the_end(&self) -> bool {
        self.ledger.is_due(self.clock.nanos(), self.every_ns / SOONER_AT_THE_END)
    }

    /// Tells the store what was seen since the last time. `held`: the jobs of which the node has leases.
    pub(crate) fn observe(&mut self, node: NodeId, held: &[JobId]) {
        self.divide(held);
        let mut told = self.ledger.told(node);
        let toll = self.paying.since_last();
        // Round trips of a node that works for several jobs are for all of them, and tell of none.
        if let [only] = told.as_mut_slice() {
            only.toll = toll;
        }
        self.store.observe(&told);
    }

    /// Tells the store at once: of a job that was canceled this node may write nothing again for long.
    pub(crate) fn observe_now(&mut self, node: NodeId, held: &[JobId], of: JobId) {
        self.observe(node, held);
        // Asking for them writes what waits. Nobody needs the answer, and a job that is gone by now has no bill.
        let _ = self.store.observations(of);
    }

    /// Up to when the workers' time is put down to jobs.
    pub(crate) fn divided_at(&self) -> u64 {
        self.ledger.divided_at()
    }

    /// Puts the workers' time up to now down to the jobs it was for.
    pub(crate) fn divide(&mut self, held: &[JobId]) {
        let now = (self.clock.nanos(), self.clock.millis());
        self.ledger.divide(&self.desks, &self.phases, now, held);
    }

    /// What the node is shown of its workers, all of it.
    pub(crate) fn on_tick(&mut self, tick: &Tick) {
        self.paying.on_worked(tick.worked.iter().map(|(_, worked)| worked));
        self.ledger.on_worked(&tick.worked);
        self.ledger.on_unstarted(self.clock.nanos(), &tick.unstarted);
    }

    /// A round trip to the store, sent and ended at these moments.
    pub(crate) fn on_trip(
        &mut self,
        exchange: &Exchange,
        reply: &Reply,
        cost: Option<Cost>,
        (sent_ns, ended_ns): (u64, u64),
    ) {
        let cpu_ns = self.cpu_ns(ended_ns);
        self.paying.on_trip(exchange, reply, cost, (sent_ns, ended_ns), cpu_ns);
        self.ledger.on_exchange(exchange, &reply.leases);
    }

    /// The store has taken in these reports. `tried`: how often the tasks of a lease had been tried before it.
    pub(crate) fn on_reported(
        &mut self,
        wall: Millis,
        exchange: &Exchange,
        tried: impl Fn(Held) -> Option<Tried>,
    ) {
        self.retries.on_reported(wall, exchange, tried);
    }

    /// Since when the tasks of a lease could have run; `fresh`: since when those could that were not tried before.
    pub(crate) fn due(&mut self, lease: &Lease, fresh: Option<Millis>) -> Option<Millis> {
        self.retries.of(lease, fresh)
    }

    /// Of all jobs but these the node will not hear for a while.
    pub(crate) fn forget(&mut self, known: impl Fn(JobId) -> bool) {
        self.ledger.forget(&known);
        self.retries.forget(&known);
    }

    /// CPU time of the workers, of the coordinator, whose thread this is, and of the processes they started; and that of
    /// the whole machine.
    fn cpu_ns(&mut self, now: u64) -> (u64, u64) {
        if now >= self.system_read_at {
            self.system_read_at = now + SYSTEM_READ_EVERY_NS;
            self.system_ns = (cpu::children_ns(), cpu::machine().map_or(0, |machine| machine.busy_ns));
        }
        let (children, machine) = self.system_ns;
        let workers: u64 = self.desks.iter().map(|desk| desk.meter.cpu_ns()).sum();
        (workers + cpu::thread_ns() + children, machine)
    }
}
