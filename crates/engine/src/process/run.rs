//! One command, from start to its group's end.

use super::capture::{Captured, Printed};
use super::group::Group;
use crate::chunk::Chunk;
use crate::stop::StopLevel;
use divvy_core::{Seq, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::Signal;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

/// What a command may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Longest time, nanoseconds; `None`: no limit.
    pub timeout_ns: Option<u64>,
    /// Between SIGTERM and SIGKILL, nanoseconds.
    pub term_ns: u64,
    /// Output per stream that is kept in memory; more goes to a file in `spill`.
    pub memory_max: usize,
    /// See `memory_max`.
    pub spill: PathBuf,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, or by somebody else's signal.
    Exited(ExitStatus),
    /// It took too long.
    TimedOut,
    /// By us, because of a stop or because its task was taken away.
    Stopped,
}

/// Runs a command for a task and captures what it prints. Blocks until it and its whole group have ended.
///
/// # Errors
/// If it cannot be started (the error is the task's own), or its output cannot be kept.
pub fn run(
    command: &mut Command,
    chunk: &mut Chunk<'_>,
    seq: Seq,
    bounds: &Bounds,
    into: &mut Captured,
) -> io::Result<Ended> {
    chunk.enter(State::Spawn);
    let nothing = Stdio::from(chunk.nothing().try_clone()?);
    command.stdin(nothing).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running { group: Group::start(command)?, noted: false };
    chunk.enter(State::Run);
    running.until_end(chunk, seq, bounds, into)
}

/// A command that runs.
struct Running {
    group: Group,
    /// Whether it is written down.
    noted: bool,
}

/// How long a command lives before it is written down for the node's survivors. The note is a write to a file that
/// all workers share, which is 6 % of a command that does nothing; one that is younger is found by its environment.
const NOTE_AFTER_NS: u64 = 10_000_000;

/// Bytes read from a pipe at once. It is cleared for every task, so it is no larger than it pays to be.
const READ: usize = 16 << 10;

impl Running {
    fn until_end(
        &mut self,
        chunk: &Chunk<'_>,
        seq: Seq,
        bounds: &Bounds,
        into: &mut Captured,
    ) -> io::Result<Ended> {
        let [_, out, err] = self.group.take_pipes();
        let (mut out, mut err) = (Pipe(out), Pipe(err));
        let mut ending = Ending::new(chunk.now_ns(), bounds);
        let started_ns = chunk.now_ns();
        loop {
            let now = chunk.now_ns();
            ending.step(now, chunk, seq, bounds, &self.group);
            let note_ns = self.note(chunk, now - started_ns)?;
            let wait_ns = [ending.wait_ns(now), note_ns].into_iter().flatten().min();
            let events = wait(self.group.pidfd(), &out, &err, chunk, wait_ns)?;
            if events.poked {
                chunk.poke().clear();
            }
            out.react(events.out, &mut into.stdout, bounds)?;
            err.react(events.err, &mut into.stderr, bounds)?;
            if events.exited {
                break;
            }
        }
        // The leader is dead but not reaped: its number is still its own, and so the group's.
        self.group.signal(Signal::KILL);
        out.drain(&mut into.stdout, bounds)?;
        err.drain(&mut into.stderr, bounds)?;
        Ok(ending.verdict(self.group.reap()?))
    }

    /// Writes the group down if it is old enough, else says how long until then.
    fn note(&mut self, chunk: &Chunk<'_>, age_ns: u64) -> io::Result<Option<u64>> {
        let Some(children) = chunk.children().filter(|_| !self.noted) else { return Ok(None) };
        if age_ns < NOTE_AFTER_NS {
            return Ok(Some(NOTE_AFTER_NS - age_ns));
        }
        self.noted = true;
        self.group.note(|group, from_ns, to_ns| children.note(group, from_ns, to_ns))?;
        Ok(None)
    }
}

/// Why and how a command is being ended before its time.
struct Ending {
    deadline_ns: Option<u64>,
    why: Option<Ended>,
    kill_at_ns: Option<u64>,
}

impl Ending {
    fn new(now: u64, bounds: &Bounds) -> Ending {
        Ending { deadline_ns: bounds.timeout_ns.map(|t| now.saturating_add(t)), why: None, kill_at_ns: None }
    }

    fn step(&mut self, now: u64, chunk: &Chunk<'_>, seq: Seq, bounds: &Bounds, group: &Group) {
        if self.why.is_none() {
            self.why = if chunk.is_ended(seq) {
                Some(Ended::Stopped)
            } else if self.deadline_ns.is_some_and(|at| now >= at) {
                Some(Ended::TimedOut)
            } else {
                return;
            };
            group.terminate();
            self.kill_at_ns = Some(now.saturating_add(bounds.term_ns));
        }
        let at_once = chunk.stop().level() >= StopLevel::Kill;
        if at_once || self.kill_at_ns.is_some_and(|at| now >= at) {
            group.signal(Signal::KILL);
            self.kill_at_ns = None;
        }
    }

    fn wait_ns(&self, now: u64) -> Option<u64> {
        let next = if self.why.is_some() { self.kill_at_ns } else { self.deadline_ns };
        next.map(|at| at.saturating_sub(now))
    }

    /// Exit code 0 after SIGTERM may mean that the work is done, or that the program has tidied up and left; many do.
    /// Only the first would be a loss of time, so it counts as ended by us.
    fn verdict(self, status: ExitStatus) -> Ended {
        self.why.unwrap_or(Ended::Exited(status))
    }
}

/// The reading end of a pipe, until its writers are gone. It is read only when something is in it, so it never
/// blocks.
struct Pipe(Option<OwnedFd>);

impl Pipe {
    /// After a poll: reads what is there, or lets go of a pipe that has ended.
    fn react(&mut self, events: PollFlags, into: &mut Printed, bounds: &Bounds) -> io::Result<()> {
        if events.contains(PollFlags::IN) {
            self.read_once(into, bounds)
        } else {
            // Hung up, and nothing left in it.
            self.0.take_if(|_| !events.is_empty());
            Ok(())
        }
    }

    fn read_once(&mut self, into: &mut Printed, bounds: &Bounds) -> io::Result<()> {
        let Some(fd) = &self.0 else { return Ok(()) };
        // On the stack: no allocation for the many tasks that print nothing.
        let mut buffer = [0; READ];
        match into.read_from(fd, &mut buffer, bounds.memory_max, &bounds.spill) {
            Ok(0) => self.0 = None,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
        Ok(())
    }

    /// What is in the pipe now. A process that left its group may hold the other end open for ever, and print
    /// without end, so this waits neither for the end nor until nothing comes.
    fn drain(&mut self, into: &mut Printed, bounds: &Bounds) -> io::Result<()> {
        let Some(fd) = &self.0 else { return Ok(()) };
        let left = rustix::io::ioctl_fionread(fd)?;
        for _ in 0..left.div_ceil(READ as u64) {
            self.read_once(into, bounds)?;
        }
        Ok(())
    }
}

struct Events {
    out: PollFlags,
    err: PollFlags,
    exited: bool,
    poked: bool,
}

fn wait(pidfd: &OwnedFd, out: &Pipe, err: &Pipe, chunk: &Chunk<'_>, ns: Option<u64>) -> io::Result<Events> {
    // A pipe that has ended keeps its place, as a second look at the process that asks for nothing.
    let pipe = |pipe: &Pipe| pipe.0.as_ref().map_or(PollFlags::empty(), |_| PollFlags::IN);
    let mut fds = [
        PollFd::new(pidfd, PollFlags::IN),
        PollFd::new(&chunk.poke().0, PollFlags::IN),
        PollFd::new(out.0.as_ref().unwrap_or(pidfd), pipe(out)),
        PollFd::new(err.0.as_ref().unwrap_or(pidfd), pipe(err)),
    ];
    let timeout =
        ns.map(|ns| Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ });
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let events = |n: usize| fds[n].revents();
    Ok(Events { exited: !events(0).is_empty(), poked: !events(1).is_empty(), out: events(2), err: events(3) })
}
