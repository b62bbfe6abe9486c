//! `divvy explain`: why a task is where it is, and what to do about it.
//!
//! `facts.rs` is everything that is looked at, once; `reasons.rs` makes sentences of it, one function for each state.

mod facts;
mod reasons;

use super::{print, print_json, tasks};
use crate::args::{ExplainArgs, Output};
use crate::exit::{Exit, bad_usage};
use crate::{home, select};
use anyhow::Result;
use divvy_engine::SystemClock;
use facts::Facts;
use serde_json::{Value, json};
use std::ffi::OsStr;

/// Why a task is where it is.
#[derive(Debug, Default)]
struct Explanation {
    /// Its state, in one word.
    state: &'static str,
    /// Sentences, the most important first.
    why: Vec<String>,
    /// Commands and what they are for. Empty: nothing has to be done.
    next: Vec<String>,
    /// For programs: what the sentences are made of.
    details: Value,
}

/// Explains a task.
///
/// # Errors
/// Bad usage: no such job or task; or whatever the store says.
pub fn explain(args: &ExplainArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    let (job, task) = match args.what.as_slice() {
        [task] => (OsStr::new("last"), task),
        [job, task] => (job.as_os_str(), task),
        _ => return Err(bad_usage("say which task: `divvy explain [JOB] TASK`")),
    };
    let job = select::job(&*store, job)?;
    let seq = tasks::find(&*store, &job, &task.to_string_lossy())?;
    let called = tasks::called(&*store, &job, seq)?;
    let facts = Facts::gather(&*store, job, seq, &SystemClock::start())?;
    let explanation = reasons::explain(&*store, &facts)?;
    let Explanation { state, why, next, details } = &explanation;
    match output {
        Output::Quiet => {}
        Output::Json => {
            let job = &facts.job;
            let id = job.spec.id_of(seq);
            let name = tasks::step(&*store, job, seq)?.and_then(|step| step.name);
            print_json(&json!({
                "job": job.id.0, "task": id, "name": name, "state": state, "why": why, "next": next,
                "details": details,
            }))?;
        }
        Output::Human => {
            let mut text = format!("{called} of job {} is {state}\n", facts.job.id);
            why.iter().for_each(|line| text += &format!("  {line}\n"));
            if next.is_empty() {
                text += "what to do: nothing\n";
            }
            for (n, line) in next.iter().enumerate() {
                text += &format!("{} {line}\n", if n == 0 { "what to do:" } else { "        or:" });
            }
            print(&text)?;
        }
    }
    Ok(Exit::Done)
}
