//! `divvy run --after`: a node that drives other jobs first must not wait for ever for one that has failed.

use crate::args::Output;
use crate::exit::Exit;
use crate::jobs::hold::{Hold, Jobs};
use crate::session::say;
use anyhow::Result;
use divvy_core::JobId;
use divvy_engine::{Stop, StopLevel};
use divvy_store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Watches whether a job can still start.
#[derive(Debug, Default)]
pub struct Watch {
    stuck: Arc<AtomicBool>,
}

/// Says what a job waits for, and stops the node if that fails. A job that waits for nothing is not watched.
///
/// # Errors
/// Whatever the store says.
pub fn watch(store: Arc<dyn Store>, job: JobId, stop: Stop, output: Output) -> Result<Watch> {
    let first = store.job(job)?.waits_for;
    let watch = Watch::default();
    if first.is_empty() {
        return Ok(watch);
    }
    let named: Vec<_> = first.iter().map(ToString::to_string).collect();
    say(output, &format!("divvy: job {job} starts when these jobs have succeeded: {}", named.join(", ")));
    let stuck = watch.stuck.clone();
    // Not joined: it ends with the program, or when the job has begun.
    std::thread::spawn(move || {
        let (mut seen, mut told) = (None, None);
        // Trouble with the store is the node's to tell.
        while let (Ok(version), StopLevel::Run) = (store.version(), stop.level()) {
            if seen.replace(version) != Some(version) {
                let Ok(jobs) = Jobs::look(&*store) else { return };
                let hold = jobs.hold(job);
                if jobs.get(job).is_none_or(|info| info.waits_for.is_empty()) {
                    return;
                }
                if let Some(hold) = hold.filter(|_| told != hold) {
                    say(output, &format!("divvy: {}", hold.words(job)));
                }
                told = hold;
                if hold.is_some_and(Hold::is_stuck) {
                    stuck.store(true, Ordering::Release);
                    return stop.ask(StopLevel::End);
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    });
    Ok(watch)
}

impl Watch {
    /// How the node really ended.
    ///
    /// # Errors
    /// The node's own.
    pub fn exit(&self, exit: Result<Exit>) -> Result<Exit> {
        match exit? {
            Exit::Interrupted if self.stuck.load(Ordering::Acquire) => Ok(Exit::Stuck),
            exit => Ok(exit),
        }
    }
}
