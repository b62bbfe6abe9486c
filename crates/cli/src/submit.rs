//! `divvy submit`: a job that runs without a terminal.

use crate::args::{CapacityArg, Output, RunArgs, Source, SubmitArgs};
use crate::background::{Server, Start, ensure};
use crate::exit::{Exit, bad_usage};
use crate::home;
use crate::inputs::{self, Stream};
use crate::jobs::{count, print, print_json};
use crate::plan::Plan;
use crate::session::{capacity, say, workers};
use anyhow::{Context, Result};
use divvy_core::{Clock, JobId, NodeId};
use divvy_engine::SystemClock;
use divvy_store::{JobInfo, NodeInfo, Store};
use serde_json::json;
use std::sync::Arc;

/// Stores a job, sees to it that somebody runs it, and returns.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn submit(
    args: &SubmitArgs,
    sources: Option<Vec<Source>>,
    output: Output,
    clock: SystemClock,
) -> Result<Exit> {
    let run = &args.run;
    if run.show.progress || run.show.bill {
        return Err(bad_usage(
            "--progress and --bill belong to who watches: `divvy run`, or `divvy wait` later",
        ));
    }
    let workers = workers(&run.workers)?;
    if run.policy.halt.is_some() {
        return Err(bad_usage(
            "--halt belongs to who watches: `divvy run`. --max-fails also holds for jobs in the background",
        ));
    }
    inputs::refuse_forgotten(run, sources.as_deref())?;
    let plan = Plan::new(run, sources, workers as usize)?.in_background().held(args.hold);
    if run.dry_run {
        return plan.print();
    }
    let fits = plan.check_fits(&capacity(&run.plan.capacity)?);
    let fits_any = plan.check_fits(&capacity(&CapacityArg::default())?);
    let starts = !(args.hold || args.no_start);
    if starts {
        fits?;
    } else if let Err(why) = fits {
        // Nothing is started, so who will run it is not known.
        say(output, &format!("divvy: {why:#}"));
    }
    plan.prepare()?;
    let store = home::open_store()?;
    home::sweep(&*store, clock.millis())?;
    let reader = plan.is_stream().then(|| Reader::join(store.clone(), clock)).transpose()?;
    let (job, stream) = plan.submit(&*store, clock.millis(), reader.as_ref().map(|r| r.node))?;
    let is_empty = stream.is_none() && store.job(job)?.tail == 0;
    let server = if starts && !is_empty { Some(serve(run, workers, job)?) } else { None };
    if let (Some(Server::There), Err(why)) = (server, fits_any) {
        // What a node that is there has, nobody but itself knows.
        say(output, &format!("divvy: a node is there already, and unless it was started with more: {why:#}"));
    }
    // Only now: reading pauses while too much waits, so somebody has to be there who takes it.
    if let (Some(reader), Some(stream)) = (reader, stream) {
        reader.read(job, stream)?;
    }
    tell(&store.job(job)?, server, args.hold, output)?;
    Ok(Exit::Done)
}

/// Sees to it that somebody runs a job.
fn serve(run: &RunArgs, workers: u32, job: JobId) -> Result<Server> {
    let start = Start { workers, capacity: &run.plan.capacity, grace: run.show.grace };
    ensure(&start).with_context(|| {
        format!("job {job} is stored, but nobody runs it: `divvy resume {job}` or `divvy work` does")
    })
}

/// This process while it reads inputs: a node without workers, so that others see that more will come.
struct Reader {
    store: Arc<dyn Store>,
    clock: SystemClock,
    node: NodeId,
}

impl Reader {
    fn join(store: Arc<dyn Store>, clock: SystemClock) -> Result<Reader> {
        let info = NodeInfo { name: "reads inputs".into(), pid: std::process::id(), workers: 0 };
        let node = store.register(clock.millis(), &info)?;
        Ok(Reader { store, clock, node })
    }

    /// Reads to the end.
    fn read(self, job: JobId, stream: Stream) -> Result<()> {
        let fed = stream.feed(&*self.store, job, &self.clock);
        self.store.leave(self.clock.millis(), self.node)?;
        let n = self.store.job(job)?.tail;
        fed.with_context(|| {
            format!(
                "job {job} has the {n} records that could be read: `divvy resume {job}` runs them, \
                 `divvy cancel {job}` does not"
            )
        })
    }
}

fn tell(info: &JobInfo, server: Option<Server>, held: bool, output: Output) -> Result<()> {
    let job = info.id;
    match output {
        Output::Quiet => Ok(()),
        Output::Json => {
            let worker = match server {
                Some(Server::Started(pid, workers)) => {
                    json!({ "started": true, "pid": pid, "workers": workers })
                }
                Some(Server::There) => json!({ "started": false }),
                None => json!(null),
            };
            print_json(&json!({ "job": job.0, "held": held, "worker": worker }))
        }
        Output::Human => {
            print(&format!("job {job}\n"))?;
            if info.tail == 0 {
                say(output, "divvy: it had no inputs, so there is nothing to run");
                return Ok(());
            }
            let who = match server {
                Some(Server::Started(_, workers)) => {
                    format!("a node with {} was started in the background", count(workers.into(), "worker"))
                }
                Some(Server::There) => "a node that is there takes it".into(),
                None if held => format!("it is held: `divvy unpause {job}` lets it go"),
                None => format!("nothing was started: `divvy work` or `divvy resume {job}` runs it"),
            };
            say(
                output,
                &format!(
                    "divvy: {who}; `divvy wait {job}` waits for it, `divvy logs -f {job}` shows what it prints"
                ),
            );
            Ok(())
        }
    }
}
