//! A job as it was planned: everything that any of its nodes needs to know, written down once in its directory.

use crate::input::{Framing, Splits};
use crate::{Error, Result, Splitters};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the program is, for whoever makes it anew in another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramRef {
    /// Its kind, such as `wordcount`.
    pub kind: String,
    /// What it was told, in a form of its own.
    pub detail: Vec<u8>,
}

/// How the output is divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parts {
    /// By ranges of keys: the parts in their order are in the order of the keys.
    Keys(Splitters),
    /// By ranges of splits, so many: the parts in their order are in the order of the inputs.
    Splits(u32),
}

impl Parts {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        match self {
            Parts::Keys(splitters) => splitters.partitions(),
            Parts::Splits(count) => *count,
        }
    }
}

/// Where the output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Out {
    /// A directory of parts.
    Directory(PathBuf),
    /// One file.
    Single(PathBuf),
    /// Nowhere: whoever has submitted the job reads the parts.
    Parts,
}

/// The plan of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What is done.
    pub program: ProgramRef,
    /// What is read.
    pub splits: Splits,
    /// How it is cut into records.
    pub framing: Framing,
    /// How the output is divided.
    pub parts: Parts,
    /// Where it goes.
    pub out: Out,
    /// Bytes of memory that a node may use for it.
    pub memory: u64,
    /// Most bytes of spills on disk that a node may have.
    pub disk: u64,
    /// Most records that may be passed over because the program fails on them.
    pub skip_bad: u64,
}

/// The file that the plan is in.
const NAME: &str = "plan";

impl Plan {
    /// Writes the plan into a job's directory, durably.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let mut bytes = postcard::to_stdvec(self).expect("a plan has nothing that cannot be written");
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        let path = dir.join(NAME);
        let write = || {
            std::fs::write(&path, &bytes)?;
            std::fs::File::open(&path)?.sync_all()?;
            std::fs::File::open(dir)?.sync_all()
        };
        write().map_err(Error::io("write", &path))
    }

    /// Reads the plan of a job's directory.
    ///
    /// # Errors
    /// If it is not there, or is not what was written.
    pub fn read(dir: &Path) -> Result<Plan> {
        let path = dir.join(NAME);
        let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
        let damaged = || Error::Damaged { path: path.clone(), why: "it is not the plan that was written" };
        let (body, sum) = bytes.split_last_chunk().ok_or_else(damaged)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(damaged());
        }
        postcard::from_bytes(body).map_err(|_| damaged())
    }

    /// The partition of a split, where parts are ranges of splits.
    #[must_use]
    pub fn part_of_split(&self, split: u64) -> u32 {
        let wide = u128::from(split) * u128::from(self.parts.count());
        (wide / u128::from(self.splits.count().max(1))) as u32
    }
}
