//! `divvy run`: a command for each input, durably.

use crate::args::{Output, RunArgs, Source};
use crate::command::{KIND, Keep, Limits, Line, Recipe, Record, Text};
use crate::exit::{Exit, bad_usage};
use crate::home;
use crate::inputs::{self, Inputs, Opened, Stream};
use crate::lang::spelling::Spelling;
use crate::lang::{duration, shell, words};
use crate::session::{Session, say, workers};
use anyhow::{Context, Result};
use divvy_core::{Clock, JobId, NodeId};
use divvy_engine::{Stop, StopLevel, SystemClock};
use divvy_store::{Array, Input, JobSpec, NewJob, Policy, Progress, Store};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Runs a command for each input.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn run(args: &RunArgs, sources: Option<Vec<Source>>, output: Output, clock: SystemClock) -> Result<Exit> {
    let workers = workers(&args.workers)?;
    check_command(args, sources.is_some())?;
    let opened = inputs::open(args, sources, workers as usize)?;
    let recipe = recipe(args, &opened)?;
    // Before anything is stored: a command that is not there would fail a million times.
    Line::new(&recipe).map_err(bad_usage)?;
    if let Some(dir) = recipe.keep.results() {
        std::fs::create_dir_all(dir)
            .map_err(|e| bad_usage(format!("--results: cannot make {}: {e}", dir.display())))?;
    }
    let store = home::open_store()?;
    store.sweep(clock.millis())?;
    let session = Session::join(store.clone(), clock, workers, args.show, output, home::spill_dir()?)?;
    let (input, array, stream) = split(opened.inputs, session.node());
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
        // Only of plain inputs is a task a line.
        let is_plain =
            Recipe::decode(&info.spec.detail).is_ok_and(|recipe| recipe.text.record == Record::Bytes);
        let skip = if is_plain { format!(" (tail -n +{})", n + 1) } else { String::new() };
        say(
            output,
            &format!(
                "divvy: the input of job {job} was cut after {n} records; those are kept, the rest was never read.\n       \
                 After the resume, run the rest as a job of its own: skip the first {n}{skip}"
            ),
        );
    }
    Ok(())
}

fn recipe(args: &RunArgs, opened: &Opened) -> Result<Recipe> {
    let timeout = args.policy.timeout.as_ref().map(|text| duration::parse(text.as_bytes())).transpose();
    let timeout = timeout.map_err(|e| bad_usage(format!("--timeout: {e}")))?;
    let cwd = std::env::current_dir().context("the current directory is gone")?;
    let text = Text {
        words: command(args, &opened.spelling)?,
        shell: args.shell,
        append_input: opened.append_input,
        repeat: opened.repeat,
        spelling: opened.spelling.clone(),
        record: opened.record.clone(),
    };
    // Rounded up: a limit of less than a millisecond is still a limit.
    let limits = Limits { timeout_ms: timeout.map_or(0, |t| t.as_micros().div_ceil(1_000) as u64) };
    let results = args.keep.results.as_ref().map(std::path::absolute).transpose()?;
    let keep = Keep { in_order: args.keep.keep_order, results: results.map(PathBuf::into_os_string) };
    Ok(Recipe::new(text, limits, keep, cwd, std::env::vars_os().collect()))
}

/// Without a command the inputs are commands, but a person at a terminal has more likely forgotten it, and neither
/// numbers nor data are commands.
fn check_command(args: &RunArgs, has_sources: bool) -> Result<()> {
    let input = &args.input;
    let are_commands = has_sources || !input.source.each_line.is_empty() || !std::io::stdin().is_terminal();
    let are_others = input.source.array.is_some() || input.pipe.pipe || input.pipe.pipepart;
    if args.command.is_empty() && (!are_commands || are_others) {
        return Err(bad_usage("no command: say what to run, as in `divvy run gzip -k {} ::: *.log`"));
    }
    Ok(())
}

/// The command's words; a single word is a whole command line.
fn command(args: &RunArgs, spelling: &Spelling) -> Result<Vec<Vec<u8>>> {
    let given: Vec<Vec<u8>> = args.command.iter().map(|word| word.as_bytes().to_vec()).collect();
    let quotes = args.input.placeholders.quote;
    match given.as_slice() {
        [text] if !args.shell && !quotes => words::split(text, spelling).map_err(bad_usage),
        // A placeholder alone is quoted by what fills it in, which can then be several words.
        words if args.shell && quotes => {
            let is_placeholder =
                |word: &[u8]| spelling.at_start(word).is_some_and(|found| found.len == word.len());
            Ok(words.iter().map(|w| if is_placeholder(w) { w.clone() } else { shell::quoted(w) }).collect())
        }
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
    JobSpec { name, handler: KIND.into(), detail: recipe.encode(), policy, array }
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
