//! Cuts a stream into records, in batches, as fast as the stream delivers them.
//!
//! A record ends at a newline, with `-0` at a NUL byte, with `-d` at whatever was said. Only that is removed: a carriage
//! return stays, as in GNU parallel and xargs. The last record needs no separator. Empty records are kept, because a count that skips
//! lines would no longer match the line numbers of the file.
//!
//! A batch is what one `read` delivered, so a slow source (`tail -f`, a pipe from a running program) is passed on as it
//! arrives and a fast one comes in large pieces. Memory is bounded: one buffer for what was read and not yet cut, which
//! grows only for a record that does not fit, and never beyond the limit for a record.

use std::fmt;
use std::io::{self, BufRead, Read};

/// Bytes asked for in one `read`: four pipes full. A quarter and four times of it measured the same on a file.
const READ_BYTES: usize = 256 * 1024;

/// Records without their separators, end to end in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The records' bytes, nothing between them.
    pub bytes: Vec<u8>,
    /// Where each record ends in `bytes`. A record begins where the one before it ends.
    pub ends: Vec<u32>,
}

impl Batch {
    /// How many records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Removes all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The record with this index.
    ///
    /// # Panics
    ///
    /// If there are not that many.
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start as usize..self.ends[index] as usize]
    }

    /// All records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Adds a record.
    ///
    /// # Panics
    ///
    /// Beyond 4 GiB in all.
    pub fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        let end = u32::try_from(self.bytes.len()).expect("the limits keep a batch below 4 GiB");
        self.ends.push(end);
    }
}

/// What ends a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `\n`.
    Newline,
    /// `\0`.
    Nul,
    /// These bytes, at least one.
    Text(Vec<u8>),
}

/// Bounds on what one batch and one record may hold. Values are `u32` so that offsets in a batch always fit one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records in a batch; 0 counts as 1.
    pub batch_records_max: u32,
    /// Bytes in a batch, unless its only record is larger.
    pub batch_bytes_max: u32,
    /// Bytes in a record, separator not counted.
    pub record_bytes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { batch_records_max: 65_536, batch_bytes_max: 4 << 20, record_bytes_max: 64 << 20 }
    }
}

/// Why the next records cannot be had. Those delivered before are good.
#[derive(Debug)]
pub enum RecordsError {
    /// A record is longer than allowed. The reader stays where it is and says so again when asked again.
    TooLong {
        /// Which one, counted from 1.
        record: u64,
        /// How many bytes are allowed.
        record_bytes_max: u32,
    },
    /// The source failed. What was read before is kept, and asking again tries the source again.
    Read {
        /// The record that was being read, counted from 1.
        record: u64,
        /// The source's error.
        source: io::Error,
    },
}

/// Reads records from `source`.
#[derive(Debug)]
pub struct RecordReader<R> {
    source: R,
    separator: Vec<u8>,
    limits: Limits,
    buffer: Vec<u8>,
    /// `buffer[start..filled]` was read and not yet delivered.
    start: usize,
    filled: usize,
    /// No separator stands in `buffer[start..scanned]`: a long record is not searched again after every read.
    scanned: usize,
    at_end: bool,
    records: u64,
}

impl<R: Read> RecordReader<R> {
    /// A reader at the start of `source`. It buffers by itself: hand it the plain file or pipe.
    ///
    /// # Panics
    /// If the separator is empty.
    pub fn new(source: R, separator: Separator, limits: Limits) -> Self {
        let separator = match separator {
            Separator::Newline => vec![b'\n'],
            Separator::Nul => vec![0],
            Separator::Text(text) => text,
        };
        assert!(!separator.is_empty(), "an empty separator");
        RecordReader {
            source,
            separator,
            limits,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            scanned: 0,
            at_end: false,
            records: 0,
        }
    }

    /// Replaces the contents of `batch` with the next records, at least one. Reads only while there is none. `false`
    /// means that the source has ended; the batch is then empty.
    ///
    /// # Errors
    ///
    /// [`RecordsError`]; the batch is then empty.
    pub fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, RecordsError> {
        batch.clear();
        loop {
            self.cut(batch)?;
            if !batch.is_empty() {
                return Ok(true);
            }
            if self.at_end {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    /// Moves complete records from the buffer to the batch.
    fn cut(&mut self, batch: &mut Batch) -> Result<(), RecordsError> {
        while batch.len() < self.limits.batch_records_max.max(1) as usize {
            let Some((len, taken)) = self.next_record() else {
                // Too long already, whatever comes: reading on would only cost memory.
                let waiting = self.filled - self.start;
                return if batch.is_empty() { self.check_len(waiting) } else { Ok(()) };
            };
            if !batch.is_empty() && batch.bytes.len() + len > self.limits.batch_bytes_max as usize {
                return Ok(());
            }
            if let Err(error) = self.check_len(len) {
                return if batch.is_empty() { Err(error) } else { Ok(()) };
            }
            batch.push(&self.buffer[self.start..self.start + len]);
            self.start += taken;
            self.scanned = self.start;
            self.records += 1;
        }
        Ok(())
    }

    /// The length of the next record, without and with its separator, if all of it is in the buffer.
    fn next_record(&mut self) -> Option<(usize, usize)> {
        let last = self.separator[self.separator.len() - 1];
        loop {
            // Skipping in a slice is std's way to its vectorised byte search; a plain `position` took twice as long
            // for records of 100 bytes.
            let mut rest = &self.buffer[self.scanned..self.filled];
            let skipped = rest.skip_until(last).expect("a slice can always be read");
            let end = self.scanned + skipped;
            if skipped > 0 && self.buffer[self.start..end].ends_with(&self.separator) {
                let taken = end - self.start;
                return Some((taken - self.separator.len(), taken));
            }
            self.scanned = end;
            if end < self.filled {
                continue;
            }
            let left = end - self.start;
            return (self.at_end && left > 0).then_some((left, left));
        }
    }

    fn check_len(&self, len: usize) -> Result<(), RecordsError> {
        let record_bytes_max = self.limits.record_bytes_max;
        if len <= record_bytes_max as usize {
            return Ok(());
        }
        Err(RecordsError::TooLong { record: self.records + 1, record_bytes_max })
    }

    /// One successful `read`, after making room for it.
    fn fill(&mut self) -> Result<(), RecordsError> {
        // What is left is part of one record: short as a rule, and not moved twice if it is long.
        self.buffer.copy_within(self.start..self.filled, 0);
        self.scanned -= self.start;
        self.filled -= self.start;
        self.start = 0;
        if self.filled == 0 && self.buffer.len() > 2 * READ_BYTES {
            // A huge record has gone by; its memory goes too.
            self.buffer = Vec::new();
        }
        if self.buffer.len() < self.filled + READ_BYTES / 2 {
            // Doubling keeps the copies of a long record few, and the limits keep the sum in bounds.
            let longest = self.limits.record_bytes_max as usize + READ_BYTES;
            self.buffer.resize((2 * self.filled + READ_BYTES).min(longest), 0);
        }
        let read = loop {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.map_err(|source| RecordsError::Read { record: self.records + 1, source })?;
        self.at_end = read == 0;
        self.filled += read;
        Ok(())
    }
}

impl fmt::Display for RecordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordsError::TooLong { record, record_bytes_max } => write!(
                f,
                "input record {record} is longer than {record_bytes_max} bytes: check what separates the records \
                 (newlines, NUL bytes with -0, or what -d says), or raise the limit"
            ),
            RecordsError::Read { record, source } => {
                write!(f, "reading input record {record} failed: {source}")
            }
        }
    }
}

impl std::error::Error for RecordsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            RecordsError::TooLong { .. } => None,
            RecordsError::Read { source, .. } => Some(source),
        }
    }
}
