//! Jobs that come after others: a node that drives one must not wait for ever for another one that has failed, and
//! says what it waits for.

use crate::args::Output;
use crate::exit::Exit;
use crate::jobs::hold::{Hold, Jobs};
use crate::session::say;
use anyhow::Result;
use divvy_core::JobId;
use divvy_engine::{Stop, StopLevel};
use divvy_mapreduce::phase::dir_of;
use divvy_store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Watches whether a job can still start.
pub struct Watch {
    store: Arc<dyn Store>,
    job: JobId,
    output: Output,
    /// It has been said why it cannot.
    told: Arc<AtomicBool>,
}

/// Says what a job waits for, and stops the node when that will not come. A job that waits for nothing is not watched.
///
/// # Errors
/// Whatever the store says.
pub fn watch(store: Arc<dyn Store>, job: JobId, stop: Stop, output: Output) -> Result<Watch> {
    let first = store.job(job)?.waits_for;
    let watch = Watch { store: store.clone(), job, output, told: Arc::default() };
    if first.is_empty() {
        return Ok(watch);
    }
    // The phases of a map-reduce are one thing to people.
    if dir_of(&store.job(job)?.spec).is_none() {
        let named: Vec<_> = first.iter().map(ToString::to_string).collect();
        say(output, &format!("divvy: job {job} starts when these have succeeded: job {}", named.join(", ")));
    }
    let told = watch.told.clone();
    // Not joined: it ends with the program, or when the job may start.
    std::thread::spawn(move || {
        let (mut seen, mut last) = (None, None);
        // Trouble with the store is the node's to tell.
        while let (Ok(version), StopLevel::Run) = (store.version(), stop.level()) {
            if seen.replace(version) != Some(version) {
                let Ok(jobs) = Jobs::look(&*store) else { return };
                if jobs.get(job).is_none_or(|info| info.waits_for.is_empty()) {
                    return;
                }
                let hold = jobs.hold(job);
                if let Some(hold) = hold.filter(|_| last != hold) {
                    tell(hold, job, output, &told);
                }
                last = hold;
                if hold.is_some_and(Hold::is_stuck) {
                    return stop.ask(StopLevel::End);
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    });
    Ok(watch)
}

fn tell(hold: Hold, job: JobId, output: Output, told: &AtomicBool) {
    // What holds it for good is said once, by whoever sees it first: the watch, or the end of the node.
    if !(hold.is_stuck() && told.swap(true, Ordering::AcqRel)) {
        say(output, &format!("divvy: {}", hold.words(job)));
    }
}

impl Watch {
    /// How the node really ended: it leaves a job that will never start as if it had finished.
    ///
    /// # Errors
    /// The node's own, or whatever the store says.
    pub fn exit(&self, exit: Result<Exit>) -> Result<Exit> {
        let exit = exit?;
        // One that was forgotten meanwhile is nobody's concern.
        if self.store.job(self.job).map_or(true, |info| info.waits_for.is_empty()) {
            return Ok(exit);
        }
        match Jobs::look(&*self.store)?.hold(self.job) {
            Some(hold @ Hold::Failed(_)) => {
                tell(hold, self.job, self.output, &self.told);
                Ok(Exit::Stuck)
            }
            _ => Ok(exit),
        }
    }
}
