//! A process that stays: it is talked to through its pipes, task after task.
//!
//! None of its three pipes ever blocks us, so neither side can wait for the other while both pipes are full: whoever
//! talks to it polls for all that it is interested in at once.

use super::group::Group;
use crate::chunk::Chunk;
use crate::stop::Call;
use divvy_core::State;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::io;
use std::process::{Command, ExitStatus, Stdio};

/// Bytes read at once.
const READ: usize = 64 << 10;

/// A process that runs. Dropping it kills its group.
pub struct Resident {
    group: Group,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
}

/// What to wait for, beside its end, its stderr, and a call to this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Room in its stdin.
    pub write: bool,
    /// Something from its stdout.
    pub read: bool,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Its leader has ended. What it printed before may still be in the pipes.
    pub exited: bool,
    /// This worker was called: for a stop, or because tasks were taken away.
    pub called: bool,
}

/// What a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Had {
    /// So many bytes, appended.
    Bytes(usize),
    /// Nothing for now.
    Nothing,
    /// The pipe has no writer any more, and nothing left in it.
    End,
}

impl Resident {
    /// Starts a process for the worker of this chunk, and writes it down for the node's survivors.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(command: &mut Command, chunk: &mut Chunk<'_>) -> io::Result<Resident> {
        chunk.enter(State::Spawn);
        let resident = Resident::start_alone(command)?;
        if let Some(children) = chunk.children() {
            let note = |group, from_ns, to_ns| children.note_resident(group, from_ns, to_ns);
            resident.group.note(note)?;
        }
        chunk.enter(State::Run);
        Ok(resident)
    }

    /// Starts a process that belongs to no chunk. The node's survivors find it by its environment, if that has
    /// [`SESSION_VAR`](super::SESSION_VAR).
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_alone(command: &mut Command) -> io::Result<Resident> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::start(command)?;
        let [stdin, stdout, stderr] = group.take_pipes();
        for pipe in [&stdin, &stdout, &stderr].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Resident { group, stdin, stdout, stderr })
    }

    /// Lets its stdin and its stdout hold so many bytes, if the system allows it, and says how many the smaller one
    /// holds.
    #[must_use]
    pub fn widen(&self, bytes: usize) -> usize {
        let pipes = [&self.stdin, &self.stdout].into_iter().flatten();
        let sizes = pipes.map(|pipe| {
            // As narrow as before it is slower, and nothing else.
            let _ = rustix::pipe::fcntl_setpipe_size(pipe, bytes);
            rustix::pipe::fcntl_getpipe_size(pipe).unwrap_or(0)
        });
        sizes.min().unwrap_or(0)
    }

    /// Waits until something is ready, at most so long.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait(&self, chunk: &Chunk<'_>, interest: Interest, at_most_ns: Option<u64>) -> io::Result<Ready> {
        let called = &chunk.poke().0;
        let (exited, called) = self.poll(Some(called), interest, at_most_ns)?;
        if called {
            chunk.poke().clear();
        }
        Ok(Ready { exited, called })
    }

    /// The same for who is no worker.
    ///
    /// # Errors
    /// What the system says.
    pub fn wait_with(&self, call: &Call, interest: Interest, at_most_ns: Option<u64>) -> io::Result<Ready> {
        let (exited, called) = self.poll(Some(&call.poke.0), interest, at_most_ns)?;
        if called {
            call.poke.clear();
        }
        Ok(Ready { exited, called })
    }

    fn poll<'s>(
        &'s self,
        call: Option<&'s OwnedFd>,
        interest: Interest,
        at_most_ns: Option<u64>,
    ) -> io::Result<(bool, bool)> {
        // What is not there or not asked for keeps its place, as one more look at the process that asks for nothing.
        let pidfd = self.group.pidfd();
        let ask = |fd: Option<&'s OwnedFd>, flags| fd.map_or((pidfd, PollFlags::empty()), |fd| (fd, flags));
        let asked = [
            (pidfd, PollFlags::IN),
            ask(call, PollFlags::IN),
            ask(self.stdin.as_ref().filter(|_| interest.write), PollFlags::OUT),
            ask(self.stdout.as_ref().filter(|_| interest.read), PollFlags::IN),
            ask(self.stderr.as_ref(), PollFlags::IN),
        ];
        let mut fds = asked.map(|(fd, flags)| PollFd::new(fd, flags));
        let timeout = at_most_ns
            .map(|ns| Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ });
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok((!fds[0].revents().is_empty(), call.is_some() && !fds[1].revents().is_empty()))
    }

    /// Whether its leader has ended.
    #[must_use]
    pub fn has_exited(&self) -> bool {
        self.wait_alone(false, 0)
    }

    /// Writes what there is room for. `None`: nobody reads it any more.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        let Some(stdin) = &self.stdin else { return Ok(None) };
        match rustix::io::write(stdin, bytes) {
            Ok(n) => Ok(Some(n)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Some(0)),
            Err(Errno::PIPE) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Bytes that were written and not read; 0 if that is not known.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.stdin.as_ref().map_or(0, |stdin| rustix::io::ioctl_fionread(stdin).unwrap_or(0))
    }

    /// Says that nothing more will come.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Reads from its stdout.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&mut self, into: &mut Vec<u8>) -> io::Result<Had> {
        read(&mut self.stdout, into)
    }

    /// Reads from its stderr.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_errors(&mut self, into: &mut Vec<u8>) -> io::Result<Had> {
        read(&mut self.stderr, into)
    }

    /// Asks its group to end.
    pub fn terminate(&self) {
        self.group.terminate();
    }

    /// Kills its group.
    pub fn kill(&self) {
        self.group.signal(rustix::process::Signal::KILL);
    }

    /// Kills what is left of the group and says how its leader ended.
    ///
    /// # Errors
    /// What the system says.
    pub fn reap(&mut self) -> io::Result<ExitStatus> {
        self.group.reap()
    }

    /// Waits for its end or for something to read, at most so long and deaf to calls: for a process that no worker
    /// runs. Whether it has ended.
    #[must_use]
    pub fn wait_alone(&self, read: bool, at_most_ns: u64) -> bool {
        // What the system refuses here it has refused before; then the caller's patience alone counts.
        self.poll(None, Interest { write: false, read }, Some(at_most_ns)).is_ok_and(|(exited, _)| exited)
    }
}

fn read(pipe: &mut Option<OwnedFd>, into: &mut Vec<u8>) -> io::Result<Had> {
    let Some(fd) = pipe else { return Ok(Had::End) };
    into.reserve(READ);
    match rustix::io::read(fd, rustix::buffer::spare_capacity(into)) {
        Ok(0) => {
            *pipe = None;
            Ok(Had::End)
        }
        Ok(n) => Ok(Had::Bytes(n)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Had::Nothing),
        Err(error) => Err(error.into()),
    }
}
