//! Tasks that wait for other tasks of their job.

use divvy_core::Seq;
use std::fmt;

/// Which tasks of a job wait for which: acyclic, every parent is there, none twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Graph {
    /// Where each task's parents end in `parents`.
    ends: Vec<usize>,
    /// Ascending for each task.
    parents: Vec<Seq>,
}

/// What no graph may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphError {
    /// A task waits for one that is not there.
    NoParent {
        /// The task.
        task: Seq,
        /// What it waits for.
        parent: Seq,
    },
    /// These tasks wait for each other: each for the one before it, the first for the last.
    Cycle(Vec<Seq>),
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraphError::NoParent { task, parent } => {
                write!(f, "task {task} waits for {parent}, which is not there")
            }
            GraphError::Cycle(tasks) => write!(f, "these tasks wait for each other: {tasks:?}"),
        }
    }
}

impl std::error::Error for GraphError {}

impl Graph {
    /// A graph of the tasks `0..parents.len()`; `parents[seq]` is what a task waits for, in any order. O(V + E).
    ///
    /// # Errors
    /// See [`GraphError`].
    pub fn new(parents: Vec<Vec<Seq>>) -> Result<Graph, GraphError> {
        let mut graph = Graph::default();
        for (task, mut list) in parents.into_iter().enumerate() {
            list.sort_unstable();
            list.dedup();
            graph.parents.append(&mut list);
            graph.ends.push(graph.parents.len());
            debug_assert_eq!(graph.ends.len(), task + 1);
        }
        graph.check_parents()?;
        graph.check_cycles()?;
        Ok(graph)
    }

    /// Number of tasks.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ends.len() as u64
    }

    /// Whether there are no tasks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// What a task waits for, ascending.
    ///
    /// # Panics
    /// If there is no such task.
    #[must_use]
    pub fn parents(&self, task: Seq) -> &[Seq] {
        let task = task as usize;
        let begin = task.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.parents[begin..self.ends[task]]
    }

    /// For each task those that wait for it, ascending.
    #[must_use]
    pub fn children(&self) -> Vec<Vec<Seq>> {
        let mut children = vec![Vec::new(); self.ends.len()];
        for task in 0..self.len() {
            self.parents(task).iter().for_each(|parent| children[*parent as usize].push(task));
        }
        children
    }

    fn check_parents(&self) -> Result<(), GraphError> {
        for task in 0..self.len() {
            if let Some(parent) = self.parents(task).iter().find(|parent| **parent >= self.len()) {
                return Err(GraphError::NoParent { task, parent: *parent });
            }
        }
        Ok(())
    }

    /// Takes tasks away whose parents are all gone (Kahn 1962); what is left waits for a cycle.
    fn check_cycles(&self) -> Result<(), GraphError> {
        let children = self.children();
        let mut missing: Vec<usize> = (0..self.len()).map(|task| self.parents(task).len()).collect();
        let mut free: Vec<Seq> = (0..self.len()).filter(|task| missing[*task as usize] == 0).collect();
        let mut taken = 0;
        while let Some(task) = free.pop() {
            taken += 1;
            for child in &children[task as usize] {
                missing[*child as usize] -= 1;
                if missing[*child as usize] == 0 {
                    free.push(*child);
                }
            }
        }
        if taken == self.len() { Ok(()) } else { Err(GraphError::Cycle(self.cycle(&missing))) }
    }

    /// A cycle among the tasks that still miss a parent: walking from parent to parent must come round.
    fn cycle(&self, missing: &[usize]) -> Vec<Seq> {
        let stuck = |task: Seq| missing[task as usize] > 0;
        let mut walk = Vec::new();
        let mut seen = vec![usize::MAX; missing.len()];
        let mut task = (0..self.len()).find(|task| stuck(*task)).expect("somebody misses a parent");
        while seen[task as usize] == usize::MAX {
            seen[task as usize] = walk.len();
            walk.push(task);
            let next = self.parents(task).iter().copied().find(|parent| stuck(*parent));
            task = next.expect("who misses a parent has one that misses one");
        }
        let mut cycle = walk.split_off(seen[task as usize]);
        cycle.reverse();
        cycle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_children_are_each_others() {
        let graph = Graph::new(vec![vec![], vec![0], vec![1, 0, 1], vec![2]]).unwrap();
        assert_eq!((graph.len(), graph.parents(2), graph.parents(0)), (4, &[0, 1][..], &[][..]));
        assert_eq!(graph.children(), [vec![1, 2], vec![2], vec![3], vec![]]);
        assert!(Graph::new(vec![]).unwrap().is_empty());
    }

    #[test]
    fn cycles_and_missing_parents_are_refused() {
        let missing = Graph::new(vec![vec![], vec![7]]);
        assert_eq!(missing, Err(GraphError::NoParent { task: 1, parent: 7 }));
        assert_eq!(Graph::new(vec![vec![0]]), Err(GraphError::Cycle(vec![0])));
        // 3 waits for the cycle 0 -> 1 -> 2 -> 0 but is no part of it.
        let Err(GraphError::Cycle(cycle)) = Graph::new(vec![vec![2, 4], vec![0], vec![1], vec![2], vec![]])
        else {
            panic!("no cycle")
        };
        assert_eq!(cycle.len(), 3);
        let waits_for =
            |task: Seq, parent: Seq| [vec![2, 4], vec![0], vec![1]][task as usize].contains(&parent);
        assert!((0..3).all(|n| waits_for(cycle[(n + 1) % 3], cycle[n])), "{cycle:?}");
    }
}
