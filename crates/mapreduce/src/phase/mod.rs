//! The three jobs that a map-reduce is: map, reduce, finish, each after the one before. Their tasks are splits, parts, and
//! one that gives the output its name.
//!
//! | file | idea |
//! |---|---|
//! | `work.rs` | a job's directory, opened by a node |
//! | `map.rs`, `slot.rs` | map tasks; what one worker has mapped and not committed yet |
//! | `reduce.rs`, `repair.rs` | reduce tasks; runs that are damaged or lost are made anew |
//! | `finish.rs` | the output appears |

mod finish;
mod map;
mod reduce;
mod repair;
mod slot;
mod work;

use crate::manifest::Report;
use crate::plan::{Out, Plan, ProgramRef};
use crate::program::Program;
use crate::{Error, Result};
use divvy_core::{JobId, Millis};
use divvy_engine::{Handler, Runner, Stop};
use divvy_store::{Array, Input, JobSpec, NewJob, Policy, Store};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use work::Work;

/// The kinds of handlers that the phases have, in their order.
pub const KINDS: [&str; 3] = ["mapreduce-map", "mapreduce-reduce", "mapreduce-finish"];

/// Bytes of memory that a worker needs at least: buffers to read, to write and to merge with, and room for what it holds.
pub const WORKER_MEMORY_MIN: u64 = 4 << 20;

/// Which of them makes the output appear.
const FINISH: usize = 2;

/// Makes a program from what a plan says of it.
///
/// # Errors
/// A sentence for people: the node does not have this program, or cannot run it.
pub type Programs = Arc<dyn Fn(&ProgramRef) -> Result<Box<dyn Program>, String> + Send + Sync>;

/// The jobs of a map-reduce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jobs {
    /// One task for each split.
    pub map: JobId,
    /// One task for each part.
    pub reduce: JobId,
    /// One task. When it is done all is.
    pub finish: JobId,
}

/// Submits the jobs of a plan, whose directory is ready, with so many starts of each task ([`ATTEMPTS_MAX`], unless somebody
/// wants another number).
///
/// # Errors
/// If the plan cannot be written, or whatever the store says.
pub fn submit(
    store: &dyn Store,
    now: Millis,
    dir: &Path,
    plan: &Plan,
    name: &str,
    attempts: u32,
) -> Result<Jobs, SubmitError> {
    plan.write(dir)?;
    let job = |at: usize, tasks: u64, after: Option<JobId>| {
        let spec = JobSpec {
            name: format!("{name}, {}", ["map", "reduce", "finish"][at]),
            detail: detail(dir, &plan.out),
            // Whose splits and parts count is written down once, so a second one at the same time is only work. The end
            // copies or syncs all of the output: nobody should do that twice.
            policy: Policy {
                max_attempts: attempts,
                max_fails: Some(0),
                backups: at != FINISH,
                ..Policy::default()
            },
            array: Some(Array { first: 0, step: 1 }),
            after: after.into_iter().collect(),
            ..JobSpec::new(KINDS[at])
        };
        store.submit(now, &NewJob { spec, input: Input::Array(tasks), paused: false })
    };
    let map = job(0, plan.splits.count(), None)?;
    let reduce = job(1, plan.parts.count().into(), Some(map))?;
    let finish = job(2, 1, Some(reduce))?;
    Ok(Jobs { map, reduce, finish })
}

/// Starts of a task: programs may fail for reasons of the moment.
pub const ATTEMPTS_MAX: u32 = 3;

/// Why a plan could not be submitted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Its directory.
    #[error(transparent)]
    Work(#[from] Error),
    /// The store.
    #[error(transparent)]
    Store(#[from] divvy_store::Error),
}

/// What the store keeps of a plan: its directory, a zero byte, and where the output goes.
fn detail(dir: &Path, out: &Out) -> Vec<u8> {
    let out = match out {
        Out::Directory(out) | Out::Single(out) => out.as_os_str().as_bytes(),
        Out::Parts => &[],
    };
    [dir.as_os_str().as_bytes(), &[0], out].concat()
}

fn paths(detail: &[u8]) -> (PathBuf, PathBuf) {
    let path = |bytes: &[u8]| PathBuf::from(std::ffi::OsString::from_vec(bytes.to_vec()));
    let mut both = detail.splitn(2, |byte| *byte == 0).map(path);
    (both.next().unwrap_or_default(), both.next().unwrap_or_default())
}

/// The directory of a job that is one of a map-reduce.
#[must_use]
pub fn dir_of(spec: &JobSpec) -> Option<PathBuf> {
    KINDS.contains(&spec.handler.as_str()).then(|| paths(&spec.detail).0)
}

/// Who is told what a job has counted, by the node that finishes it.
pub type OnFinish = Arc<dyn Fn(&Report) + Send + Sync>;

/// The handlers for all phases, for a node with so many workers that can be stopped by this.
#[must_use]
pub fn handlers(
    programs: &Programs,
    workers: u32,
    stop: &Stop,
    on_finish: &OnFinish,
) -> Vec<Arc<dyn Handler>> {
    let opens: [Open; 3] = [map::open, reduce::open, finish::open];
    (0..3)
        .map(|kind| {
            let (programs, stop, on_finish) = (programs.clone(), stop.clone(), on_finish.clone());
            Arc::new(Phase { kind, programs, workers, stop, on_finish, open: opens[kind] })
                as Arc<dyn Handler>
        })
        .collect()
}

type Open = fn(Work) -> Result<Arc<dyn Runner>>;

struct Phase {
    kind: usize,
    programs: Programs,
    workers: u32,
    stop: Stop,
    on_finish: OnFinish,
    open: Open,
}

impl Handler for Phase {
    fn kind(&self) -> &str {
        KINDS[self.kind]
    }

    fn open(&self, _: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let (dir, out) = paths(&spec.detail);
        if self.kind == FINISH && !dir.exists() && out.exists() {
            return Ok(finish::published());
        }
        let work = Work::open(dir, &self.programs, self.workers, self.stop.clone(), self.on_finish.clone())?;
        (self.open)(work).map_err(|error| error.to_string())
    }
}
