//! What a job does: the seam between the phases, which know of splits, runs and parts, and the programs, which know of
//! records.

use crate::input::{Framing, InputFile, Pieces, Split};
use crate::manifest::{Bad, RunRef, count};
use crate::part::PartWriter;
use crate::spill::{Disk, Packing, RunReader, RunWriter};
use crate::{Error, Result, Splitters};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A program, ready to be run in this process.
pub trait Program: Send + Sync {
    /// What maps splits, for one worker.
    ///
    /// # Errors
    /// If it cannot be made here.
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>>;

    /// What makes parts of the output, for one worker.
    ///
    /// # Errors
    /// If it cannot be made here.
    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>>;

    /// The keys that mapping these records would give, or some of them: what the parts' ranges are chosen by.
    fn sample(&self, _piece: &[u8], _framing: Framing, _keys: &mut Vec<Vec<u8>>) {}
}

/// What a worker has for its mapper or reducer.
#[derive(Debug, Clone)]
pub struct Room {
    /// Bytes of memory.
    pub memory: usize,
    /// The partitions by key, where parts are ranges of keys.
    pub splitters: Arc<Splitters>,
    /// What spills are counted against.
    pub disk: Arc<Disk>,
    /// Where files may be made that only this worker needs.
    pub dir: PathBuf,
}

/// Maps splits and holds what comes of them, until it is told to write it down.
pub trait Mapper: Send {
    /// Maps one split. On failure everything that is held is of no use any more, and [`clear`](Mapper::clear) is called.
    ///
    /// # Errors
    /// [`Failure`].
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure>;

    /// Whether nothing is held. What becomes too large for the memory goes into a run by itself ([`Sink::spill`]).
    fn is_empty(&self) -> bool;

    /// Writes everything that is held into a run, and holds nothing any more.
    ///
    /// # Errors
    /// If it cannot be written.
    fn spill(&mut self, run: &mut RunWriter) -> Result<()>;

    /// Holds nothing any more.
    fn clear(&mut self);

    /// Whether a run may hold splits that do not lie side by side: where nothing depends on the order of the records.
    fn is_orderless(&self) -> bool;
}

/// Makes parts of the output.
pub trait Reducer: Send {
    /// Makes one part.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a run is: it is made anew, and the part is tried again from the beginning.
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()>;
}

/// Why a split could not be mapped.
#[derive(Debug)]
pub enum Failure {
    /// The program fails on this record: without it the others might do.
    Bad(Bad),
    /// The program fails, and it cannot be told on which record.
    Program(String),
    /// The machine, the disk, the inputs: nothing that the program can be blamed for.
    Machine(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Machine(error)
    }
}

/// Says whether nobody waits any more for what a task makes: it was canceled, somebody else was first, or the node ends what
/// runs. Whoever takes long asks now and then, and answers [`Error::Stopped`] if so.
pub type IsEnded<'a> = &'a (dyn Fn() -> bool + 'a);

/// A split in the hands of a mapper.
pub struct MapSplit<'a> {
    /// Its number.
    pub number: u64,
    /// The partition of its records, where parts are ranges of splits.
    pub partition: u32,
    /// The file that it is a part of.
    pub input: &'a InputFile,
    /// Which part.
    pub split: Split,
    /// How it is cut into records.
    pub framing: Framing,
    /// Records that the program is known to fail on: it must not see them.
    pub bad: &'a [Bad],
    /// The most bytes that a record may have.
    pub record_max: usize,
    /// Whether its outcome is of no use any more.
    pub is_ended: IsEnded<'a>,
    /// The worker's buffer.
    pub(crate) buf: &'a mut Vec<u8>,
    pub(crate) runs: &'a mut Runs,
    pub(crate) counters: &'a mut BTreeMap<String, u64>,
}

impl MapSplit<'_> {
    /// Begins to read it.
    ///
    /// # Errors
    /// As [`Pieces::open`].
    pub fn pieces(&mut self) -> Result<Pieces<'_>> {
        Pieces::open(self.input, self.split, self.framing, self.buf, self.record_max)
    }

    /// What may be written to while it is not read.
    #[must_use]
    pub fn sink(&mut self) -> Sink<'_> {
        Sink { runs: self.runs, counters: self.counters }
    }

    /// Reads it, and gives each piece of whole records, and where it begins, to `take`, along with the rest of the split.
    ///
    /// # Errors
    /// As [`Pieces::open`], or what `take` fails of.
    pub fn for_each_piece(
        &mut self,
        mut take: impl FnMut(&[u8], u64, &mut Sink<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut sink = Sink { runs: self.runs, counters: self.counters };
        let mut pieces = Pieces::open(self.input, self.split, self.framing, self.buf, self.record_max)?;
        while pieces.advance()? {
            if (self.is_ended)() {
                return Err(Error::Stopped.into());
            }
            take(pieces.piece(), pieces.offset(), &mut sink)?;
        }
        pieces.check()?;
        Ok(())
    }
}

/// What a mapper may write to while it reads.
pub struct Sink<'a> {
    runs: &'a mut Runs,
    counters: &'a mut BTreeMap<String, u64>,
}

impl Sink<'_> {
    /// A run for what does not fit into memory any more. It counts when all that it is about is committed.
    ///
    /// # Errors
    /// If it cannot be made, or what `spill` fails of.
    pub fn spill(&mut self, spill: impl FnOnce(&mut RunWriter) -> Result<()>) -> Result<()> {
        self.runs.write(spill)
    }

    /// Counts something for people to see.
    pub fn count(&mut self, counter: &str, n: u64) {
        count(self.counters, counter, n);
    }
}

/// Run files that were written and are not committed yet.
pub(crate) struct Runs {
    pub(crate) dir: PathBuf,
    /// What all names begin with; nobody else's do.
    pub(crate) prefix: String,
    pub(crate) next: u64,
    pub(crate) partitions: u32,
    pub(crate) disk: Arc<Disk>,
    pub(crate) written: Vec<RunRef>,
}

impl Runs {
    /// Writes another one; one without records is not kept.
    pub(crate) fn write(&mut self, spill: impl FnOnce(&mut RunWriter) -> Result<()>) -> Result<()> {
        let name = format!("{}-{}", self.prefix, self.next);
        self.next += 1;
        let path = self.dir.join(&name);
        let mut run = RunWriter::create(&path, self.partitions, Packing::default(), &self.disk)?;
        spill(&mut run)?;
        let info = run.finish()?;
        if info.records == 0 {
            std::fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            self.disk.give(info.bytes);
        } else {
            self.written.push(RunRef { name, bytes: info.bytes, check: info.check });
        }
        Ok(())
    }

    /// Removes those that will not be committed.
    pub(crate) fn discard(&mut self) {
        for run in self.written.drain(..) {
            // What stays behind goes with the directory.
            let _ = std::fs::remove_file(self.dir.join(&run.name));
            self.disk.give(run.bytes);
        }
    }
}

/// A part of the output in the hands of a reducer.
pub struct Part<'a> {
    /// Its number.
    pub number: u32,
    /// All runs, in the order of their splits.
    pub runs: &'a [Arc<RunReader>],
    /// Where the part is written.
    pub out: &'a mut PartWriter,
    /// Whether it is of no use any more.
    pub is_ended: IsEnded<'a>,
    pub(crate) counters: &'a mut BTreeMap<String, u64>,
}

impl Part<'_> {
    /// Counts something for people to see.
    pub fn count(&mut self, counter: &str, n: u64) {
        count(self.counters, counter, n);
    }
}
