//! Splits: the parts of the inputs that map tasks read. They are numbered, not listed: a hundred million need no memory.
//! Only where a split has so many records, whatever their size, it is written down where each begins.

use super::{Codec, Framing, InputFile, Pieces};
use crate::Result;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// A part of a file. A record belongs to the split that its first byte lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Which of the files.
    pub file: usize,
    /// Its first byte.
    pub lo: u64,
    /// Behind its last byte; of a packed file the whole, however long its text.
    pub hi: u64,
}

/// The inputs of a job, cut into splits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splits {
    files: Vec<InputFile>,
    /// Behind the last split of each file.
    ends: Vec<u64>,
    /// How each file is cut.
    cut: Cut,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Cut {
    /// Bytes of each split but the last of a file.
    Bytes(u64),
    /// Where each split begins in its file.
    At(Vec<u64>),
}

impl Splits {
    /// Cuts these files into splits of about so many bytes.
    ///
    /// # Panics
    /// If `bytes` is 0.
    #[must_use]
    pub fn new(files: Vec<InputFile>, framing: Framing, bytes: u64) -> Splits {
        assert!(bytes > 0, "splits have a size");
        let bytes = framing.fixed().map_or(bytes, |len| bytes.next_multiple_of(len));
        let splits = |file: &InputFile| match file.codec {
            Codec::Plain => file.size.div_ceil(bytes),
            Codec::Gzip | Codec::Zstd => 1,
        };
        let ends = files.iter().scan(0, |end, file| {
            *end += splits(file);
            Some(*end)
        });
        Splits { ends: ends.collect(), files, cut: Cut::Bytes(bytes) }
    }

    /// Cuts these files into splits of so many records; a packed file is one split. All that is not packed is read for it,
    /// and each split takes eight bytes: it is for inputs whose records are much work each.
    ///
    /// # Errors
    /// If a file cannot be read, or a record of it is longer than `record_max`.
    pub fn by_records(
        files: Vec<InputFile>,
        framing: Framing,
        records: NonZeroU64,
        record_max: usize,
    ) -> Result<Splits> {
        let (mut ends, mut begins, mut buf) = (Vec::new(), Vec::new(), Vec::new());
        for (number, file) in files.iter().enumerate() {
            if file.codec == Codec::Plain {
                let whole = Split { file: number, lo: 0, hi: file.size };
                let mut pieces = Pieces::open(file, whole, framing, &mut buf, record_max)?;
                let mut before = 0;
                while pieces.advance()? {
                    let (piece, offset) = (pieces.piece(), pieces.offset());
                    for record in framing.records(piece) {
                        if before % records == 0 {
                            begins.push(offset + (record.as_ptr().addr() - piece.as_ptr().addr()) as u64);
                        }
                        before += 1;
                    }
                }
                pieces.check()?;
            } else {
                begins.push(0);
            }
            ends.push(begins.len() as u64);
        }
        Ok(Splits { files, ends, cut: Cut::At(begins) })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The files, in their order.
    #[must_use]
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Bytes of all files, as they are on disk.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// A split by its number.
    ///
    /// # Panics
    /// If there is none of this number.
    #[must_use]
    pub fn get(&self, number: u64) -> Split {
        assert!(number < self.count(), "split {number} of {}", self.count());
        let file = self.ends.partition_point(|end| *end <= number);
        let first = file.checked_sub(1).map_or(0, |before| self.ends[before]);
        let size = self.files[file].size;
        let (lo, hi) = match &self.cut {
            Cut::Bytes(bytes) => ((number - first) * bytes, (number - first + 1) * bytes),
            Cut::At(begins) => {
                let next = if number + 1 < self.ends[file] { begins[number as usize + 1] } else { size };
                (begins[number as usize], next)
            }
        };
        Split { file, lo, hi: if self.files[file].codec == Codec::Plain { size.min(hi) } else { size } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn file(size: u64, codec: Codec) -> InputFile {
        InputFile { path: "f".into(), size, codec, state: (0, 0) }
    }

    #[test]
    fn splits_cover_every_file_once() {
        let files = vec![
            file(0, Codec::Plain),
            file(25, Codec::Plain),
            file(99, Codec::Gzip),
            file(10, Codec::Plain),
        ];
        let splits = Splits::new(files, Framing::Lines, 10);
        let all: Vec<_> = (0..splits.count()).map(|n| splits.get(n)).collect();
        let of = |file, lo, hi| Split { file, lo, hi };
        assert_eq!(all, [of(1, 0, 10), of(1, 10, 20), of(1, 20, 25), of(2, 0, 99), of(3, 0, 10)]);
    }

    #[test]
    fn splits_of_records_of_one_length_end_between_records() {
        let splits =
            Splits::new(vec![file(30, Codec::Plain)], Framing::Fixed(NonZeroU32::new(6).unwrap()), 10);
        assert_eq!(splits.get(0).hi, 12);
        assert_eq!(splits.count(), 3);
    }

    #[test]
    fn no_bytes_are_no_splits() {
        assert_eq!(Splits::new(vec![file(0, Codec::Plain)], Framing::Lines, 10).count(), 0);
        assert_eq!(Splits::new(Vec::new(), Framing::Lines, 10).count(), 0);
    }
}
