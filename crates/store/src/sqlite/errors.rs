//! From what SQLite says to what the caller can do about it.

use crate::Error;
use divvy_core::JobId;
use rusqlite::ErrorCode;
use std::path::Path;

/// Trouble inside of an operation: either the port's own error, or SQLite's, which still lacks the file's name.
#[derive(Debug)]
pub(super) enum Fault {
    /// An answer to the caller.
    Store(Error),
    /// Trouble with the engine.
    Engine(rusqlite::Error),
}

/// The result of a step inside of an operation.
pub(super) type Step<T> = Result<T, Fault>;

impl From<rusqlite::Error> for Fault {
    fn from(e: rusqlite::Error) -> Fault {
        Fault::Engine(e)
    }
}

impl From<Error> for Fault {
    fn from(e: Error) -> Fault {
        Fault::Store(e)
    }
}

impl Fault {
    /// The error for the caller.
    pub(super) fn told(self, path: &Path) -> Error {
        match self {
            Fault::Store(e) => e,
            Fault::Engine(e) => engine(&e, path),
        }
    }
}

/// A row or set that cannot be what was written.
pub(super) fn corrupt(what: impl Into<String>) -> Fault {
    Fault::Store(Error::Corrupt { what: what.into() })
}

/// What the job's state does not allow.
pub(super) fn conflict(job: JobId, why: &'static str) -> Fault {
    Fault::Store(Error::Conflict { job, why })
}

/// Whether somebody else holds the file for the moment.
pub(super) fn is_busy(e: &rusqlite::Error) -> bool {
    matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Names SQLite's error for the caller. Takes a reference, because a failed commit is told to a whole group.
pub(super) fn engine(e: &rusqlite::Error, path: &Path) -> Error {
    let why = e.to_string();
    // Of a file that cannot be opened the path is said twice otherwise.
    let why = why.strip_suffix(&format!(": {}", path.display())).unwrap_or(&why).to_owned();
    let path = path.to_path_buf();
    match e.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy(why),
        Some(ErrorCode::DiskFull) => Error::Full(path),
        Some(ErrorCode::SystemIoFailure) if no_space(&path) => Error::Full(path),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::ReadOnly { path, why }
        }
        Some(ErrorCode::DatabaseCorrupt) => Error::Corrupt { what: format!("{}: {why}", path.display()) },
        Some(ErrorCode::NotADatabase) => Error::Unreachable { path, why: "is no divvy store".into() },
        _ => Error::Unreachable { path, why },
    }
}

/// Whether the file system has no room. SQLite keeps the `errno` of a failed write to itself, and some paths
/// (growing the `-shm` file, a failed `fsync`) report a full disk as a plain I/O error.
fn no_space(path: &Path) -> bool {
    const ROOM_MIN: u64 = 1 << 20;
    let dir = path.parent().unwrap_or(Path::new("."));
    rustix::fs::statvfs(dir).is_ok_and(|s| s.f_bavail.saturating_mul(s.f_frsize) < ROOM_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    fn told(code: i32) -> Error {
        let e = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        engine(&e, Path::new("/proc/none/store"))
    }

    #[test]
    fn every_code_has_its_name() {
        assert!(matches!(told(ffi::SQLITE_FULL), Error::Full(_)));
        assert!(matches!(told(ffi::SQLITE_BUSY), Error::Busy(_)));
        assert!(matches!(told(ffi::SQLITE_LOCKED), Error::Busy(_)));
        assert!(matches!(told(ffi::SQLITE_READONLY), Error::ReadOnly { .. }));
        assert!(matches!(told(ffi::SQLITE_READONLY_DIRECTORY), Error::ReadOnly { .. }));
        assert!(matches!(told(ffi::SQLITE_CANTOPEN), Error::ReadOnly { .. }));
        assert!(matches!(told(ffi::SQLITE_PERM), Error::ReadOnly { .. }));
        assert!(matches!(told(ffi::SQLITE_CORRUPT), Error::Corrupt { .. }));
        assert!(matches!(told(ffi::SQLITE_IOERR), Error::Unreachable { .. }));
        assert!(matches!(told(ffi::SQLITE_NOTADB), Error::Unreachable { .. }));
        assert!(told(ffi::SQLITE_BUSY).is_retryable());
    }

    #[test]
    fn a_path_is_said_once() {
        let path = Path::new("/proc/none/store");
        let e = rusqlite::Connection::open(path).expect_err("no such directory");
        let said = engine(&e, path).to_string();
        assert_eq!(said, "cannot write /proc/none/store: unable to open database file");
    }
}
