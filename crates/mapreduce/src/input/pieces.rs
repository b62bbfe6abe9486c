//! Reading a split: large positioned reads that give whole records.
//!
//! Nothing is mapped: mapped pages count as resident memory, and a file that is cut while it is mapped ends the process.

use super::{Framing, InputFile, Split};
use crate::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

/// Bytes that are read at once: larger reads are no faster, and this much of a budget is small.
pub const PIECE_BYTES: usize = 1 << 20;

/// Where bytes come from.
enum Source {
    Positioned(File),
    Stream(Box<dyn Read + Send>),
}

/// A split as pieces of whole records.
pub struct Pieces<'a> {
    input: &'a InputFile,
    framing: Framing,
    source: Source,
    /// Read so far, from the beginning of the file or of its text.
    at: u64,
    /// No record that begins here or behind belongs to the split; of a packed file the end of time.
    hi: u64,
    /// `buf[start..end]` has been read and not been given yet. It is never cut: filling it with zeros anew for each
    /// read costs a tenth of reading.
    buf: &'a mut Vec<u8>,
    start: usize,
    end: usize,
    /// Records up to here were given, and are overwritten next.
    given: usize,
    /// Longest record, in bytes.
    record_max: usize,
    over: bool,
}

impl<'a> Pieces<'a> {
    /// Begins to read a split into this buffer, which keeps its size for the next one.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::TooLarge`] if the first record that is another split's is longer than `record_max`,
    /// or whatever the system says.
    pub fn open(
        input: &'a InputFile,
        split: Split,
        framing: Framing,
        buf: &'a mut Vec<u8>,
        record_max: usize,
    ) -> Result<Pieces<'a>> {
        let file = input.open()?;
        let unpacked = match input.codec {
            super::Codec::Plain => None,
            codec => {
                let file = file.try_clone().map_err(Error::io("read", &input.path))?;
                codec.unpack(file).map_err(Error::io("unpack", &input.path))?
            }
        };
        let (source, at, hi) = match unpacked {
            Some(stream) => (Source::Stream(stream), 0, u64::MAX),
            // One byte before, to see whether a record begins at the split's first byte.
            None => {
                let before = u64::from(split.lo > 0 && framing.fixed().is_none());
                (Source::Positioned(file), split.lo - before, split.hi)
            }
        };
        let mut pieces = Pieces {
            input,
            framing,
            source,
            at,
            hi,
            buf,
            start: 0,
            end: 0,
            given: 0,
            record_max: record_max.max(PIECE_BYTES),
            over: false,
        };
        if at < split.lo {
            pieces.pass_over_first()?;
        }
        Ok(pieces)
    }

    /// The place in the file, or in its text, of the first byte of the piece at hand.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at - (self.end - self.start) as u64
    }

    /// Goes on to the next records; `false` at the end of the split.
    ///
    /// # Errors
    /// As [`open`](Pieces::open).
    pub fn advance(&mut self) -> Result<bool> {
        self.start = self.given;
        loop {
            if let Some(len) = self.whole()? {
                self.given = self.start + len;
                return Ok(len > 0);
            }
            self.fill()?;
        }
    }

    /// The records at hand, whole, with what ends them; the last of a file may lack that.
    #[must_use]
    pub fn piece(&self) -> &[u8] {
        &self.buf[self.start..self.given]
    }

    /// Passes over the end of a record that begins in an earlier split.
    fn pass_over_first(&mut self) -> Result<()> {
        loop {
            if let Some(edge) = self.framing.first_edge(&self.buf[self.start..self.end]) {
                self.given = self.start + edge;
                return Ok(());
            }
            // What was looked at is no edge. Only the newest read has to be kept.
            self.start = self.end;
            if self.over || self.at >= self.hi {
                self.given = self.end;
                self.over = true;
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// The length of the whole records at hand, 0 at the end of the split; `None` if more has to be read.
    fn whole(&mut self) -> Result<Option<usize>> {
        let rest = &self.buf[self.start..self.end];
        let begins = self.at - rest.len() as u64;
        if begins >= self.hi || (rest.is_empty() && self.over) {
            return Ok(Some(0));
        }
        if self.at < self.hi || (self.at == self.hi && self.framing.fixed().is_none()) {
            // All of it begins in this split: what is whole can go.
            return Ok(match self.framing.last_edge(rest) {
                _ if self.over => Some(rest.len()),
                edge => edge,
            });
        }
        // The last record that begins before `hi` ends behind the first edge at or after `hi - 1`.
        let mine = (self.hi - begins) as usize;
        let from = if self.framing.fixed().is_some() { 0 } else { mine - 1 };
        let end = match self.framing.fixed() {
            Some(_) => (rest.len() >= mine).then_some(mine),
            None => self.framing.first_edge(&rest[from..]).map(|edge| from + edge),
        };
        Ok(end.or(self.over.then_some(rest.len())))
    }

    /// Reads more behind what is at hand.
    fn fill(&mut self) -> Result<()> {
        let keep = self.end - self.start;
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
        }
        (self.start, self.given) = (0, 0);
        if keep >= self.record_max {
            return Err(Error::TooLarge { what: "a record", bytes: keep as u64 });
        }
        // A record that fills the buffer lets it double.
        let size = PIECE_BYTES.max(self.buf.len()).max(keep * 2);
        self.buf.resize(size, 0);
        let want = match self.source {
            Source::Stream(_) => size - keep,
            // Not more than belongs to the split, but for the end of its last record.
            Source::Positioned(_) if self.at < self.hi => {
                (size - keep).min(usize::try_from(self.hi - self.at).unwrap_or(usize::MAX))
            }
            // Twice as much each time, for a record that goes on and on.
            Source::Positioned(_) => (size - keep).min(TAIL_BYTES.max(keep)),
        };
        let n = self.read(keep, want)?;
        self.end = keep + n;
        self.at += n as u64;
        if n == 0 {
            self.over = true;
        }
        Ok(())
    }

    fn read(&mut self, from: usize, want: usize) -> Result<usize> {
        let buf = &mut self.buf[from..from + want];
        loop {
            let read = match &mut self.source {
                Source::Positioned(file) => file.read_at(buf, self.at),
                Source::Stream(stream) => stream.read(buf),
            };
            match read {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read.map_err(Error::io("read", &self.input.path)),
            }
        }
    }

    /// Checks, after the last piece, that the file is still what it was.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub fn check(&self) -> Result<()> {
        match &self.source {
            Source::Positioned(file) => self.input.check(file),
            Source::Stream(_) => self.input.open().map(drop),
        }
    }
}

/// Bytes that are read at once behind the end of a split, to find the end of its last record.
const TAIL_BYTES: usize = 16 << 10;
