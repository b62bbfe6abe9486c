//! One atomic word that holds a range of unstarted tasks, `lo..hi`, relative to the feed's base.
//!
//! The value is the whole meaning: whoever exchanges `v` for a smaller `v'` owns exactly the difference, whatever
//! happened to the word before. That is why there is no epoch in it and no ABA problem; the README has the proof.

use crate::sync::{AtomicU64, Ordering};
use std::ops::Range;

/// What a word held at one moment. Never more than a hint until an exchange confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) lo: u32,
    pub(crate) hi: u32,
}

impl Span {
    pub(crate) fn len(self) -> u32 {
        self.hi - self.lo
    }

    pub(crate) fn is_empty(self) -> bool {
        self.lo == self.hi
    }

    /// Where a thief divides the span: it takes `middle..hi`. Rounded down, so that a single waiting task moves.
    pub(crate) fn middle(self) -> u32 {
        self.lo + self.len() / 2
    }

    fn pack(self) -> u64 {
        debug_assert!(self.lo <= self.hi, "a span never ends before it begins");
        u64::from(self.lo) << 32 | u64::from(self.hi)
    }

    fn unpack(bits: u64) -> Span {
        Span { lo: (bits >> 32) as u32, hi: bits as u32 }
    }
}

/// A word on a cache line pair of its own: neighbours are prefetched in pairs on common processors, and a thief's
/// exchange should slow down one owner, not two.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Word(AtomicU64);

impl Word {
    pub(crate) fn new(span: Span) -> Word {
        Word(AtomicU64::new(span.pack()))
    }

    pub(crate) fn span(&self) -> Span {
        // Acquire: who sees the effect of a steal must also see that the steal had begun (README, "Drained").
        Span::unpack(self.0.load(Ordering::Acquire))
    }

    /// Takes `size(len)` tasks (at least 1, at most `len`) from the low end; `None` when the word is empty.
    pub(crate) fn take(&self, size: impl Fn(u32) -> u32) -> Option<Range<u32>> {
        let mut seen = self.span();
        while !seen.is_empty() {
            let n = size(seen.len());
            assert!(0 < n && n <= seen.len(), "a chunk lies within its word");
            let rest = Span { lo: seen.lo + n, hi: seen.hi };
            match self.exchange(seen, rest) {
                Ok(()) => return Some(seen.lo..rest.lo),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Lowers the high end from `seen` to `hi`: the caller then owns `hi..seen.hi`. False if the word has changed.
    pub(crate) fn cut(&self, seen: Span, hi: u32) -> bool {
        assert!(seen.lo <= hi && hi < seen.hi, "a cut takes at least one task and only what the word holds");
        self.exchange(seen, Span { lo: seen.lo, hi }).is_ok()
    }

    /// Fills an empty word. Only its owner may, since a plain store is safe only where nobody else would write: the
    /// others exchange non-empty words alone.
    pub(crate) fn fill(&self, span: Span) {
        debug_assert!(self.span().is_empty(), "the owner fills its word only when it is empty");
        self.0.store(span.pack(), Ordering::Release);
    }

    fn exchange(&self, from: Span, to: Span) -> Result<(), Span> {
        // AcqRel and Acquire carry "the steal had begun" from hand to hand, see `span`; both are free on x86.
        self.0
            .compare_exchange(from.pack(), to.pack(), Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Span::unpack)
    }
}

#[cfg(all(test, not(loom)))]
#[path = "word_tests.rs"]
mod tests;
