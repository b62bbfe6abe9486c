//! Stages that only map: what functions write is the output, in the order of the inputs.

use super::emit::{Outlet, Scratch};
use super::mapping::{caught, each_record};
use super::outs::Outs;
use super::stage::{OnlyFn, Stage};
use crate::program::{Failure, MapSplit, Mapper, Part, Reducer, Room, Sink};
use crate::spill::{RunWriter, SegmentReader};
use crate::{Error, Result};
use std::sync::Arc;

/// Maps for one worker.
pub(super) struct Only {
    map: Arc<OnlyFn>,
    stage: Arc<Stage>,
    written: Written,
    bytes_max: usize,
    scratch: Scratch,
}

impl Only {
    pub(super) fn new(map: Arc<OnlyFn>, stage: Arc<Stage>, room: &Room) -> Only {
        let bytes_max = room.memory / 4;
        Only { map, stage, written: Written::default(), bytes_max, scratch: Scratch::default() }
    }
}

impl Mapper for Only {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        self.written.partition = split.partition;
        let Only { map, stage, written, bytes_max, scratch } = self;
        each_record(split, |record, sink| {
            let mut out = Writing { written, sink, bytes_max: *bytes_max, trouble: None };
            let called = caught(|| map(record, &mut out, &stage.names, scratch));
            (called, out.trouble)
        })
    }

    fn is_empty(&self) -> bool {
        self.written.bytes.is_empty()
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        self.written.spill(run)
    }

    fn clear(&mut self) {
        self.written.clear();
    }

    fn is_orderless(&self) -> bool {
        false
    }
}

/// What was written and is not in a run yet.
#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    /// From where on what is written is of which partition and for which output.
    pieces: Vec<(usize, u32, u32)>,
    /// The partition of what comes next.
    partition: u32,
}

/// Most bytes that are one record of a run.
const RECORD_BYTES: usize = 32 << 10;

impl Written {
    fn push(&mut self, output: u32, bytes: &[u8]) {
        let same = |(_, p, o): &(usize, u32, u32)| (*p, *o) == (self.partition, output);
        if !self.pieces.last().is_some_and(same) {
            self.pieces.push((self.bytes.len(), self.partition, output));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The key of a record says which output it is for.
    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        let mut last = None;
        for (at, (from, partition, output)) in self.pieces.iter().enumerate() {
            let to = self.pieces.get(at + 1).map_or(self.bytes.len(), |(next, ..)| *next);
            if last.replace(*partition) != Some(*partition) {
                run.begin(*partition)?;
            }
            let key = output.to_be_bytes();
            self.bytes[*from..to].chunks(RECORD_BYTES).try_for_each(|bytes| run.push(&key, bytes))?;
        }
        self.clear();
        Ok(())
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
    }
}

/// Takes the output of one record.
struct Writing<'a, 's> {
    written: &'a mut Written,
    sink: &'a mut Sink<'s>,
    bytes_max: usize,
    trouble: Option<Error>,
}

impl Outlet for Writing<'_, '_> {
    #[inline]
    fn write(&mut self, output: usize, bytes: &[u8]) {
        if self.trouble.is_some() {
            return;
        }
        self.written.push(output as u32, bytes);
        // Many outputs in turns take more to remember than to write.
        let held = self.written.bytes.len() + size_of_val(&self.written.pieces[..]);
        if held > self.bytes_max {
            self.trouble = self.sink.spill(|run| self.written.spill(run)).err();
        }
    }

    fn count(&mut self, counter: &str, n: u64) {
        self.sink.count(counter, n);
    }
}

/// Parts that are what the runs have, one after the other.
pub(super) struct Copying {
    stage: Arc<Stage>,
    memory: usize,
}

impl Copying {
    pub(super) fn new(stage: Arc<Stage>, room: &Room) -> Copying {
        Copying { stage, memory: room.memory }
    }
}

impl Reducer for Copying {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        let (runs, number) = (part.runs, part.number);
        let mut outs = Outs::create(part, &self.stage.names)?;
        for run in runs {
            let Some(segment) = run.segment(number)? else { continue };
            let mut segment = SegmentReader::new(run, segment, self.memory / 2)?;
            while segment.advance()? {
                let output = segment.key().try_into().map_or(0, u32::from_be_bytes);
                outs.write(output as usize, segment.value());
                outs.check()?;
            }
        }
        outs.finish()
    }
}
