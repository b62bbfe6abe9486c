//! One run of the program: its time, its processor time, its context switches, and what it printed.
//!
//! Processor time and switches are what the system has charged to ended children of this process after the run, less
//! what it had before it. Only one child runs at a time, so the difference is this run's, with all descendants that
//! were waited for: what `wait4` gives, which no safe interface has together with context switches.

use super::stop::Stop;
use super::tail::Tail;
use anyhow::{Context, Result};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What is kept of stderr: enough for the last lines.
const STDERR_KEPT: usize = 8 << 10;
/// What is kept of stdout where a rate is looked for.
const STDOUT_KEPT: usize = 16 << 20;
/// How long a program that is told to end may take for it.
const GRACE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// What one run was like.
#[derive(Debug, Clone)]
pub struct Ran {
    /// From just before its start to its end.
    pub wall: Duration,
    /// What it took of the machine.
    pub cost: Cost,
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed, if that was asked for.
    pub stdout: Vec<u8>,
    /// The end of its stderr.
    pub stderr: Vec<u8>,
}

/// What a run took of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Processor time in the program, seconds.
    pub user_s: f64,
    /// Processor time in the system on its behalf, seconds.
    pub sys_s: f64,
    /// Times it gave up a processor by itself: to wait.
    pub voluntary: u64,
    /// Times it was taken from a processor: others wanted it.
    pub involuntary: u64,
}

/// What came of starting a program.
#[derive(Debug)]
pub enum Outcome {
    /// It ran to its end, well or not.
    Ran(Ran),
    /// It did not start, and why.
    NotStarted(String),
    /// Somebody stopped us, and so it was ended: there is nothing to tell.
    Stopped,
}

/// Runs a program to its end, or until somebody stops us.
///
/// # Errors
/// If the system does not tell about it.
pub fn measure(command: &mut Command, wants_stdout: bool, stop: &Stop) -> Result<Outcome> {
    let before = usage()?;
    command.stdin(Stdio::null()).stderr(Stdio::piped()).process_group(0);
    command.stdout(if wants_stdout { Stdio::piped() } else { Stdio::null() });
    let begun = Instant::now();
    let mut running = match command.spawn() {
        Ok(child) => Running::new(child)?,
        Err(error) => return Ok(Outcome::NotStarted(format!("{} does not start: {error}", shown(command)))),
    };
    let is_over = running.until_end(stop)?;
    let wall = begun.elapsed();
    if !is_over {
        running.end_by_force(stop)?;
        return Ok(Outcome::Stopped);
    }
    let (status, stdout, stderr) = running.finish()?;
    Ok(Outcome::Ran(Ran { wall, cost: Cost::between(&before, &usage()?), status, stdout, stderr }))
}

fn shown(command: &Command) -> String {
    crate::lang::Shown(command.get_program().as_encoded_bytes()).to_string()
}

fn usage() -> Result<Usage> {
    getrusage(UsageWho::RUSAGE_CHILDREN).context("the system does not tell what processes took")
}

impl Cost {
    fn between(before: &Usage, after: &Usage) -> Cost {
        let seconds = |from: nix::sys::time::TimeVal, to: nix::sys::time::TimeVal| {
            (to.num_microseconds() - from.num_microseconds()) as f64 / 1e6
        };
        let more = |of: fn(&Usage) -> i64| of(after).abs_diff(of(before));
        Cost {
            user_s: seconds(before.user_time(), after.user_time()),
            sys_s: seconds(before.system_time(), after.system_time()),
            voluntary: more(Usage::voluntary_context_switches),
            involuntary: more(Usage::involuntary_context_switches),
        }
    }

    /// Processor time, seconds.
    pub fn cpu_s(&self) -> f64 {
        self.user_s + self.sys_s
    }
}

/// A program that runs, in a process group of its own: Ctrl-C at the terminal is for us to pass on.
struct Running {
    child: Child,
    pid: Pid,
    pidfd: OwnedFd,
    out: Tail,
    err: Tail,
}

impl Running {
    fn new(mut child: Child) -> Result<Running> {
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        let out = Tail::new(child.stdout.take(), STDOUT_KEPT);
        let err = Tail::new(child.stderr.take(), STDERR_KEPT);
        Ok(Running { child, pid, pidfd, out, err })
    }

    /// Reads what it prints until it has ended, or somebody asks us to stop: then false.
    fn until_end(&mut self, stop: &Stop) -> Result<bool> {
        loop {
            // Not by the pipe alone: who looked before us has taken the byte out of it.
            if stop.asked() > 0 {
                return Ok(false);
            }
            let [exited, _, out, err] = self.wait(stop)?;
            if out {
                self.out.read_once();
            }
            if err {
                self.err.read_once();
            }
            if exited {
                return Ok(true);
            }
        }
    }

    fn wait(&self, stop: &Stop) -> Result<[bool; 4]> {
        let pidfd = self.pidfd.as_fd();
        // A pipe that is not there keeps its place, as a second look at the process that asks for nothing.
        let pipe = |tail: Option<_>| match tail {
            Some(fd) => PollFd::from_borrowed_fd(fd, PollFlags::IN),
            None => PollFd::from_borrowed_fd(pidfd, PollFlags::empty()),
        };
        let [exit, asked] = [pidfd, stop.fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let mut fds = [exit, asked, pipe(self.out.fd()), pipe(self.err.fd())];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(fds.map(|fd| !fd.revents().is_empty()))
    }

    /// Ends what it has left behind, and takes its last words. It is dead but not reaped: until then its number is its
    /// own, and so the group's.
    fn finish(mut self) -> Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
        self.signal(Signal::KILL);
        self.out.read_rest();
        self.err.read_rest();
        Ok((self.child.wait()?, self.out.into_kept(), self.err.into_kept()))
    }

    /// Asks it to end, and sees to it that it does: after a while, or when we are asked again.
    fn end_by_force(mut self, stop: &Stop) -> Result<()> {
        self.signal(Signal::TERM);
        let mut fds = [self.pidfd.as_fd(), stop.fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        // Interrupted or not: what comes now ends it.
        let _ = poll(&mut fds, Some(&GRACE));
        self.signal(Signal::KILL);
        self.child.wait()?;
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        // Nobody left in the group is no error.
        let _ = kill_process_group(self.pid, signal);
    }
}
