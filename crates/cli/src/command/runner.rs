//! Runs one job's commands.

use super::attempt::{Attempt, Failure, Finished};
use super::halt::Halted;
use super::joblog::{Entry, JobLog};
use super::log::{Log, Logs};
use super::memory::{Memories, Memory};
use super::order::Gate;
use super::outlet::{Broken, Outlet, Printout};
use super::recipe::{Keep, Place, Printing, Show};
use super::results::{Of, Results};
use super::table::Table;
use super::{KIND, Line, Recipe, ending};
use crate::lang::placeholder::Input;
use crate::lang::template::Template;
use divvy_core::{Intervals, JobId, Range, State};
use divvy_engine::process::{self, Room, Stream, Streams};
use divvy_engine::{Chunk, Handler, Order, Runner, StopLevel, TaskKey};
use divvy_store::{Held, JobSpec};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Output of a task, per stream, that is kept in memory; more goes to a file.
const MEMORY_MAX: usize = 1 << 20;
/// The same while it waits for its turn: many tasks may wait.
const MEMORY_WAITING_MAX: usize = 16 << 10;

/// The handler.
#[derive(Clone)]
pub struct Commands {
    outlet: Arc<Outlet>,
    logs: Logs,
    /// Where large outputs wait.
    spill: PathBuf,
    /// The session, as processes carry it.
    session: Option<OsString>,
    halting: Option<Arc<Halting>>,
    memories: Arc<Memories>,
}

/// How the program of a single job is halted. A node that works for all jobs is never halted by one of them.
pub struct Halting {
    /// Whether it was.
    pub halted: Arc<Halted>,
    /// The number of the job's tasks, once it is known.
    pub total: Box<dyn Fn() -> Option<u64> + Send + Sync>,
}

impl Commands {
    /// A handler that prints to this outlet. `session` is the node's session file.
    pub fn new(
        outlet: Arc<Outlet>,
        logs: Logs,
        spill: PathBuf,
        session: Option<PathBuf>,
        halting: Option<Halting>,
    ) -> Commands {
        let session = session.map(PathBuf::into_os_string);
        Commands { outlet, logs, spill, session, halting: halting.map(Arc::new), memories: Arc::default() }
    }
}

impl Handler for Commands {
    fn kind(&self) -> &str {
        KIND
    }

    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let recipe = Recipe::decode(&spec.detail)?;
        let Recipe { keep, limits, .. } = &recipe;
        let direct = keep.printing == Printing::Direct;
        let memory_max = if keep.in_order { MEMORY_WAITING_MAX } else { MEMORY_MAX };
        let joblog = keep.joblog.as_ref().map(|path| JobLog::open(Path::new(path))).transpose();
        let halting = self.halting.clone().filter(|_| limits.halt.is_some());
        let spelling = &recipe.text.spelling;
        let tag = keep.tag.as_ref().map(|tag| Template::new(&[tag], spelling, false)).transpose();
        let table = self.table(&keep.place).map_err(|e| format!("cannot keep results: {e}"))?;
        let results = Results::open(&keep.place, keep.names, spelling)?;
        let is_kept = results.is_some() || table.is_some();
        Ok(Arc::new(JobRunner {
            job_number: job.0,
            job: OsString::from(job.to_string()),
            pid: OsString::from(std::process::id().to_string()),
            line: Line::new(&recipe)?,
            results,
            log: keep.log.then(|| self.logs.of(job, is_kept)),
            gate: (keep.in_order && !direct).then(Mutex::default),
            joblog: joblog.map_err(|e| format!("cannot write the job log: {e}"))?,
            skip: keep.skip.iter().map(|(lo, hi)| Range::new(*lo, *hi)).collect(),
            shows_commands: keep.joblog.is_some()
                || table.is_some()
                || halting.is_some()
                || keep.show != Show::Nowhere,
            table,
            tag: tag.map_err(|e| format!("--tagstring: {e}"))?,
            memory: self.memories.of(job, limits),
            halting,
            outlet: self.outlet.clone(),
            session: self.session.clone(),
            room: Room { memory_max, spill: self.spill.clone() },
            settings: process::Settings {
                ending: ending::of(&limits.ending),
                nice: limits.nice,
                streams: if direct { Streams::Inherited } else { Streams::Watched },
            },
            keep: recipe.keep,
        }))
    }
}

impl Commands {
    fn table(&self, place: &Place) -> io::Result<Option<Table>> {
        let Place::Table(path, separator) = place else { return Ok(None) };
        let table = Table::open(path.as_deref().map(Path::new), *separator)?;
        if path.is_none() {
            // What cannot be printed stops the first task that tries.
            let _ = self.outlet.print_header(&table.header());
        }
        Ok(Some(table))
    }
}

/// What runs one job's tasks on this node.
pub struct JobRunner {
    job_number: u64,
    pub(super) job: OsString,
    pub(super) pid: OsString,
    pub(super) line: Line,
    pub(super) keep: Keep,
    pub(super) results: Option<Results>,
    table: Option<Table>,
    log: Option<Log>,
    joblog: Option<JobLog>,
    /// Tasks that a log says have ended.
    skip: Intervals,
    tag: Option<Template>,
    /// Whether anybody wants to see what is run.
    pub(super) shows_commands: bool,
    pub(super) gate: Option<Mutex<Gate<Waiting>>>,
    pub(super) memory: Arc<Memory>,
    /// `Some` where the job may be halted here.
    halting: Option<Arc<Halting>>,
    pub(super) outlet: Arc<Outlet>,
    pub(super) session: Option<OsString>,
    pub(super) room: Room,
    pub(super) settings: process::Settings,
}

/// A finished task whose output waits for its turn.
pub struct Waiting {
    key: TaskKey,
    printout: Printout,
    /// Told done when printed; a failure is told at once, since it is not done in any case.
    done: bool,
    /// Written into the job log when printed.
    entry: Option<Entry>,
}

impl Runner for JobRunner {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn on_leased(&self, _: Held, open: &Intervals) {
        if let Some(gate) = &self.gate {
            gate.lock().unwrap_or_else(PoisonError::into_inner).expect(open);
        }
    }

    fn on_returned(&self, tasks: &Intervals) {
        if let Some(gate) = &self.gate {
            gate.lock().unwrap_or_else(PoisonError::into_inner).forgo(tasks);
        }
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        for seq in range.lo..range.hi {
            if self.skip.contains(seq) && !chunk.is_over(seq) {
                chunk.done(seq);
                self.give_up(chunk, seq);
                continue;
            }
            let may_start = !chunk.is_over(seq) && self.outlet.broken().is_none();
            let attempt = if may_start && self.memory.starts.wait(chunk, seq) {
                self.attempt(chunk, seq)
            } else {
                Attempt::Stopped
            };
            match attempt {
                Attempt::Ended(finished) => self.hand_over(chunk, seq, finished),
                Attempt::Outgrown(error) => chunk.outgrown(seq, error),
                Attempt::PutBack => chunk.stopped(seq),
                Attempt::Stopped => {
                    chunk.stopped(seq);
                    self.give_up(chunk, seq);
                }
            }
        }
    }

    /// A task that others waited for was canceled, or is dead: they wait no longer.
    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        let Some(gate) = &self.gate else { return Some(Vec::new()) };
        let mut turn = gate.lock().unwrap_or_else(PoisonError::into_inner).give_up_all();
        self.print_and_log(&mut turn).ok()?;
        Some(turn.iter().filter(|w| w.done).map(|w| w.key).collect())
    }

    fn before_report(&self) -> Result<(), String> {
        let cannot = |what: &str, e: io::Error| {
            format!("cannot make {what} durable, so nothing is reported done: {e}")
        };
        self.results.as_ref().map_or(Ok(()), Results::sync).map_err(|e| cannot("results", e))?;
        self.table.as_ref().map_or(Ok(()), Table::sync).map_err(|e| cannot("results", e))?;
        self.log.as_ref().map_or(Ok(()), Log::sync).map_err(|e| cannot("the log", e))?;
        self.joblog.as_ref().map_or(Ok(()), JobLog::sync).map_err(|e| cannot("the job log", e))
    }
}

impl JobRunner {
    /// The tag of a task's lines.
    pub(super) fn tag(&self, input: &Input<'_>) -> Option<Vec<u8>> {
        self.tag.as_ref().map(|tag| tag.render(input).join(&b' '))
    }

    /// Shows a command where it is to be shown: now, or with what it prints.
    ///
    /// # Errors
    /// It cannot be printed, and nor can anything else.
    pub(super) fn announce(&self, typed: Option<&[u8]>, printout: &mut Printout) -> Result<(), Broken> {
        let Some(typed) = typed else { return Ok(()) };
        let line = || [typed, b"\n"].concat();
        match (self.keep.show, self.keep.printing) {
            (Show::Nowhere, _) => {}
            (Show::Stderr, _) => self.outlet.print_part(Stream::Err, None, &line())?,
            (Show::Stdout, Printing::Direct) => self.outlet.print_part(Stream::Out, None, &line())?,
            (Show::Stdout, Printing::Grouped | Printing::Lines) => printout.head = line(),
        }
        Ok(())
    }

    /// Output first, outcome second.
    fn hand_over(&self, chunk: &mut Chunk<'_>, seq: u64, finished: Finished) {
        let Finished { mut printout, entry, failure } = finished;
        // What a task printed in an attempt that will be repeated would only repeat itself.
        let repeats = failure.is_some() && !chunk.is_last_attempt();
        let logged = self.log.as_ref().map(|log| log.keep(&chunk.task(seq), repeats, &mut printout.output));
        if let Some(Err(why)) = logged {
            self.outlet.fail(format!("cannot log what task {} printed: {why}", chunk.task(seq).id));
            return chunk.stop().ask(StopLevel::End);
        }
        if repeats {
            return chunk.failed(seq, failure.map(|f| f.error).unwrap_or_default());
        }
        chunk.enter(State::Report);
        if let Err(why) = self.keep_results(chunk, seq, &mut printout, entry.as_ref()) {
            self.outlet.fail(format!("cannot keep the result of task {}: {why}", chunk.task(seq).id));
            return chunk.stop().ask(StopLevel::End);
        }
        let code = failure.as_ref().map_or(0, Failure::code);
        let command = self.halting.as_ref().and_then(|_| entry.as_ref().map(|entry| entry.command.clone()));
        let done = failure.is_none();
        if let Some(failure) = failure {
            chunk.failed(seq, failure.error);
        }
        let waiting = Waiting { key: chunk.key(seq), printout, done, entry };
        match &self.gate {
            None => self.print(chunk, vec![waiting]),
            Some(gate) => {
                chunk.enter(State::Lock);
                let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
                chunk.enter(State::Report);
                let turn = gate.arrive(seq, waiting);
                // Printed under the lock: else two workers could print their turns in the wrong order.
                self.print(chunk, turn);
            }
        }
        if let Some(command) = command {
            self.count(chunk, code, &command);
        }
    }

    fn keep_results(
        &self,
        chunk: &Chunk<'_>,
        seq: u64,
        printout: &mut Printout,
        entry: Option<&Entry>,
    ) -> io::Result<()> {
        if self.results.is_none() && self.table.is_none() {
            return Ok(());
        }
        let task = chunk.task(seq);
        let number = task.id.to_string();
        let bytes = if chunk.is_array() { number.as_bytes() } else { task.input };
        let content = self.line.arguments(bytes).map_err(io::Error::other)?;
        if let Some((table, entry)) = self.table.as_ref().zip(entry) {
            let input = content.variable().unwrap_or_default();
            return table.keep(entry, &input, &mut printout.output, &self.room);
        }
        let Some(results) = &self.results else { return Ok(()) };
        let (id, slot) = (task.id, chunk.worker() as u32 + 1);
        content.with_fields(|fields| {
            let input = Input { fields, id, slot };
            results.keep(&Of { job: self.job_number, input, attempt: task.attempt }, printout)
        })
    }

    /// What cannot be printed is not told done: it runs again when somebody reads what it prints.
    fn print(&self, chunk: &mut Chunk<'_>, mut turn: Vec<Waiting>) {
        match self.print_and_log(&mut turn) {
            Ok(()) => turn.iter().filter(|w| w.done).for_each(|w| chunk.settle(w.key)),
            Err(_) => chunk.stop().ask(StopLevel::End),
        }
    }

    fn print_and_log(&self, turn: &mut [Waiting]) -> Result<(), Broken> {
        self.outlet.print(turn.iter_mut().map(|w| &mut w.printout))?;
        let Some(joblog) = &self.joblog else { return Ok(()) };
        let logged = turn.iter().filter_map(|w| w.entry.as_ref()).try_for_each(|entry| joblog.write(entry));
        logged.map_err(|error| {
            self.outlet.fail(format!("cannot write the job log: {error}"));
            Broken::from(&error)
        })
    }

    /// A task ended for good: whether that is enough to halt.
    fn count(&self, chunk: &Chunk<'_>, code: u8, command: &[u8]) {
        let Some((tally, halting)) = self.memory.tally.as_ref().zip(self.halting.as_ref()) else { return };
        let counted = tally.count(code, || (halting.total)());
        if let Some(word) = counted.word {
            self.outlet.say(&format!("divvy: this task {word}:\n{}", String::from_utf8_lossy(command)));
        }
        if !counted.enough.is_some_and(|code| halting.halted.set(code)) {
            return;
        }
        if tally.is_now() {
            return chunk.stop().ask(StopLevel::End);
        }
        self.outlet.say("divvy: no more tasks are started; the running ones may finish");
        chunk.stop().ask(StopLevel::Finish);
    }

    fn give_up(&self, chunk: &mut Chunk<'_>, seq: u64) {
        if let Some(gate) = &self.gate
            && chunk.stop().level() == StopLevel::Run
        {
            let mut gate = gate.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = gate.give_up(seq);
            self.print(chunk, turn);
        }
    }
}
