//! Who sleeps and who is woken, without polling and without a lost wake-up.
//!
//! A worker announces that it will sleep, looks for work one last time, and only then sleeps. Who makes work visible
//! looks for announced sleepers afterwards. A fence on both sides makes it impossible that each misses the other.
//! Nobody wakes a crowd: [`Sleep::wake`] calls [`WAKE_AT_ONCE`] sleepers, and each that finds work and leaves some
//! calls as many again. Were it one at a time, the last of `W` workers would wait for `W` wake-ups in a row, some 50 us
//! each on a virtual machine; this way for `log2 W`.

use crate::sync::{AtomicUsize, Condvar, Mutex, Ordering, fence, lock, wait};

/// Sleepers that one call wakes, at most. One in the model checker's small cases, or the calls would never be passed on.
const WAKE_AT_ONCE: u64 = if cfg!(loom) { 1 } else { 2 };

/// What a worker is doing, as far as sleeping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Awake,
    /// On the list of sleepers, looking one last time.
    Announced,
    /// On the list of sleepers, and its last look found nothing.
    Asleep,
    /// Its thread has ended.
    Gone,
}

#[derive(Debug)]
struct State {
    phases: Vec<Phase>,
    /// Those announced or asleep. The last is woken first: its caches are the warmest.
    sleepers: Vec<usize>,
    /// Workers asleep or gone; all of them means that the pool is idle.
    resting: usize,
    /// Threads in [`Sleep::wait_idle`].
    idle_waiters: usize,
}

#[derive(Debug)]
pub(crate) struct Sleep {
    state: Mutex<State>,
    /// `state.sleepers.len()`, to be read without the lock: the only thing that who publishes work has to look at.
    sleeper_count: AtomicUsize,
    /// One for each worker, so that exactly the chosen one wakes.
    beds: Box<[Condvar]>,
    idle: Condvar,
}

impl Sleep {
    pub(crate) fn new(workers: usize) -> Sleep {
        let state = State {
            phases: vec![Phase::Awake; workers],
            sleepers: Vec::with_capacity(workers),
            resting: 0,
            idle_waiters: 0,
        };
        Sleep {
            state: Mutex::new(state),
            sleeper_count: AtomicUsize::new(0),
            beds: (0..workers).map(|_| Condvar::new()).collect(),
            idle: Condvar::new(),
        }
    }

    /// Puts the worker on the list of sleepers. It must then look for work once more, and call [`cancel`](Self::cancel)
    /// if it found some, [`sleep`](Self::sleep) if not.
    pub(crate) fn announce(&self, worker: usize) {
        let mut state = lock(&self.state);
        debug_assert_eq!(state.phases[worker], Phase::Awake, "only an awake worker announces");
        state.phases[worker] = Phase::Announced;
        state.sleepers.push(worker);
        self.sleeper_count.store(state.sleepers.len(), Ordering::Relaxed);
        drop(state);
        // The sleeper's half of the bargain: announced before the last look. The other half is in `sleepers`.
        fence(Ordering::SeqCst);
    }

    /// The last look found work. If somebody has chosen this worker meanwhile, that call has been answered already.
    pub(crate) fn cancel(&self, worker: usize) {
        let mut state = lock(&self.state);
        if state.phases[worker] == Phase::Announced {
            state.sleepers.retain(|&other| other != worker);
            state.phases[worker] = Phase::Awake;
            self.sleeper_count.store(state.sleepers.len(), Ordering::Relaxed);
        }
    }

    /// The last look found nothing: sleeps until woken. Returns at once if that has happened already.
    pub(crate) fn sleep(&self, worker: usize) {
        let mut state = lock(&self.state);
        if state.phases[worker] == Phase::Announced {
            state.phases[worker] = Phase::Asleep;
            self.rests(&mut state);
        }
        while state.phases[worker] != Phase::Awake {
            state = wait(&self.beds[worker], state);
        }
    }

    /// How many workers have announced that they will sleep. Whoever calls it has just made work visible, and may
    /// skip [`wake`](Self::wake) if it is 0.
    pub(crate) fn sleepers(&self) -> usize {
        // The publisher's half of the bargain: published before this look at the sleepers.
        fence(Ordering::SeqCst);
        self.sleeper_count.load(Ordering::Relaxed)
    }

    /// The same number, for people.
    pub(crate) fn sleepers_about(&self) -> usize {
        self.sleeper_count.load(Ordering::Relaxed)
    }

    /// Wakes a few announced sleepers, if there are any, but no more than there are tasks to run.
    pub(crate) fn wake(&self, tasks: u64) {
        if self.sleepers() > 0 {
            self.wake_cold(tasks);
        }
    }

    /// Chosen and notified one by one: the system may let the first one run in this thread's place, and then it must
    /// find the second still on the list, to wake it itself.
    #[cold]
    fn wake_cold(&self, tasks: u64) {
        for _ in 0..tasks.min(WAKE_AT_ONCE) {
            let woken = self.pop(&mut lock(&self.state));
            let Some(worker) = woken else { return };
            self.beds[worker].notify_one(); // without the lock, for which the woken worker would wait next
        }
    }

    /// Wakes everybody. The caller has made the reason visible, so that later last looks find it too.
    pub(crate) fn wake_all(&self) {
        let mut state = lock(&self.state);
        let woken: Vec<usize> = std::iter::from_fn(|| self.pop(&mut state)).collect();
        drop(state);
        for worker in woken {
            self.beds[worker].notify_one();
        }
    }

    /// The worker's thread ends, by `stop` or by a panic.
    pub(crate) fn gone(&self, worker: usize) {
        let mut state = lock(&self.state);
        state.sleepers.retain(|&other| other != worker);
        self.sleeper_count.store(state.sleepers.len(), Ordering::Relaxed);
        state.phases[worker] = Phase::Gone;
        self.rests(&mut state);
    }

    /// Blocks until every worker is asleep or gone.
    pub(crate) fn wait_idle(&self) {
        let mut state = lock(&self.state);
        state.idle_waiters += 1;
        while state.resting < state.phases.len() {
            state = wait(&self.idle, state);
        }
        state.idle_waiters -= 1;
    }

    fn rests(&self, state: &mut State) {
        state.resting += 1;
        if state.resting == state.phases.len() && state.idle_waiters > 0 {
            self.idle.notify_all();
        }
    }

    fn pop(&self, state: &mut State) -> Option<usize> {
        let worker = state.sleepers.pop()?;
        if state.phases[worker] == Phase::Asleep {
            state.resting -= 1;
        }
        state.phases[worker] = Phase::Awake;
        self.sleeper_count.store(state.sleepers.len(), Ordering::Relaxed);
        Some(worker)
    }
}

#[cfg(all(test, not(loom)))]
#[path = "sleep_tests.rs"]
mod tests;
