//! Pairs that were mapped and not written down yet.

use super::datum::{Datum, decode};
use super::mapping::caught;
use super::stage::CombineFn;
use crate::sort::{Pushed, Sorter};
use crate::spill::RunWriter;
use crate::table::{Combine, Table, Waiting};
use crate::{Error, Result, Splitters};
use std::sync::Arc;

/// Holds pairs in memory.
pub(super) trait Held: Send {
    /// Adds a pair, if there is room.
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<Pushed>;

    /// Writes all of them into a run, in order, and holds none.
    fn spill(&mut self, run: &mut RunWriter) -> Result<()>;

    /// Holds none any more.
    fn clear(&mut self);

    /// Whether there are none.
    fn is_empty(&self) -> bool;

    /// Whether it does not matter in which order they came.
    fn is_orderless(&self) -> bool;
}

/// All of them, sorted and perhaps combined when they are written down.
pub(super) struct Sorted {
    sorter: Sorter,
    splitters: Arc<Splitters>,
    combine: Option<Arc<CombineFn>>,
}

impl Sorted {
    pub(super) fn new(bytes: usize, splitters: Arc<Splitters>, combine: Option<Arc<CombineFn>>) -> Sorted {
        Sorted { sorter: Sorter::new(bytes), splitters, combine }
    }
}

impl Held for Sorted {
    #[inline]
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<Pushed> {
        self.sorter.push(key, value)
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        let Some(combine) = &self.combine else { return self.sorter.spill(&self.splitters, run) };
        let mut failed = None;
        self.sorter.spill_combined(&self.splitters, run, |_, folded, value| {
            if failed.is_none() {
                failed = caught(|| combine(folded, value)).err();
            }
            true
        })?;
        failed.map_or(Ok(()), |why| Err(Error::Program { why: format!("combine fails: {why}") }))
    }

    fn clear(&mut self) {
        self.sorter.clear();
    }

    fn is_empty(&self) -> bool {
        self.sorter.is_empty()
    }

    fn is_orderless(&self) -> bool {
        self.combine.is_some()
    }
}

/// One value for each key.
pub(super) struct Tabled<V> {
    table: Table<V>,
    waiting: Waiting<V>,
    splitters: Arc<Splitters>,
}

impl<V: Combine> Tabled<V> {
    pub(super) fn new(bytes: usize, splitters: Arc<Splitters>) -> Tabled<V> {
        Tabled { table: Table::new(bytes), waiting: Waiting::default(), splitters }
    }
}

impl<V: Datum + Combine + Send> Held for Tabled<V> {
    #[inline]
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<Pushed> {
        let value = decode(value).expect("a value takes back what it has put");
        match self.table.add_later(&mut self.waiting, key, value) {
            Ok(()) => Ok(Pushed::Ok),
            Err(_) if self.is_empty() => Err(Error::TooLarge { what: "a key", bytes: key.len() as u64 }),
            Err(_) => Ok(Pushed::Full),
        }
    }

    fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        self.table.add_waiting(&mut self.waiting);
        let (sorted, mut bytes) = (self.table.sorted(), Vec::new());
        for (range, partition) in sorted.partitions(&self.splitters).zip(0..) {
            if range.is_empty() {
                continue;
            }
            run.begin(partition)?;
            for at in range {
                let (key, value) = sorted.get(at);
                bytes.clear();
                value.put(&mut bytes, true);
                run.push(&key, &bytes)?;
            }
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.waiting.clear();
        drop(self.table.sorted());
    }

    fn is_empty(&self) -> bool {
        self.table.is_empty() && self.waiting.is_empty()
    }

    fn is_orderless(&self) -> bool {
        true
    }
}
