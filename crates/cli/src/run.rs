//! `divvy run`: a command for each input, durably.

use crate::args::{Output, RunArgs};
use crate::command::{self, Keep, Limits, Line, Recipe, Text};
use crate::exit::{Exit, bad_usage};
use crate::handler;
use crate::home;
use crate::inputs::{self, Inputs, Stream};
use crate::lang::{duration, words};
use crate::session::{Session, say, workers};
use anyhow::{Context, Result};
use divvy_core::{Clock, JobId, NodeId};
use divvy_engine::{Stop, StopLevel, SystemClock};
use divvy_store::{Array, Input, JobSpec, NewJob, Policy, Progress, Store};
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
    let recipe = recipe(args)?;
    // Before anything is stored: a command that is not there would fail a million times.
    Line::new(&recipe).map_err(bad_usage)?;
    let inputs = inputs::open(&args.input, sources)?;
    if let Some(dir) = recipe.keep.results() {
        std::fs::create_dir_all(dir)
            .map_err(|e| bad_usage(format!("--results: cannot make {}: {e}", dir.display())))?;
    }
    let store = home::open_store()?;
    store.sweep(clock.millis())?;
    let session = Session::join(store.clone(), clock, workers, args.show, output, home::spill_dir()?)?;
    let (input, array, stream) = split(inputs, session.node());
    let spec = spec(args, &recipe, array);
    let job = store.submit(clock.millis(), &NewJob { spec, input })?;
    let feeder = stream.map(|stream| feed(stream, store.clone(), job, clock, session.stop()));
    let exit = session.run_job(job);
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

fn recipe(args: &RunArgs) -> Result<Recipe> {
    let timeout = args.policy.timeout.as_ref().map(|text| duration::parse(text.as_bytes())).transpose();
    let timeout = timeout.map_err(|e| bad_usage(format!("--timeout: {e}")))?;
    let cwd = std::env::current_dir().context("the current directory is gone")?;
    // A handler reads its inputs.
    let append_input = args.input.array.is_none() && args.handler.handler.is_none();
    let text = Text { words: command(args)?, shell: args.shell, append_input };
    // Rounded up: a limit of less than a millisecond is still a limit.
    let limits = Limits { timeout_ms: timeout.map_or(0, |t| t.as_micros().div_ceil(1_000) as u64) };
    let results = args.keep.results.as_ref().map(std::path::absolute).transpose()?;
    let keep = Keep { in_order: args.keep.keep_order, results: results.map(PathBuf::into_os_string) };
    Ok(Recipe::new(text, limits, keep, cwd, std::env::vars_os().collect()))
}

/// The command's words; a single word is a whole command line.
fn command(args: &RunArgs) -> Result<Vec<Vec<u8>>> {
    if let Some(text) = &args.handler.handler {
        return handler::words(text.as_bytes()).map_err(|why| bad_usage(format!("--handler: {why}")));
    }
    let given: Vec<Vec<u8>> = args.command.iter().map(|word| word.as_bytes().to_vec()).collect();
    match given.as_slice() {
        [] => Err(bad_usage("no command: say what to run, as in `divvy run gzip -k {} ::: *.log`")),
        [text] if !args.shell => words::split(text).map_err(bad_usage),
        _ => Ok(given),
    }
}

fn split(inputs: Inputs, node: NodeId) -> (Input, Option<Array>, Option<Stream>) {
    match inputs {
        Inputs::Array(array) => {
            (Input::Array(array.count()), Some(Array { first: array.first(), step: array.step() }), None)
        }
        Inputs::List(blocks) => (Input::Closed(blocks), None, None),
        Inputs::Stream(stream) => (Input::Open(Vec::new(), Some(node)), None, Some(stream)),
    }
}

fn spec(args: &RunArgs, recipe: &Recipe, array: Option<Array>) -> JobSpec {
    let policy = Policy {
        max_attempts: args.policy.retries,
        crash_limit: args.policy.crash_limit,
        // One node at a time: no node can print in order what another ran.
        exclusive: args.keep.keep_order,
        ..Policy::default()
    };
    let name = args.name.clone().unwrap_or_else(|| recipe.shown());
    let kind = if args.handler.handler.is_some() { handler::KIND } else { command::KIND };
    JobSpec { name, handler: kind.into(), detail: recipe.encode(), policy, array }
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
