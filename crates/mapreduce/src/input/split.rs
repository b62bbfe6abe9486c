//! Splits: the parts of the inputs that map tasks read. They are numbered, not listed: a hundred million need no memory.

use super::{Codec, Framing, InputFile};
use serde::{Deserialize, Serialize};

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
    /// Bytes of each split but the last of a file.
    bytes: u64,
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
        Splits { ends: ends.collect(), files, bytes }
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
        let lo = (number - first) * self.bytes;
        let hi = if self.files[file].codec == Codec::Plain { size.min(lo + self.bytes) } else { size };
        Split { file, lo, hi }
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
