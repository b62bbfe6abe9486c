//! Too many runs for the memory: merging some of them first.
//!
//! A run that is merged needs a buffer for its largest block, so a budget is a bound on how many can be merged at a time.
//! Above it neighbours become one run, no more of them than needed: each pass writes what it merges once. Only neighbours
//! are merged, since equal keys have to stay in the order of the runs.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::merge::{Input, Lane, Merger};
use super::tree::Tree;
use crate::spill::{BLOCK_BYTES, Cursor, Disk, HEADER, Packing, RunReader, RunWriter, Segment};
use crate::{Error, Result};

/// Memory for each run that is being merged, but for its buffer. The list of inputs is the caller's.
const LANE: usize = size_of::<Lane>() + size_of::<u64>() + Tree::NODE;
/// Memory for the block that is being unpacked.
const SCRATCH: usize = BLOCK_BYTES + HEADER;

pub(super) const BUDGET_MIN: usize = RunWriter::MEMORY + SCRATCH + 3 * (LANE + BLOCK_BYTES + HEADER);

/// Where intermediate runs go. They are removed as soon as they have been read.
#[derive(Debug)]
pub struct Spare {
    /// The directory.
    pub dir: PathBuf,
    /// How many bytes there may be.
    pub disk: Arc<Disk>,
    /// How they are stored.
    pub packing: Packing,
}

impl Spare {
    /// A name that nobody else in this process has.
    fn path(&self) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.dir.join(format!("merge-{}-{}.run", std::process::id(), NEXT.fetch_add(1, Relaxed)))
    }
}

/// The memory for merging these, block by block.
pub(super) fn need(inputs: &[Input]) -> usize {
    need_with(inputs.iter(), Cursor::area_min)
}

/// The memory for merging these when each is read at once.
pub(super) fn need_whole(inputs: &[Input]) -> usize {
    need_with(inputs.iter(), Cursor::area_whole)
}

fn need_with<'a>(inputs: impl Iterator<Item = &'a Input>, area: fn(&Segment) -> usize) -> usize {
    let mut key_max = 0;
    let lanes = inputs.map(|input| {
        key_max = key_max.max(input.segment.key_max as usize);
        LANE + area(&input.segment)
    });
    // Who walks through groups keeps a key.
    lanes.sum::<usize>() + SCRATCH + key_max
}

impl Merger {
    /// Merges as few of the inputs as needed for the rest to fit into memory.
    pub(super) fn merge_down(&mut self, mut inputs: Vec<Input>, spare: &Spare) -> Result<Vec<Input>> {
        while need(&inputs) > self.budget {
            let before = inputs.len();
            inputs = self.pass(inputs, spare)?;
            if inputs.len() == before {
                let largest = inputs.iter().map(|input| input.segment.chain_max).max();
                return Err(Error::TooLarge { what: "a record", bytes: largest.unwrap_or(0).into() });
            }
        }
        Ok(inputs)
    }

    /// Walks over the inputs once, merging neighbours, until all that there is fits into memory.
    fn pass(&mut self, inputs: Vec<Input>, spare: &Spare) -> Result<Vec<Input>> {
        let mut rest = VecDeque::from(inputs);
        let mut merged: Vec<Input> = Vec::new();
        while !rest.is_empty() {
            let all = need_with(merged.iter().chain(&rest), Cursor::area_min);
            let count = self.group(rest.make_contiguous(), all.saturating_sub(self.budget));
            let mut group: Vec<Input> = rest.drain(..count).collect();
            let one = if count > 1 { self.merge_into_one(group, spare)? } else { group.remove(0) };
            merged.push(one);
        }
        Ok(merged)
    }

    /// How many of these, from the first on, become one so that `excess` bytes less are needed, or as many as fit.
    fn group(&self, rest: &[Input], excess: usize) -> usize {
        if excess == 0 {
            return 1;
        }
        let (mut saved, mut count) = (0, 0);
        for input in rest {
            let need = need(&rest[..=count]) + RunWriter::MEMORY;
            // One lane stays, with a full block.
            if need > self.budget || saved >= excess + LANE + BLOCK_BYTES + HEADER {
                break;
            }
            saved += LANE + Cursor::area_min(&input.segment);
            count += 1;
        }
        count.max(1)
    }

    fn merge_into_one(&mut self, group: Vec<Input>, spare: &Spare) -> Result<Input> {
        let mut run = RunWriter::create(&spare.path(), 1, spare.packing, &spare.disk)?;
        run.begin(0)?;
        let mut merge = self.start(group, RunWriter::MEMORY)?;
        while merge.advance()? {
            run.push(merge.key(), merge.value())?;
        }
        drop(merge);
        let run = RunReader::own(&run.finish()?, &spare.disk)?;
        let segment = run.segment(0)?.expect("inputs have records");
        Ok(Input { run: Arc::new(run), segment })
    }
}
