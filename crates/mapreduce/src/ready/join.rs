//! `join`: the records of two sets of inputs, side by side where their keys are equal.
//!
//! One side's records of a key are held in memory, those of the other go by. The held side is the one named second, such as
//! a table that records are looked up in; its files come first in the plan, so that its records come first in each group.

use super::Ready;
use super::collected::Collected;
use super::count::Field;
use crate::input::Framing;
use crate::merging::Merging;
use crate::part::PartWriter;
use crate::program::{Failure, MapSplit, Mapper, Part, Program, Reducer, Room};
use crate::sort::{Group, Groups};
use crate::spill::RunWriter;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How records are joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// So many files of the plan, from the first on, are of the side that is held: the right one.
    pub held_files: usize,
    /// The key of records on the left.
    pub left: Field,
    /// The key of records on the right.
    pub right: Field,
    /// Records on the left are kept also if there is none on the right.
    pub outer_left: bool,
    /// And the other way round.
    pub outer_right: bool,
    /// What the inputs are cut by, and the output is ended with.
    pub framing: Framing,
}

impl Ready for Join {
    const KIND: &str = "join";
}

/// The side of a record: the first byte of its value.
const RIGHT: u8 = 0;
const LEFT: u8 = 1;

impl Program for Join {
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>> {
        Ok(Box::new(Sides { join: self.clone(), collected: Collected::new(room), value: Vec::new() }))
    }

    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>> {
        // A quarter for what is held of a key.
        let held_max = room.memory / 4;
        Ok(Box::new(Matches {
            join: self.clone(),
            merging: Merging::new(room, PartWriter::MEMORY + held_max),
            held: Held { bytes: Vec::new(), ends: Vec::new(), max: held_max },
        }))
    }

    /// By the field of the left: which side a piece is of is not known here, and it only matters for how equal parts are.
    fn sample(&self, piece: &[u8], framing: Framing, keys: &mut Vec<Vec<u8>>) {
        keys.extend(framing.records(piece).map(|record| self.left.of(record).to_vec()));
    }
}

/// Maps records to their keys and sides.
struct Sides {
    join: Join,
    collected: Collected,
    value: Vec<u8>,
}

impl Mapper for Sides {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        let framing = split.framing;
        let is_held = split.split.file < self.join.held_files;
        let (side, field) = if is_held { (RIGHT, self.join.right) } else { (LEFT, self.join.left) };
        split.for_each_piece(|piece, _, sink| {
            for record in framing.records(piece) {
                self.value.clear();
                self.value.push(side);
                self.value.extend_from_slice(record);
                let key = field.of(record);
                self.collected.push(key, &self.value, sink)?;
            }
            Ok(())
        })
    }

    fn is_empty(&self) -> bool {
        self.collected.is_empty()
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        self.collected.spill(run)
    }

    fn clear(&mut self) {
        self.collected.clear();
    }

    fn is_orderless(&self) -> bool {
        false
    }
}

/// The records of the right side of one key.
struct Held {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    max: usize,
}

impl Held {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Holds a record more, if it fits.
    fn push(&mut self, record: &[u8], key: &[u8]) -> Result<()> {
        let bytes = self.bytes.len() + record.len() + size_of::<usize>() * (self.ends.len() + 1);
        if bytes > self.max {
            let (key, max) = (key.escape_ascii(), self.max);
            let why = format!(
                "the records of the key \"{key}\" in --with take more than the {max} bytes there are for them: raise \
                 --memory, or let the inputs change places"
            );
            return Err(Error::Program { why });
        }
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
        Ok(())
    }

    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(from, to)| &self.bytes[from..*to])
    }
}

/// Writes the records of equal keys side by side.
struct Matches {
    join: Join,
    merging: Merging,
    held: Held,
}

impl Reducer for Matches {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        let mut groups = Groups::new(self.merging.part(part)?)?;
        let mut records = 0;
        while let Some(group) = groups.next_group()? {
            records += one_key(&self.join, &mut self.held, group, part.out)?;
        }
        part.count("records", records);
        Ok(())
    }
}

/// Joins the records of one key: for each on the left, in the order of the inputs, each on the right in theirs.
fn one_key(join: &Join, held: &mut Held, mut group: Group<'_, '_>, out: &mut PartWriter) -> Result<u64> {
    held.clear();
    let key = group.key().to_vec();
    let end = join.framing.end_byte().unwrap_or(b'\n');
    let (mut written, mut is_matched) = (0, false);
    let mut write = |left: &[u8], right: &[u8]| {
        written += 1;
        [left, b"\t", right, &[end]].iter().try_for_each(|bytes| out.write(bytes))
    };
    while let Some(value) = group.next_value()? {
        let (side, record) = value.split_first().expect("a value has its side");
        if *side == RIGHT {
            held.push(record, &key)?;
            continue;
        }
        is_matched = true;
        if held.ends.is_empty() && join.outer_left {
            write(record, &[])?;
        }
        held.records().try_for_each(|right| write(record, right))?;
    }
    if !is_matched && join.outer_right {
        held.records().try_for_each(|right| write(&[], right))?;
    }
    Ok(written)
}
