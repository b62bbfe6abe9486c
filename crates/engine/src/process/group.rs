//! A process group and its leader, from start to end.

use super::children::boot_ns;
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

/// A group that runs. Dropping it kills it, so that no error leaves it behind.
pub(super) struct Group {
    child: Child,
    pidfd: OwnedFd,
    reaped: bool,
    /// Between which readings of the boot clock its leader was started.
    started: (u64, u64),
}

impl Group {
    /// Starts the command as the leader of a group of its own.
    pub(super) fn start(command: &mut Command) -> io::Result<Group> {
        let from_ns = boot_ns();
        let mut child = command.process_group(0).spawn()?;
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Group { child, pidfd, reaped: false, started: (from_ns, boot_ns()) }),
            Err(error) => {
                let _ = rustix::process::kill_process_group(pid, Signal::KILL);
                let _ = child.wait();
                Err(error.into())
            }
        }
    }

    /// The pipes that were asked for: stdin, stdout and stderr.
    pub(super) fn take_pipes(&mut self) -> [Option<OwnedFd>; 3] {
        let child = &mut self.child;
        let stdin = child.stdin.take().map(OwnedFd::from);
        [stdin, child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)]
    }

    /// The leader, and the group's number.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Readable once the leader has ended.
    pub(super) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Writes the group down for the node's survivors.
    pub(super) fn note(&self, write: impl FnOnce(u32, u64, u64) -> io::Result<()>) -> io::Result<()> {
        write(self.child.id(), self.started.0, self.started.1)
    }

    /// Nothing once the leader is reaped: its number may be somebody else's by then.
    pub(super) fn signal(&self, signal: Signal) {
        if self.reaped {
            return;
        }
        // No such group: all of it has ended already.
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), signal);
    }

    /// SIGTERM, also to a process that is stopped and could not act on it.
    pub(super) fn terminate(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
    }

    /// Kills what is left of the group, then waits for its leader: until then its number, and so the group's, is
    /// nobody else's. Says the same again if asked again.
    pub(super) fn reap(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Waits for its leader. What is left of the group has been killed, or goes on without us.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait()?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.reap();
        }
    }
}
