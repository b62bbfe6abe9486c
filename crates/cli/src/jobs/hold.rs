//! Why a job that has not finished does not go on, as far as other jobs and people are the cause.

use crate::args::Output;
use crate::command::is_background;
use crate::session::say;
use divvy_core::{JobId, NodeId};
use divvy_store::{JobInfo, Progress, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What keeps a job from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// This job, it or one that it comes after, is paused.
    Paused(JobId),
    /// This job, that it comes after, directly or not, has finished without success.
    Failed(JobId),
    /// Whoever read this job's inputs is gone: it or one that it comes after stays open.
    Cut(JobId),
}

/// All jobs and nodes at one moment.
#[derive(Debug)]
pub struct Jobs {
    by_id: BTreeMap<JobId, JobInfo>,
    nodes: BTreeSet<NodeId>,
    /// Some of them have workers: others only read inputs.
    has_workers: bool,
}

impl Jobs {
    /// Looks at a store.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn look(store: &dyn Store) -> divvy_store::Result<Jobs> {
        // Nodes after the jobs: a job whose reader is named is never older than the nodes it is looked for among.
        let by_id = store.jobs()?.into_iter().map(|job| (job.id, job)).collect();
        let gone = store.gone()?;
        let mut live = store.nodes()?;
        live.retain(|(node, _)| !gone.contains(node));
        let has_workers = live.iter().any(|(_, node)| node.workers > 0);
        Ok(Jobs { by_id, nodes: live.into_iter().map(|(node, _)| node).collect(), has_workers })
    }

    /// A job, if it is there.
    pub fn get(&self, job: JobId) -> Option<&JobInfo> {
        self.by_id.get(&job)
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &JobInfo> {
        self.by_id.values()
    }

    /// Whether a job was begun and nobody is there to go on with it, so that only a person can do something about it.
    /// Nodes do not say for which jobs they are there: one that is may be there for another job, and this is false.
    pub fn is_abandoned(&self, job: &JobInfo) -> bool {
        let c = job.counts;
        // What was submitted without a node to run it waits for one, and was never begun.
        let is_begun = !is_background(&job.spec.handler) || c.done + c.dead + c.retrying + c.running > 0;
        let is_unfinished = match job.progress {
            Progress::Finished(_) => false,
            Progress::Open => job.producer.is_none_or(|node| !self.nodes.contains(&node)),
            Progress::Closed => true,
        };
        let is_held = job.canceled || job.paused || !job.waits_for.is_empty();
        is_unfinished && is_begun && !is_held && !self.has_workers
    }

    /// What keeps a job from going on; of several things one that has failed, since waiting does not help there.
    pub fn hold(&self, job: JobId) -> Option<Hold> {
        let mut holds = Vec::new();
        self.gather(job, &mut BTreeSet::new(), &mut holds);
        holds.iter().find(|hold| matches!(hold, Hold::Failed(_))).or(holds.first()).copied()
    }

    fn gather(&self, job: JobId, seen: &mut BTreeSet<JobId>, holds: &mut Vec<Hold>) {
        let Some(info) = self.by_id.get(&job).filter(|_| seen.insert(job)) else { return };
        match info.progress {
            Progress::Finished(_) => return,
            Progress::Open if info.producer.is_none_or(|node| !self.nodes.contains(&node)) => {
                holds.push(Hold::Cut(job));
            }
            _ => {}
        }
        if info.paused {
            holds.push(Hold::Paused(job));
        }
        for first in &info.waits_for {
            match self.by_id.get(first).map(|first| first.progress) {
                // It waits for a success that has not come.
                Some(Progress::Finished(_)) => holds.push(Hold::Failed(*first)),
                Some(_) => self.gather(*first, seen, holds),
                None => {}
            }
        }
    }
}

/// How often who waits looks closer although nothing has changed: whoever read a job's inputs may be gone, and nobody
/// may be there to write it down.
pub const LOOK_CLOSER_EVERY: Duration = Duration::from_secs(1);
/// How long nobody may be there before it is said: a background worker is just starting.
const NOBODY: Duration = Duration::from_secs(1);

/// Says to who waits for a job what keeps it from going on, each thing once.
#[derive(Debug, Default)]
pub struct Teller {
    told: Option<Hold>,
    nobody_since: Option<Instant>,
    nobody_told: bool,
}

impl Teller {
    /// Says what is new. What is returned keeps the job from going on now.
    pub fn tell(&mut self, jobs: &Jobs, job: JobId, output: Output) -> Option<Hold> {
        let hold = jobs.hold(job);
        if let Some(hold) = hold.filter(|_| self.told != hold) {
            say(output, &format!("divvy: {}", hold.words(job)));
        }
        self.told = hold;
        if hold.is_some() || !jobs.nodes.is_empty() {
            self.nobody_since = None;
        } else if !self.nobody_told && self.nobody_since.get_or_insert_with(Instant::now).elapsed() > NOBODY {
            self.nobody_told = true;
            say(output, &format!("divvy: nobody runs job {job}: `divvy work` or `divvy resume {job}` does"));
        }
        hold
    }
}

impl Hold {
    /// Whether only a person can change it, by doing something about another job or the inputs. A pause is meant to end.
    pub fn is_stuck(self) -> bool {
        !matches!(self, Hold::Paused(_))
    }

    /// What it is, of the job that it holds.
    pub fn why(self, job: JobId) -> String {
        match self {
            Hold::Paused(held) if held == job => format!("job {job} is paused"),
            Hold::Paused(held) => format!("job {job} comes after job {held}, which is paused"),
            Hold::Failed(first) => format!(
                "job {job} comes after job {first}, which has not succeeded: it will never start by itself"
            ),
            Hold::Cut(held) => {
                format!("the inputs of job {held} were cut: whoever read them is gone, and it stays open")
            }
        }
    }

    /// What can be done about it.
    pub fn next(self, job: JobId) -> Vec<String> {
        match self {
            Hold::Paused(held) => vec![format!("`divvy unpause {held}` lets it go on")],
            Hold::Failed(first) => vec![
                format!("`divvy show {first}` tells why"),
                format!("`divvy retry {first}` gives failed tasks new attempts"),
                format!("`divvy cancel {job}` gives it up"),
            ],
            Hold::Cut(held) => vec![
                format!("`divvy resume {held}` goes on with what was read"),
                format!("`divvy cancel {held}` gives it up"),
            ],
        }
    }

    /// Both, for a message.
    pub fn words(self, job: JobId) -> String {
        format!("{}\n       {}", self.why(job), self.next(job).join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_store::{Counts, JobSpec};

    fn job(id: u64, progress: Progress, waits_for: &[u64]) -> JobInfo {
        JobInfo {
            id: JobId(id),
            spec: JobSpec::new("x"),
            progress,
            canceled: false,
            paused: false,
            waits_for: waits_for.iter().map(|id| JobId(*id)).collect(),
            tail: 0,
            bytes: 0,
            counts: Counts::default(),
            created: 0,
            producer: None,
            stale: 0,
        }
    }

    fn jobs(list: Vec<JobInfo>) -> Jobs {
        let by_id = list.into_iter().map(|job| (job.id, job)).collect();
        Jobs { by_id, nodes: [NodeId(5)].into(), has_workers: true }
    }

    #[test]
    fn what_failed_far_away_holds_and_outweighs_a_pause() {
        let mut list = vec![
            job(1, Progress::Finished(0), &[]),
            job(2, Progress::Closed, &[1]),
            job(3, Progress::Closed, &[2, 4]),
            job(4, Progress::Closed, &[]),
        ];
        assert_eq!(jobs(list.clone()).hold(JobId(3)), Some(Hold::Failed(JobId(1))));
        list[2].paused = true;
        assert_eq!(jobs(list.clone()).hold(JobId(3)), Some(Hold::Failed(JobId(1))));
        list[1].waits_for.clear();
        assert_eq!(jobs(list.clone()).hold(JobId(3)), Some(Hold::Paused(JobId(3))));
        list[2].paused = false;
        assert_eq!(jobs(list).hold(JobId(3)), None);
    }

    #[test]
    fn an_open_job_is_cut_when_its_reader_is_gone() {
        let mut open = job(1, Progress::Open, &[]);
        open.producer = Some(NodeId(5));
        let after = job(2, Progress::Closed, &[1]);
        assert_eq!(jobs(vec![open.clone(), after.clone()]).hold(JobId(2)), None);
        open.producer = Some(NodeId(4));
        assert_eq!(jobs(vec![open, after]).hold(JobId(2)), Some(Hold::Cut(JobId(1))));
    }
}
