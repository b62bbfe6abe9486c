//! Runs that are damaged or lost: their splits are mapped again, by whoever notices.

use super::Work;
use super::slot::Slot;
use crate::program::{Failure, IsEnded};
use crate::spill::RunReader;
use crate::{Error, Result};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Opens all runs that count, in the order of their splits.
pub(super) fn open_all(work: &Work, is_ended: IsEnded<'_>) -> Result<Vec<Arc<RunReader>>> {
    loop {
        let mut runs = Vec::new();
        let mut lost = None;
        'runs: for commit in work.manifest.commits()? {
            for run in &commit.runs {
                let path = work.room().dir.join(&run.name);
                match RunReader::open(&path, Some(run.check)) {
                    Ok(run) => runs.push(Arc::new(run)),
                    Err(error) if is_lost(&error) => {
                        lost = Some(path);
                        break 'runs;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        match lost {
            None => return Ok(runs),
            Some(path) => make_anew(work, &path, is_ended)?,
        }
    }
}

fn is_lost(error: &Error) -> bool {
    let not_there = |source: &std::io::Error| source.kind() == std::io::ErrorKind::NotFound;
    match error {
        Error::Damaged { .. } => true,
        Error::Io { source, .. } => not_there(source),
        _ => false,
    }
}

/// Maps the splits again that this run covers, unless somebody else has done it by now.
pub(super) fn make_anew(work: &Work, run: &Path, is_ended: IsEnded<'_>) -> Result<()> {
    let name = run.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // One at a time, in all nodes: the others find it done.
    let path = work.dir.join("repair");
    let lock = File::options().create(true).append(true).open(&path).map_err(Error::io("make", &path))?;
    lock.lock().map_err(Error::io("lock", &path))?;
    work.manifest.void(&name)?;
    let mut slot = Slot::new(work);
    // With those that a repair before this one had let go of when it was ended: the map phase is over, so nobody else
    // is about to cover any.
    for split in (0..work.plan.splits.count()).filter(|split| !work.manifest.covers(*split)) {
        map_again(work, &mut slot, split, run, is_ended)?;
    }
    Ok(())
}

fn map_again(work: &Work, slot: &mut Slot, split: u64, run: &Path, is_ended: IsEnded<'_>) -> Result<()> {
    let mut bad = Vec::new();
    loop {
        match slot.map(work, split, &bad, is_ended) {
            Ok(()) => return slot.commit(work),
            // Found before, when the split was mapped first, and counted then.
            Err(Failure::Bad(one)) if (bad.len() as u64) < work.plan.skip_bad => {
                slot.discard();
                bad.push(one);
            }
            Err(Failure::Machine(error)) => return Err(error),
            Err(Failure::Bad(_) | Failure::Program(_)) => {
                return Err(Error::Damaged {
                    path: run.to_owned(),
                    why: "its splits cannot be mapped again",
                });
            }
        }
    }
}
