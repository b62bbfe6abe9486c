//! Exit codes, and the last words before them.
//!
//! 0 all done (or --halt had its successes); 1 to 100 that many tasks failed, 101 more; 123 a job waits for one that
//! failed; 124 `--timeout` of `divvy wait` is over; 125 bad usage; 126 divvy cannot go on: the store is unreachable, damaged or
//! full, outputs cannot be kept, a handler cannot be started or ends again and again, a
//! map-reduce has too little memory for the workers that are to go on with it; 130 somebody interrupted it; 141 the reader of our output went away.

use crate::args::{self, Output};
use divvy_store::Error as StoreError;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what it should.
    Done,
    /// So many tasks failed.
    Failed(u64),
    /// --halt stopped it, with this exit code.
    Halted(u8),
    /// Somebody stopped it.
    Interrupted,
    /// Nobody reads our output any more.
    OutputClosed,
    /// It could not go on, through no fault of the tasks: an output that cannot be kept, a handler that does not run.
    Unable,
    /// A job does not go on unless somebody acts.
    Stuck,
    /// It took longer than was asked for.
    TimedOut,
}

impl Exit {
    /// The exit code, as GNU parallel counts failures.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed(n) => n.min(101) as u8,
            Exit::Halted(code) => code,
            Exit::Interrupted => 130,
            Exit::OutputClosed => 141,
            Exit::Unable => UNREACHABLE,
            Exit::Stuck => 123,
            // As of timeout(1).
            Exit::TimedOut => 124,
        }
    }
}

const BAD_USAGE: u8 = 125;
const UNREACHABLE: u8 = 126;

/// What the user typed cannot be done; the text says why and what to do.
#[derive(Debug)]
struct BadUsage(String);

impl fmt::Display for BadUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BadUsage {}

/// An error that exits with 125.
pub fn bad_usage(why: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(BadUsage(why.to_string()))
}

/// What clap says: help and version are answers, everything else is bad usage.
pub fn usage(error: &clap::Error) -> ExitCode {
    // A closed terminal must not turn help into a panic.
    let _ = match args::mistake(error) {
        Some(words) => std::io::stderr().write_all(words.as_bytes()),
        None => help(error),
    };
    if error.use_stderr() { ExitCode::from(BAD_USAGE) } else { ExitCode::SUCCESS }
}

/// Prints what was asked for.
fn help(error: &clap::Error) -> std::io::Result<()> {
    let text = args::without_joiners(&error.render().to_string());
    if error.use_stderr() {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    }
}

/// Prints what went wrong, and gives the exit code.
pub fn of(done: anyhow::Result<Exit>, output: Output) -> ExitCode {
    match done {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            say(&error, output);
            ExitCode::from(code_of(&error))
        }
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    let no_such = |e: &StoreError| matches!(e, StoreError::NoJob(_) | StoreError::Conflict { .. });
    let unknown = error.downcast_ref::<StoreError>().is_some_and(no_such);
    if unknown || error.is::<BadUsage>() { BAD_USAGE } else { UNREACHABLE }
}

fn say(error: &anyhow::Error, output: Output) {
    match output {
        Output::Json => eprintln!("{}", serde_json::json!({ "error": format!("{error:#}") })),
        Output::Human | Output::Quiet => eprintln!("divvy: {error:#}{}", way_out(error)),
    }
}

/// What to do about the store, which knows no environment.
fn way_out(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::ReadOnly { .. }) => {
            "\n       DIVVY_DIR says where jobs are kept: name a directory that you may write"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_up_to_101() {
        assert_eq!([0, 1, 100, 101, 5_000].map(|n| Exit::Failed(n).code()), [0, 1, 100, 101, 101]);
    }
}
