//! `sort`: the records in byte order of their keys, those with equal keys in the order of the inputs.

use super::Ready;
use super::collected::Collected;
use super::count::Field;
use crate::Result;
use crate::input::Framing;
use crate::merging::Merging;
use crate::part::PartWriter;
use crate::program::{Failure, MapSplit, Mapper, Part, Program, Reducer, Room};
use crate::spill::RunWriter;
use serde::{Deserialize, Serialize};

/// How records are sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// By what.
    pub key: Field,
    /// Of records with equal keys only the first.
    pub unique: bool,
    /// What the inputs are cut by, and the output is ended with.
    pub framing: Framing,
}

impl Ready for Sort {
    const KIND: &str = "sort";
}

impl Program for Sort {
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>> {
        Ok(Box::new(Collect { key: self.key, collected: Collected::new(room) }))
    }

    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>> {
        Ok(Box::new(Merged { sort: self.clone(), merging: Merging::new(room, PartWriter::MEMORY) }))
    }

    fn sample(&self, piece: &[u8], framing: Framing, keys: &mut Vec<Vec<u8>>) {
        keys.extend(framing.records(piece).map(|record| self.key.of(record).to_vec()));
    }
}

struct Collect {
    key: Field,
    collected: Collected,
}

impl Mapper for Collect {
    fn map(&mut self, split: &mut MapSplit<'_>) -> Result<(), Failure> {
        let framing = split.framing;
        split.for_each_piece(|piece, _, sink| {
            for record in framing.records(piece) {
                // A record that is its own key is kept once.
                let (key, value) =
                    if self.key.number == 0 { (record, &[][..]) } else { (self.key.of(record), record) };
                self.collected.push(key, value, sink)?;
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

struct Merged {
    sort: Sort,
    merging: Merging,
}

impl Reducer for Merged {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        let mut merge = self.merging.part(part)?;
        let end = self.sort.framing.end_byte();
        let (mut last, mut records) = (None::<Vec<u8>>, 0);
        while let Some((key, value)) = merge.next_record()? {
            if self.sort.unique {
                if last.as_deref() == Some(key) {
                    continue;
                }
                let last = last.get_or_insert_default();
                last.clear();
                last.extend_from_slice(key);
            }
            records += 1;
            part.out.write(if self.sort.key.number == 0 { key } else { value })?;
            end.map_or(Ok(()), |end| part.out.write(&[end]))?;
        }
        part.count("records", records);
        Ok(())
    }
}
