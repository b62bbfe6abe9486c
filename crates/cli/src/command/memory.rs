//! What a node has to remember of a job from one lease to the next.
//!
//! A runner lives as long as the node holds a lease of its job, and a slow job has moments without any. Counts, the
//! time of the last start and what tasks usually take have to outlast them.

use super::halt::Tally;
use super::hold::Starts;
use super::recipe::Limits;
use super::timeout::Limit;
use divvy_core::JobId;
use std::sync::{Arc, Mutex, PoisonError};

/// Jobs that are remembered. A node that works on more of them in turns forgets the one that it saw last longest ago,
/// whose delay and usual time begin anew.
const JOBS_MAX: usize = 64;

/// One job on this node.
#[derive(Debug)]
pub struct Memory {
    /// When the next task may start.
    pub starts: Starts,
    /// How long a task may take.
    pub limit: Limit,
    /// What has ended.
    pub tally: Option<Tally>,
}

/// The jobs, the one seen last at the end.
#[derive(Debug, Default)]
pub struct Memories(Mutex<Vec<(JobId, Arc<Memory>)>>);

impl Memories {
    /// What is known of a job; nothing yet if it is new.
    pub fn of(&self, job: JobId, limits: &Limits) -> Arc<Memory> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|(id, _)| *id == job).map(|at| known.remove(at).1);
        let memory = found.unwrap_or_else(|| {
            Arc::new(Memory {
                starts: Starts::new(limits.hold),
                limit: Limit::new(limits.timeout),
                tally: limits.halt.map(Tally::new),
            })
        });
        if known.len() == JOBS_MAX {
            known.remove(0);
        }
        known.push((job, memory.clone()));
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_remembered_until_many_others_came() {
        let (memories, limits) = (Memories::default(), Limits::default());
        let first = memories.of(JobId(1), &limits);
        let is_first = |memory: &Arc<Memory>| Arc::ptr_eq(memory, &first);
        (2..=JOBS_MAX as u64).for_each(|job| drop(memories.of(JobId(job), &limits)));
        assert!(is_first(&memories.of(JobId(1), &limits)), "seen last");
        (100..100 + JOBS_MAX as u64).for_each(|job| drop(memories.of(JobId(job), &limits)));
        assert!(!is_first(&memories.of(JobId(1), &limits)));
    }
}
