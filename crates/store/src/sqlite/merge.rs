//! Small appends of one group, packed into one block.
//!
//! A block of one record costs more than a row of its own would. Under load a group holds the appends of many
//! callers, and what arrives together is stored together: fewer rows, less of the log written, one checksum.

use crate::Block;
use crate::block::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use std::borrow::Cow;

/// A block of this many bytes of records is stored as it is: to copy it would cost more than it saves.
const SMALL_BYTES_MAX: u64 = BLOCK_BYTES_MAX as u64 / 8;

/// The same records in the same order, in fewer blocks.
pub(super) fn merged<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Vec<Cow<'b, Block>> {
    let (mut out, mut small) = (Vec::new(), Vec::new());
    let (mut bytes, mut count) = (0, 0);
    for block in blocks.into_iter().filter(|block| block.count() > 0) {
        let is_small = block.record_bytes() <= SMALL_BYTES_MAX;
        let fits = bytes + block.record_bytes() <= BLOCK_BYTES_MAX as u64
            && count + block.count() <= BLOCK_RECORDS_MAX as u64;
        if !is_small || !fits {
            flush(&mut small, &mut out);
            (bytes, count) = (0, 0);
        }
        if is_small {
            small.push(block);
            bytes += block.record_bytes();
            count += block.count();
        } else {
            out.push(Cow::Borrowed(block));
        }
    }
    flush(&mut small, &mut out);
    out
}

fn flush<'b>(small: &mut Vec<&'b Block>, out: &mut Vec<Cow<'b, Block>>) {
    if let [one] = small[..] {
        out.push(Cow::Borrowed(one));
    } else if !small.is_empty() {
        let records = small.iter().flat_map(|block| (0..block.count()).map(|nth| block.record(nth)));
        out.extend(Block::pack_all(records).into_iter().map(Cow::Owned));
    }
    small.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(records: &[Vec<u8>]) -> Block {
        Block::pack_all(records).remove(0)
    }

    #[test]
    fn records_keep_their_order_and_large_blocks_their_shape() {
        let sizes =
            [10, 0, 7, 200_000, 5, 30_000, 32_000, 31_000, 32_000, 32_000, 32_000, 32_000, 32_000, 32_000, 1];
        let blocks: Vec<Block> =
            sizes.iter().enumerate().map(|(n, size)| block(&[vec![n as u8; *size], vec![n as u8]])).collect();
        let merged = merged(&blocks);
        let records = |blocks: &[&Block]| -> Vec<Vec<u8>> {
            blocks
                .iter()
                .flat_map(|b| (0..b.count()).map(|n| b.record(n).to_vec()).collect::<Vec<_>>())
                .collect()
        };
        let flat: Vec<&Block> = merged.iter().map(|b| &**b).collect();
        assert_eq!(records(&flat), records(&blocks.iter().collect::<Vec<_>>()));
        assert_eq!(*flat[1], blocks[3], "a large block stays");
        assert!(flat.len() < 6 && flat.iter().all(|b| b.record_bytes() <= BLOCK_BYTES_MAX as u64));
        let many: Vec<Block> = (0..BLOCK_RECORDS_MAX + 1).map(|_| block(&[vec![]])).collect();
        assert_eq!(super::merged(&many).len(), 2);
    }
}
