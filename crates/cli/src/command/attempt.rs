//! One attempt of one task: what it runs, who looks after it meanwhile, and how it ended.

use super::delivery::Waiting;
use super::hold::{Starts, Ticket};
use super::lines::{self, Lines};
use super::outlet::Printout;
use super::program::{is_formless, not_started};
use super::runner::JobRunner;
use super::typed::typed;
use super::{joblog, recipe};
use crate::lang::placeholder::Input;
use divvy_core::demand::MEM;
use divvy_engine::process::{self, Captured, Ended, GoOn, Stream, Watch};
use divvy_engine::{Chunk, StopLevel};
use std::fs::File;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

/// How long a task waits while the system has no more processes or open files, before the job is stopped.
pub(crate) const SCARCE_NS: u64 = 10_000_000_000;
/// Between two tries meanwhile.
pub(crate) const SCARCE_PAUSE_NS: u64 = 10_000_000;

/// How an attempt ended.
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack, and nearly always the large one")]
pub enum Attempt {
    /// By itself.
    Ended(Finished),
    /// By us: it took more memory than it may, and gets more in its next attempt.
    Outgrown(String),
    /// By us: the task has to run again.
    Stopped,
    /// By us, and it is to run again here, so that others go on waiting for its turn.
    PutBack,
}

/// An attempt that ended.
pub struct Finished {
    /// What is to be printed.
    pub printout: Printout,
    /// What is written down, where anything is.
    pub entry: Option<joblog::Entry>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// A failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// A sentence.
    pub error: String,
    /// Exit code; -1 if it was ended for taking too long.
    pub exit: i32,
    /// Signal, or 0.
    pub signal: i32,
}

impl Failure {
    /// One number for both, as a shell has it; 255 for a task that was ended by us.
    pub fn code(&self) -> u8 {
        match (self.exit, self.signal) {
            (-1, _) => 255,
            (exit, 0) => exit as u8,
            (_, signal) => 128u8.wrapping_add(signal as u8),
        }
    }
}

/// Looks after a task while it runs.
struct Mind<'a> {
    runner: &'a JobRunner,
    sink: Sink<'a>,
    ticket: Option<Ticket>,
    put_back: bool,
    /// Bytes on stdout.
    printed: u64,
}

/// Where its bytes go.
enum Sink<'a> {
    Kept(&'a mut Captured),
    Lines(Lines<'a, Waiting>),
}

impl Watch for Mind<'_> {
    fn printed(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()> {
        if stream == Stream::Out {
            self.printed += bytes.len() as u64;
        }
        match &mut self.sink {
            Sink::Lines(lines) => lines.printed(stream, bytes),
            Sink::Kept(_) if self.runner.delivery.discards(stream) => Ok(()),
            Sink::Kept(output) => output.stream(stream).append(bytes, &self.runner.delivery.room),
        }
    }

    fn go_on(&mut self, age_ns: u64) -> GoOn {
        let mut until = match self.runner.memory.limit.go_on(age_ns) {
            GoOn::Always => u64::MAX,
            GoOn::Until(until) => until,
            no => return no,
        };
        if let Some(ticket) = self.ticket {
            if self.runner.memory.starts.must_make_room(ticket) {
                self.put_back = true;
                return GoOn::PutBack;
            }
            until = until.min(Starts::ask_again_ns(age_ns));
        }
        if let Sink::Lines(lines) = &mut self.sink
            && lines.waits()
            && !lines.catch_up()
        {
            until = until.min(age_ns.saturating_add(lines::LOOK_EVERY_NS));
        }
        if until == u64::MAX { GoOn::Always } else { GoOn::Until(until) }
    }
}

impl JobRunner {
    /// Runs a task once.
    pub fn attempt(&self, chunk: &mut Chunk<'_>, seq: u64) -> Attempt {
        let task = chunk.task(seq);
        let number = task.id.to_string();
        let bytes = if chunk.is_array() { number.as_bytes() } else { task.input };
        let (id, slot) = (task.id, chunk.worker() as u32 + 1);
        let mut printout = Printout::default();
        let read = self.line.content(bytes).and_then(|content| {
            let (tag, words) = content.with_fields(|fields| {
                let input = Input { fields, id, slot };
                (self.tag(&input), self.line.words(bytes, &input))
            });
            printout.tag = tag;
            Ok((words?, content))
        });
        let (words, content) = match read {
            Ok(read) => read,
            Err(error) => {
                let failure = Some(Failure { error, exit: 126, signal: 0 });
                return Attempt::Ended(Finished { printout, entry: None, failure });
            }
        };
        let typed = self.shows_commands.then(|| typed(&words));
        let mut command = match self.line.command(bytes, words) {
            Ok(command) => command,
            Err(error) => {
                let failure = Some(Failure { error, exit: 127, signal: 0 });
                let entry = typed.map(|command| joblog::Entry {
                    id,
                    started: joblog::now(),
                    run: Duration::ZERO,
                    printed: 0,
                    exit: 127,
                    signal: 0,
                    command,
                });
                return Attempt::Ended(Finished { printout, entry, failure });
            }
        };
        self.set_variables(&mut command, chunk, &task, content.variable().as_deref(), slot);
        if self.announce(typed.as_deref(), &mut printout).is_err() {
            chunk.stop().ask(StopLevel::End);
            return Attempt::Stopped;
        }
        let wall = if typed.is_some() { joblog::now() } else { Duration::ZERO };
        let started_ns = chunk.now_ns();
        let (ended, mind) = self.watched(chunk, seq, &mut command, content.stdin(), &mut printout);
        let run_ns = chunk.now_ns() - started_ns;
        let failure = match ended {
            Ok(Ended::Exited(status)) => verdict(status),
            Ok(Ended::TimedOut) => Some(timed_out(self.memory.limit.now_ns().unwrap_or(run_ns))),
            Ok(Ended::Outgrown) => {
                let failure = outgrown(chunk.demand().get(MEM));
                if chunk.may_get_more() {
                    return Attempt::Outgrown(failure.error);
                }
                Some(failure)
            }
            Ok(Ended::Stopped) if mind.put_back => return Attempt::PutBack,
            Ok(Ended::Stopped) => return Attempt::Stopped,
            // No fault of the task's: it runs again when there is room for what it prints, or for one more process.
            Err(error) if is_full(&error) || is_scarce(&error) => {
                return self.cannot_go_on(chunk, task.id, &error);
            }
            Err(error) => Some(not_run(&error, &command)),
        };
        if failure.is_none() {
            self.memory.limit.learn(run_ns);
        }
        let entry = typed.map(|command| joblog::Entry {
            id: task.id,
            started: wall,
            run: Duration::from_nanos(run_ns),
            printed: mind.printed,
            exit: failure.as_ref().map_or(0, |f| f.exit),
            signal: failure.as_ref().map_or(0, |f| f.signal),
            command,
        });
        Attempt::Ended(Finished { printout, entry, failure })
    }

    fn cannot_go_on(&self, chunk: &Chunk<'_>, id: u64, error: &io::Error) -> Attempt {
        self.delivery.fail(format!("cannot run task {id} now: {error}"));
        chunk.stop().ask(StopLevel::End);
        Attempt::Stopped
    }

    /// Runs a command, again and again while the system has no process for it.
    fn watched(
        &self,
        chunk: &mut Chunk<'_>,
        seq: u64,
        command: &mut Command,
        stdin: Option<&File>,
        printout: &mut Printout,
    ) -> (io::Result<Ended>, Minded) {
        let Printout { tag, head, output } = printout;
        let stop = chunk.stop().clone();
        let sink = if self.keep.printing == recipe::Printing::Lines {
            let delivery = &self.delivery;
            let (outlet, room, gate) = (&*delivery.outlet, &delivery.room, delivery.gate.as_ref());
            let (tag, begun) = (tag.as_deref(), Default::default());
            Sink::Lines(Lines { outlet, stop: &stop, tag, gate, seq, left: output, room, begun })
        } else {
            Sink::Kept(output)
        };
        let ticket = self.memory.starts.enter();
        let mut mind = Mind { runner: self, sink, ticket, put_back: false, printed: 0 };
        let mut ended = Ok(());
        if let Sink::Lines(lines) = &mut mind.sink {
            // With the lines that follow, not behind them.
            ended = lines.printed(Stream::Out, &std::mem::take(head));
        }
        let mut ended =
            ended.and_then(|()| process::run(command, stdin, chunk, seq, &self.settings, &mut mind));
        if ended.as_ref().is_err_and(is_formless)
            && let Some(script) = self.line.as_script(command)
        {
            *command = script;
            ended = process::run(command, stdin, chunk, seq, &self.settings, &mut mind);
        }
        let waits_since = chunk.now_ns();
        while ended.as_ref().is_err_and(is_scarce) && chunk.now_ns() < waits_since + SCARCE_NS {
            if chunk.is_ended(seq) {
                ended = Ok(Ended::Stopped);
                break;
            }
            chunk.hold_back(SCARCE_PAUSE_NS);
            ended = process::run(command, stdin, chunk, seq, &self.settings, &mut mind);
        }
        if let Some(ticket) = mind.ticket {
            self.memory.starts.leave(ticket);
        }
        let minded = Minded { put_back: mind.put_back, printed: mind.printed };
        if let Sink::Lines(lines) = &mut mind.sink {
            ended = ended.and_then(|ended| lines.end().map(|()| ended));
        }
        (ended, minded)
    }
}

/// What is known of a task after it was looked after.
struct Minded {
    put_back: bool,
    printed: u64,
}

fn outgrown(most: u64) -> Failure {
    let error = format!("took more than its {} MiB of memory, or the machine ran out of it", most >> 20);
    Failure { error, exit: 0, signal: 9 }
}

fn timed_out(limit_ns: u64) -> Failure {
    // As GNU parallel writes it down, whichever signal it was that did it.
    Failure { error: format!("timed out after {} s", limit_ns as f64 / 1e9), exit: -1, signal: 15 }
}

fn not_run(error: &io::Error, command: &Command) -> Failure {
    let exit = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
    Failure { error: not_started(error, command), exit, signal: 0 }
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
fn verdict(status: ExitStatus) -> Option<Failure> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(exit), _) => Some(Failure { error: format!("exit code {exit}"), exit, signal: 0 }),
        (None, Some(signal)) => {
            let error = format!("killed by signal {signal}{}", name_of(signal));
            Some(Failure { error, exit: 0, signal })
        }
        (None, None) => Some(Failure { error: format!("ended with {status}"), exit: 126, signal: 0 }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_number_as_in_a_shell() {
        let code = |status| verdict(ExitStatus::from_raw(status)).map(|failure| failure.code());
        assert_eq!((code(0), code(3 << 8), code(9)), (None, Some(3), Some(137)));
        assert_eq!(timed_out(1).code(), 255);
        assert_eq!(not_run(&io::ErrorKind::NotFound.into(), &Command::new("x")).code(), 127);
    }
}
