//! The account of a node's workers: who spends how long in which state.
//!
//! Each worker owns its counters and stamps the clock once per transition: the end of one state is the start of
//! the next, so the states of a worker add up to its life without a gap. Nobody else writes them; readers see a
//! moment's picture.
//!
//! What a *waiting* worker waits for, only the coordinator knows, and it changes while the worker sleeps. So the
//! coordinator keeps a clock of its own phases, and a worker that wakes takes what passed on that clock.

use divvy_core::{Account, State};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How the time of all workers was spent, and by how many.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Worker-seconds by state, from the clock's start until it was read.
    pub account: Account,
    /// Workers.
    pub workers: usize,
    /// Wall time, nanoseconds.
    pub wall_ns: u64,
    /// CPU time of the worker threads themselves (not of the processes they started), nanoseconds.
    pub cpu_ns: u64,
}

/// What waiting workers wait for, as time goes by.
#[derive(Debug)]
pub(crate) struct Phases(Mutex<Phase>);

#[derive(Debug)]
struct Phase {
    account: Account,
    state: State,
    since_ns: u64,
}

impl Phases {
    pub(crate) fn new() -> Phases {
        Phases(Mutex::new(Phase { account: Account::default(), state: State::Parked, since_ns: 0 }))
    }

    pub(crate) fn enter(&self, state: State, now: u64) {
        let mut phase = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        phase.settle(now);
        phase.state = state;
    }

    /// The account up to `now`, or up to a later moment that another thread has settled already; and which it is.
    fn read(&self, now: u64) -> (Account, u64) {
        let mut phase = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        phase.settle(now);
        (phase.account, phase.since_ns)
    }
}

impl Phase {
    fn settle(&mut self, now: u64) {
        // Two threads read the clock and then take the lock in some order: time never runs back for it.
        if now > self.since_ns {
            self.account.add(self.state, now - self.since_ns);
            self.since_ns = now;
        }
    }
}

/// One worker's account. Written by the worker alone; alone on its cache lines.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Meter {
    nanos: [AtomicU64; State::ALL.len()],
    state: AtomicU64,
    since_ns: AtomicU64,
    cpu_ns: AtomicU64,
    /// `Some`: waiting since this reading of the phases.
    waiting: Mutex<Option<Account>>,
}

impl Meter {
    /// Parked since the clock began, so that start-up is accounted for.
    pub(crate) fn new() -> Meter {
        Meter {
            nanos: Default::default(),
            state: AtomicU64::new(State::Parked as u64),
            since_ns: AtomicU64::new(0),
            cpu_ns: AtomicU64::new(0),
            waiting: Mutex::new(None),
        }
    }

    /// Enters a state. The worker's own thread only.
    pub(crate) fn enter(&self, state: State, now: u64) {
        let old = self.state.load(Ordering::Relaxed) as usize;
        let since = self.since_ns.load(Ordering::Relaxed);
        let spent = self.nanos[old].load(Ordering::Relaxed) + now.saturating_sub(since);
        self.nanos[old].store(spent, Ordering::Relaxed);
        self.state.store(state as u64, Ordering::Relaxed);
        self.since_ns.store(now, Ordering::Relaxed);
    }

    pub(crate) fn on_wait(&self, phases: &Phases, now: u64) {
        self.read_cpu();
        let (from, at) = phases.read(now);
        // The worker waits from the very moment at which the phases begin to count for it.
        self.enter(State::Idle, at);
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(from);
    }

    pub(crate) fn on_wake(&self, phases: &Phases, now: u64) {
        let from = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (until, at) = phases.read(now);
        if let Some(from) = from {
            let spent = until.since(&from);
            for state in State::ALL {
                self.nanos[state as usize].fetch_add(spent.get(state), Ordering::Relaxed);
            }
        }
        self.since_ns.store(at, Ordering::Relaxed);
        self.enter(State::Steal, at);
    }

    /// Notes the CPU time that the calling thread has used.
    pub(crate) fn read_cpu(&self) {
        self.cpu_ns.store(thread_cpu_ns(), Ordering::Relaxed);
    }

    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed)
    }

    /// The account up to now.
    pub(crate) fn read(&self, phases: &Phases, now: u64) -> Account {
        let waiting = *self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut account = Account::default();
        for state in State::ALL {
            account.add(state, self.nanos[state as usize].load(Ordering::Relaxed));
        }
        match waiting {
            Some(from) => account.merge(&phases.read(now).0.since(&from)),
            None => {
                let current = State::ALL[self.state.load(Ordering::Relaxed) as usize];
                account.add(current, now.saturating_sub(self.since_ns.load(Ordering::Relaxed)));
            }
        }
        account
    }
}

/// CPU time that the calling thread has used, nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_adds_up_whatever_it_waited_for() {
        let (meter, phases) = (Meter::new(), Phases::new());
        phases.enter(State::Claim, 100);
        meter.enter(State::Run, 150);
        meter.enter(State::Steal, 400);
        meter.on_wait(&phases, 410);
        phases.enter(State::Starved, 500);
        assert_eq!(meter.read(&phases, 520).total(), 520, "also while it waits");
        phases.enter(State::Idle, 550);
        meter.on_wake(&phases, 600);
        meter.enter(State::Run, 610);
        let account = meter.read(&phases, 1_000);
        let of = |state| account.get(state);
        assert_eq!((of(State::Parked), of(State::Run), of(State::Steal)), (150, 640, 20));
        assert_eq!((of(State::Claim), of(State::Starved), of(State::Idle)), (90, 50, 50));
        assert_eq!(account.total(), 1_000);
    }

    /// A worker that reads the clock, is kept from the lock, and gets it after the coordinator has gone on.
    #[test]
    fn a_worker_that_comes_late_to_the_phases_loses_nothing() {
        let (meter, phases) = (Meter::new(), Phases::new());
        meter.enter(State::Steal, 100);
        phases.enter(State::Claim, 300);
        meter.on_wait(&phases, 200);
        phases.enter(State::Idle, 600);
        meter.on_wake(&phases, 500);
        let account = meter.read(&phases, 900);
        assert_eq!((account.get(State::Steal), account.get(State::Claim)), (200 + 300, 300));
        assert_eq!(account.total(), 900);
    }
}
