//! What a job has counted, and what it has passed over, when it finishes.

use super::skew;
use crate::args::Output;
use crate::session::say;
use divvy_core::JobId;
use divvy_mapreduce::manifest::{Manifest, Report};
use divvy_mapreduce::phase::{self, OnFinish};
use divvy_store::Store;
use serde_json::json;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most records that are named one by one.
const NAMED_MAX: usize = 20;

/// Tells the counters if they were asked for, or somebody is there to see them; records that were passed over always.
#[derive(Clone)]
pub struct Teller {
    output: Output,
    shown: bool,
    /// By a node of this process.
    told: Arc<AtomicBool>,
}

impl Teller {
    pub fn new(output: Output, asked: bool) -> Teller {
        Teller { output, shown: asked || std::io::stderr().is_terminal(), told: Arc::default() }
    }

    /// For a node that finishes a job.
    pub fn on_finish(&self) -> OnFinish {
        let teller = self.clone();
        Arc::new(move |report| {
            teller.told.store(true, Ordering::Relaxed);
            teller.tell(report);
        })
    }

    /// For who waits for a job that another node may finish: nothing is left of its directory then, but what is open.
    pub fn watch(&self, store: &dyn Store, job: JobId) -> Watched {
        let finish = store.job(job).ok().filter(|job| job.spec.handler == phase::KINDS[2]);
        let dir = finish.and_then(|job| phase::dir_of(&job.spec)).filter(|dir| dir.exists());
        Watched { teller: self.clone(), manifest: dir.and_then(|dir| Manifest::open(&dir).ok()) }
    }

    fn tell(&self, report: &Report) {
        let (output, shown) = (self.output, self.shown);
        match output {
            Output::Json => say(output, &as_json(report).to_string()),
            Output::Human | Output::Quiet => {
                // What a script counts, in a group of its own, is counted to be seen.
                let wanted = report.counters.iter().filter(|(name, _)| shown || name.contains(','));
                wanted.for_each(|(name, n)| say(output, &format!("{n:>16}  {name}")));
                if shown {
                    skew::lines(&report.skew).iter().for_each(|line| say(output, line));
                }
                bad(report).iter().for_each(|line| say(Output::Human, line));
            }
        }
    }
}

/// See [`Teller::watch`].
pub struct Watched {
    teller: Teller,
    manifest: Option<Manifest>,
}

impl Watched {
    /// The job has succeeded: tells of it, unless a node of this process has.
    pub fn tell(&self) {
        if self.teller.told.load(Ordering::Relaxed) {
            return;
        }
        // What cannot be read is told by nobody: the output is what counts.
        if let Some(report) = self.manifest.as_ref().and_then(|manifest| manifest.report().ok()) {
            self.teller.tell(&report);
        }
    }
}

fn bad(report: &Report) -> Vec<String> {
    if report.bad.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "divvy: {} records were passed over, since the program fails on them:",
        report.bad.len()
    )];
    lines.extend(report.bad.iter().take(NAMED_MAX).map(|bad| {
        format!("       {} bytes at byte {} of {}: {}", bad.bytes, bad.at, bad.file.display(), bad.error)
    }));
    if report.bad.len() > NAMED_MAX {
        lines.push(format!("       and {} more", report.bad.len() - NAMED_MAX));
    }
    lines
}

fn as_json(report: &Report) -> serde_json::Value {
    let bad = |bad: &divvy_mapreduce::manifest::Bad| json!({"file": bad.file.to_string_lossy(), "at": bad.at, "bytes": bad.bytes, "error": bad.error});
    json!({
        "counters": report.counters,
        "bad": report.bad.iter().map(bad).collect::<Vec<_>>(),
        "skew": report.skew,
    })
}
