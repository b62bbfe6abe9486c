//! Records that are copied into an arena, up to a budget.

use std::ops::Range;

use super::index::Index;
use crate::partition::Splitters;
use crate::spill::{RunWriter, put_varint, varint};
use crate::{Error, Result};

/// The most bytes that the length of a value takes.
const VALUE_LEN_MAX: usize = 5;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Pushed {
    /// It is in.
    Ok,
    /// It is not: the sorter has to be spilled and cleared first.
    Full,
}

/// Collects records up to a budget and writes them, sorted, to a run file.
///
/// The arena has the key, the length of the value and the value of each record. Arena and index are made as large as the
/// budget allows each of them to become, since memory that is not touched costs nothing and growing would hold two copies;
/// what counts against the budget is how far both were ever filled.
#[derive(Debug)]
pub struct Sorter {
    budget: usize,
    arena: Vec<u8>,
    index: Index,
    /// How far the arena was ever filled, and how many records there ever were.
    touched: (usize, usize),
    peak: usize,
}

impl Sorter {
    /// A sorter that uses at most so many bytes, and never more than 4 GiB.
    #[must_use]
    pub fn new(budget: usize) -> Sorter {
        let budget = budget.min(u32::MAX as usize);
        let index = Index::with_capacity(budget / (Index::ENTRY + 1));
        Sorter { budget, arena: Vec::with_capacity(budget), index, touched: (0, 0), peak: 0 }
    }

    /// Adds a record, if there is room.
    ///
    /// # Errors
    /// If there would be no room even in an empty sorter.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<Pushed> {
        let bytes = key.len() + value.len() + VALUE_LEN_MAX;
        let arena = self.touched.0.max(self.arena.len() + bytes);
        let records = self.touched.1.max(self.index.len() + 1);
        if arena + records * Index::ENTRY > self.budget {
            return self.full(key, value);
        }
        let at = self.arena.len();
        self.arena.extend_from_slice(key);
        put_varint(&mut self.arena, value.len() as u32);
        self.arena.extend_from_slice(value);
        self.index.push(&self.arena, at..at + key.len());
        Ok(Pushed::Ok)
    }

    #[cold]
    fn full(&mut self, key: &[u8], value: &[u8]) -> Result<Pushed> {
        let bytes = key.len() + value.len() + VALUE_LEN_MAX + Index::ENTRY;
        if bytes > self.budget {
            return Err(Error::TooLarge { what: "a record", bytes: bytes as u64 });
        }
        if !self.index.is_empty() {
            return Ok(Pushed::Full);
        }
        // What earlier fills touched is in the way of this one: large records after many small ones.
        let peak = self.peak;
        *self = Sorter { peak, ..Sorter::new(self.budget) };
        self.push(key, value)
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The most bytes of memory there ever were, never more than the budget.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak.max(self.used())
    }

    fn used(&self) -> usize {
        self.touched.0.max(self.arena.len()) + self.touched.1.max(self.index.len()) * Index::ENTRY
    }

    /// Sorts the records, writes them into the partitions of this run, and is empty then.
    ///
    /// # Errors
    /// If the run file cannot be written.
    pub fn spill(&mut self, splitters: &Splitters, run: &mut RunWriter) -> Result<()> {
        self.index.sort(&self.arena);
        self.index.spill_with(&self.arena, splitters, run, |key| value(&self.arena, key))?;
        self.clear();
        Ok(())
    }

    /// The same, with values of equal keys folded: `combine` gets the key, what the values before became, and the next one
    /// in the order of the input, and answers whether it took that in; if not, it stands behind what was folded so far.
    /// What the values of one key become is not counted: folding is for what becomes smaller by it.
    ///
    /// # Errors
    /// If the run file cannot be written.
    pub fn spill_combined(
        &mut self,
        splitters: &Splitters,
        run: &mut RunWriter,
        combine: impl FnMut(&[u8], &mut Vec<u8>, &[u8]) -> bool,
    ) -> Result<()> {
        self.index.sort(&self.arena);
        self.index.spill_combined(&self.arena, splitters, run, |key| value(&self.arena, key), combine)?;
        self.clear();
        Ok(())
    }

    /// Sorts the records and gives them away in their order; it is empty then.
    ///
    /// # Errors
    /// What `take` fails of.
    pub fn drain<E>(&mut self, mut take: impl FnMut(&[u8], &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.index.sort(&self.arena);
        for key in self.index.ranges() {
            take(&self.arena[key.clone()], value(&self.arena, key))?;
        }
        self.clear();
        Ok(())
    }

    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.peak = self.peak();
        self.touched = (self.touched.0.max(self.arena.len()), self.touched.1.max(self.index.len()));
        self.arena.clear();
        self.index.clear();
    }
}

/// The value that stands behind this key.
#[inline]
fn value(arena: &[u8], key: Range<usize>) -> &[u8] {
    let mut at = key.end;
    let len = varint(arena, &mut at).expect("a length is behind every key");
    &arena[at..at + len]
}
