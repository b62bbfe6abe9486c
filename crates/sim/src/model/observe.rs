//! What nodes saw of jobs: kept as it comes, until there is too much of it.

use super::Model;
use divvy_core::{JobId, NodeId};
use divvy_store::Observation;
use divvy_store::observation::{COUNTED_EVERY, ROWS_MAX, WINDOWS_MAX, squeezed, thinned};
use std::collections::BTreeMap;

/// All that was seen, ascending by time.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(BTreeMap<(JobId, NodeId), Vec<Observation>>);

impl Seen {
    pub(super) fn forget(&mut self, id: JobId) {
        self.0.retain(|(job, _), _| *job != id);
    }

    fn of(&self, job: JobId) -> Vec<Observation> {
        self.0.iter().filter(|((of, _), _)| *of == job).flat_map(|(_, seen)| seen.clone()).collect()
    }

    /// Makes fewer of what there is where it is too much, of the node or of the job.
    fn make_room(&mut self, job: JobId, node: NodeId) {
        let of_all: usize = self.0.iter().filter(|((of, _), _)| *of == job).map(|(_, seen)| seen.len()).sum();
        let of_node = self.0.entry((job, node)).or_default();
        if of_node.len() >= WINDOWS_MAX {
            *of_node = thinned(std::mem::take(of_node));
        } else if of_node.len().is_multiple_of(COUNTED_EVERY) && of_all >= ROWS_MAX {
            let all = squeezed(self.of(job));
            self.forget(job);
            all.into_iter().for_each(|one| self.0.entry((job, one.node)).or_default().push(one));
        }
    }
}

impl Model {
    /// See [`divvy_store::Store::observe`].
    pub fn observe(&mut self, seen: &[Observation]) {
        for new in seen.iter().filter(|new| self.jobs.contains_key(&new.job)) {
            self.seen.make_room(new.job, new.node);
            let all = self.seen.0.entry((new.job, new.node)).or_default();
            match all.iter_mut().find(|old| old.from == new.from) {
                Some(old) => old.merge(new),
                None => all.push(new.clone()),
            }
            all.sort_by_key(|seen| seen.from);
        }
    }

    /// See [`divvy_store::Store::observations`].
    #[must_use]
    pub fn observations(&self, job: JobId) -> Vec<Observation> {
        self.seen.of(job)
    }
}
