//! How many run files are held open: a process may have only so many, and a job may have more runs.
//!
//! A run above that is opened anew for each read. Reads are of blocks of 64 KiB, beside which opening costs little, and
//! no job fails for want of a number in a table. The soft limit is left as it is: programs that divvy starts inherit it,
//! and there are some that walk through all numbers up to it.

use rustix::process::{Resource, getrlimit};
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Run files that this process holds open.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// How many it may: few enough for any system, until somebody has looked.
static MOST: AtomicUsize = AtomicUsize::new(256);

/// Open files of a worker: its input, its output, a run that is written and one that is opened anew, a process and the
/// pipes to it.
const WORKER_FILES: u64 = 12;
/// Open files of everything else: the store, and processes that are just being started.
const OTHER_FILES: u64 = 64;

/// Lets run files be held open as far as so many workers leave room for it.
pub(crate) fn leave_room_for(workers: usize) {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let left = limit.saturating_sub(WORKER_FILES.saturating_mul(workers as u64).saturating_add(OTHER_FILES));
    MOST.store(usize::try_from(left).unwrap_or(usize::MAX), Relaxed);
}

/// A file that counts as held until it is dropped.
#[derive(Debug)]
pub(super) struct Held(File);

impl Held {
    /// Holds this file, if there may be one more.
    pub(super) fn hold(file: File) -> Option<Held> {
        let more = |held| (held < MOST.load(Relaxed)).then_some(held + 1);
        HELD.fetch_update(Relaxed, Relaxed, more).ok().map(|_| Held(file))
    }

    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Relaxed);
    }
}
