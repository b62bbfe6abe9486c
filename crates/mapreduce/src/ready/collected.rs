//! Records in a sorter that goes into a run when it is full.

use crate::Result;
use crate::Splitters;
use crate::input::PIECE_BYTES;
use crate::program::{Room, Sink};
use crate::sort::{Pushed, Sorter};
use crate::spill::RunWriter;
use std::sync::Arc;

/// What a mapper that only sorts holds.
pub(super) struct Collected {
    sorter: Sorter,
    splitters: Arc<Splitters>,
}

impl Collected {
    pub(super) fn new(room: &Room) -> Collected {
        let budget = room.memory.saturating_sub(PIECE_BYTES + RunWriter::MEMORY);
        Collected { sorter: Sorter::new(budget), splitters: room.splitters.clone() }
    }

    #[inline]
    pub(super) fn push(&mut self, key: &[u8], value: &[u8], sink: &mut Sink<'_>) -> Result<()> {
        if self.sorter.push(key, value)? == Pushed::Full {
            sink.spill(|run| self.spill(run))?;
            let _ = self.sorter.push(key, value)?;
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sorter.is_empty()
    }

    pub(super) fn spill(&mut self, run: &mut RunWriter) -> Result<()> {
        self.sorter.spill(&self.splitters, run)
    }

    pub(super) fn clear(&mut self) {
        self.sorter.clear();
    }
}
