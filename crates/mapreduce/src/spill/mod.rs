//! Run files: records by partition, compressed where that pays, and checksummed.
//!
//! A map task writes one run file: a *segment* for each partition, in ascending order. A reduce task reads the segment of
//! its partition from all run files.
//!
//! ```text
//! file    = MAGIC segment* entry{partitions} tail
//! segment = block*
//! block   = header (stored, unpacked, flags, crc) bytes          at most BLOCK_BYTES of records
//! bytes   = record*, as they are or as an LZ4 block
//! record  = varint 2 * key length + (is there a value), varint value length if there is one, key, value
//! entry   = where the segment of a partition is, how large, how many records, a checksum over its blocks' checksums
//! tail    = totals, a checksum over the entries' checksums
//! ```
//!
//! A record that is larger than a block is cut into a chain of blocks, all but the last flagged `MORE`; the writer never
//! holds it, the reader puts the chain together.
//!
//! Nothing is fsynced: a run that is lost or damaged is found by its checksums and its splits are run again, which costs
//! less than waiting for the disk each time. Every byte of the file is under some checksum, and what a checksum cannot
//! see (a missing, repeated or foreign block) is under the segment's count and checksum of checksums.
//!
//! Files are read with `pread` and never mapped: reading a mapped file that somebody has cut short is a SIGBUS.
//!
//! | file | idea |
//! |---|---|
//! | `disk.rs` | how many bytes all spills together may have |
//! | `format.rs` | the bytes of headers, entries, tail and varints |
//! | `pack.rs` | whether a block is compressed |
//! | `write.rs`, `read.rs` | a run file being written, a run file being read |
//! | `open.rs` | how many run files are held open |
//! | `cursor.rs` | the blocks of a segment, one after the other, checked |
//! | `segment.rs` | the records of a segment |

mod cursor;
mod disk;
mod format;
mod open;
mod pack;
mod read;
mod segment;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use cursor::Cursor;
pub use disk::Disk;
pub use format::{BLOCK_BYTES, RECORD_MAX, Segment};
pub(crate) use format::{HEADER, Record, put_varint, varint};
pub(crate) use open::leave_room_for;
pub use pack::Packing;
pub use read::RunReader;
pub use segment::SegmentReader;
pub use write::{RunInfo, RunWriter};
