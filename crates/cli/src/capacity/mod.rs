//! `divvy capacity`: how throughput would grow with more workers, told from ordinary work.
//!
//! The figures are what nodes have noted while they worked ([`divvy_store::observation::seen`]); what follows from them is the oracle's
//! ([`divvy_model::capacity`]); here are the words ([`advice`]).

mod advice;

use crate::args::{CapacityArgs, Output};
use crate::exit::Exit;
use crate::jobs::answer;
use crate::{home, select};
use advice::Advice;
use anyhow::{Context, Result};
use divvy_core::JobId;
use divvy_model::capacity::Oracle;
use divvy_store::observation::seen;
use divvy_store::{Progress, Store};

/// Says what is known of a job's capacity.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn capacity(args: &CapacityArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    let job = select::job(&*store, &args.job)?;
    let observations = store.observations(job.id)?;
    let cores = std::thread::available_parallelism().context("the system does not tell its cores")?;
    let seen = seen(&observations, cores.get() as u32, job.spec.policy.range_max);
    let most = seen.levels.iter().map(|level| level.workers).fold(0.0, f64::max);
    let runs = !matches!(job.progress, Progress::Finished(_));
    let there = workers_at_work(&*store, job.id)?;
    let now = if runs && there > 0 { there as f64 } else { most };
    let advice = Advice { job: job.id, runs: runs && there > 0, now, oracle: Oracle::of(&seen) };
    answer(output, || advice.text(), || advice.json())?;
    Ok(Exit::Done)
}

/// The workers of all nodes that hold tasks of the job; where none does at this moment, of all that may take some.
fn workers_at_work(store: &dyn Store, job: JobId) -> Result<u64> {
    let holdings = store.holdings()?;
    let holders: Vec<_> = holdings.iter().filter(|held| held.job == job).map(|held| held.node).collect();
    let nodes = store.nodes()?;
    let there = nodes.iter().filter(|(node, _)| holders.is_empty() || holders.contains(node));
    Ok(there.map(|(_, info)| u64::from(info.workers)).sum())
}
