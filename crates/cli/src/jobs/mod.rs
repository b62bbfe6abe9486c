//! Looking at jobs and steering them. One file for each verb, or for a few that are alike:
//!
//! | file | verbs |
//! |---|---|
//! | `list.rs`, `show.rs`, `explain.rs`, `ps.rs` | `jobs`, `show`, `explain`, `ps` |
//! | `wait.rs`, `logs.rs` | `wait`, `logs` |
//! | `steer.rs` | `retry`, `cancel`, `pause`, `unpause`, `forget` |
//!
//! What they share: `hold.rs`, why a job does not go on; `tasks.rs`, what tasks are called; `processes.rs`, what runs
//! on this machine.

mod explain;
pub mod hold;
mod list;
mod logs;
mod processes;
mod ps;
mod show;
mod steer;
mod tasks;
mod wait;

pub use explain::explain;
pub use list::list;
pub use logs::logs;
pub use ps::ps;
pub use show::show;
pub use steer::{cancel, forget, pause, retry, unpause};
pub use wait::wait;

use crate::args::Output;
use anyhow::Result;
use divvy_store::{JobInfo, Progress};
use hold::Jobs;
use serde_json::{Value, json};
use std::io::{self, Write};

/// A job as JSON.
pub fn job_json(job: &JobInfo) -> Value {
    let c = job.counts;
    json!({
        "id": job.id.0,
        "name": job.spec.name,
        "state": state(job),
        "tasks": job.tail,
        "ready": c.ready,
        "retrying": c.retrying,
        "running": c.running,
        "done": c.done,
        "dead": c.dead,
        "blocked": c.blocked,
        "canceled": c.canceled,
        "paused": job.paused,
        "after": job.spec.after.iter().map(|job| job.0).collect::<Vec<_>>(),
        "waits_for": job.waits_for.iter().map(|job| job.0).collect::<Vec<_>>(),
        "created_ms": job.created,
        "stale_completions": job.stale,
    })
}

fn state(job: &JobInfo) -> &'static str {
    match job.progress {
        _ if job.canceled => "canceled",
        Progress::Open | Progress::Closed if job.paused => "paused",
        Progress::Open => "open",
        Progress::Closed if job.counts.running > 0 => "running",
        Progress::Closed => "waiting",
        Progress::Finished(_) if job.counts.dead + job.counts.blocked > 0 => "failed",
        Progress::Finished(_) => "done",
    }
}

/// The state for people: also that nobody is there to go on with a job. In JSON that is told by the nodes that
/// `ps` lists.
fn state_shown(job: &JobInfo, jobs: &Jobs) -> &'static str {
    if jobs.is_abandoned(job) { "stopped" } else { state(job) }
}

/// So many of something: `1 node`, `2 nodes`.
pub fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// A name as one line of at most so many characters.
pub fn one_line(name: &str, most: usize) -> String {
    let clean: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    match clean.char_indices().nth(most) {
        Some((cut, _)) => format!("{}...", &clean[..cut]),
        None => clean,
    }
}

/// Prints an answer in the form that was asked for; only that one is made.
///
/// # Errors
/// As [`print()`].
pub fn answer(output: Output, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Result<()> {
    match output {
        Output::Human => print(&text()),
        Output::Json => print_json(&json()),
        Output::Quiet => Ok(()),
    }
}

/// Prints an answer as JSON.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

/// Prints an answer. Nobody reading it is no error.
///
/// # Errors
/// What the system says.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // `divvy jobs | head` is no error.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
