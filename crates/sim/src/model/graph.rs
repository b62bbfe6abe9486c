//! Tasks that wait for other tasks of their job.

use super::bugs::{Bug, Bugs};
use super::job::{Job, Waiting};
use divvy_core::{Intervals, Range, Seq};
use divvy_store::{BLOCKERS_SHOWN, Graph};
use std::sync::Arc;

/// A graph, to be read in both directions.
#[derive(Debug)]
pub(super) struct Family {
    graph: Graph,
    children: Vec<Vec<Seq>>,
}

impl Job {
    /// Nothing is above the head of a job with a graph: its tasks are blocked, or wait one by one.
    pub(super) fn set_graph(&mut self, graph: &Graph) {
        self.family = Some(Arc::new(Family { graph: graph.clone(), children: graph.children() }));
        self.head = self.tail;
        self.blocked = Intervals::from(Range::new(0, self.tail));
        for seq in 0..self.tail {
            self.unblock(seq, false);
        }
    }

    /// These tasks are done: those that waited for nothing else wait to be leased.
    pub(super) fn wake_children(&mut self, done: &Intervals, bugs: Bugs) {
        let Some(family) = self.family.clone() else { return };
        for child in done.iter().flat_map(|seq| &family.children[seq as usize]) {
            self.unblock(*child, bugs.has(Bug::ChildWakesEarly));
        }
    }

    fn unblock(&mut self, seq: Seq, anyway: bool) {
        if self.blocked.contains(seq) && (anyway || self.blockers(seq).is_empty()) {
            let task = Range::new(seq, seq + 1);
            self.blocked.remove(task);
            self.wait(Waiting::uncharged(task, self.spec.needs.class_of(seq)));
        }
    }

    /// The first of a task's parents that are not done.
    pub(super) fn blockers(&self, seq: Seq) -> Vec<Seq> {
        let parents = self.family.as_ref().map_or(&[][..], |family| family.graph.parents(seq));
        parents.iter().copied().filter(|p| !self.done.set.contains(*p)).take(BLOCKERS_SHOWN).collect()
    }
}
