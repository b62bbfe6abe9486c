//! Where tasks' outputs leave the program: whole tasks, one after the other, never mixed; or whole lines.

use super::tag::Tagged;
use divvy_engine::process::{Captured, Stream};
use indicatif::ProgressBar;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, TryLockError};

/// Standard output and error, shared by all workers.
#[derive(Debug, Default)]
pub struct Outlet {
    turn: Mutex<()>,
    /// Steps aside while something is printed.
    bar: OnceLock<ProgressBar>,
    /// What running tasks say they are doing, by task, the latest last.
    statuses: Mutex<Vec<(String, String)>>,
    /// Why nothing can be printed any more.
    broken: OnceLock<Broken>,
    /// Whether a table's header has been asked for.
    has_header: AtomicBool,
    /// Whether divvy itself says nothing here.
    quiet: bool,
}

/// What is printed for a task that ended.
#[derive(Debug, Default)]
pub struct Printout {
    /// In front of each line.
    pub tag: Option<Vec<u8>>,
    /// Goes first, to stdout.
    pub head: Vec<u8>,
    /// What the task printed.
    pub output: Captured,
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
    /// An outlet; a quiet one prints what tasks print, and nothing of its own.
    pub fn new(quiet: bool) -> Outlet {
        Outlet { quiet, ..Outlet::default() }
    }

    /// A word of divvy's own on stderr. It must not matter if nobody hears it.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            let _ = self.in_turn(|| writeln!(io::stderr(), "{text}").or(Ok(())));
        }
    }

    /// A progress line that has to step aside.
    pub fn set_bar(&self, bar: ProgressBar) {
        // Set once, before the first task: a second bar would be a bug.
        assert!(self.bar.set(bar).is_ok(), "two progress bars");
    }

    /// A task says what it is doing; nothing, once it has ended.
    pub fn set_status(&self, task: &str, status: &str) {
        let mut statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.retain(|(of, _)| of != task);
        if !status.is_empty() {
            statuses.push((task.to_owned(), status.to_owned()));
        }
    }

    /// What a running task has said last.
    pub fn status(&self) -> Option<String> {
        let statuses = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        statuses.last().map(|(_, status)| status.clone())
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
    pub fn print<'p>(&self, printouts: impl Iterator<Item = &'p mut Printout>) -> Result<(), Broken> {
        self.print_telling(printouts, &mut |_| {})
    }

    /// The same, telling when somebody else is printing and has to be waited for, and when that is over.
    ///
    /// # Errors
    /// As [`Outlet::print`].
    pub fn print_telling<'p>(
        &self,
        printouts: impl Iterator<Item = &'p mut Printout>,
        waits: &mut dyn FnMut(bool),
    ) -> Result<(), Broken> {
        let mut printouts = printouts.filter(|p| !(p.head.is_empty() && p.output.is_empty())).peekable();
        if printouts.peek().is_none() {
            return self.broken.get().cloned().map_or(Ok(()), Err);
        }
        self.in_turn_telling(|| printouts.try_for_each(write), waits)
    }

    /// Prints a part of one stream.
    ///
    /// # Errors
    /// As [`Outlet::print`].
    pub fn print_part(&self, stream: Stream, tag: Option<&[u8]>, bytes: &[u8]) -> Result<(), Broken> {
        self.in_turn(|| match stream {
            Stream::Out => {
                let mut out = io::stdout().lock();
                Tagged::new(&mut out, tag).write_all(bytes)?;
                out.flush()
            }
            Stream::Err => Tagged::new(io::stderr().lock(), tag).write_all(bytes),
        })
    }

    /// A table's header on stdout, once however often it is asked for.
    ///
    /// # Errors
    /// As [`Outlet::print`].
    pub fn print_header(&self, line: &[u8]) -> Result<(), Broken> {
        if self.has_header.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.print_part(Stream::Out, None, line)
    }

    fn in_turn(&self, print: impl FnMut() -> io::Result<()>) -> Result<(), Broken> {
        self.in_turn_telling(print, &mut |_| {})
    }

    fn in_turn_telling(
        &self,
        mut print: impl FnMut() -> io::Result<()>,
        waits: &mut dyn FnMut(bool),
    ) -> Result<(), Broken> {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => {
                waits(true);
                let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                waits(false);
                turn
            }
        };
        if let Some(broken) = self.broken.get() {
            return Err(broken.clone());
        }
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

fn write(printout: &mut Printout) -> io::Result<()> {
    let Printout { tag, head, output } = printout;
    if !(head.is_empty() && output.stdout.is_empty()) {
        let mut out = io::stdout().lock();
        let mut tagged = Tagged::new(&mut out, tag.as_deref());
        tagged.write_all(head)?;
        output.stdout.copy_to(&mut tagged)?;
        out.flush()?;
    }
    if !output.stderr.is_empty() {
        output.stderr.copy_to(&mut Tagged::new(io::stderr().lock(), tag.as_deref()))?;
    }
    Ok(())
}
