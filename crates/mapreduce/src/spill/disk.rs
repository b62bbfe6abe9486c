//! How many bytes all spills of a job together may have on disk.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A limit on spilled bytes, shared by all that write and remove run files.
#[derive(Debug)]
pub struct Disk {
    limit: u64,
    used: AtomicU64,
    peak: AtomicU64,
    written: AtomicU64,
}

impl Disk {
    /// At most this many bytes at a time.
    #[must_use]
    pub fn new(limit: u64) -> Disk {
        Disk { limit, used: AtomicU64::new(0), peak: AtomicU64::new(0), written: AtomicU64::new(0) }
    }

    /// As many bytes as the file system has.
    #[must_use]
    pub fn unlimited() -> Disk {
        Disk::new(u64::MAX)
    }

    /// Bytes that are on disk now.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// The most that were there at a time.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }

    /// All bytes ever written, also those of files that are gone.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// Takes room for `bytes` that are about to be written.
    ///
    /// # Errors
    /// `QuotaExceeded` if there is less room; then nothing is taken.
    pub(super) fn take(&self, bytes: u64) -> io::Result<()> {
        let more = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        match self.used.fetch_update(Relaxed, Relaxed, more) {
            Ok(before) => {
                self.peak.fetch_max(before + bytes, Relaxed);
                self.written.fetch_add(bytes, Relaxed);
                Ok(())
            }
            Err(_) => {
                let why = format!("the limit of {} bytes for spills is reached", self.limit);
                Err(io::Error::new(io::ErrorKind::QuotaExceeded, why))
            }
        }
    }

    /// Gives back the room of a file that was removed.
    pub fn give(&self, bytes: u64) {
        let before = self.used.fetch_sub(bytes, Relaxed);
        assert!(before >= bytes, "no more is given back than was taken");
    }
}
