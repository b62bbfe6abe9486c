//! Cores that all tasks share, each getting as much as the others: processor sharing.
//!
//! Kept by the work that each task has been given since the beginning, which is the same for all: a task is through when
//! that has grown by what it needs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A task at work: which node, worker and run.
pub(super) type Run = (usize, usize, u64);

/// Times in nanoseconds.
pub(super) struct Cores {
    count: f64,
    /// What each task has been given that was there all the time.
    given: f64,
    at: u64,
    /// By what is to be given until it is through (positive floats are in the order of their bits), and what it needs.
    ends: BinaryHeap<Reverse<(u64, Run, u64)>>,
    /// CPU time of all, and of each node.
    busy: f64,
    used: Vec<Used>,
    /// What is planned for another state of things no longer counts.
    pub(super) epoch: u64,
}

/// What a node's tasks have used: those that ended, and how many began when what had been given in all.
#[derive(Default, Clone, Copy)]
struct Used {
    ended: f64,
    at_work: f64,
    began: f64,
}

impl Cores {
    pub(super) fn new(count: f64) -> Cores {
        Cores { count, given: 0.0, at: 0, ends: BinaryHeap::new(), busy: 0.0, used: Vec::new(), epoch: 0 }
    }

    fn pace(&self) -> f64 {
        (self.count / self.ends.len().max(1) as f64).min(1.0)
    }

    fn advance(&mut self, now: u64) {
        let passed = (now - self.at) as f64;
        self.given += passed * self.pace();
        self.busy += passed * self.count.min(self.ends.len() as f64);
        self.at = now;
    }

    pub(super) fn start(&mut self, now: u64, run: Run, ns: u64) {
        self.advance(now);
        self.used.resize(self.used.len().max(run.0 + 1), Used::default());
        let used = &mut self.used[run.0];
        used.at_work += 1.0;
        used.began += self.given;
        self.ends.push(Reverse(((self.given + ns as f64).to_bits(), run, ns)));
    }

    /// When the next is through, as things are now.
    pub(super) fn next(&mut self) -> Option<u64> {
        self.epoch += 1;
        let Reverse((until, ..)) = self.ends.peek()?;
        let left = (f64::from_bits(*until) - self.given).max(0.0);
        Some(self.at + (left / self.pace()).ceil() as u64)
    }

    /// One that is through by now.
    pub(super) fn ended(&mut self, now: u64) -> Option<Run> {
        self.advance(now);
        let Reverse((until, run, ns)) = *self.ends.peek()?;
        // Half a nanosecond: what is left of rounding.
        if f64::from_bits(until) > self.given + 0.5 {
            return None;
        }
        self.ends.pop();
        let used = &mut self.used[run.0];
        used.ended += ns as f64;
        used.at_work -= 1.0;
        used.began -= f64::from_bits(until) - ns as f64;
        Some(run)
    }

    /// CPU time of a node and of all.
    pub(super) fn used_ns(&mut self, now: u64, host: usize) -> (u64, u64) {
        self.advance(now);
        let Used { ended, at_work, began } = self.used.get(host).copied().unwrap_or_default();
        ((ended + at_work * self.given - began).max(0.0) as u64, self.busy as u64)
    }
}
