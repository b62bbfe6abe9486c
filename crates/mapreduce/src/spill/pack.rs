//! Whether a block is compressed.

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use super::format::BLOCK_BYTES;

/// How blocks are stored.
///
/// Compressing and unpacking took 2.7 s of CPU time per GB of 100-byte records that became 0.43 GB smaller, where the sort
/// itself took 3.3 s. Two cores and a disk of 455 MB/s win back half of that even if nothing is cached; at that speed it
/// pays from about half on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// As they are.
    Never,
    /// Compressed (LZ4) where that makes them half as large: where time is what counts.
    #[default]
    Half,
    /// Compressed where that saves at least a tenth: where room on the disk is what counts, or the disk is slow.
    Tenth,
}

/// After the first block that compressing would not have made small enough, so many are stored as they are before the next
/// try; then twice as many each time, since what comes is mostly like what came.
const SKIP_MIN: u32 = 15;
const SKIP_MAX: u32 = 255;

/// Compresses blocks while that pays.
pub(super) struct Packer {
    packing: Packing,
    /// Blocks until the next try, and how many they are after it if it fails.
    skip: u32,
    skip_next: u32,
    table: CompressTable,
    scratch: Vec<u8>,
}

impl Packer {
    /// The most bytes of memory that one has.
    pub(super) const MEMORY: usize = BLOCK_BYTES + BLOCK_BYTES / 8 + 64 + (16 << 10);

    pub(super) fn new(packing: Packing) -> Packer {
        let table = CompressTable::small();
        Packer { packing, skip: 0, skip_next: SKIP_MIN, table, scratch: Vec::new() }
    }

    /// The compressed block, or `None` if it is better stored as it is.
    pub(super) fn pack(&mut self, block: &[u8]) -> Option<&[u8]> {
        let small_enough = match self.packing {
            Packing::Never => return None,
            Packing::Half => block.len() / 2,
            Packing::Tenth => block.len() - block.len().div_ceil(10),
        };
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.scratch.resize(get_maximum_output_size(block.len()).max(self.scratch.len()), 0);
        let packed = compress_into_with_table(block, &mut self.scratch, &mut self.table)
            .expect("the output is as large as it may get");
        if packed > small_enough {
            self.skip = self.skip_next;
            self.skip_next = (2 * self.skip_next).min(SKIP_MAX);
            return None;
        }
        self.skip_next = SKIP_MIN;
        Some(&self.scratch[..packed])
    }
}
