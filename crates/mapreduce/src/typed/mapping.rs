//! Maps splits to pairs, record by record, and knows on which record the program fails.

use super::emit::{Collect, Scratch};
use super::held::Held;
use super::stage::{MapFn, Partition};
use crate::input::{Framing, PIECE_BYTES};
use crate::manifest::Bad;
use crate::program::{Failure, MapSplit, Mapper, Room, Sink};
use crate::sort::Pushed;
use crate::spill::RunWriter;
use crate::{Error, Result};
use divvy_engine::panic_message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Calls a function of the user's; a panic is a failure like others.
pub(super) fn caught(call: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    // What it has half changed is thrown away by whoever hears of the failure.
    let called = catch_unwind(AssertUnwindSafe(call));
    called.unwrap_or_else(|panic| Err(format!("panicked: {}", panic_message(&*panic))))
}

/// Calls `map` with each record of a split that is not known to be bad. It answers how the function went, and what trouble
/// there was that is nobody's record's.
pub(super) fn each_record(
    split: &mut MapSplit<'_>,
    mut map: impl FnMut(&[u8], &mut Sink<'_>) -> (Result<(), String>, Option<Error>),
) -> Result<(), Failure> {
    let (framing, bad, file) = (split.framing, split.bad, &split.input.path);
    split.for_each_piece(|piece, from, sink| {
        let mut count = 0;
        for (record, at) in records(piece, from, framing, bad) {
            let (called, trouble) = map(record, sink);
            // It may be why the function has failed.
            match trouble {
                Some(Error::Program { why }) => return Err(Failure::Program(why)),
                Some(error) => return Err(Failure::Machine(error)),
                None => called.map_err(|error| fails(file, record, at, error))?,
            }
            count += 1;
        }
        sink.count("input records", count);
        Ok(())
    })
}

/// The records of a piece, where they are in the file, but for those that are known to be bad.
fn records<'p>(
    piece: &'p [u8],
    from: u64,
    framing: Framing,
    bad: &'p [Bad],
) -> impl Iterator<Item = (&'p [u8], u64)> {
    let placed = framing
        .records(piece)
        .map(move |record| (record, from + (record.as_ptr().addr() - piece.as_ptr().addr()) as u64));
    placed.filter(|(_, at)| bad.is_empty() || bad.iter().all(|bad| bad.at != *at))
}

/// The program fails on this record.
fn fails(file: &Path, record: &[u8], at: u64, error: String) -> Failure {
    Failure::Bad(Bad { file: file.to_owned(), at, bytes: record.len() as u64, error })
}

/// Maps for one worker.
pub(super) struct Mapping {
    map: Arc<MapFn>,
    partition: Partition,
    held: Box<dyn Held>,
    /// A key behind its part.
    placed: Vec<u8>,
    scratch: Scratch,
}

impl Mapping {
    pub(super) fn new(map: Arc<MapFn>, partition: Partition, held: Box<dyn Held>) -> Mapping {
        Mapping { map, partition, held, placed: Vec::new(), scratch: Scratch::default() }
    }

    /// Bytes for what is held.
    pub(super) fn room(room: &Room) -> usize {
        room.memory.saturating_sub(PIECE_BYTES + RunWriter::MEMORY)
    }
}

impl Mapper for Mapping {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        let Mapping { map, partition, held, placed, scratch } = self;
        each_record(split, |record, sink| {
            let mut held = Holding { held: &mut **held, sink, partition, placed, trouble: None };
            let called = caught(|| map(record, &mut held, scratch));
            (called, held.trouble)
        })
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        self.held.spill(run)
    }

    fn clear(&mut self) {
        self.held.clear();
    }

    fn is_orderless(&self) -> bool {
        self.held.is_orderless()
    }
}

/// Takes the pairs of one record.
struct Holding<'a, 's> {
    held: &'a mut dyn Held,
    sink: &'a mut Sink<'s>,
    partition: &'a Partition,
    placed: &'a mut Vec<u8>,
    trouble: Option<Error>,
}

impl Holding<'_, '_> {
    #[inline]
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let key = self.partition.placed(key, self.placed);
        if self.held.push(key, value)? == Pushed::Full {
            self.sink.spill(|run| self.held.spill(run))?;
            let _ = self.held.push(key, value)?;
        }
        Ok(())
    }
}

impl Collect for Holding<'_, '_> {
    #[inline]
    fn pair(&mut self, key: &[u8], value: &[u8]) {
        if self.trouble.is_none() {
            self.trouble = self.push(key, value).err();
        }
    }

    fn count(&mut self, counter: &str, n: u64) {
        self.sink.count(counter, n);
    }
}

/// Takes keys only.
struct Keys<'a>(&'a mut Vec<Vec<u8>>);

pub(super) fn keys_of(keys: &mut Vec<Vec<u8>>) -> impl Collect {
    Keys(keys)
}

impl Collect for Keys<'_> {
    fn pair(&mut self, key: &[u8], _: &[u8]) {
        self.0.push(key.to_vec());
    }

    fn count(&mut self, _: &str, _: u64) {}
}
