//! What can go wrong, named for what the caller can do about it.

use std::fmt;

/// Why the pool refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Correct the configuration: one sentence for each problem.
    Config(Vec<&'static str>),
    /// The system gave no thread.
    Thread(std::io::Error),
    /// `feeds_max` feeds are live: retire one, or wait.
    Full,
    /// A feed with this tag is live: choose another tag, or retire that feed.
    TagLive(u64),
    /// A feed holds at most `u32::MAX` tasks: split the range.
    TooLong(u64),
    /// The pool was stopped: start another.
    Stopped,
    /// That many workers panicked; the tasks of the chunks they had in hand are lost with them.
    Panicked(usize),
}

impl Error {
    /// True if the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Full | Error::TagLive(_) | Error::Thread(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Config(problems) => write!(f, "pool configuration: {}", problems.join("; ")),
            Error::Thread(source) => write!(f, "cannot start a worker thread: {source}"),
            Error::Full => write!(f, "as many feeds are live as feeds_max allows: retire one first"),
            Error::TagLive(tag) => {
                write!(f, "a feed with tag {tag} is live: retire it first or choose another tag")
            }
            Error::TooLong(len) => write!(f, "a feed of {len} tasks: split it, {} is the most", u32::MAX),
            Error::Stopped => write!(f, "the pool was stopped"),
            Error::Panicked(count) => write!(f, "{count} workers panicked; their chunks in hand are lost"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Thread(source) => Some(source),
            _ => None,
        }
    }
}
