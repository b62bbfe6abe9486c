//! Runs one job's commands.

use super::delivery::Delivery;
use super::outlet::Outlet;
use super::{KIND, Line, Recipe};
use crate::lang::placeholder::Input;
use divvy_core::{Intervals, JobId, State};
use divvy_engine::process::{self, Bounds, Captured, Ended, SESSION_VAR};
use divvy_engine::{Chunk, Handler, Order, Runner, StopLevel, Task, TaskKey};
use divvy_store::{Held, JobSpec};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

/// Between SIGTERM and SIGKILL for a task that is ended.
pub(crate) const TERM_NS: u64 = 2_000_000_000;
/// How long a task waits while the system has no more processes or open files, before the job is stopped.
pub(crate) const SCARCE_NS: u64 = 10_000_000_000;
/// Between two tries meanwhile.
pub(crate) const SCARCE_PAUSE: Duration = Duration::from_millis(10);
/// An input longer than this is not put into the environment: together with the argument it could pass what the
/// system allows.
const INPUT_VAR_MAX: usize = 64 << 10;

/// The handler.
pub struct Commands {
    outlet: Arc<Outlet>,
    /// Where large outputs wait.
    spill: PathBuf,
    /// The session, as processes carry it.
    session: Option<OsString>,
}

impl Commands {
    /// A handler that prints to this outlet. `session` is the node's session file.
    pub fn new(outlet: Arc<Outlet>, spill: PathBuf, session: Option<PathBuf>) -> Commands {
        Commands { outlet, spill, session: session.map(PathBuf::into_os_string) }
    }
}

impl Handler for Commands {
    fn kind(&self) -> &str {
        KIND
    }

    fn open(&self, job: JobId, spec: &JobSpec) -> Result<Arc<dyn Runner>, String> {
        let recipe = Recipe::decode(&spec.detail)?;
        let delivery = Delivery::open(&recipe.keep, self.outlet.clone())?;
        let bounds = Bounds {
            timeout_ns: recipe.limits.timeout_ns(),
            term_ns: TERM_NS,
            memory_max: delivery.memory_max(),
            spill: self.spill.clone(),
        };
        let (job, line) = (OsString::from(job.to_string()), Line::new(&recipe)?);
        Ok(Arc::new(JobRunner { job, line, delivery, session: self.session.clone(), bounds }))
    }
}

struct JobRunner {
    job: OsString,
    line: Line,
    delivery: Delivery,
    session: Option<OsString>,
    bounds: Bounds,
}

impl Runner for JobRunner {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn on_leased(&self, _: Held, open: &Intervals) {
        self.delivery.expect(open);
    }

    fn on_returned(&self, tasks: &Intervals) {
        self.delivery.forgo(tasks);
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let range = chunk.range();
        for seq in range.lo..range.hi {
            if chunk.is_ended(seq) || self.delivery.is_broken() {
                chunk.stopped(seq);
                self.delivery.give_up(chunk, seq);
                continue;
            }
            let mut output = Captured::default();
            match self.attempt(chunk, seq, &mut output) {
                Attempt::Ended(Ok(())) => self.delivery.hand_over(chunk, seq, output, None),
                Attempt::Ended(Err(error)) => self.delivery.hand_over(chunk, seq, output, Some(error)),
                Attempt::Stopped => {
                    chunk.stopped(seq);
                    self.delivery.give_up(chunk, seq);
                }
            }
        }
    }

    fn on_quiet(&self) -> Option<Vec<TaskKey>> {
        self.delivery.on_quiet()
    }

    fn before_report(&self) -> Result<(), String> {
        self.delivery.sync()
    }
}

enum Attempt {
    Ended(Result<(), String>),
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
        self.set_variables(&mut command, chunk, &task, bytes, slot);
        let mut ended = process::run(&mut command, chunk, seq, &self.bounds, output);
        let waits_since = chunk.now_ns();
        while ended.as_ref().is_err_and(is_scarce) && chunk.now_ns() < waits_since + SCARCE_NS {
            if chunk.is_ended(seq) {
                return Attempt::Stopped;
            }
            chunk.enter(State::HeldBack);
            std::thread::sleep(SCARCE_PAUSE);
            ended = process::run(&mut command, chunk, seq, &self.bounds, output);
        }
        match ended {
            Ok(Ended::Exited(status)) => Attempt::Ended(verdict(status)),
            Ok(Ended::TimedOut) => {
                let limit = self.bounds.timeout_ns.unwrap_or(0) as f64 / 1e9;
                Attempt::Ended(Err(format!("timed out after {limit} s")))
            }
            Ok(Ended::Stopped) => Attempt::Stopped,
            // No fault of the task's: it runs again when there is room for what it prints, or for one more process.
            Err(error) if is_full(&error) || is_scarce(&error) => {
                self.delivery.fail(format!("cannot run task {} now: {error}", task.id));
                chunk.stop().ask(StopLevel::End);
                Attempt::Stopped
            }
            Err(error) => Attempt::Ended(Err(format!("cannot run: {error}"))),
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
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The system has no process or file to give, for the moment.
pub(crate) fn is_scarce(error: &io::Error) -> bool {
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

pub(crate) fn name_of(signal: i32) -> &'static str {
    match signal {
        6 => " (SIGABRT)",
        9 => " (SIGKILL: by somebody, or for want of memory)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
