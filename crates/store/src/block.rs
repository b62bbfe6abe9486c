//! Records, packed: consecutive records are one block, one block is one row.
//!
//! A block's bytes are the end offset of each record as a little-endian `u32`, then the records. Four bytes a
//! record buy that any record is found without reading the others.

use divvy_core::Range;
use std::sync::Arc;

/// Most bytes of records in one block, unless a single record is longer.
pub const BLOCK_BYTES_MAX: usize = 256 << 10;
/// Most records in one block, so that its table of ends stays small beside tiny records.
pub const BLOCK_RECORDS_MAX: usize = 16 << 10;

/// Consecutive records, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    count: u32,
    packed: Vec<u8>,
}

impl Block {
    /// Packs records given as one buffer and the end of each in it.
    ///
    /// # Panics
    /// If the ends fall, or do not end where the buffer ends, or pass 4 GiB.
    #[must_use]
    pub fn pack(bytes: &[u8], ends: &[u32]) -> Block {
        assert!(ends.is_sorted(), "ends fall");
        assert_eq!(ends.last().map_or(0, |e| *e as usize), bytes.len(), "bytes behind the last record");
        let mut packed = Vec::with_capacity(ends.len() * 4 + bytes.len());
        ends.iter().for_each(|end| packed.extend_from_slice(&end.to_le_bytes()));
        packed.extend_from_slice(bytes);
        Block { count: ends.len() as u32, packed }
    }

    /// Packs records into as few blocks as the bounds allow.
    pub fn pack_all<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Vec<Block> {
        let (mut blocks, mut bytes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            let record = record.as_ref();
            let full = ends.len() == BLOCK_RECORDS_MAX || bytes.len() + record.len() > BLOCK_BYTES_MAX;
            if full && !ends.is_empty() {
                blocks.push(Block::pack(&bytes, &ends));
                bytes.clear();
                ends.clear();
            }
            bytes.extend_from_slice(record);
            ends.push(u32::try_from(bytes.len()).expect("a record is below 4 GiB"));
        }
        if !ends.is_empty() {
            blocks.push(Block::pack(&bytes, &ends));
        }
        blocks
    }

    /// Number of records.
    #[must_use]
    pub fn count(&self) -> u64 {
        u64::from(self.count)
    }

    /// Bytes of the records alone.
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        (self.packed.len() - self.count as usize * 4) as u64
    }

    /// The bytes to store.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Takes back what [`Block::packed`] gave. `None` if the bytes cannot be so many records.
    #[must_use]
    pub fn unpack(count: u64, packed: Vec<u8>) -> Option<Block> {
        let count = u32::try_from(count).ok()?;
        let block = Block { count, packed };
        let bytes = block.packed.len().checked_sub(count as usize * 4)?;
        let mut ends = (0..count).map(|n| block.end(n));
        let fits = ends.clone().is_sorted() && ends.next_back().unwrap_or(0) as usize == bytes;
        fits.then_some(block)
    }

    /// The `nth` record.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    pub fn record(&self, nth: u64) -> &[u8] {
        assert!(nth < self.count(), "record {nth} of {}", self.count);
        let nth = nth as u32;
        let table = self.count as usize * 4;
        let from = if nth == 0 { 0 } else { self.end(nth - 1) };
        &self.packed[table + from as usize..table + self.end(nth) as usize]
    }

    fn end(&self, nth: u32) -> u32 {
        let at = nth as usize * 4;
        u32::from_le_bytes(self.packed[at..at + 4].try_into().expect("four bytes"))
    }
}

/// The blocks that hold a range of records. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Records {
    blocks: Vec<(u64, Arc<Block>)>,
}

impl Records {
    /// Blocks with the seq of their first record, ascending and without a gap.
    #[must_use]
    pub fn new(blocks: Vec<(u64, Arc<Block>)>) -> Records {
        let dense = blocks.windows(2).all(|w| w[0].0 + w[0].1.count() == w[1].0);
        assert!(dense, "a gap between blocks");
        Records { blocks }
    }

    /// The record of a task.
    ///
    /// # Panics
    /// If it is outside of the range that was read.
    #[must_use]
    pub fn get(&self, seq: u64) -> &[u8] {
        let at = self.blocks.partition_point(|(first, block)| first + block.count() <= seq);
        let (first, block) = &self.blocks[at];
        block.record(seq - first)
    }

    /// The seqs that are here.
    #[must_use]
    pub fn range(&self) -> Range {
        let lo = self.blocks.first().map_or(0, |(first, _)| *first);
        let hi = self.blocks.last().map_or(lo, |(first, block)| first + block.count());
        Range::new(lo, hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        let records: Vec<Vec<u8>> = (0..40_000u32).map(|n| vec![n as u8; (n % 37) as usize]).collect();
        let blocks = Block::pack_all(&records);
        assert!(blocks.len() > 2 && blocks.iter().all(|b| b.record_bytes() <= BLOCK_BYTES_MAX as u64));
        let mut first = 0;
        let stored = blocks.into_iter().map(|b| {
            let at = first;
            first += b.count();
            (at, Arc::new(Block::unpack(b.count(), b.packed().to_vec()).unwrap()))
        });
        let all = Records::new(stored.collect());
        assert_eq!(all.range(), Range::new(0, 40_000));
        assert!((0..40_000).all(|n| all.get(n) == records[n as usize]));
    }

    #[test]
    fn bytes_that_are_no_block_are_refused() {
        let block = Block::pack(b"abcdef", &[2, 6]);
        assert_eq!(Block::unpack(2, block.packed().to_vec()), Some(block.clone()));
        assert_eq!(Block::unpack(3, block.packed().to_vec()), None);
        assert_eq!(Block::unpack(2, block.packed()[..9].to_vec()), None);
        assert_eq!(Block::unpack(u64::MAX, vec![]), None);
    }
}
