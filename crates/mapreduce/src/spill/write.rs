//! A run file being written.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::Disk;
use super::format::{
    BLOCK_BYTES, HEADER, Header, MAGIC, MORE, PACKED, RECORD_MAX, Record, Segment, TAIL, Tail, VARINT_MAX,
};
use super::pack::{Packer, Packing};
use crate::{Error, Result};

/// Bytes that are written at a time. Blocks are made in this buffer, so a record is copied once on its way to the file.
const WRITE_BYTES: usize = 256 << 10;

/// What a finished run file has.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Bytes of all keys and values.
    pub payload: u64,
    /// Number of records.
    pub records: u64,
    /// What tells this run from any other: a checksum over everything in it.
    pub check: u32,
    /// The partitions that are not empty. [`RunReader`](super::RunReader) finds them in the file: keep of these what
    /// you need, they would become the largest thing in memory (partitions times runs).
    pub segments: Vec<Segment>,
}

/// Writes a run file, partition after partition. Dropped before [`RunWriter::finish`] it removes the file.
pub struct RunWriter {
    file: File,
    path: PathBuf,
    disk: Arc<Disk>,
    packer: Packer,
    /// What is not yet written: finished blocks and the open one, which begins with room for its header.
    out: Vec<u8>,
    /// Where the open block's header is in `out`.
    block: usize,
    /// Bytes written, all before `out`.
    written: u64,
    partitions: u32,
    segments: Vec<Segment>,
    open: Option<Segment>,
    /// Bytes of the chain so far.
    chain: u32,
    check: crc32fast::Hasher,
    finished: bool,
}

impl RunWriter {
    /// The most bytes of memory that one needs, without what a file of so many partitions says about them.
    pub const MEMORY: usize = WRITE_BYTES + BLOCK_BYTES + 2 * HEADER + Packer::MEMORY;

    /// A new file for so many partitions; what is there under this name is overwritten.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn create(path: &Path, partitions: u32, packing: Packing, disk: &Arc<Disk>) -> Result<RunWriter> {
        let file = File::create(path).map_err(Error::io("make", path))?;
        let mut out = Vec::with_capacity(WRITE_BYTES + BLOCK_BYTES + 2 * HEADER);
        out.extend_from_slice(&MAGIC);
        Ok(RunWriter {
            file,
            path: path.to_owned(),
            disk: disk.clone(),
            packer: Packer::new(packing),
            out,
            block: 0,
            written: 0,
            partitions,
            segments: Vec::new(),
            open: None,
            chain: 0,
            check: crc32fast::Hasher::new(),
            finished: false,
        })
    }

    /// The records that follow belong to this partition.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// If the partition is not above all before, or not below the number given to [`RunWriter::create`].
    pub fn begin(&mut self, partition: u32) -> Result<()> {
        assert!(partition < self.partitions, "the partition is one of those that there are");
        self.end_segment()?;
        let last = self.segments.last();
        assert!(
            last.is_none_or(|last| last.partition < partition),
            "partitions are written in ascending order"
        );
        let offset = self.written + self.out.len() as u64;
        self.open = Some(Segment { partition, offset, ..Segment::default() });
        self.check = crc32fast::Hasher::new();
        self.begin_block();
        Ok(())
    }

    /// Appends a record to the partition.
    ///
    /// # Errors
    /// If the file cannot be written, or the record has more than [`RECORD_MAX`] bytes.
    ///
    /// # Panics
    /// If no partition has begun.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let payload = key.len() + value.len();
        if self.out.len() - self.block + payload > HEADER + BLOCK_BYTES - 2 * VARINT_MAX {
            return self.push_cold(key, value);
        }
        self.count(key.len(), payload);
        Record::put_lead(&mut self.out, key.len(), value.len());
        self.out.extend_from_slice(key);
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// Appends a record that is all key.
    ///
    /// # Errors
    /// As [`RunWriter::push`].
    #[inline]
    pub fn push_bytes(&mut self, record: &[u8]) -> Result<()> {
        self.push(record, &[])
    }

    #[inline]
    fn count(&mut self, key: usize, payload: usize) {
        let segment = self.open.as_mut().expect("records come after a partition has begun");
        segment.records += 1;
        segment.payload += payload as u64;
        segment.key_max = segment.key_max.max(key as u32);
    }

    /// The record does not fit behind those that are in the block.
    #[cold]
    fn push_cold(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let payload = key.len() + value.len();
        if payload > RECORD_MAX {
            return Err(Error::TooLarge { what: "a record", bytes: payload as u64 });
        }
        self.end_block(0)?;
        if payload <= BLOCK_BYTES - 2 * VARINT_MAX {
            return self.push(key, value);
        }
        self.count(key.len(), payload);
        Record::put_lead(&mut self.out, key.len(), value.len());
        self.put_pieces(key)?;
        self.put_pieces(value)?;
        self.end_block(0)
    }

    /// Appends bytes over as many blocks as they need.
    fn put_pieces(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.block + HEADER + BLOCK_BYTES - self.out.len();
            if room == 0 {
                self.end_block(MORE)?;
                continue;
            }
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.out.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn begin_block(&mut self) {
        self.block = self.out.len();
        self.out.extend_from_slice(&[0; HEADER]);
    }

    /// Puts the header before the open block and begins another; an empty block is left open.
    fn end_block(&mut self, more: u32) -> Result<()> {
        let records = self.block + HEADER;
        let unpacked = self.out.len() - records;
        if unpacked == 0 {
            return Ok(());
        }
        let header = match self.packer.pack(&self.out[records..]) {
            Some(packed) => {
                self.out.truncate(records);
                self.out.extend_from_slice(packed);
                Header::of(packed, unpacked, PACKED | more)
            }
            None => Header::of(&self.out[records..], unpacked, more),
        };
        self.out[self.block..records].copy_from_slice(&header.encode());
        self.check.update(&header.crc.to_le_bytes());
        let segment = self.open.as_mut().expect("a block belongs to a partition");
        segment.unpacked += unpacked as u64;
        segment.stored += HEADER as u64 + u64::from(header.stored);
        self.chain += unpacked as u32;
        segment.chain_max = segment.chain_max.max(self.chain);
        if more == 0 {
            self.chain = 0;
        }
        if self.out.len() >= WRITE_BYTES {
            self.flush()?;
        }
        self.begin_block();
        Ok(())
    }

    fn end_segment(&mut self) -> Result<()> {
        if self.open.is_none() {
            return Ok(());
        }
        self.end_block(0)?;
        self.out.truncate(self.block);
        let mut segment = self.open.take().expect("it was there");
        segment.check = std::mem::take(&mut self.check).finalize();
        if segment.records > 0 {
            self.segments.push(segment);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let bytes = self.out.len() as u64;
        self.disk.take(bytes).map_err(Error::io("write", &self.path))?;
        // Counted before it is written: what a failed write leaves behind is removed as a whole.
        self.written += bytes;
        self.file.write_all(&self.out).map_err(Error::io("write", &self.path))?;
        self.out.clear();
        Ok(())
    }

    /// Writes what says where everything is.
    ///
    /// # Errors
    /// If the file cannot be written; it is removed then.
    pub fn finish(mut self) -> Result<RunInfo> {
        self.end_segment()?;
        let segments = std::mem::take(&mut self.segments);
        let mut check = crc32fast::Hasher::new();
        let mut filled = segments.iter().peekable();
        for partition in 0..self.partitions {
            let segment = filled.next_if(|segment| segment.partition == partition);
            let entry = segment.copied().unwrap_or(Segment { partition, ..Segment::default() }).encode();
            check.update(&entry);
            self.out.extend_from_slice(&entry);
            if self.out.len() >= WRITE_BYTES {
                self.flush()?;
            }
        }
        let tail = Tail {
            bytes: self.written + (self.out.len() + TAIL) as u64,
            payload: segments.iter().map(|segment| segment.payload).sum(),
            records: segments.iter().map(|segment| segment.records).sum(),
            partitions: self.partitions,
            check: check.finalize(),
        };
        self.out.extend_from_slice(&tail.encode());
        self.flush()?;
        self.finished = true;
        let path = std::mem::take(&mut self.path);
        let Tail { bytes, payload, records, check, .. } = tail;
        Ok(RunInfo { path, bytes, payload, records, check, segments })
    }
}

impl Drop for RunWriter {
    fn drop(&mut self) {
        if !self.finished {
            // There is nobody left to tell; a file that stays behind is found by whoever cleans the directory.
            let _ = std::fs::remove_file(&self.path);
            self.disk.give(self.written);
        }
    }
}
