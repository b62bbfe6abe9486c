//! Runs one job's commands.

use super::log::{Log, Logs};
use super::order::Gate;
use super::outlet::Outlet;
use super::results::Results;
use super::{KIND, Line, Recipe};
use crate::lang::placeholder::Input;
use divvy_core::demand::MEM;
use divvy_core::{Intervals, JobId, State};
use divvy_engine::process::{self, Bounds, Captured, Ended, SESSION_VAR};
use divvy_engine::{Chunk, Handler, Order, Runner, StopLevel, Task, TaskKey};
use divvy_store::{Held, JobSpec};
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Output of a task, per stream, that is kept in memory; more goes to a file.
const MEMORY_MAX: usize = 1 << 20;
/// The same while it waits for its turn: many tasks may wait.
const MEMORY_WAITING_MAX: usize = 16 << 10;
/// Between SIGTERM and SIGKILL for a task that is ended.
const TERM_NS: u64 = 2_000_000_000;
/// How long a task waits while the system has no more processes or open files, before the job is stopped.
const SCARCE_NS: u64 = 10_000_000_000;
/// Between two tries meanwhile.
const SCARCE_PAUSE: Duration = Duration::from_millis(10);
/// An input longer than this is not put into the environment: together with the argument it could pass what the
/// system allows.
const INPUT_VAR_MAX: usize = 64 << 10;

/// The handler.
#[derive(Clone)]
pub struct Commands {
    outlet: Arc<Outlet>,
    logs: Logs,
    /// Where large outputs wait.
    spill: PathBuf,
    /// The session, as processes carry it.
    session: Option<OsString>,
}

impl Commands {
    /// A handler that prints to this outlet. `session` is the node's session file.
    pub fn new(outlet: Arc<Outlet>, logs: Logs, spill: PathBuf, session: Option<PathBuf>) -> Commands {
        Commands { outlet, logs, spill, session: session.map(PathBuf::into_os_string) }
    }
}

impl Handler for Commands {
    fn kind(&self) -> &str {
        KIND
    }

    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let recipe = Recipe::decode(&spec.detail)?;
        let results = recipe.keep.results().map(Results::open).transpose();
        let memory_max = if recipe.keep.in_order { MEMORY_WAITING_MAX } else { MEMORY_MAX };
        Ok(Arc::new(JobRunner {
            job: OsString::from(job.to_string()),
            line: Line::new(&recipe)?,
            results: results.map_err(|e| format!("cannot keep results: {e}"))?,
            log: recipe.keep.log.then(|| self.logs.of(job)),
            gate: recipe.keep.in_order.then(Mutex::default),
            outlet: self.outlet.clone(),
            session: self.session.clone(),
            bounds: Bounds {
                timeout_ns: (recipe.limits.timeout_ms > 0)
                    .then_some(recipe.limits.timeout_ms.saturating_mul(1_000_000)),
                term_ns: TERM_NS,
                resident_max: None,
                memory_max,
                spill: self.spill.clone(),
            },
        }))
    }
}

struct JobRunner {
    job: OsString,
    line: Line,
    results: Option<Results>,
    log: Option<Log>,
    gate: Option<Mutex<Gate<Waiting>>>,
    outlet: Arc<Outlet>,
    session: Option<OsString>,
    bounds: Bounds,
}

/// A finished task whose output waits for its turn.
struct Waiting {
    key: TaskKey,
    output: Captured,
    /// Told done when printed; a failure is told at once, since it is not done in any case.
    done: bool,
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
            if chunk.is_ended(seq) || self.outlet.broken().is_some() {
                chunk.stopped(seq);
                self.give_up(chunk, seq);
                continue;
            }
            let mut output = Captured::default();
            match self.attempt(chunk, seq, &mut output) {
                Attempt::Outgrown(error) if chunk.may_get_more() => chunk.outgrown(seq, error),
                Attempt::Outgrown(error) => self.hand_over(chunk, seq, output, Some(error)),
                Attempt::Ended(Ok(())) => self.hand_over(chunk, seq, output, None),
                Attempt::Ended(Err(error)) => self.hand_over(chunk, seq, output, Some(error)),
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
        self.outlet.print(turn.iter_mut().map(|w| &mut w.output)).ok()?;
        Some(turn.iter().filter(|w| w.done).map(|w| w.key).collect())
    }

    fn before_report(&self) -> Result<(), String> {
        let logged = self.log.as_ref().map_or(Ok(()), Log::sync);
        logged.map_err(|e| format!("cannot make the log durable, so nothing is reported done: {e}"))?;
        let Some(results) = &self.results else { return Ok(()) };
        results.sync().map_err(|e| format!("cannot make results durable, so nothing is reported done: {e}"))
    }
}

enum Attempt {
    Ended(Result<(), String>),
    Outgrown(String),
    Stopped,
}

impl JobRunner {
    fn attempt(&self, chunk: &mut Chunk<'_>, seq: u64, output: &mut Captured) -> Attempt {
        let task = chunk.task(seq);
        let number = task.id.to_string();
        let bytes = if chunk.is_array() { number.as_bytes() } else { task.input };
        let slot = chunk.worker() as u32 + 1;
        let mut command = match self.line.command(&Input { input: bytes, id: task.id, slot }) {
            Ok(command) => command,
            Err(why) => return Attempt::Ended(Err(why)),
        };
        self.set_variables(&mut command, chunk, &task, &self.line.told(bytes), slot);
        let bounds = self.bounds_of(chunk);
        let mut ended = process::run(&mut command, chunk, seq, &bounds, output);
        let waits_since = chunk.now_ns();
        while ended.as_ref().is_err_and(is_scarce) && chunk.now_ns() < waits_since + SCARCE_NS {
            if chunk.is_ended(seq) {
                return Attempt::Stopped;
            }
            chunk.enter(State::HeldBack);
            std::thread::sleep(SCARCE_PAUSE);
            ended = process::run(&mut command, chunk, seq, &bounds, output);
        }
        match ended {
            Ok(Ended::Exited(status)) => Attempt::Ended(verdict(status)),
            Ok(Ended::TimedOut) => {
                let limit = self.bounds.timeout_ns.unwrap_or(0) as f64 / 1e9;
                Attempt::Ended(Err(format!("timed out after {limit} s")))
            }
            Ok(Ended::Outgrown) => {
                let most = bounds.resident_max.unwrap_or(0) >> 20;
                Attempt::Outgrown(format!(
                    "took more than its {most} MiB of memory, or the machine ran out of it"
                ))
            }
            Ok(Ended::Stopped) => Attempt::Stopped,
            // No fault of the task's: it runs again when there is room for what it prints, or for one more process.
            Err(error) if is_full(&error) || is_scarce(&error) => {
                self.outlet.fail(format!("cannot run task {} now: {error}", task.id));
                chunk.stop().ask(StopLevel::End);
                Attempt::Stopped
            }
            Err(error) => Attempt::Ended(Err(format!("cannot run: {error}"))),
        }
    }

    /// What a task of this lease may take.
    fn bounds_of(&self, chunk: &Chunk<'_>) -> Cow<'_, Bounds> {
        match chunk.demand().get(MEM) {
            0 => Cow::Borrowed(&self.bounds),
            most => Cow::Owned(Bounds { resident_max: Some(most), ..self.bounds.clone() }),
        }
    }

    fn set_variables(
        &self,
        command: &mut Command,
        chunk: &Chunk<'_>,
        task: &Task<'_>,
        input: &[u8],
        slot: u32,
    ) {
        command.env("DIVVY_JOB", &self.job).env("DIVVY_TASK", task.id.to_string());
        command.env("DIVVY_ATTEMPT", task.attempt.to_string()).env("DIVVY_FENCE", chunk.fence().to_string());
        command.env("DIVVY_SLOT", slot.to_string());
        if input.len() <= INPUT_VAR_MAX {
            command.env("DIVVY_INPUT", OsStr::from_bytes(input));
        }
        if let Some(session) = &self.session {
            command.env(SESSION_VAR, session);
        }
    }

    /// Output first, outcome second.
    fn hand_over(&self, chunk: &mut Chunk<'_>, seq: u64, mut output: Captured, error: Option<String>) {
        // What a task printed in an attempt that will be repeated would only repeat itself.
        let repeats = error.is_some() && !chunk.is_last_attempt();
        if let Some(Err(why)) = self.log.as_ref().map(|log| log.keep(&chunk.task(seq), repeats, &mut output))
        {
            self.outlet.fail(format!("cannot log what task {} printed: {why}", chunk.task(seq).id));
            return chunk.stop().ask(StopLevel::End);
        }
        if repeats {
            return chunk.failed(seq, error.unwrap_or_default());
        }
        chunk.enter(State::Report);
        if let Some(Err(why)) = self.results.as_ref().map(|r| r.keep(chunk.task(seq).id, &mut output)) {
            self.outlet.fail(format!("cannot keep the result of task {}: {why}", chunk.task(seq).id));
            return chunk.stop().ask(StopLevel::End);
        }
        let done = error.is_none();
        if let Some(error) = error {
            chunk.failed(seq, error);
        }
        let waiting = Waiting { key: chunk.key(seq), output, done };
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
    }

    /// What cannot be printed is not told done: it runs again when somebody reads what it prints.
    fn print(&self, chunk: &mut Chunk<'_>, mut turn: Vec<Waiting>) {
        match self.outlet.print(turn.iter_mut().map(|w| &mut w.output)) {
            Ok(()) => turn.iter().filter(|w| w.done).for_each(|w| chunk.settle(w.key)),
            Err(_) => chunk.stop().ask(StopLevel::End),
        }
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

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The system has no process or file to give, for the moment.
fn is_scarce(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let scarce = [Errno::MFILE, Errno::NFILE, Errno::AGAIN].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| scarce.contains(&code))
}

/// What an exit status says.
fn verdict(status: ExitStatus) -> Result<(), String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(format!("exit code {code}")),
        (None, Some(signal)) => Err(format!("killed by signal {signal}{}", name_of(signal))),
        (None, None) => Err(format!("ended with {status}")),
    }
}

fn name_of(signal: i32) -> &'static str {
    match signal {
        6 => " (SIGABRT)",
        9 => " (SIGKILL: by somebody, or for want of memory)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
