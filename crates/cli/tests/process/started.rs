//! A program that runs: signals to it, its end, and what it printed.

use crate::place::HUNG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command};

/// A program that runs. Killed if a test loses it.
pub(crate) struct Started {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How a program ended.
pub(crate) struct Ran {
    /// `None`: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Started {
    pub(crate) fn new(command: &mut Command, out: PathBuf, err: PathBuf) -> Started {
        Started { child: command.spawn().unwrap(), out, err }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it has said so far.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.err).unwrap()).into_owned()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ran {
        // Not `wait`: that one has no deadline.
        if let Ok(pidfd) = pidfd_open(self.pid(), PidfdFlags::empty()) {
            let limit = Timespec { tv_sec: HUNG.as_secs() as i64, tv_nsec: 0 };
            let ready = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit)).unwrap();
            assert_eq!(ready, 1, "hung: it does not end. It said: {}", self.err());
        }
        let status = self.child.wait().unwrap();
        let read = |path| fs::read(path).unwrap();
        Ran { code: status.code(), signal: status.signal(), stdout: read(&self.out), stderr: read(&self.err) }
    }

    /// Sends a signal and waits for its end.
    pub(crate) fn end_by(self, signal: Signal) -> Ran {
        self.signal(signal);
        self.end()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ran {
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Expects this exit code, and gives what was said.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> String {
        let (code_is, signal) = (self.code, self.signal);
        assert_eq!(
            code_is,
            Some(code),
            "signal {signal:?}, stdout {:?}, stderr {:?}",
            self.out(),
            self.err()
        );
        self.err()
    }

    /// Expects this exit code and that all these words were said.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        let said = self.exits(code);
        assert!(said.starts_with("divvy: ") || said.starts_with("error: "), "{said}");
        for word in words {
            assert!(said.contains(word), "{said:?} does not say {word:?}");
        }
    }

    /// Expects success and silence but for stdout, which it gives.
    #[track_caller]
    pub(crate) fn silent(&self) -> String {
        assert_eq!(self.exits(0), "", "not silent");
        self.out()
    }

    /// As [`Ran::silent`], with the lines in order of their bytes.
    #[track_caller]
    pub(crate) fn sorted(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.silent().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}
