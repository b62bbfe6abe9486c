//! The records of one partition of many runs, in order.

use std::sync::Arc;

use super::plan::{self, Spare};
use super::tree::Tree;
use crate::Result;
use crate::partition::prefix;
use crate::spill::{BLOCK_BYTES, Cursor, HEADER, Record, RunReader, Segment};

/// One partition of one run.
#[derive(Debug, Clone)]
pub struct Input {
    /// The run.
    pub run: Arc<RunReader>,
    /// Where the records are in it.
    pub segment: Segment,
}

impl Input {
    /// This partition of these runs, without those that have nothing of it.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged.
    pub fn of(runs: &[Arc<RunReader>], partition: u32) -> Result<Vec<Input>> {
        let input = |run: &Arc<RunReader>| {
            let segment = run.segment(partition).transpose()?;
            Some(segment.map(|segment| Input { run: run.clone(), segment }))
        };
        runs.iter().filter_map(input).collect()
    }
}

/// A run's next record.
#[derive(Debug)]
pub(super) struct Lane {
    cursor: Cursor,
    /// Its part of the pool.
    area: (usize, usize),
    /// Where the records of the pool's part end.
    end: usize,
    record: Record,
    done: bool,
}

impl Lane {
    /// Goes to the next record and gives its prefix.
    #[inline]
    fn advance(&mut self, pool: &mut [u8], scratch: &mut Vec<u8>) -> Result<u64> {
        let mut at = self.record.end();
        if at == self.end {
            let filled = self.cursor.load(&mut pool[self.area.0..self.area.1], scratch)?;
            at = self.area.0;
            self.end = at + filled;
            if filled == 0 {
                self.done = true;
                return Ok(u64::MAX);
            }
        }
        let record = Record::parse(&pool[..self.end], at);
        self.record = record.ok_or_else(|| self.cursor.run().damaged("a record is longer than its block"))?;
        Ok(prefix(self.record.key(pool)))
    }
}

/// Merges runs within a memory budget, one partition after the other.
#[derive(Debug)]
pub struct Merger {
    pub(super) budget: usize,
    pub(super) peak: usize,
    /// The buffers of all lanes. Made once, as large as the budget: what is not touched costs nothing.
    pool: Vec<u8>,
    scratch: Vec<u8>,
}

impl Merger {
    /// The least budget with which anything can be merged: two runs into one of blocks that are full.
    pub const BUDGET_MIN: usize = plan::BUDGET_MIN;

    /// A merger that uses at most so many bytes.
    ///
    /// # Panics
    /// If they are less than [`Merger::BUDGET_MIN`].
    #[must_use]
    pub fn new(budget: usize) -> Merger {
        assert!(budget >= Merger::BUDGET_MIN, "a merge has the memory it needs at least");
        Merger { budget, peak: 0, pool: Vec::new(), scratch: Vec::with_capacity(BLOCK_BYTES + HEADER) }
    }

    /// The records of these inputs; equal keys come in the order of the inputs. If they are too many for the memory, some
    /// are merged into runs in `spare` first. If all of them fit into memory they are read at once.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged, if an intermediate one cannot be written, or if single records are too
    /// large.
    pub fn merge(&mut self, inputs: Vec<Input>, spare: &Spare) -> Result<Merge<'_>> {
        let inputs = self.merge_down(inputs, spare)?;
        self.start(inputs, 0)
    }

    /// The most bytes of memory there ever were, never more than the budget.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// Begins to merge what is known to fit beside `reserved` bytes that the caller uses.
    pub(super) fn start(&mut self, inputs: Vec<Input>, reserved: usize) -> Result<Merge<'_>> {
        let whole = plan::need_whole(&inputs) + reserved;
        let is_whole = whole <= self.budget;
        let need = if is_whole { whole } else { plan::need(&inputs) + reserved };
        assert!(need <= self.budget, "a merge that has begun fits into its budget");
        self.peak = self.peak.max(need);
        if self.pool.is_empty() {
            self.pool = vec![0; self.budget];
        }
        let mut free = 0;
        let lanes = inputs.into_iter().map(|Input { run, segment }| {
            let area = if is_whole { Cursor::area_whole(&segment) } else { Cursor::area_min(&segment) };
            let at = free;
            free += area;
            let record = Record { at, ..Record::default() };
            Lane { cursor: Cursor::new(run, segment), area: (at, free), end: at, record, done: false }
        });
        let mut lanes: Vec<Lane> = lanes.collect();
        let mut prefixes = Vec::with_capacity(lanes.len());
        for lane in &mut lanes {
            prefixes.push(lane.advance(&mut self.pool, &mut self.scratch)?);
        }
        let tree = Tree::new(prefixes.into_iter(), |a, b| is_before(&lanes, &self.pool, a, b));
        Ok(Merge { pool: &mut self.pool, scratch: &mut self.scratch, lanes, tree, began: false })
    }
}

/// Which of two lanes with equal prefixes is first.
#[inline]
fn is_before(lanes: &[Lane], pool: &[u8], a: u32, b: u32) -> bool {
    let (one, other) = (&lanes[a as usize], &lanes[b as usize]);
    if one.done || other.done {
        return !one.done;
    }
    one.record.key(pool).cmp(other.record.key(pool)).then(a.cmp(&b)).is_lt()
}

/// The records of one partition, in order.
#[derive(Debug)]
pub struct Merge<'m> {
    pool: &'m mut Vec<u8>,
    scratch: &'m mut Vec<u8>,
    lanes: Vec<Lane>,
    tree: Tree,
    began: bool,
}

impl Merge<'_> {
    /// Goes to the next record; `false` at the end, and each time after it.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged.
    #[inline]
    pub fn advance(&mut self) -> Result<bool> {
        let Merge { pool, scratch, lanes, tree, began } = self;
        if lanes.is_empty() {
            return Ok(false);
        }
        let winner = &mut lanes[tree.winner() as usize];
        if *began && !winner.done {
            let prefix = winner.advance(pool, scratch)?;
            tree.replay(prefix, |a, b| is_before(lanes, pool, a, b));
        }
        *began = true;
        Ok(!lanes[tree.winner() as usize].done)
    }

    /// The key of the record.
    #[must_use]
    #[inline]
    pub fn key(&self) -> &[u8] {
        self.lanes[self.tree.winner() as usize].record.key(self.pool)
    }

    /// The value of the record.
    #[must_use]
    #[inline]
    pub fn value(&self) -> &[u8] {
        self.lanes[self.tree.winner() as usize].record.value(self.pool)
    }

    /// The next record, key and value.
    ///
    /// # Errors
    /// As [`Merge::advance`].
    pub fn next_record(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        Ok(if self.advance()? { Some((self.key(), self.value())) } else { None })
    }
}
