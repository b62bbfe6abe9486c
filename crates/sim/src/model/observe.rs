//! What nodes saw of jobs: kept as it comes, until there is too much of it.

use super::Model;
use divvy_core::{JobId, NodeId};
use divvy_store::Observation;
use divvy_store::observation::{WINDOWS_MAX, thinned};
use std::collections::BTreeMap;

/// All that was seen, ascending by time.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(BTreeMap<(JobId, NodeId), Vec<Observation>>);

impl Seen {
    pub(super) fn forget(&mut self, id: JobId) {
        self.0.retain(|(job, _), _| *job != id);
    }
}

impl Model {
    /// See [`divvy_store::Store::observe`].
    pub fn observe(&mut self, seen: &[Observation]) {
        for new in seen.iter().filter(|new| self.jobs.contains_key(&new.job)) {
            let all = self.seen.0.entry((new.job, new.node)).or_default();
            if all.len() >= WINDOWS_MAX {
                *all = thinned(std::mem::take(all));
            }
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
        self.seen.0.iter().filter(|((of, _), _)| *of == job).flat_map(|(_, seen)| seen.clone()).collect()
    }
}
