//! What tasks are called, and which one is meant.

use crate::command::{Recipe, Step};
use crate::exit::bad_usage;
use anyhow::Result;
use divvy_core::{Range, Seq};
use divvy_store::{JobInfo, Store};

/// Names of tasks that a message lists.
const NAMES_SHOWN: usize = 10;
/// Records that are read at a time while a name is looked for.
const LOOK_RECORDS: u64 = 16 << 10;

/// The command of a task of a graph; `None` in other jobs.
///
/// # Errors
/// Whatever the store says.
pub fn step(store: &dyn Store, job: &JobInfo, seq: Seq) -> Result<Option<Step>> {
    if !is_graph(job) {
        return Ok(None);
    }
    let records = store.read(job.id, Range::new(seq, seq + 1))?;
    Ok(Step::decode(records.get(seq)).ok())
}

/// A task as people name it: `task 3 (align)`.
///
/// # Errors
/// Whatever the store says.
pub fn called(store: &dyn Store, job: &JobInfo, seq: Seq) -> Result<String> {
    let id = job.spec.id_of(seq);
    let name = step(store, job, seq)?.and_then(|step| step.name);
    Ok(name.map_or(format!("task {id}"), |name| format!("task {id} ({name})")))
}

/// The task that a text means: its id, or in a graph its name. A name that is a number is found where no task has
/// that id.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn find(store: &dyn Store, job: &JobInfo, text: &str) -> Result<Seq> {
    let by_id = text.parse().ok().and_then(|id| job.spec.seq_of(id)).filter(|seq| *seq < job.tail);
    if let Some(seq) = by_id {
        return Ok(seq);
    }
    let mut names = Vec::new();
    if is_graph(job) {
        for lo in (0..job.tail).step_by(LOOK_RECORDS as usize) {
            let range = Range::new(lo, job.tail.min(lo + LOOK_RECORDS));
            let records = store.read(job.id, range)?;
            for seq in range.lo..range.hi {
                let name = Step::decode(records.get(seq)).ok().and_then(|step| step.name);
                match name {
                    Some(name) if name == text => return Ok(seq),
                    Some(name) if names.len() <= NAMES_SHOWN => names.push(name),
                    _ => {}
                }
            }
        }
    }
    let more = if names.len() > NAMES_SHOWN { ", ..." } else { "" };
    names.truncate(NAMES_SHOWN);
    let names = match names.as_slice() {
        [] => String::new(),
        names => format!(", its names {}{more}", names.join(", ")),
    };
    Err(bad_usage(format!("job {} has no task {text}: {}{names}", job.id, ids(job))))
}

/// Which ids a job's tasks have, for a message.
pub fn ids(job: &JobInfo) -> String {
    match job.tail {
        0 => "it has none".into(),
        1 => format!("the only one has the id {}", job.spec.id_of(0)),
        tail => format!("its ids are {} to {}", job.spec.id_of(0), job.spec.id_of(tail - 1)),
    }
}

fn is_graph(job: &JobInfo) -> bool {
    Recipe::decode(&job.spec.detail).is_ok_and(|recipe| recipe.text.per_task)
}
