//! A program that is complete: where its output goes, what it may use, and running it.

use super::build::Chain;
use super::drive;
use crate::Result;
use crate::manifest::{Bad, Report};
use std::path::{Path, PathBuf};

/// A program that is complete.
#[must_use = "a program does nothing until it is run"]
pub struct Job {
    pub(super) chain: Chain,
    pub(super) output: Option<PathBuf>,
    pub(super) memory: u64,
    pub(super) disk: u64,
    pub(super) workers: u32,
    pub(super) split: Option<u64>,
    pub(super) skip_bad: u64,
}

/// What a job has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The directory of the output: `part-00000` and so on, a directory for each named output, and `_SUCCESS`.
    pub output: PathBuf,
    /// What each stage has counted and passed over.
    pub stages: Vec<Report>,
}

impl Summary {
    /// A counter, over all stages. 0 if nobody has counted it.
    ///
    /// Besides those of the program there are `input bytes`, `input records`, `spilled bytes`, `keys`, and `output bytes`.
    #[must_use]
    pub fn counter(&self, name: &str) -> u64 {
        self.stages.iter().filter_map(|stage| stage.counters.get(name)).sum()
    }

    /// Records that were passed over because the program fails on them.
    pub fn skipped(&self) -> impl Iterator<Item = &Bad> {
        self.stages.iter().flat_map(|stage| &stage.bad)
    }

    /// The files of the main output, in their order.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn parts(&self) -> Result<Vec<PathBuf>> {
        drive::parts_of(&self.output)
    }
}

impl Job {
    pub(super) fn new(chain: Chain) -> Job {
        let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Job { chain, output: None, memory: 1 << 30, disk: u64::MAX, workers, split: None, skip_bad: 0 }
    }

    /// The outputs beside the main one.
    pub(super) fn names(&self) -> &[String] {
        self.chain.stages.last().map_or(&[], |stage| &stage.names)
    }

    /// The directory of the output, which must not be there yet. It appears when all of it is on the disk. Unless set it is
    /// `output` in the job's directory; it has to be on the same file system as that.
    pub fn output(mut self, path: impl Into<PathBuf>) -> Job {
        self.output = Some(path.into());
        self
    }

    /// Names for more outputs: directories within the output, written with [`Out::to`](super::Out::to). Each worker needs
    /// half a MiB more of memory for each of them. A name does not begin with `part-`, a dot or an underscore.
    pub fn outputs<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Job {
        let last = self.chain.stages.last_mut().expect("a job has a stage");
        last.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// Bytes of memory for buffers and what is held, over all workers: 1 GiB unless set, at least 4 MiB a worker. What the
    /// functions themselves need is not counted.
    pub fn memory(self, bytes: u64) -> Job {
        Job { memory: bytes, ..self }
    }

    /// Most bytes of intermediate data on disk. No limit unless set; when it is reached the job stops, and goes on when it is
    /// run again with more.
    pub fn disk(self, bytes: u64) -> Job {
        Job { disk: bytes, ..self }
    }

    /// Functions are called by so many threads. One per core unless set.
    pub fn workers(self, workers: u32) -> Job {
        Job { workers: workers.max(1), ..self }
    }

    /// Bytes of each split of the inputs: what one task maps. A share of the memory, and at most 8 MiB, unless set.
    pub fn split(self, bytes: u64) -> Job {
        Job { split: Some(bytes.max(1)), ..self }
    }

    /// Passes over up to so many records in each stage that `map` panics or fails on, and lists them in the summary. None
    /// unless set.
    pub fn skip_bad(self, most: u64) -> Job {
        Job { skip_bad: most, ..self }
    }

    /// Runs the job in this directory, which is made, and keeps all there that it needs to go on after a crash: run again,
    /// a program goes on where it was killed. If the job is done its summary is given again, and nothing is run; remove the
    /// directory to begin anew.
    ///
    /// One process at a time can run it. Whatever was done under a program that was changed since stays as it is.
    ///
    /// # Errors
    /// [`Error::Failed`](crate::Error::Failed) if a function fails, or an input was changed: run again, the stage begins
    /// anew. [`Error::Program`](crate::Error::Program) if the job cannot be run like this. Else what the disk or the store says: run
    /// again, the job goes on.
    pub fn run(self, dir: impl AsRef<Path>) -> Result<Summary> {
        drive::run(self, dir.as_ref())
    }
}
