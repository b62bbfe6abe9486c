//! A store to measure on, and what it took.

use crate::args::DurabilityArg;
use crate::home;
use anyhow::{Context, Result};
use divvy_store::sqlite::{Durability, Options, Sqlite};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory on the disk that jobs are kept on, gone when dropped.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one.
    ///
    /// # Errors
    /// If there is no place for divvy's files, or none can be made.
    pub(super) fn new() -> Result<Scratch> {
        let dir = home::dir()?.join(format!("bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Scratch(dir))
    }

    /// Where it is.
    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    /// A new store in it.
    ///
    /// # Errors
    /// Whatever the store says.
    pub(super) fn store(&self, durability: DurabilityArg) -> Result<(PathBuf, Arc<Sqlite>)> {
        let durability = match durability {
            DurabilityArg::Fsync => Durability::Fsync,
            DurabilityArg::Process => Durability::Process,
            DurabilityArg::None => Durability::None,
        };
        let path = self.0.join("bench.db");
        let store = Sqlite::open(&path, &Options { durability, ..Options::default() })?;
        Ok((path, Arc::new(store)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: what stays behind is named after this program.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes of the store on disk, its write-ahead log included.
pub(super) fn bytes_of(path: &Path) -> u64 {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::metadata(name).map_or(0, |meta| meta.len())
    };
    beside("") + beside("-wal") + beside("-shm")
}

/// The most memory this process ever held, bytes.
///
/// # Errors
/// If the system does not tell.
pub(super) fn peak_rss_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM in /proc")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}
