//! One command, from start to its group's end.

use super::children::boot_ns;
use super::ending::{Ending, Steps};
use super::memory::Limit;
use super::watch::{GoOn, Stream, Watch};
use crate::chunk::Chunk;
use crate::stop::StopLevel;
use divvy_core::{Seq, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

/// How commands are run.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How one is ended before its time.
    pub ending: Ending,
    /// Its niceness, if it is to be another than this process's.
    pub nice: Option<i32>,
    /// Where it prints to.
    pub streams: Streams,
}

/// Where a command prints to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Streams {
    /// To its [`Watch`].
    #[default]
    Watched,
    /// To where this process does.
    Inherited,
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
    /// By us, because of a stop, because its task was taken away, or because its watch put it back.
    Stopped,
}

/// Runs a command for a task. Blocks until it and its whole group have ended. Its standard input is this file from the
/// start, or empty.
///
/// # Errors
/// If it cannot be started (the error is the task's own), or its output cannot be kept.
pub fn run(
    command: &mut Command,
    mut stdin: Option<&File>,
    chunk: &mut Chunk<'_>,
    seq: Seq,
    settings: &Settings,
    watch: &mut dyn Watch,
) -> io::Result<Ended> {
    chunk.enter(State::Spawn);
    // A start that failed, or the writing of the file, has left it elsewhere.
    if let Some(file) = &mut stdin {
        file.rewind()?;
    }
    let stdin = Stdio::from(stdin.unwrap_or(chunk.nothing()).try_clone()?);
    let stream = || match settings.streams {
        Streams::Watched => Stdio::piped(),
        Streams::Inherited => Stdio::inherit(),
    };
    command.process_group(0).stdin(stdin).stdout(stream()).stderr(stream());
    let from_ns = boot_ns();
    let child = command.spawn()?;
    let mut running = Running::new(child, from_ns)?;
    if let Some(nice) = settings.nice {
        // The whole group: it may have children by now. One that has ended already is as nice as can be.
        let _ = rustix::process::setpriority_pgrp(Some(Pid::from_child(&running.child)), nice);
    }
    chunk.enter(State::Run);
    running.until_end(chunk, seq, settings, watch)
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
        settings: &Settings,
        watch: &mut dyn Watch,
    ) -> io::Result<Ended> {
        let mut out = Pipe(self.child.stdout.take().map(OwnedFd::from), Stream::Out);
        let mut err = Pipe(self.child.stderr.take().map(OwnedFd::from), Stream::Err);
        let limit = Limit::of(chunk.demand(), self.child.id());
        let mut verdict = Verdict { ending: &settings.ending, limit, why: None };
        let started_ns = chunk.now_ns();
        loop {
            let now = chunk.now_ns();
            let age_ns = now - started_ns;
            let wait_ns = verdict.step(now, age_ns, chunk, seq, watch, self);
            let note_ns = self.note(chunk, age_ns)?;
            let wait_ns = [wait_ns, note_ns].into_iter().flatten().min();
            let events = wait(&self.pidfd, &out, &err, chunk, wait_ns)?;
            if events.poked {
                chunk.poke().clear();
            }
            out.react(events.out, watch)?;
            err.react(events.err, watch)?;
            if events.exited {
                break;
            }
        }
        // The leader is dead but not reaped: its number is still its own, and so the group's.
        self.signal(Signal::KILL);
        out.drain(watch)?;
        err.drain(watch)?;
        let status = self.child.wait()?;
        self.reaped = true;
        Ok(verdict.of(status))
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

/// Why and how a command is being ended before its time, if it is.
struct Verdict<'a> {
    ending: &'a Ending,
    limit: Option<Limit>,
    why: Option<(Ended, Steps<'a>)>,
}

impl Verdict<'_> {
    /// Decides by now, signals what is due, and says how long until the next look.
    fn step(
        &mut self,
        now: u64,
        age_ns: u64,
        chunk: &Chunk<'_>,
        seq: Seq,
        watch: &mut dyn Watch,
        running: &Running,
    ) -> Option<u64> {
        let (_, steps) = match &mut self.why {
            Some(why) => why,
            none => {
                let limit = &mut self.limit;
                let (ended, ending) = if chunk.is_ended(seq) {
                    (Ended::Stopped, self.ending)
                } else if limit.as_mut().is_some_and(|l| l.is_passed(running.child.id(), age_ns)) {
                    // Whoever asks first lets it grow on.
                    (Ended::Outgrown, Ending::AT_ONCE)
                } else {
                    let look_ns = limit.as_ref().map(|l| l.next_ns().saturating_sub(age_ns));
                    match watch.go_on(age_ns) {
                        GoOn::Always => return look_ns,
                        GoOn::Until(age) => {
                            let wait_ns = age.saturating_sub(age_ns);
                            return Some(look_ns.map_or(wait_ns, |look_ns| look_ns.min(wait_ns)));
                        }
                        GoOn::TimedOut => (Ended::TimedOut, self.ending),
                        GoOn::PutBack => (Ended::Stopped, self.ending),
                    }
                };
                none.insert((ended, Steps::new(ending, now)))
            }
        };
        let at_once = chunk.stop().level() >= StopLevel::Kill;
        while let Some(signal) = if at_once { steps.skip() } else { steps.due(now) } {
            running.signal(signal);
            // A stopped process cannot act on a signal.
            running.signal(Signal::CONT);
        }
        steps.next_ns().map(|at| at.saturating_sub(now))
    }

    /// Exit code 0 after SIGTERM may mean that the work is done, or that the program has tidied up and left; many do.
    /// Only the first would be a loss of time, so it counts as ended by us.
    fn of(self, status: ExitStatus) -> Ended {
        let killed = status.signal() == Some(Signal::KILL.as_raw());
        match (self.why, self.limit) {
            (Some((ended, _)), _) => ended,
            (None, Some(limit)) if killed && limit.system_ran_out() => Ended::Outgrown,
            (None, _) => Ended::Exited(status),
        }
    }
}

/// The reading end of a pipe, until its writers are gone. It is read only when something is in it, so it never
/// blocks.
struct Pipe(Option<OwnedFd>, Stream);

impl Pipe {
    /// After a poll: reads what is there, or lets go of a pipe that has ended.
    fn react(&mut self, events: PollFlags, watch: &mut dyn Watch) -> io::Result<()> {
        if events.contains(PollFlags::IN) {
            self.read_once(watch)
        } else {
            // Hung up, and nothing left in it.
            self.0.take_if(|_| !events.is_empty());
            Ok(())
        }
    }

    fn read_once(&mut self, watch: &mut dyn Watch) -> io::Result<()> {
        let Some(fd) = &self.0 else { return Ok(()) };
        // On the stack: no allocation for the many tasks that print nothing.
        let mut buffer = [0; READ];
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => self.0 = None,
            Ok(n) => watch.printed(self.1, &buffer[..n])?,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// What is in the pipe now. A process that left its group may hold the other end open for ever, and print
    /// without end, so this waits neither for the end nor until nothing comes.
    fn drain(&mut self, watch: &mut dyn Watch) -> io::Result<()> {
        let Some(fd) = &self.0 else { return Ok(()) };
        let left = rustix::io::ioctl_fionread(fd)?;
        for _ in 0..left.div_ceil(READ as u64) {
            self.read_once(watch)?;
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
