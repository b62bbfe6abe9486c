//! Sets of numbers as users type them: `7`, `1-10`, `1-100:2`, and comma lists of these.
//!
//! One grammar for every place that takes such a set ([`super::array`], [`super::selector`]). A digit may be followed
//! by underscores for reading (`1_000_000`). Nothing is expanded: a range of a billion ids is three numbers.

use std::fmt;

use super::shown::{Shown, ShownByte};

/// The ids `first, first + step, ..., last`. `step` is at least 1 and `last` is one of the ids, so that equal sets of
/// one range are equal values; a single id has step 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// The lowest id.
    pub first: u64,
    /// The highest id, inclusive.
    pub last: u64,
    /// The distance from one id to the next.
    pub step: u64,
}

impl IdRange {
    /// Whether `id` is one of the ids.
    pub fn contains(&self, id: u64) -> bool {
        (self.first..=self.last).contains(&id) && (id - self.first).is_multiple_of(self.step)
    }

    fn new(first: u64, last: u64, step: u64) -> Self {
        let last = last - (last - first) % step;
        IdRange { first, last, step: if first == last { 1 } else { step } }
    }
}

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IdRange { first, last, step } = self;
        match (first == last, step) {
            (true, _) => write!(f, "{first}"),
            (false, 1) => write!(f, "{first}-{last}"),
            (false, _) => write!(f, "{first}-{last}:{step}"),
        }
    }
}

/// Why a text is no set of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeError {
    /// The part of the text, between commas, that is wrong.
    pub piece: Vec<u8>,
    /// The byte that is wrong, as an offset from 0 into the whole text.
    pub at: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing where a number or range should be.
    Missing,
    /// A byte that does not belong there.
    Unexpected(u8),
    /// The first number is above the last.
    Reversed {
        /// The number in front of the dash.
        first: u64,
        /// The number behind it.
        last: u64,
    },
    /// A step of 0 never gets anywhere.
    StepZero,
    /// A number above `u64::MAX`.
    TooLarge,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (piece, at) = (Shown(&self.piece), self.at + 1);
        match self.reason {
            Reason::Missing if self.piece.is_empty() => {
                write!(f, "a number is missing at byte {at}: write FIRST-LAST, FIRST-LAST:STEP or one number")
            }
            Reason::Missing => write!(
                f,
                "a number is missing at byte {at}, in {piece}: write FIRST-LAST, FIRST-LAST:STEP or one number"
            ),
            Reason::Unexpected(byte) => write!(
                f,
                "unexpected {} at byte {at}, in {piece}: write FIRST-LAST, FIRST-LAST:STEP or one number",
                ShownByte(byte)
            ),
            Reason::Reversed { first, last } => {
                write!(f, "{piece} at byte {at} runs backwards: write {last}-{first}")
            }
            Reason::StepZero => write!(f, "the step at byte {at}, in {piece}, is 0: a step is 1 or more"),
            Reason::TooLarge => {
                write!(f, "the number at byte {at}, in {piece}, is too large: the highest is {}", u64::MAX)
            }
        }
    }
}

impl std::error::Error for RangeError {}

/// A range and the place where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) range: IdRange,
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

/// Reads a comma list in the order it was written; at least one piece.
pub(super) fn parse_list(text: &[u8]) -> Result<Vec<Piece<'_>>, RangeError> {
    let mut at = 0;
    let mut pieces = Vec::new();
    for piece in text.split(|&b| b == b',') {
        let range = parse_piece(piece).map_err(|(offset, reason)| RangeError {
            piece: piece.to_vec(),
            at: at + offset,
            reason,
        })?;
        pieces.push(Piece { range, text: piece, at });
        at += piece.len() + 1;
    }
    Ok(pieces)
}

/// Reads one range; an error carries its offset inside the piece.
fn parse_piece(text: &[u8]) -> Result<IdRange, (usize, Reason)> {
    let (first, at) = number(text, 0)?;
    let (last, at) = match text.get(at) {
        None => return Ok(IdRange::new(first, first, 1)),
        Some(b'-') => number(text, at + 1)?,
        Some(&byte) => return Err((at, Reason::Unexpected(byte))),
    };
    let (step, at) = match text.get(at) {
        Some(b':') => {
            let (step, end) = number(text, at + 1)?;
            if step == 0 {
                return Err((at + 1, Reason::StepZero));
            }
            (step, end)
        }
        _ => (1, at),
    };
    if let Some(&byte) = text.get(at) {
        return Err((at, Reason::Unexpected(byte)));
    }
    if first > last {
        return Err((0, Reason::Reversed { first, last }));
    }
    Ok(IdRange::new(first, last, step))
}

/// Digits, with underscores after the first, from `at`; the value and where it ends.
fn number(text: &[u8], at: usize) -> Result<(u64, usize), (usize, Reason)> {
    match text.get(at) {
        None => return Err((at, Reason::Missing)),
        Some(byte) if !byte.is_ascii_digit() => return Err((at, Reason::Unexpected(*byte))),
        Some(_) => {}
    }
    let digits = text[at..].iter().take_while(|b| b.is_ascii_digit() || **b == b'_');
    let end = at + digits.clone().count();
    let value = digits
        .filter(|b| **b != b'_')
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    Ok((value.ok_or((at, Reason::TooLarge))?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Vec<(u64, u64, u64)> {
        let pieces = parse_list(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        pieces.iter().map(|piece| (piece.range.first, piece.range.last, piece.range.step)).collect()
    }

    #[test]
    fn reads_ranges() {
        for (text, expected) in [
            ("5", vec![(5, 5, 1)]),
            ("0", vec![(0, 0, 1)]),
            ("007", vec![(7, 7, 1)]),
            ("1-10", vec![(1, 10, 1)]),
            ("3-3", vec![(3, 3, 1)]),
            ("3-3:9", vec![(3, 3, 1)]),
            ("1-100:2", vec![(1, 99, 2)]),
            ("0-10:5", vec![(0, 10, 5)]),
            ("1-2:100", vec![(1, 1, 1)]),
            ("1-1000_000", vec![(1, 1_000_000, 1)]),
            ("1_0-2_0_:0_3", vec![(10, 19, 3)]),
            ("1,3,5-8", vec![(1, 1, 1), (3, 3, 1), (5, 8, 1)]),
            ("9,1-3:2", vec![(9, 9, 1), (1, 3, 2)]),
            ("0-18446744073709551615", vec![(0, u64::MAX, 1)]),
            ("1-18446744073709551615:18446744073709551615", vec![(1, 1, 1)]),
            ("0-18446744073709551615:18446744073709551615", vec![(0, u64::MAX, u64::MAX)]),
        ] {
            assert_eq!(ranges(text), expected, "{text}");
        }
    }

    #[test]
    fn errors_point_at_the_byte() {
        use Reason::*;
        for (text, piece, at, reason) in [
            ("", "", 0, Missing),
            (",", "", 0, Missing),
            ("1,", "", 2, Missing),
            ("1,,2", "", 2, Missing),
            ("1-", "1-", 2, Missing),
            ("1-2:", "1-2:", 4, Missing),
            ("4,1-", "1-", 4, Missing),
            ("-1", "-1", 0, Unexpected(b'-')),
            ("x", "x", 0, Unexpected(b'x')),
            ("_1", "_1", 0, Unexpected(b'_')),
            ("1x", "1x", 1, Unexpected(b'x')),
            ("1-x", "1-x", 2, Unexpected(b'x')),
            ("1--2", "1--2", 2, Unexpected(b'-')),
            ("1-2-3", "1-2-3", 3, Unexpected(b'-')),
            ("1-2:3:4", "1-2:3:4", 5, Unexpected(b':')),
            ("1-2:x", "1-2:x", 4, Unexpected(b'x')),
            ("5:2", "5:2", 1, Unexpected(b':')),
            ("1..5", "1..5", 1, Unexpected(b'.')),
            (" 1", " 1", 0, Unexpected(b' ')),
            ("1, 2", " 2", 2, Unexpected(b' ')),
            ("1\n", "1\n", 1, Unexpected(b'\n')),
            ("1,3,8-5", "8-5", 4, Reversed { first: 8, last: 5 }),
            ("1-5:0", "1-5:0", 4, StepZero),
            ("18446744073709551616", "18446744073709551616", 0, TooLarge),
            ("1-99999999999999999999999", "1-99999999999999999999999", 2, TooLarge),
        ] {
            let expected = RangeError { piece: piece.as_bytes().to_vec(), at, reason };
            assert_eq!(parse_list(text.as_bytes()), Err(expected), "{text}");
        }
        assert_eq!(parse_list(b"1-\xff").unwrap_err().reason, Unexpected(0xff));
    }

    #[test]
    fn messages_say_what_to_do() {
        let message = |text: &str| parse_list(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(message("1,3,8-5"), "`8-5` at byte 5 runs backwards: write 5-8");
        assert_eq!(
            message("1,2x"),
            "unexpected `x` at byte 4, in `2x`: write FIRST-LAST, FIRST-LAST:STEP or one number"
        );
        assert_eq!(message("1-5:0"), "the step at byte 5, in `1-5:0`, is 0: a step is 1 or more");
    }

    #[test]
    fn contains_follows_the_step() {
        let range = IdRange::new(3, 10, 3);
        let inside: Vec<u64> = (0..20).filter(|id| range.contains(*id)).collect();
        assert_eq!(inside, [3, 6, 9]);
        assert!(IdRange::new(0, u64::MAX, 1).contains(u64::MAX));
    }

    #[test]
    fn display_reads_back() {
        for text in ["5", "1-10", "1-99:2"] {
            assert_eq!(parse_list(text.as_bytes()).expect("good")[0].range.to_string(), text);
        }
    }
}
