//! A run file being read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::Disk;
use super::format::{ENTRY, MAGIC, Segment, TAIL, Tail};
use super::open::Held;
use super::write::RunInfo;
use crate::{Error, Result};

/// A run file that can be read; many threads may do so at a time.
#[derive(Debug)]
pub struct RunReader {
    /// `None`: there are too many, and it is opened for each read.
    held: Option<Held>,
    path: PathBuf,
    tail: Tail,
    entries: u64,
    /// Who gets the room back when the file is removed, which is when this is dropped.
    owned: Option<Arc<Disk>>,
}

impl RunReader {
    /// The run file at `path`; with `check` only the one whose [`RunInfo::check`] this is.
    ///
    /// # Errors
    /// If there is no such file, or it is no whole run file, or another one.
    pub fn open(path: &Path, check: Option<u32>) -> Result<RunReader> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let bytes = file.metadata().map_err(Error::io("read", path))?.len();
        let empty = Tail { bytes: 0, payload: 0, records: 0, partitions: 0, check: 0 };
        let held = Held::hold(file);
        let mut run = RunReader { held, path: path.to_owned(), tail: empty, entries: 0, owned: None };
        let mut magic = [0; MAGIC.len()];
        let mut tail = [0; TAIL];
        let Some(tail_at) = bytes.checked_sub((TAIL + MAGIC.len()) as u64).map(|at| at + MAGIC.len() as u64)
        else {
            return Err(run.damaged("it is too short for a run file"));
        };
        run.read_at(&mut magic, 0)?;
        run.read_at(&mut tail, tail_at)?;
        if magic != MAGIC {
            return Err(run.damaged("it does not begin like a run file"));
        }
        run.tail = Tail::decode(&tail).ok_or_else(|| run.damaged("it does not end like a run file"))?;
        let entries = u64::from(run.tail.partitions) * ENTRY as u64;
        if run.tail.bytes != bytes || tail_at - (MAGIC.len() as u64) < entries {
            return Err(run.damaged("its length is not the one it was written with"));
        }
        if check.is_some_and(|check| check != run.tail.check) {
            return Err(run.damaged("it is another run than the one expected"));
        }
        run.entries = tail_at - entries;
        Ok(run)
    }

    /// The run that was just written; its file is removed, and its room given back, when the reader is dropped.
    ///
    /// # Errors
    /// As [`RunReader::open`].
    pub fn own(info: &RunInfo, disk: &Arc<Disk>) -> Result<RunReader> {
        let mut run = RunReader::open(&info.path, Some(info.check))?;
        run.owned = Some(disk.clone());
        Ok(run)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tail.bytes
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn payload(&self) -> u64 {
        self.tail.payload
    }

    /// Number of records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.tail.records
    }

    /// Number of partitions.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.tail.partitions
    }

    /// The records of a partition, `None` if it has none. Read from the file each time: runs times partitions
    /// of these would not fit into memory.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn segment(&self, partition: u32) -> Result<Option<Segment>> {
        assert!(partition < self.tail.partitions, "the partition is one of those that there are");
        let mut entry = [0; ENTRY];
        self.read_at(&mut entry, self.entries + u64::from(partition) * ENTRY as u64)?;
        let segment = Segment::decode(&entry).filter(|segment| segment.partition == partition);
        let segment = segment.ok_or_else(|| self.damaged("what it says about a partition is wrong"))?;
        let end = segment.offset.checked_add(segment.stored);
        if end.is_none_or(|end| end > self.entries) {
            return Err(self.damaged("a partition is not inside of it"));
        }
        Ok(Some(segment).filter(|segment| segment.records > 0))
    }

    /// Waits until the file is on the disk. Nothing here needs it: see the module's page.
    ///
    /// # Errors
    /// If the system says so.
    pub fn sync(&self) -> Result<()> {
        self.with_file(File::sync_data)?.map_err(Error::io("sync", &self.path))
    }

    pub(super) fn read_at(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        self.with_file(|file| file.read_exact_at(bytes, at))?.map_err(|problem| match problem.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("it ends too early"),
            _ => Error::io("read", &self.path)(problem),
        })
    }

    fn with_file<T>(&self, with: impl FnOnce(&File) -> T) -> Result<T> {
        if let Some(held) = &self.held {
            return Ok(with(held.file()));
        }
        let file = File::open(&self.path).map_err(|problem| match problem.kind() {
            // Whoever holds it open could still read it; who does not has it made anew.
            io::ErrorKind::NotFound => self.damaged("it is gone"),
            _ => Error::io("read", &self.path)(problem),
        })?;
        Ok(with(&file))
    }

    pub(crate) fn damaged(&self, why: &'static str) -> Error {
        Error::Damaged { path: self.path.clone(), why }
    }
}

impl Drop for RunReader {
    fn drop(&mut self) {
        if let Some(disk) = &self.owned {
            // There is nobody left to tell; a file that stays behind is found by whoever cleans the directory.
            let _ = std::fs::remove_file(&self.path);
            disk.give(self.tail.bytes);
        }
    }
}
