//! A range of tasks: two integers, however many tasks it names.

use crate::Seq;
use std::fmt;

/// The seqs `lo <= seq < hi`. Empty when `lo == hi`; never reversed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Range {
    /// First seq in the range.
    pub lo: Seq,
    /// First seq after the range.
    pub hi: Seq,
}

impl Range {
    /// The range `[lo, hi)`.
    ///
    /// # Panics
    /// If `hi < lo`: a reversed range is a bug of the caller, and would corrupt every count made from it.
    #[must_use]
    pub fn new(lo: Seq, hi: Seq) -> Range {
        assert!(lo <= hi, "reversed range {lo}..{hi}");
        Range { lo, hi }
    }

    /// How many tasks it names.
    #[must_use]
    pub fn len(self) -> u64 {
        self.hi - self.lo
    }

    /// Whether it names no task.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.lo == self.hi
    }

    /// Whether `seq` is in it.
    #[must_use]
    pub fn contains(self, seq: Seq) -> bool {
        self.lo <= seq && seq < self.hi
    }

    /// The part that both have, `None` if they have none.
    #[must_use]
    pub fn intersect(self, other: Range) -> Option<Range> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo < hi).then(|| Range::new(lo, hi))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.lo, self.hi)
    }
}
