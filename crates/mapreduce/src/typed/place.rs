//! A job's directory.
//!
//! ```text
//! lock        whoever runs the job holds it
//! job         what the job is, to notice another one
//! jobs.db     the store
//! stage-N     a stage while it runs
//! between-N   what a stage has made for the next
//! report-N    what it has counted: written before its output appears
//! output      the output, unless it goes elsewhere
//! ```

use super::job::Job;
use crate::manifest::Report;
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The directory, for one process.
pub(super) struct Place {
    pub(super) dir: PathBuf,
    output: PathBuf,
    stages: usize,
    _lock: File,
}

/// What tells a job from another.
type Identity = (String, Vec<PathBuf>, crate::input::Framing, usize, PathBuf, Vec<String>);

fn refused<T>(why: String) -> Result<T> {
    Err(Error::Program { why })
}

impl Place {
    /// The directory of a job, made if it is not there.
    pub(super) fn open(dir: &Path, job: &Job) -> Result<Place> {
        let dir = std::path::absolute(dir).map_err(Error::io("find", dir))?;
        fs::create_dir_all(&dir).map_err(Error::io("make", &dir))?;
        let output = match &job.output {
            Some(output) => std::path::absolute(output).map_err(Error::io("find", output))?,
            None => dir.join("output"),
        };
        let path = dir.join("lock");
        let lock = File::create(&path).map_err(Error::io("make", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return refused(format!("another process runs the job in {}", dir.display()));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        let place = Place { dir, output, stages: job.chain.stages.len(), _lock: lock };
        place.settle(job)?;
        Ok(place)
    }

    /// Sees to it that this is the job's own directory.
    fn settle(&self, job: &Job) -> Result<()> {
        let chain = &job.chain;
        let names = job.names().to_vec();
        let inputs = chain.inputs.clone();
        let ours: Identity =
            (chain.name.clone(), inputs, chain.framing, chain.stages.len(), self.output.clone(), names);
        let path = self.dir.join("job");
        match load::<Identity>(&path)? {
            Some(known) if known == ours => Ok(()),
            Some(known) => refused(format!(
                "{} belongs to the job `{}` with other inputs, stages or outputs: remove it, or take another directory",
                self.dir.display(),
                known.0
            )),
            None => {
                self.check_output()?;
                store(&path, &ours)
            }
        }
    }

    /// The output must not be there, and must be able to appear by a change of its name.
    fn check_output(&self) -> Result<()> {
        let at = &self.output;
        let is_empty = || fs::read_dir(at).is_ok_and(|mut entries| entries.next().is_none());
        if at.symlink_metadata().is_ok_and(|found| !found.is_dir()) || at.is_dir() && !is_empty() {
            return refused(format!(
                "{} is there already: remove it, or choose another output",
                at.display()
            ));
        }
        let parent = at.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(Error::io("make", parent))?;
        let device =
            |path: &Path| fs::metadata(path).map(|found| found.dev()).map_err(Error::io("read", path));
        if device(parent)? != device(&self.dir)? {
            return refused(format!(
                "{} and {} are on different file systems: the output could not appear as a whole",
                at.display(),
                self.dir.display()
            ));
        }
        Ok(())
    }

    /// Where a stage works.
    pub(super) fn work(&self, stage: usize) -> PathBuf {
        self.dir.join(format!("stage-{stage}"))
    }

    /// Where a stage's output goes.
    pub(super) fn out(&self, stage: usize) -> PathBuf {
        if stage + 1 == self.stages { self.output.clone() } else { self.dir.join(format!("between-{stage}")) }
    }

    pub(super) fn report_path(&self, stage: usize) -> PathBuf {
        self.dir.join(format!("report-{stage}"))
    }

    /// What a stage has counted, if it is done: then its report and its output are there, whatever the store says.
    pub(super) fn done(&self, stage: usize) -> Result<Option<Report>> {
        let is_there = self.out(stage).join("_SUCCESS").exists();
        if is_there { load(&self.report_path(stage)) } else { Ok(None) }
    }

    /// What a stage has counted that was done before, also if the next has used its output up.
    pub(super) fn report(&self, stage: usize) -> Result<Report> {
        Ok(load(&self.report_path(stage))?.unwrap_or_default())
    }
}

/// Removes a directory and all that is in it, if it is there.
pub(super) fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", dir)(error)),
        _ => Ok(()),
    }
}

/// Writes a file, whole and durably.
pub(super) fn store(path: &Path, what: &impl Serialize) -> Result<()> {
    let mut bytes = postcard::to_stdvec(what).expect("it has nothing that cannot be written");
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    let beside = path.with_extension("new");
    let write = || {
        fs::write(&beside, &bytes)?;
        File::open(&beside)?.sync_all()?;
        fs::rename(&beside, path)?;
        File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
    };
    write().map_err(Error::io("write", path))
}

/// What such a file holds, if it is there.
fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path)(error)),
    };
    let damaged = || Error::Damaged { path: path.to_owned(), why: "it is not what was written" };
    let (body, sum) = bytes.split_last_chunk().ok_or_else(damaged)?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(damaged());
    }
    postcard::from_bytes(body).map(Some).map_err(|_| damaged())
}
