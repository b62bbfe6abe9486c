//! One command, from start to its group's end.

use super::ending::{Ending, Steps};
use super::group::Group;
use super::memory::Limit;
use super::watch::{GoOn, Stream, Watch};
use crate::chunk::Chunk;
use crate::stop::StopLevel;
use divvy_core::{Seq, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;
use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

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
    command.stdin(stdin.unwrap_or(chunk.nothing()).try_clone()?);
    let [out, err] = match settings.streams {
        Streams::Watched => {
            let (out, err) = (Pipe::to(Stream::Out)?, Pipe::to(Stream::Err)?);
            command.stdout(out.1).stderr(err.1);
            [Some(out.0), Some(err.0)]
        }
        Streams::Inherited => {
            command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
            [None, None]
        }
    };
    let mut running = Running { group: Group::start(command)?, out, err, noted: false };
    // The command has it; one file less that a worker holds open.
    command.stdin(Stdio::null());
    if let Some(nice) = settings.nice {
        // The whole group: it may have children by now. One that has ended already is as nice as can be.
        let _ = rustix::process::setpriority_pgrp(Some(running.group.pid()), nice);
    }
    chunk.enter(State::Run);
    running.until_end(chunk, seq, settings, watch)
}

/// A command that runs.
struct Running {
    group: Group,
    out: Option<Pipe>,
    err: Option<Pipe>,
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
        settings: &Settings,
        watch: &mut dyn Watch,
    ) -> io::Result<Ended> {
        let limit = Limit::of(chunk.demand(), self.group.pid());
        let mut verdict = Verdict { ending: &settings.ending, limit, why: None };
        let started_ns = chunk.now_ns();
        loop {
            let now = chunk.now_ns();
            let age_ns = now - started_ns;
            let wait_ns = verdict.step(now, age_ns, chunk, seq, watch, self);
            let note_ns = self.note(chunk, age_ns)?;
            let wait_ns = [wait_ns, note_ns].into_iter().flatten().min();
            let events = self.wait(chunk, wait_ns)?;
            if events.poked {
                chunk.poke().clear();
            }
            for (pipe, has) in [(&self.out, events.out), (&self.err, events.err)] {
                pipe.as_ref().filter(|_| has).map_or(Ok(()), |pipe| pipe.read_once(watch))?;
            }
            if events.exited {
                break;
            }
        }
        // The leader is dead but not reaped: its number is still its own, and so the group's.
        self.group.signal(Signal::KILL);
        [&self.out, &self.err].into_iter().flatten().try_for_each(|pipe| pipe.drain(watch))?;
        Ok(verdict.of(self.group.wait()?))
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

    /// Until it has ended, has printed something, or its worker is called.
    fn wait<'s>(&'s self, chunk: &Chunk<'_>, at_most_ns: Option<u64>) -> io::Result<Events> {
        let pidfd = self.group.pidfd();
        // A pipe that is not there keeps its place, as a second look at the process that asks for nothing.
        let pipe = |pipe: Option<&'s Pipe>| match pipe {
            Some(pipe) => PollFd::new(&pipe.0, PollFlags::IN),
            None => PollFd::new(pidfd, PollFlags::empty()),
        };
        let [exit, poke] = [pidfd, &chunk.poke().0].map(|fd| PollFd::new(fd, PollFlags::IN));
        let mut fds = [exit, poke, pipe(self.out.as_ref()), pipe(self.err.as_ref())];
        let timeout = at_most_ns
            .map(|ns| Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ });
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [exited, poked, out, err] = fds.map(|fd| !fd.revents().is_empty());
        Ok(Events { exited, poked, out, err })
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
                } else if limit.as_mut().is_some_and(|l| l.is_passed(running.group.pid(), age_ns)) {
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
            running.group.signal(signal);
            // A stopped process cannot act on a signal.
            running.group.signal(Signal::CONT);
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

/// The reading end of a pipe that the command prints to. It is read only when something is in it, so it never blocks.
///
/// The writing end stays open here as well, in the [`Command`]: so a pipe never hangs up, and a command that prints
/// nothing wakes its worker once, by its end, not three times.
struct Pipe(OwnedFd, Stream);

impl Pipe {
    /// A pipe, and the end that is written to.
    fn to(stream: Stream) -> io::Result<(Pipe, OwnedFd)> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
        Ok((Pipe(read, stream), write))
    }

    fn read_once(&self, watch: &mut dyn Watch) -> io::Result<()> {
        // On the stack: no allocation for the many tasks that print nothing.
        let mut buffer = [0; READ];
        match rustix::io::read(&self.0, &mut buffer) {
            Ok(n) => watch.printed(self.1, &buffer[..n]),
            Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What is in the pipe now. A process that left its group may hold the other end open for ever, and print
    /// without end, so this waits neither for the end nor until nothing comes.
    fn drain(&self, watch: &mut dyn Watch) -> io::Result<()> {
        let left = rustix::io::ioctl_fionread(&self.0)?;
        for _ in 0..left.div_ceil(READ as u64) {
            self.read_once(watch)?;
        }
        Ok(())
    }
}

struct Events {
    out: bool,
    err: bool,
    exited: bool,
    poked: bool,
}
