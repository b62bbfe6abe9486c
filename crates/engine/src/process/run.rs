//! One command, from start to its group's end.

use super::capture::{Captured, Printed};
use super::children::boot_ns;
use super::memory;
use crate::chunk::Chunk;
use crate::stop::StopLevel;
use divvy_core::{Seq, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

/// What a command may take.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Longest time, nanoseconds; `None`: no limit.
    pub timeout_ns: Option<u64>,
    /// Between SIGTERM and SIGKILL, nanoseconds.
    pub term_ns: u64,
    /// Resident bytes that it and its descendants may take together; `None`: not looked at.
    pub resident_max: Option<u64>,
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
    /// It took more memory than it may, or the system had none left and ended it.
    Outgrown,
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
    command.process_group(0).stdin(nothing).stdout(Stdio::piped()).stderr(Stdio::piped());
    let from_ns = boot_ns();
    let child = command.spawn()?;
    let mut running = Running::new(child, from_ns)?;
    chunk.enter(State::Run);
    if bounds.resident_max.is_none() {
        return running.until_end(chunk, seq, bounds, into);
    }
    memory::offer(running.child.id());
    let kills = memory::oom_kills();
    let ended = running.until_end(chunk, seq, bounds, into)?;
    let killed = matches!(ended, Ended::Exited(status) if status.signal() == Some(Signal::KILL.as_raw()));
    Ok(if killed && memory::oom_kills() > kills { Ended::Outgrown } else { ended })
}

/// A command that runs. Dropping it kills its group, so that no error leaves it behind.
struct Running {
    child: Child,
    pidfd: OwnedFd,
    reaped: bool,
    /// Between which readings of the boot clock it was started; `None` once it is written down.
    unnoted: Option<(u64, u64)>,
}

/// How long a command lives before it is written down for the node's survivors. The note is a write to a file that
/// all workers share, which is 6 % of a command that does nothing; one that is younger is found by its environment.
const NOTE_AFTER_NS: u64 = 10_000_000;

/// How often the memory of a bounded command is looked at: a program fills some ten megabytes in that time.
const MEMORY_EVERY_NS: u64 = 20_000_000;

/// Bytes read from a pipe at once. It is cleared for every task, so it is no larger than it pays to be.
const READ: usize = 16 << 10;

impl Running {
    fn new(child: Child, from_ns: u64) -> io::Result<Running> {
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Running { child, pidfd, reaped: false, unnoted: Some((from_ns, boot_ns())) }),
            Err(error) => {
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
                Err(error.into())
            }
        }
    }

    fn until_end(
        &mut self,
        chunk: &Chunk<'_>,
        seq: Seq,
        bounds: &Bounds,
        into: &mut Captured,
    ) -> io::Result<Ended> {
        let mut out = Pipe(self.child.stdout.take().map(OwnedFd::from));
        let mut err = Pipe(self.child.stderr.take().map(OwnedFd::from));
        let mut ending = Ending::new(chunk.now_ns(), bounds);
        let started_ns = chunk.now_ns();
        loop {
            let now = chunk.now_ns();
            ending.step(now, chunk, seq, bounds, self);
            let note_ns = self.note(chunk, now - started_ns)?;
            let wait_ns = [ending.wait_ns(now), note_ns].into_iter().flatten().min();
            let events = wait(&self.pidfd, &out, &err, chunk, wait_ns)?;
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
        self.signal(Signal::KILL);
        out.drain(&mut into.stdout, bounds)?;
        err.drain(&mut into.stderr, bounds)?;
        let status = self.child.wait()?;
        self.reaped = true;
        Ok(ending.verdict(status))
    }

    /// Writes the group down if it is old enough, else says how long until then.
    fn note(&mut self, chunk: &Chunk<'_>, age_ns: u64) -> io::Result<Option<u64>> {
        let (Some(children), Some((from_ns, to_ns))) = (chunk.children(), self.unnoted) else {
            return Ok(None);
        };
        if age_ns < NOTE_AFTER_NS {
            return Ok(Some(NOTE_AFTER_NS - age_ns));
        }
        self.unnoted = None;
        children.note(self.child.id(), from_ns, to_ns)?;
        Ok(None)
    }

    fn signal(&self, signal: Signal) {
        // No such group: all of it has ended already.
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Why and how a command is being ended before its time.
struct Ending {
    deadline_ns: Option<u64>,
    /// When to look at its memory.
    memory_at_ns: Option<u64>,
    why: Option<Ended>,
    kill_at_ns: Option<u64>,
}

impl Ending {
    fn new(now: u64, bounds: &Bounds) -> Ending {
        let deadline_ns = bounds.timeout_ns.map(|t| now.saturating_add(t));
        let memory_at_ns = bounds.resident_max.map(|_| now.saturating_add(MEMORY_EVERY_NS));
        Ending { deadline_ns, memory_at_ns, why: None, kill_at_ns: None }
    }

    fn step(&mut self, now: u64, chunk: &Chunk<'_>, seq: Seq, bounds: &Bounds, running: &Running) {
        if self.why.is_none() {
            self.why = if chunk.is_ended(seq) {
                Some(Ended::Stopped)
            } else if self.deadline_ns.is_some_and(|at| now >= at) {
                Some(Ended::TimedOut)
            } else if self.has_outgrown(now, bounds, running) {
                // At once: whoever asks first lets it grow on.
                running.signal(Signal::KILL);
                Some(Ended::Outgrown)
            } else {
                return;
            };
            running.signal(Signal::TERM);
            // A stopped process cannot act on SIGTERM.
            running.signal(Signal::CONT);
            self.kill_at_ns = Some(now.saturating_add(bounds.term_ns));
        }
        let at_once = chunk.stop().level() >= StopLevel::Kill;
        if at_once || self.kill_at_ns.is_some_and(|at| now >= at) {
            running.signal(Signal::KILL);
            self.kill_at_ns = None;
        }
    }

    fn has_outgrown(&mut self, now: u64, bounds: &Bounds, running: &Running) -> bool {
        let (Some(most), Some(at)) = (bounds.resident_max, self.memory_at_ns) else { return false };
        if now < at {
            return false;
        }
        self.memory_at_ns = Some(now.saturating_add(MEMORY_EVERY_NS));
        memory::resident(running.child.id()) > most
    }

    fn wait_ns(&self, now: u64) -> Option<u64> {
        let next = match self.why {
            Some(_) => self.kill_at_ns,
            None => [self.deadline_ns, self.memory_at_ns].into_iter().flatten().min(),
        };
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
