//! Results on their way from the workers to whoever takes them: a bounded queue of batches.
//!
//! A task is told done when its result was taken, so a result that is lost with the process belongs to a task that will
//! run again. When the queue is full, workers wait (held back); so a slow reader slows the workers, and memory stays
//! within `results_max` results, one batch for each worker, and the one in the reader's hands. In order the bound holds
//! twice: for what waits for its turn, and for what waits to be taken.

use super::gate::Gate;
use crate::error::Result;
use crate::summary::Summary;
use divvy_core::{Intervals, Seq};
use divvy_engine::{Detached, Stop, StopLevel};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "tokio")]
use std::task::Poll;
use std::task::Waker;

/// One task's end: what it returned, or what its last attempt failed of.
pub(crate) struct Item<Out> {
    pub(crate) seq: Seq,
    pub(crate) attempt: u32,
    pub(crate) ended: Result<Out, String>,
}

/// Results of one lease, ascending; in order, of consecutive tasks. Never empty.
pub(crate) struct Batch<Out> {
    pub(crate) from: Arc<Detached>,
    pub(crate) items: Vec<Item<Out>>,
}

impl<Out> Batch<Out> {
    pub(crate) fn first(&self) -> Seq {
        self.items[0].seq
    }

    pub(super) fn last(&self) -> Seq {
        self.items[self.items.len() - 1].seq
    }

    /// Whether a task is the next after those in the batch.
    #[cfg(feature = "tokio")]
    pub(crate) fn follows(&self, seq: Seq) -> bool {
        self.last() + 1 == seq
    }

    fn is_ended(&self) -> bool {
        self.items.iter().all(|item| self.from.is_ended(item.seq))
    }
}

pub(crate) struct Channel<Out> {
    state: Mutex<State<Out>>,
    /// For workers: something was taken, or it is time to look again.
    room: Condvar,
    /// For the reader.
    filled: Condvar,
    results_max: usize,
    stop: Stop,
}

struct State<Out> {
    ready: VecDeque<Batch<Out>>,
    /// Results in `ready`.
    items: usize,
    gate: Option<Gate<Out>>,
    /// Results that the reader has and has not told of.
    taken: usize,
    /// Nobody will take anything any more.
    closed: bool,
    /// The node has ended. Taken by the reader.
    over: Option<Result<Summary>>,
    is_over: bool,
    reader: Option<Waker>,
    /// Those that wait for room and cannot block.
    writers: Vec<Waker>,
}

/// What is there for the reader.
pub(crate) enum Taken<Out> {
    Batch(Batch<Out>),
    /// Nothing more will come. The end is there once.
    Over(Option<Result<Summary>>),
}

impl<Out> Channel<Out> {
    pub(crate) fn new(results_max: usize, in_order: bool, stop: Stop) -> Channel<Out> {
        let state = State {
            ready: VecDeque::new(),
            items: 0,
            gate: in_order.then(Gate::new),
            taken: 0,
            closed: false,
            over: None,
            is_over: false,
            reader: None,
            writers: Vec::new(),
        };
        Channel { state: Mutex::new(state), room: Condvar::new(), filled: Condvar::new(), results_max, stop }
    }

    fn lock(&self) -> MutexGuard<'_, State<Out>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a batch over, waiting for room. `on_wait` is called before the first wait; true if there was one. What
    /// nobody will take is dropped, untold: its tasks run again, elsewhere or later.
    pub(crate) fn put(&self, batch: Batch<Out>, on_wait: impl FnOnce()) -> bool {
        let (mut state, mut on_wait) = (self.lock(), Some(on_wait));
        loop {
            if state.closed || batch.is_ended() {
                return on_wait.is_none();
            }
            if state.has_room(&batch, self.results_max) {
                self.pass(state, batch);
                return on_wait.is_none();
            }
            if let Some(on_wait) = on_wait.take() {
                on_wait();
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same for those that cannot block: gives the batch back if there is no room, and wakes the waker when there is.
    #[cfg(feature = "tokio")]
    pub(crate) fn try_put(&self, batch: Batch<Out>, waker: &Waker) -> Option<Batch<Out>> {
        let mut state = self.lock();
        if state.closed || batch.is_ended() {
            return None;
        }
        if state.has_room(&batch, self.results_max) {
            self.pass(state, batch);
            return None;
        }
        if !state.writers.iter().any(|known| known.will_wake(waker)) {
            state.writers.push(waker.clone());
        }
        Some(batch)
    }

    fn pass(&self, mut state: MutexGuard<'_, State<Out>>, batch: Batch<Out>) {
        let was_empty = state.ready.is_empty();
        let turned = state.arrive(batch);
        let reader = if was_empty && !state.ready.is_empty() { state.reader.take() } else { None };
        let wakes = was_empty && !state.ready.is_empty();
        drop(state);
        if wakes {
            self.filled.notify_one();
            reader.into_iter().for_each(Waker::wake);
        }
        if turned {
            // Others may have waited for their turn to come nearer.
            self.wake_writers();
        }
    }

    /// The next batch, waiting for it.
    pub(crate) fn take(&self) -> Taken<Out> {
        let waits = |state: &mut State<Out>| state.ready.is_empty() && !state.is_over;
        let mut state = self.filled.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        let taken = state.take();
        self.taken(state);
        taken
    }

    /// The next batch if there is one; else wakes the waker when there is.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_take(&self, waker: &Waker) -> Poll<Taken<Out>> {
        let mut state = self.lock();
        if state.ready.is_empty() && !state.is_over {
            state.reader = Some(waker.clone());
            return Poll::Pending;
        }
        let taken = state.take();
        self.taken(state);
        Poll::Ready(taken)
    }

    fn taken(&self, state: MutexGuard<'_, State<Out>>) {
        // Half empty: workers that are woken then have something to fill before they wait again.
        let wakes = state.items <= self.results_max / 2;
        drop(state);
        if wakes {
            self.wake_writers();
        }
    }

    /// So many of the results that were taken have been told of.
    pub(crate) fn told(&self, items: usize) {
        self.lock().taken -= items;
    }

    /// Nobody takes anything any more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let dropped = state.clear();
        drop(state);
        // Outside of the lock: results are the user's, and so is what their drop does.
        drop(dropped);
        self.wake_writers();
    }

    /// The node has ended: what was not taken by now runs again.
    pub(crate) fn end(&self, end: Result<Summary>) {
        let mut state = self.lock();
        (state.over, state.is_over) = (Some(end), true);
        let (dropped, reader) = (state.clear(), state.reader.take());
        drop(state);
        drop(dropped);
        self.filled.notify_all();
        reader.into_iter().for_each(Waker::wake);
    }

    /// The node takes part in these tasks from now on.
    pub(crate) fn expect(&self, tasks: &Intervals) {
        if let Some(gate) = &mut self.lock().gate {
            gate.expect(tasks);
        }
    }

    /// These tasks will not come.
    pub(crate) fn forgo(&self, tasks: &Intervals) {
        let mut state = self.lock();
        let was_empty = state.ready.is_empty();
        let Some(gate) = &mut state.gate else { return };
        gate.forgo(tasks);
        state.turn();
        let reader = if was_empty && !state.ready.is_empty() { state.reader.take() } else { None };
        drop(state);
        self.filled.notify_one();
        reader.into_iter().for_each(Waker::wake);
        self.wake_writers();
    }

    /// Whether results are in order, and it is this task's turn.
    #[cfg(feature = "tokio")]
    pub(crate) fn waits_for(&self, seq: Seq) -> bool {
        self.lock().gate.as_ref().is_some_and(|gate| gate.is_turn(seq))
    }

    /// Whether results wait for a reader who may still take them.
    pub(crate) fn in_hand(&self) -> bool {
        let state = self.lock();
        let waiting = state.items + state.taken + state.gate.as_ref().map_or(0, |gate| gate.items);
        !state.closed && waiting > 0 && self.stop.level() < StopLevel::End
    }

    /// Those that wait for room look again whether they still should.
    pub(crate) fn wake_writers(&self) {
        let writers = std::mem::take(&mut self.lock().writers);
        self.room.notify_all();
        writers.into_iter().for_each(Waker::wake);
    }
}

impl<Out> State<Out> {
    fn has_room(&self, batch: &Batch<Out>, results_max: usize) -> bool {
        let n = batch.items.len();
        match &self.gate {
            // What comes too early may not fill the queue; what others wait for may, if the reader has nothing.
            Some(gate) if !gate.is_turn(batch.first()) => gate.items + n <= results_max,
            _ => self.items == 0 || self.items + n <= results_max,
        }
    }

    /// True if the turn went on.
    fn arrive(&mut self, batch: Batch<Out>) -> bool {
        match &mut self.gate {
            Some(gate) => {
                gate.arrive(batch);
                self.turn()
            }
            None => {
                self.items += batch.items.len();
                self.ready.push_back(batch);
                false
            }
        }
    }

    fn turn(&mut self) -> bool {
        let mut turned = false;
        while let Some(batch) = self.gate.as_mut().and_then(Gate::pass) {
            self.items += batch.items.len();
            self.ready.push_back(batch);
            turned = true;
        }
        turned
    }

    fn take(&mut self) -> Taken<Out> {
        match self.ready.pop_front() {
            Some(batch) => {
                self.items -= batch.items.len();
                self.taken += batch.items.len();
                Taken::Batch(batch)
            }
            None => Taken::Over(self.over.take()),
        }
    }

    fn clear(&mut self) -> (VecDeque<Batch<Out>>, Option<Gate<Out>>) {
        self.items = 0;
        let gate = self.gate.as_mut().map(|gate| std::mem::replace(gate, Gate::new()));
        (std::mem::take(&mut self.ready), gate)
    }
}
