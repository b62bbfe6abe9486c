//! The bound on what is kept of one job by all nodes together.
//!
//! Each `divvy work` is a new node: a queue that stays open for a year sees thousands, and what is kept of each is bounded by
//! itself only. So when a job has [`ROWS_MAX`] observations they become half as many at most: those nodes that were heard of last
//! stay told apart, by fewer and longer windows, and all other nodes become one, [`OTHERS`], again by windows. Whether they have left is not asked:
//! one that was only quiet for long is told apart again from its next observation on, and nothing is counted twice.
//!
//! The windows are of equal length, a power of two, and begin at multiples of it. Halving what is there, as for a single node,
//! would halve the oldest each time again, until all of the past is one window.

use super::{Observation, WINDOWS_MAX};
use divvy_core::{Millis, NodeId};
use std::collections::BTreeMap;

/// Most observations that are kept of one job, when they are counted.
pub const ROWS_MAX: usize = 2_048;

/// They are counted with the first observation of a node and with every so many of its next: counting takes a millisecond, which
/// a node should not cost the store each second. So nodes that come at once may exceed the bound by this for each of them.
pub const COUNTED_EVERY: usize = 16;

/// Most nodes that are told apart when there are too many observations of a job.
const NODES_MAX: usize = 128;

/// All nodes that are not told apart any more. No node has this id.
pub const OTHERS: NodeId = NodeId(0);

/// At most half of [`ROWS_MAX`] observations that tell the same of a job, ascending by node, then beginning.
#[must_use]
pub fn squeezed(seen: Vec<Observation>) -> Vec<Observation> {
    let apart = told_apart(&seen);
    let mut nodes: BTreeMap<NodeId, Vec<Observation>> = BTreeMap::new();
    for mut one in seen {
        if !apart.contains(&one.node) {
            one.node = OTHERS;
        }
        nodes.entry(one.node).or_default().push(one);
    }
    let each = (ROWS_MAX / 2 - WINDOWS_MAX) / apart.len().max(1);
    let most = |node| if node == OTHERS { WINDOWS_MAX } else { each.min(WINDOWS_MAX / 2) };
    nodes.into_iter().flat_map(|(node, seen)| windows(seen, most(node))).collect()
}

/// The nodes that were heard of last.
fn told_apart(seen: &[Observation]) -> Vec<NodeId> {
    let mut heard: BTreeMap<NodeId, Millis> = BTreeMap::new();
    for one in seen.iter().filter(|one| one.node != OTHERS) {
        let until = heard.entry(one.node).or_default();
        *until = one.until.max(*until);
    }
    let mut nodes: Vec<_> = heard.into_iter().map(|(node, until)| (until, node)).collect();
    nodes.sort_unstable_by(|a, b| b.cmp(a));
    nodes.into_iter().take(NODES_MAX).map(|(_, node)| node).collect()
}

/// At most so many windows of equal length. What began in the same one becomes one.
fn windows(mut seen: Vec<Observation>, most: usize) -> Vec<Observation> {
    seen.sort_by_key(|one| one.from);
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else { return seen };
    let (begin, end, mut shift) = (first.from, last.from, 0);
    while (end >> shift) - (begin >> shift) >= most as u64 {
        shift += 1;
    }
    let mut windows: Vec<Observation> = Vec::new();
    for one in seen {
        match windows.last_mut().filter(|window| window.from >> shift == one.from >> shift) {
            Some(window) => window.merge(&one),
            None => windows.push(one),
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(node: u64, from: Millis) -> Observation {
        Observation {
            node: NodeId(node),
            from,
            until: from + 1_000,
            workers: node % 7 + 1,
            tasks: 1,
            ..Observation::default()
        }
    }

    fn told_of(squeezed: &[Observation], node: u64) -> Vec<(Millis, u64)> {
        squeezed.iter().filter(|one| one.node.0 == node).map(|one| (one.from, one.tasks)).collect()
    }

    #[test]
    fn few_nodes_stay_told_apart() {
        let all: Vec<_> = (1..=16).flat_map(|node| (0..128).map(move |n| seen(node, n * 1_000))).collect();
        let few = squeezed(all);
        assert!(few.len() <= ROWS_MAX / 2 && few.iter().all(|one| one.node != OTHERS), "{}", few.len());
        let first = told_of(&few, 1);
        assert!((28..=56).contains(&first.len()), "{first:?}");
        assert_eq!(first.iter().map(|(_, tasks)| tasks).sum::<u64>(), 128);
        assert!(few.iter().all(|one| one.until - one.from <= 5_000), "of about equal length");
    }

    #[test]
    fn of_many_nodes_the_latest_stay_told_apart() {
        let few = squeezed((1..=3_000).map(|node| seen(node, node * 500)).collect());
        assert!(few.len() <= ROWS_MAX / 2, "{}", few.len());
        assert_eq!(told_of(&few, 3_000), [(1_500_000, 1)]);
        assert_eq!(told_of(&few, 3_000 - NODES_MAX as u64 + 1).len(), 1);
        assert_eq!(told_of(&few, 3_000 - NODES_MAX as u64), []);
        let others = told_of(&few, 0);
        assert!((WINDOWS_MAX / 2..=WINDOWS_MAX).contains(&others.len()), "{}", others.len());
        assert_eq!(others.iter().map(|(_, tasks)| *tasks).sum::<u64>(), 3_000 - NODES_MAX as u64);
        assert_eq!(few.iter().map(|one| one.presence().node_ms).sum::<u64>(), 3_000_000);
    }

    #[test]
    fn the_past_keeps_its_windows_when_it_is_squeezed_again_and_again() {
        let mut kept = Vec::new();
        for node in 1..=20_000 {
            kept.push(seen(node, node * 500));
            if kept.len() >= ROWS_MAX {
                kept = squeezed(kept);
            }
        }
        let others = told_of(&kept, 0);
        let longest = others.windows(2).map(|two| two[1].0 - two[0].0).max().unwrap();
        assert!(
            others.len() >= 32 && longest <= 2 * 20_000 * 500 / 64,
            "{} windows, {longest} ms",
            others.len()
        );
    }
}
