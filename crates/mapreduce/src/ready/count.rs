//! `wordcount` and `count-by`: how often each key is there.

use super::Ready;
use crate::input::{Framing, PIECE_BYTES};
use crate::merging::Merging;
use crate::part::PartWriter;
use crate::program::{Failure, MapSplit, Mapper, Part, Program, Reducer, Room};
use crate::spill::RunWriter;
use crate::table::Table;
use crate::{Error, Result, Splitters};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    /// Words: whatever is between ASCII white space.
    Words,
    /// A field of each record, or the whole record.
    Records(Field),
}

/// A part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Which field, from 1; 0 for the whole record. A record that has not so many has an empty one.
    pub number: usize,
    /// What is between fields; `None` for any white space, as in awk.
    pub delimiter: Option<u8>,
}

impl Field {
    /// The field of this record.
    #[must_use]
    pub fn of(self, record: &[u8]) -> &[u8] {
        let Some(nth) = self.number.checked_sub(1) else { return record };
        let field = match self.delimiter {
            Some(delimiter) => record.split(|byte| *byte == delimiter).nth(nth),
            None => Framing::Words.records(record).nth(nth),
        };
        field.unwrap_or(&[])
    }
}

impl Ready for Count {
    const KIND: &str = "count";
}

impl Program for Count {
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>> {
        // A table that grows and is emptied leaves pieces with the allocator: a quarter of a budget of 256 MB was measured.
        let table = Table::new(room.memory.saturating_sub(PIECE_BYTES + RunWriter::MEMORY) / 4 * 3);
        Ok(Box::new(Counter { what: self.clone(), table, splitters: room.splitters.clone() }))
    }

    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>> {
        Ok(Box::new(Sums(Merging::new(room, PartWriter::MEMORY))))
    }

    fn sample(&self, piece: &[u8], framing: Framing, keys: &mut Vec<Vec<u8>>) {
        match self {
            Count::Words => keys.extend(Framing::Words.records(piece).map(<[u8]>::to_vec)),
            Count::Records(field) => keys.extend(framing.records(piece).map(|r| field.of(r).to_vec())),
        }
    }
}

struct Counter {
    what: Count,
    table: Table<u64>,
    splitters: Arc<Splitters>,
}

impl Counter {
    /// Counts as much of a piece as there is room for, and says how much that was.
    fn count(&mut self, piece: &[u8], framing: Framing) -> usize {
        match &self.what {
            Count::Words => self.table.add_words(piece, 1),
            Count::Records(field) => {
                for record in framing.records(piece) {
                    if self.table.add(field.of(record), 1).is_err() {
                        return record.as_ptr().addr() - piece.as_ptr().addr();
                    }
                }
                piece.len()
            }
        }
    }
}

impl Mapper for Counter {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        let framing = split.framing;
        split.for_each_piece(|mut piece, _, sink| {
            loop {
                let counted = self.count(piece, framing);
                piece = &piece[counted..];
                if piece.is_empty() {
                    return Ok(());
                }
                if self.table.is_empty() {
                    return Err(Error::TooLarge { what: "a key", bytes: piece.len() as u64 }.into());
                }
                sink.spill(|run| self.spill(run))?;
            }
        })
    }

    fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        let sorted = self.table.sorted();
        for (range, partition) in sorted.partitions(&self.splitters).zip(0..) {
            if range.is_empty() {
                continue;
            }
            run.begin(partition)?;
            for at in range {
                let (key, count) = sorted.get(at);
                let (bytes, len) = encode(count);
                run.push(&key, &bytes[..len])?;
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        drop(self.table.sorted());
    }

    fn is_orderless(&self) -> bool {
        true
    }
}

/// A number without the zeros at its upper end.
fn encode(count: u64) -> ([u8; 8], usize) {
    (count.to_le_bytes(), 8 - count.leading_zeros() as usize / 8)
}

fn decode(bytes: &[u8]) -> u64 {
    let mut full = [0; 8];
    full[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
    u64::from_le_bytes(full)
}

/// Adds up the counts of each key and writes `key\tcount`.
struct Sums(Merging);

impl Reducer for Sums {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        let mut merge = self.0.part(part)?;
        let (mut key, mut sum, mut keys) = (Vec::new(), None::<u64>, 0);
        while let Some((next, count)) = merge.next_record()? {
            let count = decode(count);
            match &mut sum {
                Some(sum) if key == next => *sum = sum.wrapping_add(count),
                _ => {
                    if let Some(sum) = sum.replace(count) {
                        write(part.out, &key, sum)?;
                    }
                    keys += 1;
                    key.clear();
                    key.extend_from_slice(next);
                }
            }
        }
        if let Some(sum) = sum {
            write(part.out, &key, sum)?;
        }
        part.count("keys", keys);
        Ok(())
    }
}

fn write(out: &mut PartWriter, key: &[u8], count: u64) -> Result<()> {
    out.write(key)?;
    // A number has at most twenty digits.
    let (mut text, mut at, mut rest) = ([0; 22], 21, count);
    text[at] = b'\n';
    loop {
        at -= 1;
        text[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text[at - 1] = b'\t';
    out.write(&text[at - 1..])
}
