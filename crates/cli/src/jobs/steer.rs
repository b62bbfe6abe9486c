//! `divvy retry`, `cancel`, `pause`, `unpause`, `forget`: steering jobs from another terminal.

use super::{count, job_json, print, print_json};
use crate::args::{CapacityArg, GRACE_SECONDS, JobsArgs, Output, RetryArgs, TasksArgs, WorkersArg};
use crate::background::{Server, Start, ensure};
use crate::command::is_background;
use crate::exit::Exit;
use crate::session::{self, say};
use crate::{home, mapreduce, select};
use anyhow::{Context, Result};
use divvy_core::{Clock, Intervals};
use divvy_engine::{SystemClock, bury};
use divvy_store::{JobInfo, Progress, Store};
use serde_json::json;

/// Gives dead tasks new attempts.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn retry(args: &RetryArgs, output: Output) -> Result<Exit> {
    steer(&args.tasks, output, &RETRY, |store, now, job, tasks| store.retry(now, job.id, tasks))
}

/// Cancels a job, or some tasks of it.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn cancel(args: &TasksArgs, output: Output) -> Result<Exit> {
    steer(args, output, &CANCEL, |store, now, job, tasks| store.cancel(now, job.id, tasks))
}

type Steer = fn(&dyn Store, u64, &JobInfo, Option<&Intervals>) -> divvy_store::Result<u64>;

/// What is said after it.
struct Words {
    one: &'static str,
    several: &'static str,
    none: &'static str,
    /// Whether tasks are to run after it.
    runs: bool,
}

const RETRY: Words = Words {
    one: "gets a new attempt",
    several: "get new attempts",
    none: "no such task is dead: nothing to retry",
    runs: true,
};
const CANCEL: Words = Words {
    one: "canceled",
    several: "canceled",
    none: "no such task is left: nothing to cancel",
    runs: false,
};

fn steer(args: &TasksArgs, output: Output, words: &Words, act: Steer) -> Result<Exit> {
    let (store, clock) = (home::open_store()?, SystemClock::start());
    // What a killed node left running is nobody's to cancel but ours.
    bury(&*store, clock.millis())?;
    let job = select::job(&*store, &args.job)?;
    let tasks = args.tasks.as_ref().map(|text| select::tasks(&job, text)).transpose()?;
    let n = act(&*store, clock.millis(), &job, tasks.as_ref())?;
    let after = store.job(job.id)?;
    let next = if words.runs && after.counts.ready > 0 { served(&after)? } else { String::new() };
    let next = if n > 0 { next } else { String::new() };
    match output {
        Output::Json => print_json(&json!({ "job": job_json(&after), "tasks": n }))?,
        Output::Human => print(&format!("job {}: {}{next}\n", job.id, words.about(n)))?,
        Output::Quiet => {}
    }
    Ok(Exit::Done)
}

impl Words {
    fn about(&self, n: u64) -> String {
        match n {
            0 => self.none.to_owned(),
            1 => format!("{} {}", count(1, "task"), self.one),
            n => format!("{} {}", count(n, "task"), self.several),
        }
    }
}

/// Sees to it that somebody runs a job that goes on, where that is a background worker's business, and says who does.
fn served(job: &JobInfo) -> Result<String> {
    if !is_background(&job.spec.handler) {
        return Ok(format!("; `divvy resume {}` runs them", job.id));
    }
    let workers = session::workers(&WorkersArg::default())?;
    let start = Start { workers, capacity: &CapacityArg::default(), grace: GRACE_SECONDS };
    let served = ensure(&start).with_context(|| format!("job {} may go on, but nobody runs it", job.id))?;
    Ok(match served {
        Server::Started(..) => "; a node was started in the background".into(),
        Server::There => "; a node that is there takes them".into(),
    })
}

/// Lets jobs rest.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn pause(args: &JobsArgs, output: Output) -> Result<Exit> {
    each(args, output, true, |job| {
        let running = job.counts.running;
        Ok(if running > 0 {
            format!("paused; {} still with a node", count(running, "task"))
        } else {
            "paused".into()
        })
    })
}

/// Lets paused jobs go on.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn unpause(args: &JobsArgs, output: Output) -> Result<Exit> {
    each(args, output, false, |job| match is_background(&job.spec.handler) {
        true => Ok(format!("goes on{}", served(job)?)),
        false => Ok(format!("goes on; if no node is at it, `divvy resume {}` runs it here", job.id)),
    })
}

fn each(
    args: &JobsArgs,
    output: Output,
    paused: bool,
    words: impl Fn(&JobInfo) -> Result<String>,
) -> Result<Exit> {
    let (store, clock) = (home::open_store()?, SystemClock::start());
    let mut changed = Vec::new();
    for job in select::jobs(&*store, &args.jobs)? {
        if let Progress::Finished(_) = job.progress {
            say(output, &format!("divvy: job {} has finished, and stays as it is", job.id));
            continue;
        }
        store.pause(clock.millis(), job.id, paused)?;
        let after = store.job(job.id)?;
        let said = words(&after)?;
        if output == Output::Human {
            print(&format!("job {}: {said}\n", job.id))?;
        }
        changed.push(job_json(&after));
    }
    if output == Output::Json {
        print_json(&changed.into())?;
    }
    Ok(Exit::Done)
}

/// Forgets finished jobs. Of several, those that are not finished stay.
///
/// # Errors
/// Bad usage, a single job that is not finished, or whatever the store says.
pub fn forget(args: &JobsArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    bury(&*store, SystemClock::start().millis())?;
    let jobs = select::jobs(&*store, &args.jobs)?;
    let single = jobs.len() == 1;
    for job in jobs {
        match store.forget(job.id) {
            Err(divvy_store::Error::Conflict { .. }) if !single => {
                say(
                    output,
                    &format!(
                        "divvy: job {} is not finished, and stays: `divvy cancel {}` first",
                        job.id, job.id
                    ),
                );
            }
            forgotten => {
                forgotten?;
                home::remove_log(job.id)?;
                mapreduce::forgotten(&job);
            }
        }
    }
    home::sweep_logs(&*store)?;
    Ok(Exit::Done)
}
