//! The directory and the environment of a process.

use super::spec::{Script, Stream};
use divvy_engine::Stop;
use divvy_engine::process::SESSION_VAR;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes what processes say to people.
pub type Words = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Takes what a task says it is doing: the task, and its words; no words, once it has ended.
pub type Status = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// What processes need of the node that they run on.
#[derive(Clone)]
pub struct Node {
    /// Ends them.
    pub stop: Stop,
    /// The session, as they carry it for the node's survivors.
    pub session: Option<OsString>,
    /// Takes what they say to people: whole lines.
    pub words: Words,
    /// Takes what they say they are doing.
    pub status: Status,
}

/// A stream on its node.
pub(super) struct Host {
    pub(super) stream: Stream,
    pub(super) node: Node,
    /// Attempts of tasks that have failed here.
    failed: Mutex<BTreeMap<(Phase, u64), u32>>,
}

/// Which half of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Map,
    Reduce,
}

/// What a process is started for.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) phase: Phase,
    pub(super) number: u64,
    /// What it is told beside that: names as they are in the environment.
    pub(super) told: Vec<(&'static str, OsString)>,
}

impl Task {
    /// What people call it.
    pub(super) fn name(&self) -> String {
        let letter = if self.phase == Phase::Map { 'm' } else { 'r' };
        format!("{letter}_{:06}", self.number)
    }
}

impl Host {
    pub(super) fn new(stream: Stream, node: Node) -> Host {
        Host { stream, node, failed: Mutex::default() }
    }

    /// An attempt has failed: the next one is called by the next number.
    pub(super) fn on_failed(&self, task: &Task) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed.entry((task.phase, task.number)).or_default() += 1;
    }

    /// What starts this script for a task.
    pub(super) fn command(&self, script: &Script, task: &Task) -> Command {
        let mut command = Command::new(&script.words[0]);
        command.args(&script.words[1..]).current_dir(&self.stream.dir).env_clear();
        command.envs(self.stream.env.iter().map(|(name, value)| (name, value)));
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = failed.get(&(task.phase, task.number)).copied().unwrap_or(0);
        drop(failed);
        let name = task.name();
        let job = &self.stream.job;
        let run = job.strip_prefix("job_").unwrap_or(job);
        let id = format!("task_{run}_{name}");
        let attempt = format!("attempt_{run}_{name}_{attempt}");
        let part = task.number.to_string();
        let is_map = if task.phase == Phase::Map { "true" } else { "false" };
        // The second name is the one of Hadoop 1.
        let told: [(&str, &str, &str); 5] = [
            ("mapreduce_job_id", "mapred_job_id", job),
            ("mapreduce_task_id", "mapred_tip_id", &id),
            ("mapreduce_task_attempt_id", "mapred_task_id", &attempt),
            ("mapreduce_task_partition", "mapred_task_partition", &part),
            ("mapreduce_task_ismap", "mapred_task_is_map", is_map),
        ];
        for (name, old, value) in told {
            command.env(name, value).env(old, value);
        }
        command.envs(task.told.iter().map(|(name, value)| (OsStr::new(name), value)));
        if let Some(session) = &self.node.session {
            command.env(SESSION_VAR, session);
        }
        command
    }
}
