//! What can go wrong, named for what the caller can do about it.

use std::path::{Path, PathBuf};

/// Why a step of a map-reduce failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read, written or made. For a full disk see [`Error::is_full`].
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: "read", "write", "make".
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A run file does not hold what was written to it: the splits that it covers have to be run again.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What does not agree.
        why: &'static str,
    },
    /// An input is not what it was when the job was planned.
    #[error("{} was changed while it was read: run the job again from the beginning", path.display())]
    Changed {
        /// Which file.
        path: PathBuf,
    },
    /// A word names no file.
    #[error("{} names no file, no directory, and no pattern that any file matches", path.display())]
    NoInput {
        /// The word.
        path: PathBuf,
    },
    /// The program cannot be run here.
    #[error("{why}")]
    Program {
        /// Why not.
        why: String,
    },
    /// The node stops: what was begun is done by whoever goes on.
    #[error("stopped")]
    Stopped,
    /// A single record or group needs more memory than there is.
    #[error("{what} of {bytes} bytes does not fit into the memory budget: raise --memory")]
    TooLarge {
        /// What is too large, such as "a record".
        what: &'static str,
        /// Its size.
        bytes: u64,
    },
    /// A task has failed for good: the program on a record or a key, or an input that was changed.
    #[error("{why}")]
    Failed {
        /// What it failed of.
        why: String,
    },
    /// The store says no.
    #[error(transparent)]
    Store(#[from] divvy_store::Error),
    /// The node that runs the job has ended.
    #[error(transparent)]
    Engine(#[from] divvy_engine::Error),
}

/// The result of a step.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the system at a path, for `map_err`.
    pub fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { what, path, source }
    }

    /// Whether the disk, or the quota, is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Error::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }
}
