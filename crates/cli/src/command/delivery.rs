//! What becomes of what tasks printed: logged, kept, printed, in order if asked for; and then their outcomes told. It is
//! the same for a command of each task and for handlers that stay.

use super::Line;
use super::joblog::{Entry, JobLog};
use super::log::{Log, Logs};
use super::order::Gate;
use super::outlet::{Broken, Outlet, Printout};
use super::recipe::{Keep, Place, Printing, Recipe};
use super::results::{Of, Results};
use super::table::Table;
use crate::lang::placeholder::Input;
use divvy_core::{Intervals, JobId, Seq, State};
use divvy_engine::process::{Captured, Room, Stream};
use divvy_engine::{Chunk, StopLevel, TaskKey};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Output of a task, per stream, that is kept in memory; more goes to a file.
const MEMORY_MAX: usize = 1 << 20;
/// The same while it waits for its turn: many tasks may wait.
const MEMORY_WAITING_MAX: usize = 16 << 10;

/// Where the outputs of a node's jobs go.
#[derive(Clone)]
pub struct Ways {
    /// Standard output and error.
    pub outlet: Arc<Outlet>,
    /// The logs.
    pub logs: Logs,
    /// Where large outputs wait.
    pub spill: PathBuf,
}

/// Where one job's outputs go.
pub struct Delivery {
    job: u64,
    /// What of an output is kept in memory, and where the rest goes.
    pub(crate) room: Room,
    pub(super) outlet: Arc<Outlet>,
    pub(super) gate: Option<Mutex<Gate<Waiting>>>,
    results: Option<Results>,
    table: Option<Table>,
    log: Option<Log>,
    joblog: Option<JobLog>,
}

/// An attempt that ended.
pub struct Ended {
    /// What is to be printed.
    pub printout: Printout,
    /// What is written down, where anything is.
    pub entry: Option<Entry>,
    /// Why it failed, if it did.
    pub error: Option<String>,
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

impl Delivery {
    /// As the job wants its outputs kept.
    ///
    /// # Errors
    /// A sentence: a directory or file that cannot be made.
    pub fn open(job: JobId, recipe: &Recipe, ways: &Ways) -> Result<Delivery, String> {
        let Keep { place, names, joblog, in_order, printing, log, .. } = &recipe.keep;
        let joblog = joblog.as_ref().map(|path| JobLog::open(Path::new(path))).transpose();
        let results = Results::open(place, *names, &recipe.text.spelling)?;
        let table = table(place, &ways.outlet).map_err(|e| format!("cannot keep results: {e}"))?;
        let is_kept = results.is_some() || table.is_some();
        let memory_max = if *in_order { MEMORY_WAITING_MAX } else { MEMORY_MAX };
        Ok(Delivery {
            job: job.0,
            room: Room { memory_max, spill: ways.spill.clone() },
            outlet: ways.outlet.clone(),
            gate: (*in_order && *printing != Printing::Direct).then(Mutex::default),
            results,
            table,
            log: log.then(|| ways.logs.of(job, is_kept)),
            joblog: joblog.map_err(|e| format!("cannot write the job log: {e}"))?,
        })
    }

    /// Whether outputs are printed in the order of the inputs.
    pub fn is_in_order(&self) -> bool {
        self.gate.is_some()
    }

    /// Whether nothing is to be done for a task that printed nothing, other than to tell that it is done.
    pub fn is_idle(&self) -> bool {
        self.gate.is_none() && self.results.is_none() && self.table.is_none() && self.joblog.is_none()
    }

    /// Whether an attempt has to come with what is written down of it.
    pub fn wants_entries(&self) -> bool {
        self.joblog.is_some() || self.table.is_some()
    }

    /// Whether nobody wants this stream of any task.
    pub fn discards(&self, stream: Stream) -> bool {
        self.results.as_ref().is_some_and(|results| results.discards(stream))
    }

    /// Whether nothing can be printed any more.
    pub fn is_broken(&self) -> bool {
        self.outlet.broken().is_some()
    }

    /// Nothing more is to be printed, for this reason.
    pub fn fail(&self, why: String) {
        self.outlet.fail(why);
    }

    /// Prints what belongs to no task's output.
    pub fn pass_on(&self, output: Captured) {
        let mut printout = Printout { output, ..Printout::default() };
        // A broken outlet is seen by everybody who asks.
        let _ = self.outlet.print(std::iter::once(&mut printout));
    }

    /// These tasks will come.
    pub fn expect(&self, open: &Intervals) {
        if let Some(gate) = &self.gate {
            lock(gate).expect(open);
        }
    }

    /// These tasks will not come, as far as is known.
    pub fn forgo(&self, tasks: &Intervals) {
        if let Some(gate) = &self.gate {
            lock(gate).forgo(tasks);
        }
    }

    /// A task that others waited for was canceled, or is dead: they wait no longer.
    pub fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        let Some(gate) = &self.gate else { return Some(Vec::new()) };
        let mut turn = lock(gate).give_up_all();
        self.print_and_log(&mut turn, &mut |_| {}).ok()?;
        Some(turn.iter().filter(|w| w.done).map(|w| w.key).collect())
    }

    /// Makes durable what completions stand on.
    ///
    /// # Errors
    /// A sentence for people.
    pub fn sync(&self) -> Result<(), String> {
        let cannot = |what: &str, e: io::Error| {
            format!("cannot make {what} durable, so nothing is reported done: {e}")
        };
        self.results.as_ref().map_or(Ok(()), Results::sync).map_err(|e| cannot("results", e))?;
        self.table.as_ref().map_or(Ok(()), Table::sync).map_err(|e| cannot("results", e))?;
        self.log.as_ref().map_or(Ok(()), Log::sync).map_err(|e| cannot("the log", e))?;
        self.joblog.as_ref().map_or(Ok(()), JobLog::sync).map_err(|e| cannot("the job log", e))
    }

    /// Output first, outcome second. Whether the task has ended for good: not if it is attempted again, or the node has
    /// to stop because its output cannot be kept. `line` knows what its input is for people.
    pub fn hand_over(&self, chunk: &mut Chunk<'_>, seq: Seq, line: &Line, ended: Ended) -> bool {
        let Ended { mut printout, entry, error } = ended;
        // What a task printed in an attempt that will be repeated would only repeat itself.
        let repeats = error.is_some() && !chunk.is_last_attempt();
        let logged = self.log.as_ref().map(|log| log.keep(&chunk.task(seq), repeats, &mut printout.output));
        if let Some(Err(why)) = logged {
            self.stop(chunk, format!("cannot log what task {} printed: {why}", chunk.task(seq).id));
            return false;
        }
        if repeats {
            chunk.failed(seq, error.unwrap_or_default());
            return false;
        }
        chunk.enter(State::Report);
        if let Err(why) = self.keep(chunk, seq, line, &mut printout, entry.as_ref()) {
            self.stop(chunk, format!("cannot keep the result of task {}: {why}", chunk.task(seq).id));
            return false;
        }
        let done = error.is_none();
        if let Some(error) = error {
            chunk.failed(seq, error);
        }
        self.print_in_turn(chunk, Waiting { key: chunk.key(seq), printout, done, entry });
        true
    }

    /// A task will not come: it was stopped.
    pub fn give_up(&self, chunk: &mut Chunk<'_>, seq: Seq) {
        if let Some(gate) = &self.gate
            && chunk.stop().level() == StopLevel::Run
        {
            let mut gate = lock(gate);
            let mut turn = gate.give_up(seq);
            self.print(chunk, &mut turn);
        }
    }

    fn keep(
        &self,
        chunk: &Chunk<'_>,
        seq: Seq,
        line: &Line,
        printout: &mut Printout,
        entry: Option<&Entry>,
    ) -> io::Result<()> {
        if self.results.is_none() && self.table.is_none() {
            return Ok(());
        }
        let task = chunk.task(seq);
        let number = task.id.to_string();
        let bytes = if chunk.is_array() { number.as_bytes() } else { task.input };
        let content = line.arguments(bytes).map_err(io::Error::other)?;
        if let Some((table, entry)) = self.table.as_ref().zip(entry) {
            let input = content.variable().unwrap_or_default();
            return table.keep(entry, &input, &mut printout.output, &self.room);
        }
        let Some(results) = &self.results else { return Ok(()) };
        let (id, slot) = (task.id, chunk.worker() as u32 + 1);
        content.with_fields(|fields| {
            let input = Input { fields, id, slot };
            results.keep(&Of { job: self.job, input, attempt: task.attempt }, printout)
        })
    }

    fn print_in_turn(&self, chunk: &mut Chunk<'_>, mut waiting: Waiting) {
        let Some(gate) = &self.gate else {
            return self.print(chunk, std::slice::from_mut(&mut waiting));
        };
        chunk.enter(State::Lock);
        let mut gate = lock(gate);
        chunk.enter(State::Report);
        let mut turn = gate.arrive(waiting.key.seq, waiting);
        // Printed under the lock: else two workers could print their turns in the wrong order.
        self.print(chunk, &mut turn);
    }

    /// What cannot be printed is not told done: it runs again when somebody reads what it prints.
    fn print(&self, chunk: &mut Chunk<'_>, turn: &mut [Waiting]) {
        let waits = &mut |waits| chunk.enter(if waits { State::Lock } else { State::Report });
        match self.print_and_log(turn, waits) {
            Ok(()) => turn.iter().filter(|w| w.done).for_each(|w| chunk.settle(w.key)),
            Err(_) => chunk.stop().ask(StopLevel::End),
        }
    }

    fn print_and_log(&self, turn: &mut [Waiting], waits: &mut dyn FnMut(bool)) -> Result<(), Broken> {
        self.outlet.print_telling(turn.iter_mut().map(|w| &mut w.printout), waits)?;
        let Some(joblog) = &self.joblog else { return Ok(()) };
        let logged = turn.iter().filter_map(|w| w.entry.as_ref()).try_for_each(|entry| joblog.write(entry));
        logged.map_err(|error| {
            self.outlet.fail(format!("cannot write the job log: {error}"));
            Broken::from(&error)
        })
    }

    fn stop(&self, chunk: &Chunk<'_>, why: String) {
        self.outlet.fail(why);
        chunk.stop().ask(StopLevel::End);
    }
}

fn lock(gate: &Mutex<Gate<Waiting>>) -> MutexGuard<'_, Gate<Waiting>> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}

fn table(place: &Place, outlet: &Outlet) -> io::Result<Option<Table>> {
    let Place::Table(path, separator) = place else { return Ok(None) };
    let table = Table::open(path.as_deref().map(Path::new), *separator)?;
    if path.is_none() {
        // What cannot be printed stops the first task that tries.
        let _ = outlet.print_header(&table.header());
    }
    Ok(Some(table))
}
