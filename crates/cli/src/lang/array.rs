//! `--array`: the inputs of a job as one arithmetic progression, so that no task record is ever stored.
//!
//! Users write ids (`1-100:2`), the log counts seqs from 0; [`Array`] translates both ways. A comma list, which
//! HyperQueue takes as well, is accepted when it is one progression (`1,3,5-9:2`); any other would need a stored record.

use std::fmt;

use super::ranges::{self, IdRange, Piece, RangeError};
use super::shown::Shown;

/// The ids `first + step * seq` for `seq` in `0..count`, all of them within `u64`. `count` and `step` are at least 1,
/// and `step` is 1 when `count` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Array {
    first: u64,
    step: u64,
    count: u64,
}

/// Why a text is no array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrayError {
    /// A range is written wrongly.
    Range(RangeError),
    /// A list that is not one progression.
    List {
        /// The first part that does not continue it.
        piece: Vec<u8>,
        /// Its byte offset, from 0.
        at: usize,
    },
    /// All `2^64` numbers: one more than can be counted.
    TooMany,
}

impl Array {
    /// Reads what follows `--array`.
    ///
    /// # Errors
    ///
    /// [`ArrayError`]: the text is empty, a range is malformed, reversed or too large, or a list is not a progression.
    pub fn parse(text: &[u8]) -> Result<Self, ArrayError> {
        let pieces = ranges::parse_list(text).map_err(ArrayError::Range)?;
        let mut whole = pieces[0].range;
        for piece in &pieces[1..] {
            whole = continued(whole, piece)?;
        }
        let count = ((whole.last - whole.first) / whole.step).checked_add(1).ok_or(ArrayError::TooMany)?;
        Ok(Array { first: whole.first, step: whole.step, count })
    }

    /// The lowest id.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The distance from one id to the next.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// How many tasks.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The highest id.
    pub fn last(&self) -> u64 {
        self.first + self.step * (self.count - 1)
    }
}

/// `whole` with `piece` behind it, if together they are still one progression.
fn continued(whole: IdRange, piece: &Piece<'_>) -> Result<IdRange, ArrayError> {
    let next = piece.range;
    let error = || ArrayError::List { piece: piece.text.to_vec(), at: piece.at };
    let gap = next.first.checked_sub(whole.last).filter(|gap| *gap > 0).ok_or_else(error)?;
    // A single id has no step of its own yet and takes the one of its neighbour.
    let single = |range: &IdRange| range.first == range.last;
    let fits = (single(&whole) || whole.step == gap) && (single(&next) || next.step == gap);
    if fits { Ok(IdRange { first: whole.first, last: next.last, step: gap }) } else { Err(error()) }
}

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        IdRange { first: self.first, last: self.last(), step: self.step }.fmt(f)
    }
}

impl fmt::Display for ArrayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ArrayError::Range(error) => error.fmt(f),
            ArrayError::List { piece, at } => write!(
                f,
                "{} at byte {} does not continue the numbers in front of it at one distance; --array does not \
                 support such lists yet: give the numbers as inputs instead, or submit one job per range",
                Shown(piece),
                at + 1
            ),
            ArrayError::TooMany => {
                write!(f, "the array has 2^64 tasks, one more than can be counted: leave one out")
            }
        }
    }
}

impl std::error::Error for ArrayError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ArrayError::Range(error) => Some(error),
            ArrayError::List { .. } | ArrayError::TooMany => None,
        }
    }
}
