//! What can go wrong in a store, by what the caller can do about it.

use divvy_core::{JobId, NodeId};
use std::path::PathBuf;

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a store did not do what was asked. Nothing of a refused operation has happened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Others held the store for longer than the configured wait.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// There is no such job.
    #[error("there is no job {0}; `divvy jobs` lists those there are")]
    NoJob(JobId),
    /// The node's session has ended: its leases are lost, it has to register again.
    #[error("the session of node {0} has ended")]
    NodeGone(NodeId),
    /// The operation does not fit the job's state.
    #[error("job {job} {why}")]
    Conflict {
        /// The job.
        job: JobId,
        /// What stands against it, as the end of a sentence that starts with the job.
        why: &'static str,
    },
    /// A row or block does not match its checksum, or cannot be what was written.
    #[error(
        "the store is damaged: {what}. Nothing was skipped; restore the file from a copy, or forget the job"
    )]
    Corrupt {
        /// Which row, and of which job and tasks.
        what: String,
    },
    /// A later version of divvy made the store.
    #[error("the store has format {found}, this divvy knows formats up to {known}: use the newer divvy")]
    Newer {
        /// The format in the store.
        found: u32,
        /// The newest format that this program knows.
        known: u32,
    },
    /// There is no room on the disk.
    #[error("the disk is full: {path}. Nothing is lost; make room and resume", path = .0.display())]
    Full(PathBuf),
    /// The store, or its directory, cannot be written.
    #[error("cannot write {path}: {why}", path = path.display())]
    ReadOnly {
        /// The store's file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The store lies on a network file system, where the write-ahead log breaks.
    #[error(
        "{path} is on a network file system ({kind}), where SQLite's write-ahead log breaks; set DIVVY_DIR or DIVVY_STORE to a local disk",
        path = path.display()
    )]
    NetworkFs {
        /// The store's file.
        path: PathBuf,
        /// The file system's name.
        kind: String,
    },
    /// The engine below failed in a way that is none of the above.
    #[error("{path}: {why}", path = path.display())]
    Unreachable {
        /// The store's file.
        path: PathBuf,
        /// What it said.
        why: String,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Busy(_))
    }
}
