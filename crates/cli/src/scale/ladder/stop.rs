//! Ctrl-C while a ladder runs: the program that runs is ended, and what was measured is told.

use anyhow::{Context, Result};
use rustix::fd::{AsFd, BorrowedFd};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::cell::Cell;
use std::io::Read;
use std::os::unix::net::UnixStream;

/// How often somebody has asked us to stop.
pub struct Stop {
    signals: UnixStream,
    asked: Cell<usize>,
}

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system allows no handlers.
    pub fn on_signals() -> Result<Stop> {
        let (signals, writer) = UnixStream::pair().context("cannot listen for signals")?;
        signals.set_nonblocking(true)?;
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
        }
        Ok(Stop { signals, asked: Cell::new(0) })
    }

    /// Becomes readable when somebody asks; [`Stop::asked`] takes note of it.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// How often by now.
    pub fn asked(&self) -> usize {
        let mut bytes = [0; 16];
        if let Ok(more) = (&self.signals).read(&mut bytes) {
            self.asked.set(self.asked.get() + more);
        }
        self.asked.get()
    }
}
