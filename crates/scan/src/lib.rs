//! Finds words in bytes, 64 bytes at a time: the SIMD code of divvy, and a portable fallback.
//!
//! A *word* is a maximal run of bytes that are not ASCII white space. White space is six bytes: space, tab, line feed,
//! vertical tab, form feed and carriage return. Those are the six at which Python's `bytes.split()` and C's `isspace`
//! split; [`u8::is_ascii_whitespace`] leaves out the vertical tab.
//!
//! | file | idea |
//! |---|---|
//! | `words.rs` | words as spans, some thousand bytes at a time: [`Words`], [`for_each_word`] |
//! | `edges.rs` | where words begin and end, as bits of 64 bytes and as numbers; picks the widest way this processor has |
//! | `x86.rs` | the same with AVX2 and with AVX-512 |
//! | `memory.rs` | hints to the memory: fetch ahead, large pages |
//!
//! All unsafe code of the map-reduce is here: in `x86.rs`, which is entered only after the processor was asked, and in
//! `memory.rs`, whose hints change no value. The table that counts the words is safe code on top: keys of up to 15
//! bytes are loaded as 16 bytes inside the text that was scanned, which needs one check and no trick with page edges.
#![deny(unsafe_op_in_unsafe_fn)]

mod edges;
mod memory;
mod words;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use memory::{large_pages, prefetch};
pub use words::{MAX_TEXT, Words, for_each_word};

/// Whether a byte stands between words.
///
/// ```
/// let text = b"a\tb\x0bc";
/// assert_eq!(text.iter().filter(|b| divvy_scan::is_white(**b)).count(), 2);
/// ```
#[must_use]
#[inline]
pub const fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}
