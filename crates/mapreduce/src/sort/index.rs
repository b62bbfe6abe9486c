//! Records that lie in a buffer of the caller's, such as a split that was read: nothing is copied but to the run file.

use std::ops::Range;

use super::entry::{self, Entry};
use crate::Result;
use crate::partition::{Splitters, prefix};
use crate::spill::RunWriter;

/// Records that are fetched from memory at the same time.
const AHEAD: usize = 16;

/// Where the keys of records are in one buffer of less than 4 GiB, and their order.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
}

impl Index {
    /// Bytes of memory that a record costs here.
    pub const ENTRY: usize = size_of::<Entry>();

    /// Room for so many records without growing. It costs no memory before it is used: make it generous.
    #[must_use]
    pub fn with_capacity(records: usize) -> Index {
        Index { entries: Vec::with_capacity(records) }
    }

    /// Adds the record whose key is this range of `buf`.
    ///
    /// # Panics
    /// If the range is not inside of the buffer, or ends above 4 GiB.
    #[inline]
    pub fn push(&mut self, buf: &[u8], key: Range<usize>) {
        assert!(key.end <= u32::MAX as usize, "a buffer has less than 4 GiB");
        self.entries.push(Entry::new(&buf[key.clone()], key.start as u32));
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Brings the records into the order of their keys, equal ones into the order they have in the buffer.
    ///
    /// # Panics
    /// If this is not the buffer that the records were added with.
    pub fn sort(&mut self, buf: &[u8]) {
        entry::sort(&mut self.entries, buf);
    }

    /// The keys in their order.
    pub fn keys<'a>(&'a self, buf: &'a [u8]) -> impl ExactSizeIterator<Item = &'a [u8]> {
        self.entries.iter().map(move |entry| entry.key(buf))
    }

    /// Where the keys are, in their order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.entries.iter().map(|entry| entry.at()..entry.at() + entry.len())
    }

    /// Writes the sorted records, which are all key, into the partitions they belong to.
    ///
    /// # Errors
    /// If the run file cannot be written.
    pub fn spill(&self, buf: &[u8], splitters: &Splitters, run: &mut RunWriter) -> Result<()> {
        self.spill_with(buf, splitters, run, |_| &[])
    }

    /// Writes the sorted records, whose values `value` finds by where their keys are.
    pub(super) fn spill_with<'a>(
        &self,
        buf: &'a [u8],
        splitters: &Splitters,
        run: &mut RunWriter,
        value: impl Fn(Range<usize>) -> &'a [u8],
    ) -> Result<()> {
        let mut edges = Edges::new(splitters);
        for ahead in self.entries.chunks(AHEAD) {
            touch(ahead, buf);
            for entry in ahead {
                let key = entry.key(buf);
                edges.begin(key, run)?;
                run.push(key, value(entry.at()..entry.at() + entry.len()))?;
            }
        }
        Ok(())
    }

    /// The same, with values of equal keys folded: `combine` gets the key, what values before became, and the next one,
    /// and answers whether it is in. What they become is not counted: folding is for what becomes smaller by it.
    pub(super) fn spill_combined<'a>(
        &self,
        buf: &'a [u8],
        splitters: &Splitters,
        run: &mut RunWriter,
        value: impl Fn(Range<usize>) -> &'a [u8],
        mut combine: impl FnMut(&[u8], &mut Vec<u8>, &[u8]) -> bool,
    ) -> Result<()> {
        let mut edges = Edges::new(splitters);
        let mut folded = Vec::new();
        for equal in self.entries.chunk_by(|a, b| a.key(buf) == b.key(buf)) {
            let key = equal[0].key(buf);
            let mut values = equal.iter().map(|entry| value(entry.at()..entry.at() + entry.len()));
            folded.clear();
            folded.extend_from_slice(values.next().expect("a chunk is not empty"));
            edges.begin(key, run)?;
            for value in values {
                if !combine(key, &mut folded, value) {
                    run.push(key, &folded)?;
                    folded.clear();
                    folded.extend_from_slice(value);
                }
            }
            run.push(key, &folded)?;
        }
        Ok(())
    }
}

/// Fetches where these records begin and end: in their order they are all over the buffer, and the processor waits for each
/// alone if it does not meet the next ones soon. It was a sixth of the CPU time of a
/// whole sort of 100-byte records.
#[inline]
fn touch(entries: &[Entry], buf: &[u8]) {
    let ends = |entry: &Entry| (buf.get(entry.at()), buf.get(entry.at() + entry.len()));
    let bytes =
        entries.iter().map(ends).fold(0, |all, (begin, end)| all ^ begin.unwrap_or(&0) ^ end.unwrap_or(&0));
    std::hint::black_box(bytes);
}

/// Ascending keys meet ascending edges: no record looks up its partition.
struct Edges<'a> {
    /// The edges behind the next one.
    edges: Box<dyn Iterator<Item = &'a [u8]> + 'a>,
    next: Option<(u64, &'a [u8])>,
    partition: u32,
    began: bool,
}

impl<'a> Edges<'a> {
    fn new(splitters: &'a Splitters) -> Self {
        let mut edges = Box::new(splitters.edges());
        let next = edges.next().map(|edge| (prefix(edge), edge));
        Edges { edges, next, partition: 0, began: false }
    }

    /// Begins the partition of this key in the run, unless it has begun.
    #[inline]
    fn begin(&mut self, key: &[u8], run: &mut RunWriter) -> Result<()> {
        while let Some((first, edge)) = self.next
            && prefix(key) >= first
            && key >= edge
        {
            self.next = self.edges.next().map(|edge| (prefix(edge), edge));
            self.partition += 1;
            self.began = false;
        }
        if self.began {
            return Ok(());
        }
        self.began = true;
        run.begin(self.partition)
    }
}
