//! `divvy show`: a job, or one task of it.

use super::hold::Jobs;
use super::tasks::{called, find, step};
use super::{job_json, one_line, print, print_json, state_shown};
use crate::args::{Output, ShowArgs};
use crate::command::Recipe;
use crate::exit::Exit;
use crate::lang::demand::shown;
use crate::{home, select};
use anyhow::{Context, Result};
use divvy_store::{JobInfo, Store, TaskInfo, TaskState};
use serde_json::json;

/// Dead tasks that `show` lists.
const DEAD_SHOWN: usize = 20;
/// Different demands of tasks that it lists.
const CLASSES_SHOWN: usize = 5;

/// Shows a job, or one task of it.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn show(args: &ShowArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    store.verify(false)?;
    let job = select::job(&*store, &args.job)?;
    match args.task.as_ref().or(args.given_task.as_ref()) {
        Some(task) => show_task(&*store, &job, &task.to_string_lossy(), output)?,
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
    let jobs = Jobs::look(store)?;
    let mut text =
        format!("job {} is {}: {}\n", job.id, state_shown(job, &jobs), one_line(&job.spec.name, 200));
    if jobs.is_abandoned(job) {
        text += &format!("  nobody runs it: `divvy resume {}` goes on\n", job.id);
    }
    text += &format!(
        "  tasks {}: done {}, running {}, ready {}, retrying {}, failed {}, canceled {}{}\n",
        job.tail,
        c.done,
        c.running,
        c.ready,
        c.retrying,
        c.dead,
        c.canceled,
        if c.blocked > 0 { format!(", blocked {}", c.blocked) } else { String::new() }
    );
    text += &order_and_needs(job);
    if let Ok(recipe) = Recipe::decode(&job.spec.detail) {
        let command = recipe.shown();
        if !recipe.text.per_task && command != job.spec.name {
            text += &format!("  runs {}\n", one_line(&command, 200));
        }
        text += &format!("  in {}\n", recipe.cwd().display());
    }
    for d in &dead {
        text += &format!(
            "  {}: {} (attempt {}, {} crashes)\n",
            called(store, job, d.seq)?,
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

fn show_task(store: &dyn Store, job: &JobInfo, task: &str, output: Output) -> Result<()> {
    let seq = find(store, job, task)?;
    let id = job.spec.id_of(seq);
    let task = store.task(job.id, seq)?.context("the task has gone with its job")?;
    let (word, detail) = task_words(&task);
    match output {
        Output::Json => {
            let step = step(store, job, task.seq)?;
            let (name, command) = step.map(|step| (step.name.clone(), step.shown())).unzip();
            let name = name.flatten();
            print_json(&json!({
                "job": job.id.0, "task": id, "name": name, "command": command, "state": word, "error": task.error
            }))
        }
        Output::Human => {
            let error = task.error.map_or(String::new(), |e| format!(": {e}"));
            let called = called(store, job, task.seq)?;
            print(&format!("{called} of job {} is {word}{detail}{error}\n", job.id))
        }
        Output::Quiet => Ok(()),
    }
}

/// What a job waits for and what its tasks take, where it says anything.
fn order_and_needs(job: &JobInfo) -> String {
    let mut text = String::new();
    if !job.spec.after.is_empty() {
        let all: Vec<_> = job.spec.after.iter().map(ToString::to_string).collect();
        text += &format!("  after job {}", all.join(", "));
        if !job.waits_for.is_empty() {
            let left: Vec<_> = job.waits_for.iter().map(ToString::to_string).collect();
            text += &format!(", of which it still waits for {}", left.join(", "));
        }
        text.push('\n');
    }
    let demands = job.spec.needs.classes.iter().take(CLASSES_SHOWN).map(|class| shown(&class.demand));
    let demands: Vec<_> = demands.collect();
    if !demands.is_empty() {
        let more = if job.spec.needs.classes.len() > CLASSES_SHOWN { ", ..." } else { "" };
        text += &format!("  a task takes {}{more}\n", demands.join(", or "));
    }
    text
}

fn task_words(task: &TaskInfo) -> (&'static str, String) {
    match &task.state {
        TaskState::Blocked { .. } => ("blocked", ": `divvy explain` tells by which tasks".to_owned()),
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
