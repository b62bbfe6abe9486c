//! Where tasks' outputs leave the program: whole tasks, one after the other, never mixed.

use divvy_engine::process::Captured;
use indicatif::ProgressBar;
use std::io::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Standard output and error, shared by all workers.
#[derive(Debug, Default)]
pub struct Outlet {
    turn: Mutex<()>,
    /// Steps aside while something is printed.
    bar: OnceLock<ProgressBar>,
    /// Why nothing can be printed any more.
    broken: OnceLock<Broken>,
}

/// Why nothing can be printed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Nobody reads it.
    Closed,
    /// The system said this.
    Failed(String),
}

impl Outlet {
    /// A progress line that has to step aside.
    pub fn set_bar(&self, bar: ProgressBar) {
        // Set once, before the first task: a second bar would be a bug.
        assert!(self.bar.set(bar).is_ok(), "two progress bars");
    }

    /// Why nothing can be printed any more, if so.
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.get()
    }

    /// Nothing more is to be printed, for this reason.
    pub fn fail(&self, why: String) {
        // The first reason is the one that counts.
        let _ = self.broken.set(Broken::Failed(why));
    }

    /// Prints outputs, one task after the other. What cannot be printed breaks the outlet for good.
    ///
    /// # Errors
    /// The outlet is broken; the output counts as not printed.
    pub fn print<'c>(&self, outputs: impl Iterator<Item = &'c mut Captured>) -> Result<(), Broken> {
        let mut outputs = outputs.filter(|c| !(c.stdout.is_empty() && c.stderr.is_empty())).peekable();
        if outputs.peek().is_none() {
            return self.broken.get().cloned().map_or(Ok(()), Err);
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(broken) = self.broken.get() {
            return Err(broken.clone());
        }
        let mut print = || outputs.try_for_each(write);
        let written = match self.bar.get() {
            Some(bar) => bar.suspend(print),
            None => print(),
        };
        written.map_err(|error| self.broken.get_or_init(|| Broken::from(&error)).clone())
    }
}

impl From<&io::Error> for Broken {
    fn from(error: &io::Error) -> Broken {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Broken::Closed,
            _ => Broken::Failed(error.to_string()),
        }
    }
}

fn write(output: &mut Captured) -> io::Result<()> {
    if !output.stdout.is_empty() {
        let mut out = io::stdout().lock();
        output.stdout.copy_to(&mut out)?;
        out.flush()?;
    }
    if !output.stderr.is_empty() {
        output.stderr.copy_to(&mut io::stderr().lock())?;
    }
    Ok(())
}
