//! `divvy jobs`.

use super::{job_json, one_line, print, print_json, state};
use crate::args::Output;
use crate::exit::Exit;
use crate::home;
use anyhow::Result;
use divvy_store::{JobInfo, Store};

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
        c.blocked + c.ready + c.retrying,
        c.dead,
        one_line(&job.spec.name, 60),
    )
}
