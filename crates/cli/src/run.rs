//! `divvy run`: a command for each input, durably.

use crate::after;
use crate::args::{Output, RunArgs, Source};
use crate::command::{KIND, Place, Printing, Recipe, Record, Show, Text};
use crate::exit::{Exit, bad_usage};
use crate::handler;
use crate::inputs::{self, Inputs, Stream};
use crate::lang::spelling::Spelling;
use crate::lang::{shell, words};
use crate::plan::Plan;
use crate::session::{Session, capacity, say, workers};
use crate::{flags, home};
use anyhow::Result;
use divvy_core::{Clock, Intervals, JobId, Range};
use divvy_engine::{Stop, StopLevel, SystemClock};
use divvy_store::{Array, Block, JobSpec, Policy, Progress, Store};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// Runs a command for each input.
///
/// # Errors
/// Bad usage, or whatever the store says.
pub fn run(args: &RunArgs, sources: Option<Vec<Source>>, output: Output, clock: SystemClock) -> Result<Exit> {
    let workers = workers(&args.workers)?;
    let plan = Plan::new(args, sources, workers as usize)?;
    if args.dry_run {
        return plan.print();
    }
    let room = capacity(&args.plan.capacity)?;
    plan.check_fits(&room)?;
    plan.prepare()?;
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

/// The job as its flags and inputs say it.
///
/// # Errors
/// Bad usage.
pub fn given(args: &RunArgs, sources: Option<Vec<Source>>, workers: usize) -> Result<(Recipe, Inputs)> {
    check_command(args, sources.is_some())?;
    let opened = inputs::open(args, sources, workers)?;
    let text = Text {
        words: command(args, &opened.spelling)?,
        shell: args.shell,
        // A handler reads its inputs.
        append_input: opened.append_input && args.handler.handler.is_none(),
        repeat: opened.repeat,
        spelling: opened.spelling,
        record: opened.record,
        per_task: false,
    };
    let mut recipe = recipe(args, text)?;
    if args.handler.handler.is_some() {
        check_handler(&recipe)?;
    }
    recipe.keep.skip = seqs(&flags::over(&recipe.keep, &args.log)?, &opened.inputs);
    Ok((recipe, opened.inputs))
}

/// What the job records of its command.
///
/// # Errors
/// Bad usage.
pub fn recipe(args: &RunArgs, text: Text) -> Result<Recipe> {
    let (limits, keep) = (flags::limits(&args.policy)?, flags::keep(args, &text.spelling)?);
    let cwd = flags::directory(args.cwd.as_deref())?;
    Ok(Recipe::new(text, limits, keep, cwd, flags::environment(&args.env)?))
}

/// The largest Seq that --retry-failed finds its place for: all places before it are stored, empty ones in a few bytes.
const RETRIED_MAX: u64 = 10_000_000;

/// The commands that failed by the job log, each at the place it had, and nothing at the places between.
///
/// # Errors
/// Bad usage.
pub fn failed(args: &RunArgs) -> Result<(Recipe, Inputs)> {
    // Each input is a whole command.
    let mut recipe = recipe(args, Text::default())?;
    let past = flags::past(&recipe.keep)?;
    let first = past.failed.keys().next().copied().unwrap_or(1);
    let last = past.failed.keys().next_back().copied().unwrap_or(0);
    if first == 0 || last > RETRIED_MAX {
        return Err(bad_usage(format!(
            "--retry-failed: it can run Seq 1 to {RETRIED_MAX} again, and {} has failed: give the command and its inputs \
             with --resume-failed",
            if first == 0 { 0 } else { last }
        )));
    }
    let mut skip = Intervals::from(Range::new(0, last));
    past.failed.keys().for_each(|id| skip.remove(Range::new(id - 1, *id)));
    recipe.keep.skip = skip.ranges().iter().map(|range| (range.lo, range.hi)).collect();
    let commands = (1..=last).map(|id| past.failed.get(&id).map_or(&b""[..], Vec::as_slice));
    Ok((recipe, Inputs::List(Block::pack_all(commands))))
}

/// The seqs of these ids.
fn seqs(ids: &Intervals, inputs: &Inputs) -> Vec<(u64, u64)> {
    let seqs: Intervals = match inputs {
        Inputs::Array(array) => {
            let seq = |id: u64| Some(id.checked_sub(array.first())?).filter(|off| off % array.step() == 0);
            let seqs = ids.iter().filter_map(|id| Some(seq(id)? / array.step()));
            seqs.map(|seq| Range::new(seq, seq + 1)).collect()
        }
        // Counted from 1. There is no task 0; a log that has one is somebody else's.
        Inputs::List(_) | Inputs::Stream(_) => {
            let from_one = |range: &Range| Range::new(range.lo.max(1) - 1, range.hi.max(1) - 1);
            ids.ranges().iter().map(from_one).filter(|range| range.lo < range.hi).collect()
        }
    };
    seqs.ranges().iter().map(|range| (range.lo, range.hi)).collect()
}

/// Without a command the inputs are commands, but a person at a terminal has more likely forgotten it, and neither
/// numbers nor data are commands.
fn check_command(args: &RunArgs, has_sources: bool) -> Result<()> {
    if args.handler.handler.is_some() {
        return Ok(());
    }
    let input = &args.input;
    let are_commands = has_sources || !input.source.each_line.is_empty() || !std::io::stdin().is_terminal();
    let are_others = input.source.array.is_some() || input.pipe.pipe || input.pipe.pipepart;
    if args.command.is_empty() && (!are_commands || are_others) {
        return Err(bad_usage("no command: say what to run, as in `divvy run gzip -k {} ::: *.log`"));
    }
    Ok(())
}

/// What makes sense for a process for each task only.
fn check_handler(recipe: &Recipe) -> Result<()> {
    let Recipe { keep, limits, text, .. } = recipe;
    let refused = [
        (
            text.record != Record::Bytes,
            "several sources, columns, --pipe and -N: a task of a handler has one input",
        ),
        (keep.printing != Printing::Grouped, "--line-buffer and --ungroup"),
        (keep.tag.is_some(), "--tag"),
        (keep.joblog.is_some(), "--joblog"),
        (keep.show != Show::Nowhere, "--verbose"),
        (matches!(keep.place, Place::Table(..)), "--results into a table"),
        (limits.halt.is_some(), "--halt (--max-fails cancels the rest)"),
        (limits.nice.is_some() || limits.hold != Default::default(), "--nice, --delay, --load, --memfree"),
        (!limits.ending.is_empty(), "--termseq"),
    ];
    match refused.into_iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(bad_usage(format!("--handler does not go with {what}"))),
        None => Ok(()),
    }
}

/// The command's words; a single word is a whole command line.
fn command(args: &RunArgs, spelling: &Spelling) -> Result<Vec<Vec<u8>>> {
    if let Some(text) = &args.handler.handler {
        return handler::words(text.as_bytes()).map_err(|why| bad_usage(format!("--handler: {why}")));
    }
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

/// What does not change during the job's life, but for its order and resources.
pub fn spec(args: &RunArgs, recipe: &Recipe, array: Option<Array>) -> JobSpec {
    let policy = Policy {
        max_attempts: args.policy.retries,
        crash_limit: args.policy.crash_limit,
        range_max: args.policy.lease_max.unwrap_or(0),
        max_fails: args.policy.max_fails,
        // One node at a time: no node can print in order what another ran.
        exclusive: recipe.keep.in_order,
        backups: false,
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
