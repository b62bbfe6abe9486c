//! Who looks after a command while it runs.

use std::io;

/// One of a command's two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Whether a command may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// To its end.
    Always,
    /// For now: to be asked again at this age, nanoseconds.
    Until(u64),
    /// No: it has taken too long.
    TimedOut,
    /// No, by no fault of its own.
    PutBack,
}

/// What is told, and asked, by the worker that runs a command. It is called between two waits for the command, so
/// it must be quick, or know why it makes the command wait.
pub trait Watch {
    /// Bytes of a stream, as they come.
    ///
    /// # Errors
    /// If they cannot be kept; the command is killed then, and the error becomes its own.
    fn printed(&mut self, stream: Stream, bytes: &[u8]) -> io::Result<()>;

    /// Whether the command may go on at this age, nanoseconds. Asked at least as often as it says.
    fn go_on(&mut self, age_ns: u64) -> GoOn;
}
