//! Merging what the runs have of a part, within what a worker has.

use crate::Result;
use crate::program::{Part, Room};
use crate::sort::{Input, Merge, Merger, Spare};
use crate::spill::Packing;

/// A worker's merger, and where it may spill.
pub(crate) struct Merging {
    merger: Merger,
    spare: Spare,
}

impl Merging {
    /// With what a worker has, but for so many bytes that its reducer needs itself.
    pub(crate) fn new(room: &Room, reserved: usize) -> Merging {
        let budget = room.memory.saturating_sub(reserved).max(Merger::BUDGET_MIN);
        let spare = Spare { dir: room.dir.clone(), disk: room.disk.clone(), packing: Packing::default() };
        Merging { merger: Merger::new(budget), spare }
    }

    /// The records of a part, by key, those of equal keys in the order of the inputs.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged, or the disk is full.
    pub(crate) fn part(&mut self, part: &Part<'_>) -> Result<Merge<'_>> {
        self.merger.merge(Input::of(part.runs, part.number)?, &self.spare)
    }
}
