//! What truly ran. The world saw it, and nobody can take it back: reports are held against it.

use super::broken::{Checked, ensure};
use divvy_core::{Intervals, NodeId, Range, Seq};
use divvy_store::Held;
use std::collections::BTreeMap;

/// Starts and ends, by lease. No two leases that reached a node ever have the same name, also across restarts of the
/// store: a grant that it forgot was never told.
#[derive(Debug, Default)]
pub(crate) struct Runs(BTreeMap<Held, Run>);

/// See [`Runs`].
#[derive(Debug)]
pub(crate) struct Run {
    /// Where.
    pub(crate) node: NodeId,
    started: Intervals,
    pub(crate) done: Intervals,
    pub(crate) failed: Intervals,
}

impl Run {
    fn new(node: NodeId) -> Run {
        Run { node, started: Intervals::new(), done: Intervals::new(), failed: Intervals::new() }
    }
}

impl Runs {
    pub(crate) fn of(&self, held: Held) -> Option<&Run> {
        self.0.get(&held)
    }

    pub(crate) fn on_started(&mut self, node: NodeId, held: Held, seq: Seq) -> Checked {
        let run = self.0.entry(held).or_insert_with(|| Run::new(node));
        ensure!(run.node == node, StartedOnce, "{held:?} on nodes {node} and {}", run.node);
        ensure!(!run.started.contains(seq), StartedOnce, "{seq} of {held:?} starts twice");
        run.started.insert(Range::new(seq, seq + 1));
        Ok(())
    }

    /// A run came to its end: well, or not.
    pub(crate) fn on_ended(&mut self, held: Held, seq: Seq, failed: bool) {
        let run = self.0.get_mut(&held).expect("it was started");
        let ended = if failed { &mut run.failed } else { &mut run.done };
        ended.insert(Range::new(seq, seq + 1));
    }
}
