//! Tasks that take something of the node wait on their lease's shelf until there is room.
//!
//! Room is what the node has less what the tasks take that were told to run and have not ended. It is counted by
//! their ends, not by their leases: a task whose lease was lost takes what it takes until its process is gone.

use super::{Action, Node, Phase};
use crate::pack::{Choice, PASSES_MAX, choose_fairly};
use divvy_core::{Demand, Intervals, JobId, Range, Seq};
use divvy_store::{Held, Lease};

/// The tasks of a lease that were told to run and have not ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Taking {
    demand: Demand,
    tasks: Intervals,
}

/// Where a task waits that could be the next: here, or in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Shelf(Held),
    Store(JobId, u32),
}

impl Node {
    /// Starts what fits, the best fit first, while there are workers for it. If the node `may_ask` it starts nothing as
    /// long as the store may have something that fits better: the next answer to a claim will tell.
    pub(super) fn start_shelved(&mut self, may_ask: bool, out: &mut Vec<Action>) {
        if self.phase != Phase::Running {
            return;
        }
        while self.has_worker() && self.held.values().any(|lent| !lent.shelf.is_empty()) {
            let looks =
                may_ask && self.may_claim() && (self.grew || self.trip.is_some_and(|trip| trip.claims));
            let (Choice::Start(_), Some(Place::Shelf(key))) = self.next(looks) else { return };
            let lent = self.held.get_mut(&key).expect("chosen among those held");
            let seq = lent.shelf.first().expect("chosen for what is on its shelf");
            lent.shelf.remove(Range::new(seq, seq + 1));
            let demand = lent.lease.demand.clone();
            self.room.take(&demand, 1);
            let taking = self.taking.entry(key).or_insert_with(|| Taking { demand, ..Taking::default() });
            taking.tasks.insert(Range::new(seq, seq + 1));
            self.pass_over(key, seq);
            out.push(Action::Run(key, seq));
        }
    }

    /// The task that fits best into the room there is, or whose turn it is: of what waits here and, if the node `looks`
    /// there, of what the store has shown of jobs of which it pays to pick.
    pub(super) fn next(&self, looks: bool) -> (Choice, Option<Place>) {
        let mut waiting = Vec::new();
        for (key, lent) in &self.held {
            if let Some(seq) = lent.shelf.first() {
                waiting.push(((key.0, seq), Place::Shelf(*key), &lent.lease.demand, lent.passes));
            }
        }
        for (id, job) in self.jobs.iter().filter(|(id, job)| looks && self.picks(**id, job)) {
            let classes = job.view.iter().flat_map(|view| &view.classes);
            for ((class, passes), nth) in classes.zip(&job.passes).zip(0..) {
                if let Some(seq) = class.oldest {
                    waiting.push(((*id, seq), Place::Store(*id, nth), &class.demand, *passes));
                }
            }
        }
        // Of equals the oldest.
        waiting.sort_unstable_by_key(|(age, ..)| *age);
        let seen = waiting.iter().map(|(_, _, demand, passes)| (*demand, *passes));
        let choice = choose_fairly(&self.room, &self.cfg.capacity, seen);
        let place = match choice {
            Choice::Start(at) | Choice::KeepFree(at) => Some(waiting[at].1),
            Choice::Nothing => None,
        };
        (choice, place)
    }

    /// Counts how often older tasks are passed over, here and in the store. Within a job the seqs say who is older,
    /// and among jobs the ids do. After somebody's turn all are counted anew, else a whole backlog would be overdue at
    /// once.
    fn pass_over(&mut self, chosen: Held, seq: Seq) {
        let was_due = self.held[&chosen].passes >= PASSES_MAX;
        let age = (chosen.0, seq);
        let count = |passes: &mut u64, oldest: Option<Seq>, job| match oldest {
            _ if was_due => *passes = 0,
            Some(oldest) if (job, oldest) < age => *passes += 1,
            _ => {}
        };
        for (key, lent) in &mut self.held {
            count(&mut lent.passes, lent.shelf.first(), key.0);
        }
        for (id, job) in &mut self.jobs {
            let classes = job.view.iter().flat_map(|view| &view.classes);
            job.passes.iter_mut().zip(classes).for_each(|(passes, class)| count(passes, class.oldest, *id));
        }
        if let Some(lent) = self.held.get_mut(&chosen) {
            lent.passes = 0;
        }
    }

    /// What is overdue in the store was asked for before all else, and could not be had: its passes are counted anew.
    /// False if nothing was overdue.
    pub(super) fn forget_overdue(&mut self) -> bool {
        let mut any = false;
        for passes in self.jobs.values_mut().flat_map(|job| &mut job.passes).filter(|n| **n >= PASSES_MAX) {
            (*passes, any) = (0, true);
        }
        any
    }

    /// How often a lease's tasks were passed over while they waited in the store: as often as the oldest of their class,
    /// if it is among them. Others are younger; were they due as well, they would take its turn.
    pub(super) fn passes_of(&self, lease: &Lease) -> u64 {
        let Some(job) = self.jobs.get(&lease.job) else { return 0 };
        let (at, first) = (lease.class as usize, lease.open.first());
        let oldest = job.view.as_ref().and_then(|view| view.classes.get(at)).and_then(|class| class.oldest);
        let has_oldest = oldest.is_some_and(|oldest| first.is_some_and(|first| first <= oldest));
        if has_oldest { job.passes[at] } else { 0 }
    }

    /// Whether a task of this demand could start at once.
    pub(super) fn could_start(&self, demand: &Demand) -> bool {
        self.has_worker() && demand.fits(&self.room)
    }

    fn has_worker(&self) -> bool {
        self.free_workers() > 0
    }

    /// Workers that run nothing that takes something.
    pub(super) fn free_workers(&self) -> u64 {
        u64::from(self.cfg.workers).saturating_sub(self.taking())
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
