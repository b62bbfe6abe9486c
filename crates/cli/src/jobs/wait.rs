//! `divvy wait`.

use super::hold::{Hold, Jobs, LOOK_CLOSER_EVERY, Teller};
use crate::args::{Output, WaitArgs};
use crate::exit::{Exit, bad_usage};
use crate::lang::duration;
use crate::session::{job_exit, say};
use crate::{home, select};
use anyhow::Result;
use divvy_core::JobId;
use divvy_store::{Progress, Store};
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

/// How often the store is asked whether anything has changed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until jobs have finished.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn wait(args: &WaitArgs, output: Output) -> Result<Exit> {
    let timeout = args.timeout.as_ref().map(|text| duration::parse(text.as_bytes())).transpose();
    let timeout = timeout.map_err(|e| bad_usage(format!("--timeout: {e}")))?;
    // A time that no clock will see is no limit.
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let store = home::open_store()?;
    let (mut dead, mut stuck) = (0, false);
    for job in select::jobs(&*store, &args.jobs)? {
        match wait_for(&*store, job.id, deadline, output)? {
            Waited::Finished => {
                job_exit(&*store, job.id, output)?;
                dead += store.job(job.id)?.counts.dead;
            }
            Waited::Stuck => stuck = true,
            Waited::TimedOut => {
                say(output, &format!("divvy: job {} has not finished in time; it goes on", job.id));
                return Ok(Exit::TimedOut);
            }
        }
    }
    Ok(match (dead, stuck) {
        (_, true) => Exit::Stuck,
        (0, false) => Exit::Done,
        (dead, false) => Exit::Failed(dead),
    })
}

enum Waited {
    Finished,
    Stuck,
    TimedOut,
}

fn wait_for(store: &dyn Store, job: JobId, deadline: Option<Instant>, output: Output) -> Result<Waited> {
    let (mut seen, mut teller, mut looked) = (None, Teller::default(), Instant::now());
    loop {
        // Looked at before the job: a change right after it is not missed.
        let version = store.version()?;
        if seen.replace(version) != Some(version) || looked.elapsed() > LOOK_CLOSER_EVERY {
            looked = Instant::now();
            if let Progress::Finished(_) = store.job(job)?.progress {
                return Ok(Waited::Finished);
            }
            let hold = teller.tell(&Jobs::look(store)?, job, output);
            if hold.is_some_and(Hold::is_stuck) {
                return Ok(Waited::Stuck);
            }
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(Waited::TimedOut);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
