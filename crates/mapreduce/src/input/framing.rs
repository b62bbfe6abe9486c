//! Where one record ends and the next begins.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// How bytes are cut into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Framing {
    /// Lines, each ended by a newline, the last one perhaps not.
    Lines,
    /// The same with a zero byte.
    Nul,
    /// So many bytes each.
    Fixed(NonZeroU32),
    /// Words: whatever is between ASCII white space. Cut like this a file without a single newline has small records.
    Words,
}

/// ASCII white space as C has it: with the vertical tab, which Rust's own predicate leaves out.
#[must_use]
#[inline]
pub fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

impl Framing {
    /// The byte that ends a record, if one byte does.
    #[must_use]
    pub fn end_byte(self) -> Option<u8> {
        match self {
            Framing::Lines => Some(b'\n'),
            Framing::Nul => Some(0),
            Framing::Fixed(_) | Framing::Words => None,
        }
    }

    /// The length of all records, if they are of one length.
    #[must_use]
    pub fn fixed(self) -> Option<u64> {
        match self {
            Framing::Fixed(len) => Some(u64::from(len.get())),
            _ => None,
        }
    }

    /// The place behind the first end of a record in these bytes; for records of one length, in bytes that begin at an
    /// edge.
    #[must_use]
    pub fn first_edge(self, bytes: &[u8]) -> Option<usize> {
        let at = match self {
            Framing::Lines => memchr::memchr(b'\n', bytes),
            Framing::Nul => memchr::memchr(0, bytes),
            Framing::Words => bytes.iter().position(|byte| is_white(*byte)),
            Framing::Fixed(len) => {
                let len = len.get() as usize;
                return (bytes.len() >= len).then_some(len);
            }
        };
        at.map(|at| at + 1)
    }

    /// The place behind the last end of a record in these bytes.
    #[must_use]
    pub fn last_edge(self, bytes: &[u8]) -> Option<usize> {
        let at = match self {
            Framing::Lines => memchr::memrchr(b'\n', bytes),
            Framing::Nul => memchr::memrchr(0, bytes),
            Framing::Words => bytes.iter().rposition(|byte| is_white(*byte)),
            Framing::Fixed(len) => {
                let whole = bytes.len() - bytes.len() % len.get() as usize;
                return (whole > 0).then_some(whole);
            }
        };
        at.map(|at| at + 1)
    }

    /// The records in bytes that hold whole ones, without what ends them. Between two white bytes there is no word.
    pub fn records(self, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let edge = self.first_edge(rest);
                let (record, behind) = rest.split_at(edge.unwrap_or(rest.len()));
                rest = behind;
                let ended = edge.is_some() && self.fixed().is_none();
                let record = &record[..record.len() - usize::from(ended)];
                if self != Framing::Words || !record.is_empty() {
                    return Some(record);
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(framing: Framing, text: &str) -> Vec<&str> {
        framing.records(text.as_bytes()).map(|r| std::str::from_utf8(r).unwrap()).collect()
    }

    #[test]
    fn records_lie_between_edges() {
        assert_eq!(cut(Framing::Lines, "a\n\nb c\nd"), ["a", "", "b c", "d"]);
        assert_eq!(cut(Framing::Nul, "a\nb\0c\0"), ["a\nb", "c"]);
        assert_eq!(cut(Framing::Fixed(NonZeroU32::new(2).unwrap()), "aabbc"), ["aa", "bb", "c"]);
        assert_eq!(cut(Framing::Words, " a  b\t\x0bc\n"), ["a", "b", "c"]);
    }

    #[test]
    fn the_last_edge_is_behind_the_last_whole_record() {
        assert_eq!(Framing::Lines.last_edge(b"a\nb"), Some(2));
        assert_eq!(Framing::Lines.last_edge(b"ab"), None);
        assert_eq!(Framing::Fixed(NonZeroU32::new(3).unwrap()).last_edge(b"aaabbbc"), Some(6));
        assert_eq!(Framing::Words.last_edge(b"a b"), Some(2));
    }
}
