//! The blocks of a segment, one after the other, checked.
//!
//! Whoever reads a block reads the header behind it with it, so that a block costs one `pread`, and one that is stored as
//! it is goes straight to where its records are wanted.

use std::sync::Arc;

use super::format::{BLOCK_BYTES, HEADER, Header, MORE, PACKED, Segment};
use super::read::RunReader;
use crate::Result;

/// The place in a segment up to which it has been read.
#[derive(Debug)]
pub(crate) struct Cursor {
    run: Arc<RunReader>,
    segment: Segment,
    /// The header of the next block; `None` at the end, and before the first read.
    next: Option<Header>,
    /// Where the file goes on behind that header.
    at: u64,
    unpacked: u64,
    check: crc32fast::Hasher,
}

impl Cursor {
    pub(crate) fn new(run: Arc<RunReader>, segment: Segment) -> Cursor {
        Cursor { run, segment, next: None, at: 0, unpacked: 0, check: crc32fast::Hasher::new() }
    }

    pub(crate) fn run(&self) -> &RunReader {
        &self.run
    }

    /// The room that [`Cursor::load`] wants if it is to go on block by block.
    pub(crate) fn area_min(segment: &Segment) -> usize {
        segment.chain_max as usize + HEADER
    }

    /// The room that [`Cursor::load`] wants if it is to read the whole segment at once.
    pub(crate) fn area_whole(segment: &Segment) -> usize {
        segment.unpacked as usize + HEADER
    }

    /// Reads as many whole records into `area` as there is room for; says how many bytes they have, 0 at the end.
    /// `scratch` is for compressed blocks.
    pub(crate) fn load(&mut self, area: &mut [u8], scratch: &mut Vec<u8>) -> Result<usize> {
        if self.at == 0 {
            self.begin()?;
        }
        let mut filled = 0;
        let mut in_chain = false;
        while let Some(header) = self.next {
            let more = header.flags & MORE != 0;
            let unpacked = header.unpacked as usize;
            // A chain is begun only where there is room for all of it.
            let wanted = if more && !in_chain { self.segment.chain_max as usize } else { unpacked };
            if area.len() - filled < wanted + HEADER {
                break;
            }
            self.load_block(header, &mut area[filled..filled + unpacked + HEADER], scratch)?;
            filled += unpacked;
            in_chain = more;
        }
        if in_chain || filled == 0 && self.next.is_some() {
            return Err(self.run.damaged("a record is larger than it should be"));
        }
        Ok(filled)
    }

    fn begin(&mut self) -> Result<()> {
        let mut first = [0; HEADER];
        self.run.read_at(&mut first, self.segment.offset)?;
        self.at = self.segment.offset + HEADER as u64;
        self.next = Some(self.header(&first)?);
        Ok(())
    }

    /// The header, if it can be one: nothing is allocated or read by a length that was not looked at.
    fn header(&self, bytes: &[u8; HEADER]) -> Result<Header> {
        let header = Header::decode(bytes);
        let left = self.segment.offset + self.segment.stored - self.at;
        let fits = header.unpacked > 0
            && header.unpacked <= self.segment.chain_max.min(BLOCK_BYTES as u32)
            && header.stored <= header.unpacked
            && u64::from(header.stored) <= left
            && header.flags & !(PACKED | MORE) == 0
            && (header.flags & PACKED != 0 || header.stored == header.unpacked);
        if fits { Ok(header) } else { Err(self.run.damaged("the header of a block is wrong")) }
    }

    /// Reads the block of this header, checks it and unpacks it to the begin of `area`, which has room for one header more.
    fn load_block(&mut self, header: Header, area: &mut [u8], scratch: &mut Vec<u8>) -> Result<()> {
        let stored = header.stored as usize;
        let end = self.segment.offset + self.segment.stored;
        let is_last = self.at + stored as u64 == end;
        let with_next = if is_last { stored } else { stored + HEADER };
        if !is_last && end - self.at < with_next as u64 {
            return Err(self.run.damaged("a block is longer than its partition"));
        }
        let packed = header.flags & PACKED != 0;
        let read = if packed {
            scratch.resize(with_next.max(scratch.len()), 0);
            &mut scratch[..with_next]
        } else {
            &mut area[..with_next]
        };
        self.run.read_at(read, self.at)?;
        if header.check(&read[..stored]) != header.crc {
            return Err(self.run.damaged("a block does not agree with its checksum"));
        }
        let next = read[stored..].first_chunk::<HEADER>().copied();
        if packed {
            let unpacked = header.unpacked as usize;
            let made = lz4_flex::block::decompress_into(&scratch[..stored], &mut area[..unpacked]);
            if !made.is_ok_and(|made| made == unpacked) {
                return Err(self.run.damaged("a block cannot be unpacked"));
            }
        }
        self.at += with_next as u64;
        self.check.update(&header.crc.to_le_bytes());
        self.unpacked += u64::from(header.unpacked);
        self.next = next.map(|next| self.header(&next)).transpose()?;
        if self.next.is_none() { self.end() } else { Ok(()) }
    }

    /// All blocks were whole: are they those of this segment?
    fn end(&self) -> Result<()> {
        if self.check.clone().finalize() == self.segment.check && self.unpacked == self.segment.unpacked {
            return Ok(());
        }
        Err(self.run.damaged("a partition does not have the blocks it was written with"))
    }
}
