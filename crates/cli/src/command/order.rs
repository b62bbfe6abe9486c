//! Outputs in the order of the inputs.
//!
//! A task's output is printed when no task before it is still to come, and only then is the task told done: an
//! output that waits here and is lost with the process belongs to a task that will run again.

use divvy_core::{Intervals, Range, Seq};
use std::collections::BTreeMap;

/// What waits for its turn. `T` is a finished task with its output.
#[derive(Debug)]
pub struct Gate<T> {
    /// Leased here and not printed yet.
    pending: Intervals,
    ready: BTreeMap<Seq, T>,
}

impl<T> Default for Gate<T> {
    fn default() -> Gate<T> {
        Gate { pending: Intervals::new(), ready: BTreeMap::new() }
    }
}

impl<T> Gate<T> {
    /// These tasks will come.
    pub fn expect(&mut self, tasks: &Intervals) {
        self.pending.insert_all(tasks);
    }

    /// These tasks will not come, as far as is known. Nothing is printed for that: the tasks that keep the workers
    /// busy meanwhile come to the gate themselves.
    pub fn forgo(&mut self, tasks: &Intervals) {
        self.pending.remove_all(tasks);
    }

    /// Whether it is this task's turn, so that it may print while it runs.
    pub fn is_turn(&self, seq: Seq) -> bool {
        self.pending.first() == Some(seq)
    }

    /// A task's output is there. Returns all whose turn it is, in order.
    pub fn arrive(&mut self, seq: Seq, item: T) -> Vec<T> {
        self.ready.insert(seq, item);
        self.take_ready()
    }

    /// A task will not come: it was taken away, or nobody may wait for it any longer.
    pub fn give_up(&mut self, seq: Seq) -> Vec<T> {
        self.pending.remove(Range::new(seq, seq + 1));
        self.take_ready()
    }

    /// Nothing more will come: all that waits, in order.
    pub fn give_up_all(&mut self) -> Vec<T> {
        self.pending = Intervals::new();
        self.take_ready()
    }

    fn take_ready(&mut self) -> Vec<T> {
        let mut turn = Vec::new();
        while let Some(first) = self.ready.first_entry() {
            let seq = *first.key();
            if self.pending.first().is_some_and(|pending| pending < seq) {
                break;
            }
            turn.push(first.remove());
            self.pending.remove(Range::new(seq, seq + 1));
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_overtakes_and_nothing_is_held_for_ever() {
        let mut gate = Gate::default();
        gate.expect(&Range::new(0, 6).into());
        assert!(gate.is_turn(0) && !gate.is_turn(1));
        assert_eq!(gate.arrive(2, 'c'), []);
        assert_eq!(gate.arrive(1, 'b'), []);
        assert_eq!(gate.arrive(0, 'a'), ['a', 'b', 'c']);
        assert_eq!(gate.arrive(5, 'f'), []);
        assert_eq!(gate.give_up(3), []);
        assert_eq!(gate.arrive(4, 'e'), ['e', 'f']);
        gate.expect(&Range::new(9, 10).into());
        assert_eq!(gate.arrive(9, 'j'), ['j']);
        gate.expect(&Range::new(10, 14).into());
        assert_eq!((gate.arrive(13, 'n'), gate.arrive(11, 'l')), (vec![], vec![]));
        assert_eq!(gate.give_up_all(), ['l', 'n']);
        gate.expect(&Range::new(10, 14).into());
        assert_eq!(gate.arrive(12, 'm'), []);
        gate.forgo(&Range::new(10, 12).into());
        assert_eq!(gate.arrive(13, 'n'), ['m', 'n']);
    }
}
