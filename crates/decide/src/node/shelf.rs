//! Tasks that take something of the node wait on their lease's shelf until there is room.
//!
//! Room is what the node has less what the tasks take that were told to run and have not ended. It is counted by
//! their ends, not by their leases: a task whose lease was lost takes what it takes until its process is gone.

use super::{Action, Node, Phase};
use crate::pack::{Choice, PASSES_MAX, choose_fairly};
use divvy_core::{Demand, Intervals, Range, Seq};
use divvy_store::Held;

/// The tasks of a lease that were told to run and have not ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Taking {
    demand: Demand,
    tasks: Intervals,
}

impl Node {
    /// Starts what fits, the best fit first, while there are workers for it.
    pub(super) fn start_shelved(&mut self, out: &mut Vec<Action>) {
        if self.phase != Phase::Running {
            return;
        }
        while self.has_worker() {
            let Some(key) = self.best_fit() else { return };
            let lent = self.held.get_mut(&key).expect("chosen among those held");
            let seq = lent.shelf.first().expect("chosen for what is on its shelf");
            lent.shelf.remove(Range::new(seq, seq + 1));
            let demand = lent.lease.demand.clone();
            self.room.take(&demand, 1);
            let taking = self.taking.entry(key).or_insert_with(|| Taking { demand, ..Taking::default() });
            taking.tasks.insert(Range::new(seq, seq + 1));
            out.push(Action::Run(key, seq));
        }
    }

    /// The lease whose tasks fit best into the room there is, or whose turn it is.
    fn best_fit(&mut self) -> Option<Held> {
        let shelved: Vec<Held> =
            self.held.iter().filter(|(_, lent)| !lent.shelf.is_empty()).map(|(key, _)| *key).collect();
        let waiting = shelved.iter().map(|key| &self.held[key]).map(|lent| (&lent.lease.demand, lent.passes));
        let Choice::Start(at) = choose_fairly(&self.room, &self.cfg.capacity, waiting) else { return None };
        self.pass_over(shelved[at]);
        Some(shelved[at])
    }

    /// Counts how often those that came before are passed over. Within a job the fences say who came first, and among
    /// jobs the ids do. After somebody's turn all are counted anew, else a whole backlog would be overdue at once.
    fn pass_over(&mut self, chosen: Held) {
        let was_due = self.held[&chosen].passes >= PASSES_MAX;
        for (key, lent) in &mut self.held {
            if was_due || *key == chosen {
                lent.passes = 0;
            } else if *key < chosen && !lent.shelf.is_empty() {
                lent.passes += 1;
            }
        }
    }

    /// Whether a task of this demand could start at once.
    pub(super) fn could_start(&self, demand: &Demand) -> bool {
        self.has_worker() && demand.fits(&self.room)
    }

    fn has_worker(&self) -> bool {
        self.taking() < u64::from(self.cfg.workers)
    }

    /// Tasks that take something now.
    fn taking(&self) -> u64 {
        self.taking.values().map(|taking| taking.tasks.len()).sum()
    }

    /// These tasks take nothing any more: they have ended, or will never start.
    pub(super) fn on_ended(&mut self, key: Held, ended: &Intervals) {
        let Some(taking) = self.taking.get_mut(&key) else { return };
        let gone = taking.tasks.intersect(ended);
        taking.tasks.remove_all(&gone);
        self.room.put(&taking.demand, gone.len());
        if taking.tasks.is_empty() {
            self.taking.remove(&key);
        }
    }

    /// What the node has and no task takes, for the metrics.
    #[must_use]
    pub fn room(&self) -> &Demand {
        &self.room
    }

    /// Whether a task takes something now, for who checks.
    #[must_use]
    pub fn takes(&self, key: Held, seq: Seq) -> bool {
        self.taking.get(&key).is_some_and(|taking| taking.tasks.contains(seq))
    }
}
