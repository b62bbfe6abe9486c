//! What is looked at to explain a task, once.

use crate::args::CapacityArg;
use crate::jobs::hold::Jobs;
use crate::jobs::processes::{self, Process};
use crate::session::capacity;
use anyhow::{Context, Result};
use divvy_core::{Clock, Demand, JobId, Millis, NodeId, Seq};
use divvy_store::{JobInfo, NodeInfo, Progress, Store, TaskInfo, TaskState};

/// Everything that a task's state may come from.
pub struct Facts {
    /// The wall clock.
    pub now: Millis,
    /// The task's job.
    pub job: JobInfo,
    /// The task.
    pub task: TaskInfo,
    /// All jobs.
    pub jobs: Jobs,
    /// Nodes whose sessions live.
    pub nodes: Vec<(NodeId, NodeInfo)>,
    /// Nodes that have ended and that nobody has cleaned up after yet.
    pub gone: Vec<NodeId>,
    /// What this machine has, if nobody says otherwise.
    pub machine: Demand,
    /// The task's process, if it runs on this machine.
    pub process: Option<Process>,
}

impl Facts {
    /// Looks.
    ///
    /// # Errors
    /// Whatever the store says.
    pub fn gather(store: &dyn Store, job: JobInfo, seq: Seq, clock: &dyn Clock) -> Result<Facts> {
        let task = store.task(job.id, seq)?.context("the task has gone with its job")?;
        let gone = store.gone()?;
        let mut nodes = store.nodes()?;
        let process = match &task.state {
            TaskState::Running { node, .. } => {
                let running = processes::of_sessions(&[store.session_file(*node)]);
                let id = job.spec.id_of(seq);
                running.into_iter().flatten().find(|p| (p.job, p.task) == (job.id, id))
            }
            _ => None,
        };
        nodes.retain(|(node, _)| !gone.contains(node));
        let machine = capacity(&CapacityArg::default())?;
        let jobs = Jobs::look(store)?;
        Ok(Facts { now: clock.millis(), job, task, jobs, nodes, gone, machine, process })
    }

    /// The registration of a node that lives.
    pub fn node(&self, id: NodeId) -> Option<&NodeInfo> {
        self.nodes.iter().find(|(node, _)| *node == id).map(|(_, info)| info)
    }

    /// Nodes that have workers and are not stopped.
    pub fn working(&self) -> impl Iterator<Item = &(NodeId, NodeInfo)> {
        self.nodes.iter().filter(|(_, node)| node.workers > 0 && !processes::is_stopped(node.pid))
    }

    /// Jobs with smaller ids that have tasks to give, and how many: they are served first.
    pub fn jobs_before(&self) -> Vec<(JobId, u64)> {
        let before = self.jobs.iter().filter(|job| job.id < self.job.id);
        let waiting = before.filter(|job| !matches!(job.progress, Progress::Finished(_)));
        let waiting = waiting.filter(|job| self.jobs.hold(job.id).is_none() && job.waits_for.is_empty());
        waiting.map(|job| (job.id, job.counts.ready)).filter(|(_, ready)| *ready > 0).collect()
    }
}
