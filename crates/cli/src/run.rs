//! `divvy run`: a command for each input, durably.

use crate::after;
use crate::args::{Output, RunArgs};
use crate::command::{KIND, Keep, Limits, Recipe, Text};
use crate::exit::{Exit, bad_usage};
use crate::home;
use crate::inputs::Stream;
use crate::lang::{duration, words};
use crate::plan::Plan;
use crate::session::{Session, capacity, say, workers};
use anyhow::{Context, Result};
use divvy_core::{Clock, JobId};
use divvy_engine::{Stop, StopLevel, SystemClock};
use divvy_store::{Array, JobSpec, Policy, Progress, Store};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Runs a command for each input.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn run(
    args: &RunArgs,
    sources: Option<Vec<OsString>>,
    output: Output,
    clock: SystemClock,
) -> Result<Exit> {
    let workers = workers(&args.workers)?;
    let plan = Plan::new(args, sources)?;
    let room = capacity(&args.plan.capacity)?;
    plan.check_fits(&room)?;
    let store = home::open_store()?;
    home::sweep(&*store, clock.millis())?;
    let session = Session::join(store.clone(), clock, workers, args.show, output, home::spill_dir()?)?;
    let session = session.with_capacity(room);
    let (job, stream) = plan.submit(&*store, clock.millis(), Some(session.node()))?;
    let watch = after::watch(store.clone(), job, session.stop(), output)?;
    let feeder = stream.map(|stream| feed(stream, store.clone(), job, clock, session.stop()));
    let exit = watch.exit(session.run_job(job));
    let fed = feeder.map(|feeder| feeder.try_recv());
    if let Some(Ok(Err(error))) = fed {
        return Err(error.context(format!("job {job} was stopped: `divvy resume {job}` goes on")));
    }
    say_cut(&*store, job, output)?;
    let info = store.job(job)?;
    if info.tail == 0 && info.progress != Progress::Open {
        say(output, "divvy: no inputs, so nothing was run");
    }
    exit
}

/// Says where a job's input was cut.
///
/// # Errors
/// Whatever the store says.
pub fn say_cut(store: &dyn Store, job: JobId, output: Output) -> Result<()> {
    let info = store.job(job)?;
    if info.progress == Progress::Open {
        let n = info.tail;
        say(
            output,
            &format!(
                "divvy: the input of job {job} was cut after {n} records; those are kept, the rest was never read.\n       \
                 After the resume, run the rest as a job of its own: skip the first {n} (tail -n +{})",
                n + 1
            ),
        );
    }
    Ok(())
}

/// What the job records of its command.
///
/// # Errors
/// Bad usage.
pub fn recipe(args: &RunArgs) -> Result<Recipe> {
    let timeout = args.policy.timeout.as_ref().map(|text| duration::parse(text.as_bytes())).transpose();
    let timeout = timeout.map_err(|e| bad_usage(format!("--timeout: {e}")))?;
    let cwd = std::env::current_dir().context("the current directory is gone")?;
    let per_task = args.plan.graph.is_some();
    let words = if per_task { Vec::new() } else { command(args)? };
    let text = Text { words, shell: args.shell, append_input: args.input.array.is_none(), per_task };
    // Rounded up: a limit of less than a millisecond is still a limit.
    let limits = Limits { timeout_ms: timeout.map_or(0, |t| t.as_micros().div_ceil(1_000) as u64) };
    let results = args.keep.results.as_ref().map(std::path::absolute).transpose()?;
    let keep = Keep {
        in_order: args.keep.keep_order,
        results: results.map(PathBuf::into_os_string),
        log: args.keep.log,
    };
    Ok(Recipe::new(text, limits, keep, cwd, std::env::vars_os().collect()))
}

/// The command's words; a single word is a whole command line.
fn command(args: &RunArgs) -> Result<Vec<Vec<u8>>> {
    let given: Vec<Vec<u8>> = args.command.iter().map(|word| word.as_bytes().to_vec()).collect();
    match given.as_slice() {
        [] => Err(bad_usage("no command: say what to run, as in `divvy run gzip -k {} ::: *.log`")),
        [text] if !args.shell => words::split(text).map_err(bad_usage),
        _ => Ok(given),
    }
}

/// What does not change during the job's life, but for its order and resources.
pub fn spec(args: &RunArgs, recipe: &Recipe, array: Option<Array>) -> JobSpec {
    let policy = Policy {
        max_attempts: args.policy.retries,
        crash_limit: args.policy.crash_limit,
        // One node at a time: no node can print in order what another ran.
        exclusive: args.keep.keep_order,
        ..Policy::default()
    };
    let name = args.name.clone().unwrap_or_else(|| recipe.shown());
    JobSpec { name, detail: recipe.encode(), policy, array, ..JobSpec::new(KIND) }
}

/// Reads the inputs beside the node. If that fails, the node stops, since it would wait for ever.
fn feed(
    stream: Stream,
    store: Arc<dyn Store>,
    job: JobId,
    clock: SystemClock,
    stop: Stop,
) -> Receiver<Result<()>> {
    let (told, result) = channel();
    // Not joined: it may be waiting for a line that never comes.
    std::thread::spawn(move || {
        let fed = stream.feed(&*store, job, &clock);
        let failed = fed.is_err();
        // Nobody listens any more only if the program is ending.
        let _ = told.send(fed);
        if failed {
            stop.ask(StopLevel::End);
        }
    });
    result
}
