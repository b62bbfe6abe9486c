//! `divvy jobs`.

use super::hold::Jobs;
use super::{job_json, one_line, print, print_json, state_shown};
use crate::args::Output;
use crate::exit::Exit;
use crate::home;
use anyhow::Result;
use divvy_store::JobInfo;

/// Lists the jobs.
///
/// # Errors
/// Whatever the store says.
pub fn list(output: Output) -> Result<Exit> {
    let jobs = Jobs::look(&*home::open_store()?)?;
    match output {
        Output::Json => print_json(&jobs.iter().map(job_json).collect())?,
        Output::Quiet => {}
        Output::Human if jobs.iter().next().is_none() => print("no jobs yet; `divvy run` makes one\n")?,
        Output::Human => {
            let mut table = format!(
                "{:>5} {:<9} {:>10} {:>10} {:>8} {:>8} {:>8}  {}\n",
                "JOB", "STATE", "TASKS", "DONE", "RUNNING", "WAITING", "FAILED", "NAME"
            );
            jobs.iter().for_each(|job| table += &row(job, state_shown(job, &jobs)));
            print(&table)?;
        }
    }
    Ok(Exit::Done)
}

fn row(job: &JobInfo, state: &str) -> String {
    let c = job.counts;
    format!(
        "{:>5} {:<9} {:>10} {:>10} {:>8} {:>8} {:>8}  {}\n",
        job.id,
        state,
        job.tail,
        c.done,
        c.running,
        c.blocked + c.ready + c.retrying,
        c.dead,
        one_line(&job.spec.name, 60),
    )
}
