//! Results in the order of the inputs: what came too early waits for what is before it.

use super::channel::Batch;
use divvy_core::{Intervals, Range, Seq};
use std::collections::BTreeMap;

/// Batches of consecutive tasks. Nothing passes while an earlier task of this node is still to come.
pub(super) struct Gate<Out> {
    /// Leased here and not passed yet.
    pending: Intervals,
    waiting: BTreeMap<Seq, Batch<Out>>,
    /// Results in `waiting`.
    pub(super) items: usize,
}

impl<Out> Gate<Out> {
    pub(super) fn new() -> Gate<Out> {
        Gate { pending: Intervals::new(), waiting: BTreeMap::new(), items: 0 }
    }

    /// These tasks will come.
    pub(super) fn expect(&mut self, tasks: &Intervals) {
        self.pending.insert_all(tasks);
    }

    /// These tasks will not come.
    pub(super) fn forgo(&mut self, tasks: &Intervals) {
        self.pending.remove_all(tasks);
    }

    /// Whether nothing is before this task.
    pub(super) fn is_turn(&self, seq: Seq) -> bool {
        self.pending.first().is_none_or(|first| first >= seq)
    }

    pub(super) fn arrive(&mut self, batch: Batch<Out>) {
        self.items += batch.items.len();
        self.waiting.insert(batch.first(), batch);
    }

    /// The next batch whose turn it is.
    pub(super) fn pass(&mut self) -> Option<Batch<Out>> {
        let first = *self.waiting.first_key_value()?.0;
        if !self.is_turn(first) {
            return None;
        }
        let (_, batch) = self.waiting.pop_first()?;
        self.pending.remove(Range::new(first, batch.last() + 1));
        self.items -= batch.items.len();
        Some(batch)
    }
}
