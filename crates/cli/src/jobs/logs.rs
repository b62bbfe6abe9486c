//! `divvy logs`: what the tasks of a job have printed, in the order in which they ended.

use super::hold::{Hold, Jobs, LOOK_CLOSER_EVERY, Teller};
use super::tasks::ids;
use crate::args::{LogsArgs, Output};
use crate::command::{Frame, LogReader, Recipe};
use crate::exit::{Exit, bad_usage};
use crate::session::say;
use crate::{home, select};
use anyhow::{Context, Result};
use divvy_core::{Intervals, JobId};
use divvy_store::{JobInfo, Progress, Store};
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often more is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Prints a job's log.
///
/// # Errors
/// Bad usage: the job has none; or whatever the store says.
pub fn logs(args: &LogsArgs, output: Output) -> Result<Exit> {
    let store = home::open_store()?;
    let job = select::job(&*store, &args.job)?;
    if !Recipe::decode(&job.spec.detail).is_ok_and(|recipe| recipe.keep.log) {
        return Err(bad_usage(format!(
            "job {} has no log: `divvy run` printed what its tasks print, and keeps it only with --log or --results",
            job.id
        )));
    }
    let tasks = args.task.as_ref().map(|text| select::tasks(&job, text)).transpose()?;
    if let (Some(text), Some(true)) = (&args.task, tasks.as_ref().map(Intervals::is_empty)) {
        return Err(no_tasks(&job, text));
    }
    let mut printer = Printer { args, output, job: &job, tasks, open_line: None };
    let mut parts = Parts { dir: home::logs_dir()?.join(job.id.to_string()), open: BTreeMap::new() };
    let done = follow(&*store, job.id, &mut parts, &mut printer);
    match done {
        // `divvy logs | head` is no error.
        Err(e) if e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) => {
            Ok(Exit::Done)
        }
        done => done,
    }
}

fn no_tasks(job: &JobInfo, text: &OsStr) -> anyhow::Error {
    bad_usage(format!("job {} has no task {}: {}", job.id, text.to_string_lossy(), ids(job)))
}

/// Prints what is there, and with `--follow` what comes until the job has finished.
fn follow(store: &dyn Store, job: JobId, parts: &mut Parts, printer: &mut Printer<'_>) -> Result<Exit> {
    let (mut seen, mut teller, mut looked) = (None, Teller::default(), Instant::now());
    loop {
        // Looked at before the log: all that its tasks printed is there when a job has finished.
        let version = store.version()?;
        let changed = seen.replace(version) != Some(version) || looked.elapsed() > LOOK_CLOSER_EVERY;
        let jobs = (printer.args.follow && changed).then(|| Jobs::look(store)).transpose()?;
        parts.print(printer)?;
        let goes_on = jobs.as_ref().map_or(!changed, |jobs| jobs.get(job).is_some_and(is_unfinished));
        if !goes_on {
            return Ok(Exit::Done);
        }
        if let Some(jobs) = jobs {
            looked = Instant::now();
            if teller.tell(&jobs, job, printer.output).is_some_and(Hold::is_stuck) {
                return Ok(Exit::Stuck);
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn is_unfinished(job: &JobInfo) -> bool {
    !matches!(job.progress, Progress::Finished(_))
}

/// The files of a log, one for each node that ran tasks of the job.
struct Parts {
    dir: PathBuf,
    open: BTreeMap<PathBuf, Part>,
}

struct Part {
    reader: LogReader,
    next: Option<Frame>,
    /// It is damaged further on; what is before has been printed.
    damaged: bool,
}

impl Parts {
    /// Prints all that is there by now, oldest first.
    fn print(&mut self, printer: &mut Printer<'_>) -> Result<()> {
        self.find_new()?;
        for (path, part) in &mut self.open {
            part.advance(path, printer.output)?;
        }
        let time = |part: &Part| part.next.as_ref().map(|frame| frame.time);
        // Of equal times the first file's come first, so that frames of one attempt stay together.
        while let Some((path, part)) =
            self.open.iter_mut().filter(|(_, part)| part.next.is_some()).min_by_key(|(_, part)| time(part))
        {
            printer.print(&part.next.take().expect("just looked at"))?;
            part.advance(path, printer.output)?;
        }
        printer.flush()
    }

    fn find_new(&mut self) -> Result<()> {
        let entries = match std::fs::read_dir(&self.dir) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries.with_context(|| format!("cannot read {}", self.dir.display()))?,
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let Entry::Vacant(new) = self.open.entry(path) else { continue };
            let reader =
                LogReader::open(new.key()).with_context(|| format!("cannot read {}", new.key().display()))?;
            new.insert(Part { reader, next: None, damaged: false });
        }
        Ok(())
    }
}

impl Part {
    fn advance(&mut self, path: &Path, output: Output) -> Result<()> {
        if self.next.is_some() || self.damaged {
            return Ok(());
        }
        match self.reader.next() {
            Ok(next) => self.next = next,
            Err(e) if e.kind() == ErrorKind::InvalidData => {
                self.damaged = true;
                say(output, &format!("divvy: {}: {e}; the rest of it is left out", path.display()));
            }
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        }
        Ok(())
    }
}

struct Printer<'a> {
    args: &'a LogsArgs,
    output: Output,
    job: &'a JobInfo,
    /// Only these.
    tasks: Option<Intervals>,
    /// Whose line was begun and has not ended, with `--tag`.
    open_line: Option<(u64, bool)>,
}

impl Printer<'_> {
    fn print(&mut self, frame: &Frame) -> Result<()> {
        if !self.is_wanted(frame) {
            return Ok(());
        }
        let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
        let to: &mut dyn Write = if frame.stderr { &mut err } else { &mut out };
        match self.output {
            Output::Quiet => {}
            Output::Json => {
                let line = json!({
                    "task": frame.task, "attempt": frame.attempt, "time_ms": frame.time,
                    "stream": if frame.stderr { "stderr" } else { "stdout" },
                    "text": String::from_utf8_lossy(&frame.bytes),
                });
                writeln!(out, "{line}")?;
            }
            Output::Human if self.args.tag => self.print_tagged(frame, to)?,
            Output::Human => to.write_all(&frame.bytes)?,
        }
        Ok(())
    }

    fn is_wanted(&self, frame: &Frame) -> bool {
        let seq = || self.job.spec.seq_of(frame.task);
        let stream = if frame.stderr { !self.args.stdout } else { !self.args.stderr };
        let task = self.tasks.as_ref().is_none_or(|tasks| seq().is_some_and(|seq| tasks.contains(seq)));
        stream && task && (self.args.attempts || !frame.repeated)
    }

    /// Each line behind its task's id. A line may come in several frames.
    fn print_tagged(&mut self, frame: &Frame, to: &mut dyn Write) -> io::Result<()> {
        let whose = (frame.task, frame.stderr);
        let goes_on = self.open_line == Some(whose);
        if self.open_line.is_some_and(|(_, stderr)| !goes_on && stderr == frame.stderr) {
            to.write_all(b"\n")?;
        }
        for (n, line) in frame.bytes.split_inclusive(|b| *b == b'\n').enumerate() {
            if n > 0 || !goes_on {
                write!(to, "{}\t", frame.task)?;
            }
            to.write_all(line)?;
        }
        self.open_line = (frame.bytes.last() != Some(&b'\n')).then_some(whose);
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        Ok(io::stdout().flush()?)
    }
}
