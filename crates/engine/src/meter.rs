//! The account of a node's workers: who spends how long in which state.
//!
//! Each worker owns its counters and stamps the clock once per transition: the end of one state is the start of
//! the next, so the states of a worker add up to its life without a gap. Nobody else writes them; readers see a
//! moment's picture.
//!
//! What a *waiting* worker waits for, only the coordinator knows, and it changes while the worker sleeps. So the
//! coordinator keeps a clock of its own phases, and a worker that wakes takes what passed on that clock.

use crate::cpu;
use crate::tally::{Part, Ran, Tally};
use divvy_core::{Account, JobId, State};
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often a worker that does not wait reads its CPU time: a system call, so not with every chunk.
const CPU_EVERY_NS: u64 = 10_000_000;

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
        let mut phase = lock(&self.0);
        phase.settle(now);
        phase.state = state;
    }

    /// The account up to `now`, or up to a later moment that another thread has settled already; and which it is.
    fn read(&self, now: u64) -> (Account, u64) {
        let mut phase = lock(&self.0);
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
///
/// A reader must not see a stamp without the time that was put down with it. The stamps carry a number that is odd
/// while they change: who reads an odd one, or another one after than before, reads again.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Meter {
    /// Without it nothing is counted.
    on: bool,
    stamps: AtomicU64,
    nanos: [AtomicU64; State::ALL.len()],
    state: AtomicU64,
    since_ns: AtomicU64,
    cpu_ns: AtomicU64,
    cpu_read_at: AtomicU64,
    /// The job that the tally is at, 0 for none: known without the lock.
    job: AtomicU64,
    /// Of what was stamped as `run`, so much has turned out to be `spawn`.
    spawned_ns: AtomicU64,
    /// `Some`: waiting since this reading of the phases. Held while a wait begins or ends, and by readers.
    waiting: Mutex<Option<Account>>,
    tally: Mutex<Tally>,
}

impl Meter {
    /// Parked since the clock began, so that start-up is accounted for.
    pub(crate) fn new(on: bool) -> Meter {
        Meter {
            on,
            stamps: AtomicU64::new(0),
            nanos: Default::default(),
            state: AtomicU64::new(State::Parked as u64),
            since_ns: AtomicU64::new(0),
            cpu_ns: AtomicU64::new(0),
            cpu_read_at: AtomicU64::new(0),
            job: AtomicU64::new(0),
            spawned_ns: AtomicU64::new(0),
            waiting: Mutex::new(None),
            tally: Mutex::default(),
        }
    }

    /// Enters a state. The worker's own thread only.
    pub(crate) fn enter(&self, state: State, now: u64) {
        if !self.on {
            return;
        }
        self.stamp(|| {
            let old = self.state.load(Ordering::Relaxed) as usize;
            let since = self.since_ns.load(Ordering::Relaxed);
            self.add(old, now.saturating_sub(since));
            self.state.store(state as u64, Ordering::Relaxed);
            self.since_ns.store(now, Ordering::Relaxed);
        });
    }

    fn stamp(&self, change: impl FnOnce()) {
        let number = self.stamps.load(Ordering::Relaxed);
        self.stamps.store(number + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        change();
        self.stamps.store(number + 2, Ordering::Release);
    }

    fn add(&self, state: usize, nanos: u64) {
        // A load and a store: there is one writer.
        self.nanos[state].store(self.nanos[state].load(Ordering::Relaxed) + nanos, Ordering::Relaxed);
    }

    pub(crate) fn on_wait(&self, phases: &Phases, now: u64) {
        if !self.on {
            return;
        }
        self.read_cpu(now);
        {
            let mut waiting = lock(&self.waiting);
            let (from, at) = phases.read(now);
            // The worker waits from the very moment at which the phases begin to count for it.
            self.enter(State::Idle, at);
            *waiting = Some(from);
        }
        self.turn_to(None);
    }

    pub(crate) fn on_wake(&self, phases: &Phases, now: u64) {
        if !self.on {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let (until, at) = phases.read(now);
        let spent = waiting.take().map(|from| until.since(&from)).unwrap_or_default();
        self.stamp(|| {
            State::ALL.iter().for_each(|state| self.add(*state as usize, spent.get(*state)));
            self.since_ns.store(at, Ordering::Relaxed);
            self.state.store(State::Steal as u64, Ordering::Relaxed);
        });
    }

    /// What the worker does from its last stamp on is for this job, until it waits or turns to another one.
    pub(crate) fn on_job(&self, job: JobId, now: u64) {
        if self.on && self.job.load(Ordering::Relaxed) != job.0 {
            self.read_cpu(now);
            self.turn_to(Some(job));
        }
    }

    fn turn_to(&self, job: Option<JobId>) {
        self.job.store(job.map_or(0, |job| job.0), Ordering::Relaxed);
        lock(&self.tally).turn_to(job, &self.stamped(), self.cpu_ns());
    }

    /// A chunk has ended.
    pub(crate) fn on_chunk(&self, ran: Ran, now: u64) {
        if !self.on {
            return;
        }
        if now.saturating_sub(self.cpu_read_at.load(Ordering::Relaxed)) >= CPU_EVERY_NS {
            self.read_cpu(now);
        }
        lock(&self.tally).on_chunk(ran);
    }

    /// A process begins, which says later when it was ready.
    pub(crate) fn on_starting(&self) {
        if self.on {
            lock(&self.tally).on_starting(&self.stamped(), self.cpu_ns());
        }
    }

    /// So much of what was spent at the present job, and counted as `run`, went into the start of a process.
    pub(crate) fn on_started(&self, ns: u64) {
        if self.on {
            self.spawned_ns.store(self.spawned_ns.load(Ordering::Relaxed) + ns, Ordering::Relaxed);
            lock(&self.tally).on_started(&self.stamped(), self.cpu_ns(), ns);
        }
    }

    /// Nothing more will be known of the processes that it has started.
    pub(crate) fn on_end(&self) {
        lock(&self.tally).release();
    }

    /// What was stamped in this state. Asked by the worker itself.
    pub(crate) fn spent(&self, state: State) -> u64 {
        self.nanos[state as usize].load(Ordering::Relaxed)
    }

    /// Notes the CPU time that the calling thread has used.
    pub(crate) fn read_cpu(&self, now: u64) {
        if !self.on {
            return;
        }
        self.cpu_ns.store(cpu::thread_ns(), Ordering::Relaxed);
        self.cpu_read_at.store(now, Ordering::Relaxed);
    }

    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed)
    }

    /// Up to the last stamp.
    fn stamped(&self) -> Account {
        let mut account = Account::default();
        State::ALL.into_iter().for_each(|state| account.add(state, self.spent(state)));
        account
    }

    /// The account up to now.
    pub(crate) fn read(&self, phases: &Phases, now: u64) -> Account {
        let mut account = self.read_stamps(phases, now);
        account.shift(State::Run, State::Spawn, self.spawned_ns.load(Ordering::Relaxed));
        account
    }

    /// The same by what was stamped: such an account never runs back.
    fn read_stamps(&self, phases: &Phases, now: u64) -> Account {
        if !self.on {
            return Account::default();
        }
        let waiting = lock(&self.waiting);
        let (mut account, state, since) = self.consistent();
        match *waiting {
            Some(from) => account.merge(&phases.read(now).0.since(&from)),
            None => account.add(state, now.saturating_sub(since)),
        }
        account
    }

    /// What was stamped, the state since then, and when that was.
    fn consistent(&self) -> (Account, State, u64) {
        loop {
            let before = self.stamps.load(Ordering::Acquire);
            let state = State::ALL[self.state.load(Ordering::Relaxed) as usize];
            let read = (self.stamped(), state, self.since_ns.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.stamps.load(Ordering::Relaxed) == before {
                return read;
            }
            std::hint::spin_loop();
        }
    }

    /// What the worker spent on which job since the last time, and how much of its time is kept back, nanoseconds.
    pub(crate) fn fetch(&self, phases: &Phases, now: u64) -> (Vec<(Option<JobId>, Part)>, u64) {
        // In this order, so that the worker does not turn to another job between the reading and the division.
        let mut tally = lock(&self.tally);
        let account = self.read_stamps(phases, now);
        let parts = tally.fetch(&account, self.cpu_ns());
        (parts, tally.kept_back())
    }
}

/// Nothing is left half done behind these locks by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_adds_up_whatever_it_waited_for() {
        let (meter, phases) = (Meter::new(true), Phases::new());
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
        let (meter, phases) = (Meter::new(true), Phases::new());
        meter.enter(State::Steal, 100);
        phases.enter(State::Claim, 300);
        meter.on_wait(&phases, 200);
        phases.enter(State::Idle, 600);
        meter.on_wake(&phases, 500);
        let account = meter.read(&phases, 900);
        assert_eq!((account.get(State::Steal), account.get(State::Claim)), (200 + 300, 300));
        assert_eq!(account.total(), 900);
    }

    #[test]
    fn each_job_gets_the_time_that_passed_at_it() {
        let (meter, phases) = (Meter::new(true), Phases::new());
        phases.enter(State::Claim, 0);
        meter.on_wait(&phases, 100);
        meter.on_wake(&phases, 300);
        meter.enter(State::Run, 310);
        meter.on_job(JobId(1), 310);
        meter.enter(State::Report, 400);
        meter.enter(State::Run, 410);
        meter.on_job(JobId(2), 410);
        let parts = |now| -> Vec<_> {
            let parts = meter.fetch(&phases, now).0.into_iter();
            parts.map(|(job, part)| (job.map_or(0, |job| job.0), part.account)).collect()
        };
        let first = parts(500);
        let of = |at: usize, state| first[at].1.get(state);
        assert_eq!(
            first.iter().map(|(job, account)| (*job, account.total())).collect::<Vec<_>>(),
            [(0, 310), (1, 100), (2, 90)]
        );
        assert_eq!((of(0, State::Claim), of(0, State::Steal), of(1, State::Report)), (200, 10, 10));
        meter.enter(State::Steal, 700);
        meter.on_wait(&phases, 720);
        let later: Vec<_> = parts(800).into_iter().map(|(job, account)| (job, account.total())).collect();
        assert_eq!(later, [(2, 220), (0, 80)]);
    }

    #[test]
    fn what_turns_out_to_be_a_start_was_not_told_as_running() {
        let (meter, phases) = (Meter::new(true), Phases::new());
        let told = |now| {
            let (parts, kept_back) = meter.fetch(&phases, now);
            let of = |state| parts.iter().map(|(_, part)| part.account.get(state)).sum::<u64>();
            (of(State::Run), of(State::Spawn), kept_back)
        };
        meter.enter(State::Run, 0);
        meter.on_job(JobId(1), 0);
        meter.enter(State::Run, 100);
        meter.on_starting();
        assert_eq!(told(900), (100, 0, 800));
        meter.enter(State::Run, 1_000);
        meter.on_started(850);
        let account = meter.read(&phases, 1_000);
        assert_eq!((account.get(State::Run), account.get(State::Spawn)), (150, 850));
        assert_eq!(told(1_000), (50, 850, 0));
    }

    /// A task may take hours: then what was taken for running is put right as there is as much of it.
    #[test]
    fn what_is_kept_back_for_too_long_is_told_and_put_right_later() {
        let (meter, phases) = (Meter::new(true), Phases::new());
        let told = |now| {
            let (parts, kept_back) = meter.fetch(&phases, now);
            let of = |state| parts.iter().map(|(_, part)| part.account.get(state)).sum::<u64>();
            (of(State::Run), of(State::Spawn), kept_back)
        };
        const SECOND: u64 = 1_000_000_000;
        meter.enter(State::Run, 0);
        meter.on_job(JobId(1), 0);
        meter.on_starting();
        assert_eq!(told(6 * SECOND), (6 * SECOND, 0, 0), "nobody knows better yet");
        meter.enter(State::Run, 7 * SECOND);
        meter.on_started(7 * SECOND);
        assert_eq!(told(7 * SECOND), (0, SECOND, 0), "no more than there was");
        assert_eq!(
            told(20 * SECOND),
            (7 * SECOND, 6 * SECOND, 0),
            "and the rest as soon as there is as much"
        );
        meter.on_starting();
        meter.enter(State::Run, 21 * SECOND);
        assert_eq!(told(21 * SECOND), (0, 0, SECOND));
        meter.on_end();
        assert_eq!(told(21 * SECOND), (SECOND, 0, 0));
    }

    #[test]
    fn without_an_account_nothing_is_counted() {
        let (meter, phases) = (Meter::new(false), Phases::new());
        meter.enter(State::Run, 100);
        meter.on_job(JobId(1), 100);
        meter.on_chunk(Ran { tasks: 1, timed: 1, run_ns: Some(5), wait_ns: None }, 200);
        meter.on_wait(&phases, 300);
        meter.on_wake(&phases, 400);
        assert_eq!((meter.read(&phases, 500).total(), meter.cpu_ns()), (0, 0));
    }
}
