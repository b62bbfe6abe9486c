//! The records of a segment.

use std::sync::Arc;

use super::cursor::Cursor;
use super::format::{BLOCK_BYTES, HEADER, Record, Segment};
use super::read::RunReader;
use crate::{Error, Result};

/// Reads the records of one partition of one run, in a buffer of its own.
///
/// For many at a time see [`Merger`](crate::sort::Merger), which has one buffer for all.
#[derive(Debug)]
pub struct SegmentReader {
    cursor: Cursor,
    area: Vec<u8>,
    scratch: Vec<u8>,
    filled: usize,
    at: usize,
    record: Record,
}

impl SegmentReader {
    /// Reads a segment of this run with at most `buffer_max` bytes of memory, all at once if they are enough.
    ///
    /// # Errors
    /// If a record or a block does not fit into the buffer.
    pub fn new(run: &Arc<RunReader>, segment: Segment, buffer_max: usize) -> Result<SegmentReader> {
        let room = buffer_max.saturating_sub(BLOCK_BYTES + HEADER);
        let least = Cursor::area_min(&segment);
        if room < least {
            let bytes = (least + BLOCK_BYTES + HEADER) as u64;
            return Err(Error::TooLarge { what: "a block", bytes });
        }
        let area = vec![0; room.min(Cursor::area_whole(&segment))];
        let cursor = Cursor::new(run.clone(), segment);
        Ok(SegmentReader { cursor, area, scratch: Vec::new(), filled: 0, at: 0, record: Record::default() })
    }

    /// Goes to the next record; `false` at the end.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn advance(&mut self) -> Result<bool> {
        if self.at == self.filled {
            self.filled = self.cursor.load(&mut self.area, &mut self.scratch)?;
            self.at = 0;
            if self.filled == 0 {
                return Ok(false);
            }
        }
        let record = Record::parse(&self.area[..self.filled], self.at);
        self.record = record.ok_or_else(|| self.cursor.run().damaged("a record is longer than its block"))?;
        self.at = self.record.end();
        Ok(true)
    }

    /// The key of the record.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.record.key(&self.area)
    }

    /// The value of the record.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.record.value(&self.area)
    }
}
