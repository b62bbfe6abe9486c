//! Cuts a stream of data into blocks of whole records.
//!
//! Where a record ends is a boundary: what stands in front of it ends as `recend` says, what follows starts as
//! `recstart` says. A block ends at the last boundary within its size, at the first one behind it if a record is
//! larger, or at the N-th one. What is in the buffer is searched once: a boundary that touches its end is looked at
//! again when more has been read, since it may move.

use super::rows::regex;
use crate::exit::bad_usage;
use anyhow::{Context, Result};
use regex::bytes::Regex;
use std::io::{self, Read};

/// Most bytes of a block: one is a record of the store, and is held in memory while its task runs.
pub const BLOCK_MAX: usize = 256 << 20;
/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;
/// Read beyond a block's size before its last boundary counts as known: more than an end and a start take.
const AHEAD_BYTES: usize = 4 << 10;

/// Where records end, and how many make a block.
#[derive(Debug)]
pub struct Cut {
    /// Group 1 is the end of a record, what follows the start of the next. `None`: records are bytes.
    boundary: Option<Regex>,
    /// The end of a record, where it is always these bytes and nothing is said of the start.
    plain_end: Option<Vec<u8>>,
    /// What is left out: between records, at the start and at the end of a block.
    removed: Option<[Regex; 3]>,
    /// Boundaries that make one record.
    pub lines: usize,
    /// Records in a block; `None`: as many as fit.
    pub records: Option<usize>,
    /// Bytes of a block, if one record is not larger.
    pub bytes: usize,
    /// A block ends behind its size instead, so that there are no more than fit into the whole.
    pub reaches: bool,
}

impl Cut {
    /// `end` and `start` are as written on the command line: expressions if `are_regex`, else bytes. With `removes`,
    /// what they match is left out.
    ///
    /// # Errors
    /// Bad usage: an expression that is none.
    pub fn new(end: &[u8], start: &[u8], are_regex: bool, removes: bool) -> Result<Cut> {
        let expression = |flag: &str, text: &[u8]| -> Result<String> {
            if are_regex {
                regex(flag, text)?;
                return Ok(String::from_utf8_lossy(text).into_owned());
            }
            // Byte by byte: what is no UTF-8 can be written so as well.
            Ok(text.iter().map(|byte| format!("(?-u:\\x{byte:02x})")).collect())
        };
        let (end_text, start_text) = (expression("--recend", end)?, expression("--recstart", start)?);
        let both = |text: String| regex("--recend and --recstart", text.as_bytes());
        let is_bytes = end.is_empty() && start.is_empty();
        let boundary = (!is_bytes).then(|| both(format!("({end_text})(?:{start_text})"))).transpose()?;
        let removed = if removes {
            let inner = both(format!("(?:{end_text})(?:{start_text})"))?;
            Some([inner, both(format!("\\A(?:{start_text})"))?, both(format!("(?:{end_text})\\z"))?])
        } else {
            None
        };
        let plain_end = (!are_regex && start.is_empty() && !end.is_empty()).then(|| end.to_vec());
        Ok(Cut { boundary, plain_end, removed, lines: 1, records: None, bytes: 1 << 20, reaches: false })
    }

    /// A block without what is to be left out.
    fn cleaned(&self, block: &[u8]) -> Vec<u8> {
        let Some([inner, start, end]) = &self.removed else { return block.to_vec() };
        let block = start.find(block).map_or(block, |found| &block[found.end()..]);
        let block = end.find(block).map_or(block, |found| &block[..found.start()]);
        inner.replace_all(block, &b""[..]).into_owned()
    }

    /// The next boundary behind `from`.
    fn next(&self, data: &[u8], from: usize) -> Option<usize> {
        let Some(boundary) = &self.boundary else { return (from < data.len()).then_some(from + 1) };
        let end_from = |at| {
            if self.plain_end.is_some() {
                return boundary.find_at(data, at).map(|found| found.end());
            }
            boundary.captures_at(data, at)?.get(1).map(|end| end.end())
        };
        // A record may end with nothing, where only its start is told; then the boundary before is found again.
        let end = end_from(from)?;
        if end > from { Some(end) } else { (from < data.len()).then(|| end_from(from + 1)).flatten() }
    }
}

/// What is known of the boundaries in the buffer.
#[derive(Debug, Default)]
struct Seen {
    /// Where the last one that was counted is.
    at: usize,
    /// How many there are up to it.
    count: usize,
    /// The end of the last whole record.
    whole: Option<usize>,
}

/// A stream that is being cut.
pub struct Cutter<R> {
    source: R,
    name: String,
    cut: Cut,
    header: Vec<u8>,
    buffer: Vec<u8>,
    /// `buffer[start..]` is not yet cut.
    start: usize,
    is_at_end: bool,
    /// Bytes of the source that have been cut.
    offset: u64,
}

/// A block, by its place in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it starts.
    pub offset: u64,
    /// How long it is there.
    pub len: u64,
    /// The header and its bytes, without what is left out.
    pub data: Vec<u8>,
}

impl<R: Read> Cutter<R> {
    /// Cuts this source, called so in messages.
    pub fn new(source: R, name: String, cut: Cut) -> Cutter<R> {
        let (header, buffer) = (Vec::new(), Vec::new());
        Cutter { source, name, cut, header, buffer, start: 0, is_at_end: false, offset: 0 }
    }

    /// Takes what matches at the start for a header, that is put in front of every block; `:` is the first line, a
    /// number so many lines. Gives its length.
    ///
    /// # Errors
    /// An expression that is none, or what the source says.
    pub fn take_header(&mut self, expression: &[u8]) -> Result<u64> {
        let is_number = !expression.is_empty() && expression.iter().all(u8::is_ascii_digit);
        let text = match expression {
            b":" => b".*\n?".to_vec(),
            lines if is_number => [b"(?:.*\n){", lines, b"}"].concat(),
            expression => expression.to_vec(),
        };
        let pattern = regex("--header", &[b"\\A(?:", text.as_slice(), b")"].concat())?;
        self.fill(self.cut.bytes.clamp(READ_BYTES, BLOCK_MAX))?;
        let len = pattern.find(&self.buffer).map_or(0, |found| found.len());
        self.header = self.buffer[..len].to_vec();
        self.pass(len);
        Ok(len as u64)
    }

    /// The next block, if there is one.
    ///
    /// # Errors
    /// What the source says, or a record above [`BLOCK_MAX`].
    pub fn next(&mut self) -> Result<Option<Piece>> {
        let len = self.find()?;
        if len == 0 {
            return Ok(None);
        }
        let block = self.cut.cleaned(&self.buffer[self.start..self.start + len]);
        let data = if self.header.is_empty() { block } else { [self.header.as_slice(), &block].concat() };
        let piece = Piece { offset: self.offset, len: len as u64, data };
        self.pass(len);
        Ok(Some(piece))
    }

    /// The length of the next block; 0 if there is none.
    fn find(&mut self) -> Result<usize> {
        let (mut seen, mut wanted) = (Seen::default(), self.cut.wanted());
        loop {
            self.fill(wanted)?;
            let data = &self.buffer[self.start..];
            if let Some(len) = self.cut.block(data, self.is_at_end, &mut seen) {
                return Ok(len);
            }
            if data.len() > BLOCK_MAX {
                return Err(bad_usage(format!(
                    "{}: the block at byte {} would be longer than {BLOCK_MAX} bytes: check --recend and --recstart",
                    self.name,
                    self.offset + 1
                )));
            }
            wanted = data.len() * 2;
        }
    }

    fn pass(&mut self, len: usize) {
        self.start += len;
        self.offset += len as u64;
    }

    /// Reads until so much is there to be cut, or the source ends.
    fn fill(&mut self, wanted: usize) -> Result<()> {
        if self.is_at_end || self.buffer.len() - self.start >= wanted {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        while self.buffer.len() < wanted && !self.is_at_end {
            let filled = self.buffer.len();
            self.buffer.resize(filled + READ_BYTES, 0);
            let read = loop {
                match self.source.read(&mut self.buffer[filled..]) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            self.buffer.truncate(filled + *read.as_ref().unwrap_or(&0));
            self.is_at_end = read.with_context(|| format!("reading {}", self.name))? == 0;
        }
        Ok(())
    }
}

impl Cut {
    /// How much to have at hand before a block is looked for.
    fn wanted(&self) -> usize {
        if self.records.is_some() { AHEAD_BYTES } else { self.bytes.saturating_add(AHEAD_BYTES) }
    }

    /// The length of the block at the start of the data, if that is certain. `is_all`: no more data will come.
    fn block(&self, data: &[u8], is_all: bool, seen: &mut Seen) -> Option<usize> {
        match self.records {
            Some(records) => self.nth(records * self.lines, data, is_all, seen),
            None => self.within_size(data, is_all, seen),
        }
    }

    /// Where the `count`th boundary is.
    fn nth(&self, count: usize, data: &[u8], is_all: bool, seen: &mut Seen) -> Option<usize> {
        while seen.count < count {
            let Some(at) = self.certain(data, is_all, seen) else { return is_all.then_some(data.len()) };
            (seen.at, seen.count) = (at, seen.count + 1);
        }
        Some(seen.at)
    }

    /// Where the last whole record within the size ends, or the first one.
    fn within_size(&self, data: &[u8], is_all: bool, seen: &mut Seen) -> Option<usize> {
        // What is left of a record of several lines comes alone, so that all others are whole.
        if is_all && data.len() <= self.bytes && self.lines == 1 {
            return Some(data.len());
        }
        if self.reaches {
            let from = Seen { at: (self.bytes - 1).min(data.len()), ..Seen::default() };
            return self.certain(data, is_all, &from).or_else(|| is_all.then_some(data.len()));
        }
        if let Some(len) = self.last_plain_end(&data[..self.bytes.min(data.len())]) {
            return Some(len);
        }
        loop {
            match self.certain(data, is_all, seen) {
                None if is_all => return Some(seen.whole.unwrap_or(data.len())),
                None => return seen.whole.filter(|_| data.len() >= self.wanted()),
                Some(at) if at > self.bytes && seen.whole.is_some() => return seen.whole,
                Some(at) => {
                    (seen.at, seen.count) = (at, seen.count + 1);
                    if seen.count.is_multiple_of(self.lines) {
                        seen.whole = Some(at);
                    }
                    if seen.whole.is_some_and(|whole| whole >= self.bytes) {
                        return seen.whole;
                    }
                }
            }
        }
    }

    /// The next boundary. One at the very end may move when more comes.
    fn certain(&self, data: &[u8], is_all: bool, seen: &Seen) -> Option<usize> {
        self.next(data, seen.at).filter(|at| is_all || *at < data.len())
    }

    /// The last record end, looked for from behind: a block has many records, and only the last one matters.
    fn last_plain_end(&self, data: &[u8]) -> Option<usize> {
        let end = self.plain_end.as_deref().filter(|_| self.lines == 1)?;
        let at = match end {
            [byte] => data.iter().rposition(|b| b == byte),
            _ => data.windows(end.len()).rposition(|window| window == end),
        };
        at.map(|at| at + end.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let len = self.1.min(self.0.len()).min(buffer.len());
            buffer[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn pieces(data: &[u8], step: usize, cut: Cut, header: Option<&str>) -> Vec<Piece> {
        let mut cutter = Cutter::new(Slow(data, step), "data".into(), cut);
        if let Some(header) = header {
            cutter.take_header(header.as_bytes()).unwrap();
        }
        std::iter::from_fn(|| cutter.next().unwrap()).collect()
    }

    fn cut(end: &str, start: &str, bytes: usize) -> Cut {
        Cut { bytes, ..Cut::new(end.as_bytes(), start.as_bytes(), false, false).unwrap() }
    }

    fn count(records: usize, cut: Cut) -> Cut {
        Cut { records: Some(records), ..cut }
    }

    fn blocks(data: &str, make: impl Fn() -> Cut) -> Vec<String> {
        let text = |piece: Piece| String::from_utf8(piece.data).unwrap();
        let whole: Vec<_> = pieces(data.as_bytes(), usize::MAX, make(), None).into_iter().map(text).collect();
        let slow: Vec<_> = pieces(data.as_bytes(), 1, make(), None).into_iter().map(text).collect();
        assert_eq!(whole, slow, "however it is delivered");
        whole
    }

    #[test]
    fn a_block_is_whole_records_within_its_size() {
        let numbers = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n";
        assert_eq!(blocks(numbers, || cut("\n", "", 5)), ["1\n2\n", "3\n4\n", "5\n6\n", "7\n8\n", "9\n10\n"]);
        assert_eq!(blocks(numbers, || cut("\n", "", 100)), [numbers]);
        assert_eq!(blocks("", || cut("\n", "", 5)), [""; 0]);
        assert_eq!(blocks("no end", || cut("\n", "", 3)), ["no end"]);
        assert_eq!(blocks("long\nx\nlong\n", || cut("\n", "", 2)), ["long\n", "x\n", "long\n"]);
        assert_eq!(blocks("a--b--c", || cut("--", "", 4)), ["a--", "b--c"]);
        assert_eq!(blocks("abcdefg", || cut("", "", 3)), ["abc", "def", "g"]);
    }

    #[test]
    fn a_block_that_reaches_its_size_ends_behind_it() {
        let reaches = |bytes| Cut { reaches: true, ..cut("\n", "", bytes) };
        assert_eq!(blocks("11\n22\n33\n44\n55\n", || reaches(4)), ["11\n22\n", "33\n44\n", "55\n"]);
        assert_eq!(blocks("11\n22\n33\n", || reaches(3)), ["11\n", "22\n", "33\n"]);
        assert_eq!(blocks("11", || reaches(1)), ["11"]);
    }

    #[test]
    fn records_are_counted() {
        assert_eq!(blocks("1\n2\n3\n", || count(2, cut("\n", "", 1))), ["1\n2\n", "3\n"]);
        assert_eq!(blocks("a;b;c;d", || count(2, cut(";", "", 1))), ["a;b;", "c;d"]);
        let two_lines = || Cut { lines: 2, ..cut("\n", "", 5) };
        assert_eq!(blocks("1\n2\n3\n4\n5\n", two_lines), ["1\n2\n", "3\n4\n", "5\n"]);
        assert_eq!(blocks("1\n2\n3\n4\n5\n", || count(2, two_lines())), ["1\n2\n3\n4\n", "5\n"]);
    }

    #[test]
    fn a_record_may_be_told_by_its_start() {
        let text = ">a\n1\n>b\n2\n>c\n3\n";
        let each = [">a\n1\n", ">b\n2\n", ">c\n3\n"];
        assert_eq!(blocks(text, || count(1, cut("", ">", 1))), each);
        assert_eq!(blocks(text, || cut("", ">", 1)), each);
        assert_eq!(blocks(text, || cut("\n", ">", 10)), [">a\n1\n>b\n2\n", ">c\n3\n"]);
        assert_eq!(blocks("a\nb\n>c\n", || cut("\n", ">", 3)), ["a\nb\n", ">c\n"]);
    }

    #[test]
    fn ends_may_be_expressions_and_may_be_left_out() {
        let digits = |removes| count(1, Cut::new(b"[0-9]+", b"", true, removes).unwrap());
        assert_eq!(blocks("a12b3c456d", || digits(false)), ["a12", "b3", "c456", "d"]);
        assert_eq!(blocks("a12b3c456d", || digits(true)), ["a", "b", "c", "d"]);
        let all = || Cut::new(b";", b"-", false, true).unwrap();
        assert_eq!(blocks("-a;-b;-c;d;", all), ["abc;d"]);
        assert!(Cut::new(b"(", b"", true, false).is_err());
        let odd = pieces(b"a\xffb\xff", 1, count(1, Cut::new(b"\xff", b"", false, true).unwrap()), None);
        assert_eq!(odd.iter().map(|piece| piece.data.as_slice()).collect::<Vec<_>>(), [b"a", b"b"]);
    }

    #[test]
    fn a_header_comes_with_every_block_and_is_no_part_of_its_place() {
        let found = pieces(b"%x\n%y\n1\n2\n3\n", 1, count(2, cut("\n", "", 1)), Some("(%.*\n)*"));
        let expected = [(6, 4, "%x\n%y\n1\n2\n"), (10, 2, "%x\n%y\n3\n")];
        let expected = expected.map(|(offset, len, data)| Piece { offset, len, data: data.into() });
        assert_eq!(found, expected);
        assert_eq!(pieces(b"h\n1\n", 9, cut("\n", "", 9), Some(":"))[0].data, b"h\n1\n");
    }
}
