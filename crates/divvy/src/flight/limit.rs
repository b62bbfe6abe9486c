//! How many tasks may be under way at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Taken by workers, which may wait; given back by drivers, many at once.
pub(super) struct Limit {
    most: usize,
    state: Mutex<State>,
    room: Condvar,
}

/// What is to be begun.
pub(super) trait Want {
    /// It need not be begun any more.
    fn is_ended(&self) -> bool;
    /// All others wait for it.
    fn is_waited_for(&self) -> bool;
}

struct State {
    in_use: usize,
    /// Workers that wait, so that giving back costs no system call where nobody does.
    waiting: usize,
    /// A driver has ended before its time.
    broken: bool,
}

impl Limit {
    pub(super) fn new(most: usize) -> Limit {
        let state = State { in_use: 0, waiting: 0, broken: false };
        Limit { most, state: Mutex::new(state), room: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up to `n`, waiting for the first. `Some(0)` when there is no need any more, `None` when nothing will come
    /// back.
    ///
    /// A task that all others wait for is let through beyond the limit, one at a time. Results in order need it: what
    /// is under way may be results that wait for just this task, and so give nothing back.
    pub(super) fn acquire(&self, n: usize, want: &impl Want, on_wait: impl FnOnce()) -> Option<usize> {
        let (mut state, mut on_wait) = (self.lock(), Some(on_wait));
        loop {
            if state.broken {
                return None;
            }
            if want.is_ended() {
                return Some(0);
            }
            let free = n.min(self.most.saturating_sub(state.in_use));
            let n = if free == 0 && want.is_waited_for() { 1 } else { free };
            if n > 0 {
                state.in_use += n;
                return Some(n);
            }
            if let Some(on_wait) = on_wait.take() {
                on_wait();
            }
            state.waiting += 1;
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    pub(super) fn release(&self, n: usize) {
        let mut state = self.lock();
        state.in_use -= n;
        let wakes = state.waiting > 0;
        drop(state);
        if wakes {
            self.room.notify_all();
        }
    }

    /// So many were under way in a driver that is gone.
    pub(super) fn break_off(&self, n: usize) {
        let mut state = self.lock();
        state.in_use -= n;
        state.broken = true;
        drop(state);
        self.room.notify_all();
    }

    /// Those that wait look again whether they still should.
    pub(super) fn wake(&self) {
        // Under the lock: whoever has just looked is waiting by then.
        drop(self.lock());
        self.room.notify_all();
    }

    pub(super) fn in_use(&self) -> usize {
        self.lock().in_use
    }
}
