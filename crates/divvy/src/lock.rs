//! Who may do what only one may do at a time: look for a name and submit it, or append a job's records.
//!
//! Beside a store in a file these are locks on files, which the system releases however a process ends.

use crate::error::{Error, Result};
use divvy_core::JobId;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug)]
pub(crate) enum Locks {
    /// Files beside this one.
    Beside(PathBuf),
    /// A store in memory belongs to this process: what is held, and what naming waits for.
    Inside(Arc<Mutex<HashSet<JobId>>>, Mutex<()>),
}

/// The right to append a job's records, for as long as it lives.
#[derive(Debug)]
pub(crate) enum FeedLock {
    File { path: PathBuf, _locked: File },
    Inside(Arc<Mutex<HashSet<JobId>>>, JobId),
}

impl Locks {
    pub(crate) fn beside(store: &Path) -> Locks {
        Locks::Beside(store.to_path_buf())
    }

    pub(crate) fn inside() -> Locks {
        Locks::Inside(Arc::default(), Mutex::default())
    }

    /// Runs `f` while nobody else who asks for this does.
    pub(crate) fn naming<T>(&self, f: impl FnOnce() -> Result<T>) -> Result<T> {
        match self {
            Locks::Beside(store) => {
                let path = named(store, ".names");
                let file = open(&path)?;
                file.lock().map_err(|e| refused(&path, &e))?;
                f()
            }
            Locks::Inside(_, naming) => {
                let _held = naming.lock().unwrap_or_else(PoisonError::into_inner);
                f()
            }
        }
    }

    /// The right to append to a job; `None` while somebody else has it.
    pub(crate) fn feed(&self, job: JobId) -> Result<Option<FeedLock>> {
        match self {
            Locks::Beside(store) => {
                let path = named(store, &format!(".feed-{job}"));
                let file = open(&path)?;
                match file.try_lock() {
                    Ok(()) => Ok(Some(FeedLock::File { path, _locked: file })),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(e)) => Err(refused(&path, &e)),
                }
            }
            Locks::Inside(held, _) => {
                let new = held.lock().unwrap_or_else(PoisonError::into_inner).insert(job);
                Ok(new.then(|| FeedLock::Inside(held.clone(), job)))
            }
        }
    }
}

impl FeedLock {
    /// The job is closed: nobody will need the lock again. While it is open the file has to stay, or two might lock two
    /// files of one name.
    pub(crate) fn remove(self) {
        if let FeedLock::File { path, .. } = &self {
            // What stays behind is empty and does no harm.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for FeedLock {
    fn drop(&mut self) {
        if let FeedLock::Inside(held, job) = self {
            held.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
        }
    }
}

fn named(store: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(store);
    name.push(suffix);
    PathBuf::from(name)
}

fn open(path: &Path) -> Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(|e| refused(path, &e))
}

fn refused(path: &Path, e: &std::io::Error) -> Error {
    Error::Store(divvy_store::Error::ReadOnly { path: path.to_path_buf(), why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_may_feed() {
        let dir = std::env::temp_dir().join(format!("divvy-lock-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        for locks in [Locks::beside(&dir.join("s.db")), Locks::inside()] {
            let first = locks.feed(JobId(1)).unwrap().expect("free");
            assert!(locks.feed(JobId(1)).unwrap().is_none());
            assert!(locks.feed(JobId(2)).unwrap().is_some());
            drop(first);
            locks.feed(JobId(1)).unwrap().expect("free again").remove();
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
