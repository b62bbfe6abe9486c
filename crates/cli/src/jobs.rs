//! `divvy jobs`, `show`, `wait`, `retry`, `cancel`, `forget`: looking at jobs and steering them.

use crate::args::{JobsArgs, Output, ShowArgs, TasksArgs};
use crate::command::Recipe;
use crate::exit::{Exit, bad_usage};
use crate::session::{job_exit, say};
use crate::{home, select};
use anyhow::Result;
use divvy_core::{Clock, Intervals};
use divvy_engine::{SystemClock, bury};
use divvy_store::{JobInfo, Progress, Store, TaskInfo, TaskState};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// Dead tasks that `show` lists.
const DEAD_SHOWN: usize = 20;

/// Lists the jobs.
///
/// # Errors
/// Whatever the store says.
pub fn list(output: Output) -> Result<Exit> {
    let jobs = home::open_store()?.jobs()?;
    match output {
        Output::Json => print_json(&jobs.iter().map(job_json).collect())?,
        Output::Quiet => {}
        Output::Human if jobs.is_empty() => print("no jobs yet; `divvy run` makes one\n")?,
        Output::Human => {
            let mut table = format!(
                "{:>5} {:<9} {:>10} {:>10} {:>8} {:>8} {:>8}  {}\n",
                "JOB", "STATE", "TASKS", "DONE", "RUNNING", "WAITING", "FAILED", "NAME"
            );
            jobs.iter().for_each(|job| table += &row(job));
            print(&table)?;
        }
    }
    Ok(Exit::Done)
}

fn row(job: &JobInfo) -> String {
    let c = job.counts;
    format!(
        "{:>5} {:<9} {:>10} {:>10} {:>8} {:>8} {:>8}  {}\n",
        job.id,
        state(job),
        job.tail,
        c.done,
        c.running,
        c.ready + c.retrying,
        c.dead,
        one_line(&job.spec.name, 60),
    )
}

/// Shows a job, or one task of it.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn show(args: &ShowArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    store.verify(false)?;
    let job = select::job(&*store, &args.job)?;
    match args.task {
        Some(id) => show_task(&*store, &job, id, output)?,
        None => show_job(&*store, &job, output)?,
    }
    Ok(Exit::Done)
}

fn show_job(store: &dyn Store, job: &JobInfo, output: Output) -> Result<()> {
    let dead = store.dead(job.id, 0, DEAD_SHOWN)?;
    if output == Output::Json {
        let mut value = job_json(job);
        let dead = dead.iter().map(|d| {
            json!({ "task": job.spec.id_of(d.seq), "error": d.error, "attempts": d.attempts, "crashes": d.crashes })
        });
        value["failed_tasks"] = dead.collect();
        return print_json(&value);
    }
    let c = job.counts;
    let mut text = format!("job {} is {}: {}\n", job.id, state(job), one_line(&job.spec.name, 200));
    text += &format!(
        "  tasks {}: done {}, running {}, ready {}, retrying {}, failed {}, canceled {}\n",
        job.tail, c.done, c.running, c.ready, c.retrying, c.dead, c.canceled
    );
    if let Ok(recipe) = Recipe::decode(&job.spec.detail) {
        text += &format!("  in {}\n", recipe.cwd().display());
    }
    for d in &dead {
        text += &format!(
            "  task {}: {} (attempt {}, {} crashes)\n",
            job.spec.id_of(d.seq),
            d.error,
            d.attempts,
            d.crashes
        );
    }
    if c.dead > dead.len() as u64 {
        text += &format!("  ... and {} more failed\n", c.dead - dead.len() as u64);
    }
    if output == Output::Human { print(&text) } else { Ok(()) }
}

fn show_task(store: &dyn Store, job: &JobInfo, id: u64, output: Output) -> Result<()> {
    let task = job.spec.seq_of(id).map(|seq| store.task(job.id, seq)).transpose()?.flatten();
    let Some(task) = task else { return Err(bad_usage(format!("job {} has no task {id}", job.id))) };
    let (word, detail) = task_words(&task);
    match output {
        Output::Json => {
            print_json(&json!({ "job": job.id.0, "task": id, "state": word, "error": task.error }))
        }
        Output::Human => {
            let error = task.error.map_or(String::new(), |e| format!(": {e}"));
            print(&format!("task {id} of job {} is {word}{detail}{error}\n", job.id))
        }
        Output::Quiet => Ok(()),
    }
}

fn task_words(task: &TaskInfo) -> (&'static str, String) {
    match &task.state {
        TaskState::Blocked { by } => ("blocked", format!(" by {} tasks or more", by.len())),
        TaskState::Ready => ("ready", String::new()),
        TaskState::Retrying { attempts, .. } => ("retrying", format!(" after {attempts} attempts")),
        TaskState::Running { node, fence } => {
            ("running", format!(" on node {node}, or next there (lease {fence})"))
        }
        TaskState::Done => ("done", String::new()),
        TaskState::Dead => ("dead", String::new()),
        TaskState::Canceled => ("canceled", String::new()),
    }
}

/// Waits until jobs have finished.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn wait(args: &JobsArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    let mut dead = 0;
    for job in select::jobs(&*store, &args.jobs)? {
        let mut seen = None;
        loop {
            // Looked at before the job: a change right after it is not missed.
            let version = store.version()?;
            if seen != Some(version) {
                seen = Some(version);
                if let Progress::Finished(_) = store.job(job.id)?.progress {
                    break;
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        job_exit(&*store, job.id, output)?;
        dead += store.job(job.id)?.counts.dead;
    }
    Ok(if dead > 0 { Exit::Failed(dead) } else { Exit::Done })
}

/// Gives dead tasks new attempts.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn retry(args: &TasksArgs, output: Output) -> Result<Exit> {
    steer(args, output, "new attempts", |store, now, job, tasks| store.retry(now, job.id, tasks))
}

/// Cancels a job, or some tasks of it.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn cancel(args: &TasksArgs, output: Output) -> Result<Exit> {
    steer(args, output, "canceled", |store, now, job, tasks| store.cancel(now, job.id, tasks))
}

type Steer = fn(&dyn Store, u64, &JobInfo, Option<&Intervals>) -> divvy_store::Result<u64>;

fn steer(args: &TasksArgs, output: Output, what: &str, act: Steer) -> Result<Exit> {
    let (store, clock) = (home::open_store()?, SystemClock::start());
    // What a killed node left running is nobody's to cancel but ours.
    bury(&*store, clock.millis())?;
    let job = select::job(&*store, &args.job)?;
    let tasks = args.tasks.as_ref().map(|text| select::tasks(&job, text)).transpose()?;
    let n = act(&*store, clock.millis(), &job, tasks.as_ref())?;
    let after = store.job(job.id)?;
    match output {
        Output::Json => print_json(&json!({ "job": job_json(&after), "tasks": n }))?,
        Output::Human => {
            let next = if after.counts.ready > 0 {
                format!("; `divvy resume {}` runs them", job.id)
            } else {
                String::new()
            };
            let next = if what == "canceled" { String::new() } else { next };
            print(&format!("job {}: {n} tasks: {what}{next}\n", job.id))?;
        }
        Output::Quiet => {}
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
                say(output, &format!("divvy: job {} is not finished, and stays", job.id));
            }
            forgotten => forgotten?,
        }
    }
    Ok(Exit::Done)
}

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
        "canceled": c.canceled,
        "created_ms": job.created,
        "stale_completions": job.stale,
    })
}

fn state(job: &JobInfo) -> &'static str {
    match job.progress {
        _ if job.canceled => "canceled",
        Progress::Open => "open",
        Progress::Closed if job.counts.running > 0 => "running",
        Progress::Closed => "waiting",
        Progress::Finished(_) if job.counts.dead > 0 => "failed",
        Progress::Finished(_) => "done",
    }
}

/// A name as one line of at most so many characters.
fn one_line(name: &str, most: usize) -> String {
    let clean: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).take(most + 1).collect();
    match clean.char_indices().nth(most) {
        Some((cut, _)) => format!("{}...", &clean[..cut]),
        None => clean,
    }
}

fn print_json(value: &Value) -> Result<()> {
    print(&format!("{value:#}\n"))
}

fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // `divvy jobs | head` is no error.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
