//! Words as spans of a text, and as slices.

use crate::edges::{BLOCK, Edges, SLACK, Way};
use crate::is_white;

/// Bytes that [`Words`] takes at once at most: positions are 32 bits wide, and one bit is spared so that none overflows.
pub const MAX_TEXT: usize = 1 << 31;

/// Blocks that are scanned before their words are given out: 2 KiB of text and, in English, 2.5 KiB of edges, so that
/// both stay in the first-level cache while the words are looked up.
const BLOCKS: usize = 32;

/// The words of a text, some hundred at a time.
///
/// ```
/// let text = b" to be or\nnot ";
/// let mut words = divvy_scan::Words::new(text);
/// while let Some(spans) = words.next_spans() {
///     for &[begin, end] in spans {
///         println!("{}", text[begin as usize..end as usize].escape_ascii());
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
    way: Way,
    inside: u64,
    /// Edges that are in no span yet are moved to the front: at most one, the beginning of a word.
    len: usize,
    edges: [u32; BLOCKS * BLOCK + SLACK + 2],
}

impl<'a> Words<'a> {
    /// The words of `bytes`; its beginning and its end end a word too.
    ///
    /// # Panics
    /// If there are more than [`MAX_TEXT`] bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Words<'a> {
        Words::by(Way::all().next().unwrap_or(Way::Portable), bytes)
    }

    fn by(way: Way, bytes: &'a [u8]) -> Words<'a> {
        assert!(bytes.len() <= MAX_TEXT, "positions are 32 bits wide");
        Words { bytes, at: 0, way, inside: 0, len: 0, edges: [0; _] }
    }

    /// The next words as `[begin, end]`, in order. There may be none in between, in a long word or a long gap; `None`
    /// says that the text is at its end.
    #[inline]
    pub fn next_spans(&mut self) -> Option<&[[u32; 2]]> {
        if self.at >= self.bytes.len() {
            return None;
        }
        if self.len % 2 == 1 {
            self.edges[0] = self.edges[self.len - 1];
        }
        self.len %= 2;
        let rest = &self.bytes[self.at..];
        let (blocks, tail) = rest[..rest.len().min(BLOCKS * BLOCK)].as_chunks();
        self.find(blocks);
        if !tail.is_empty() {
            // White space after the last byte ends the last word where the text ends.
            let mut last = [b' '; BLOCK];
            last[..tail.len()].copy_from_slice(tail);
            self.find(&[last]);
        } else if self.at == self.bytes.len() && self.inside == 1 {
            self.edges[self.len] = self.at as u32;
            self.len += 1;
        }
        Some(self.edges[..self.len].as_chunks().0)
    }

    fn find(&mut self, blocks: &[[u8; BLOCK]]) {
        let mut edges = Edges { into: &mut self.edges, len: self.len, inside: self.inside };
        // The last block reaches past the end of the text, and the position after it is never used.
        self.way.find(blocks, self.at as u32, &mut edges);
        (self.len, self.inside) = (edges.len, edges.inside);
        self.at += blocks.len() * BLOCK;
    }
}

/// Calls `with` with each word of a text of any length, in order.
///
/// ```
/// let mut words = Vec::new();
/// divvy_scan::for_each_word(b" to be or\nnot ", |word| words.push(word.to_vec()));
/// assert_eq!(words, [&b"to"[..], b"be", b"or", b"not"]);
/// ```
#[inline]
pub fn for_each_word(bytes: &[u8], with: impl FnMut(&[u8])) {
    in_pieces(bytes, 1 << 30, with);
}

fn in_pieces(mut bytes: &[u8], at_once: usize, mut with: impl FnMut(&[u8])) {
    while !bytes.is_empty() {
        let end = piece(bytes, at_once);
        let (piece, rest) = bytes.split_at(end);
        bytes = rest;
        if piece.len() > at_once {
            with(piece);
            continue;
        }
        let mut words = Words::new(piece);
        while let Some(spans) = words.next_spans() {
            spans.iter().for_each(|&[begin, end]| with(&piece[begin as usize..end as usize]));
        }
    }
}

/// Where to cut so that no word is cut: after at most `at_once` bytes, or at the end of the one longer word that the
/// text begins with.
fn piece(bytes: &[u8], at_once: usize) -> usize {
    if bytes.len() <= at_once {
        return bytes.len();
    }
    match bytes[..at_once].iter().rposition(|byte| is_white(*byte)) {
        Some(white) => white + 1,
        None => bytes.iter().position(|byte| is_white(*byte)).unwrap_or(bytes.len()),
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
