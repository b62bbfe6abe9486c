//! Spans of time as users type them: `10`, `1.5`, `20us`, `500ms`, `2m`, `1h30m`, `1d`.
//!
//! A number without a unit is seconds, as for GNU parallel's `--timeout`. Units go from large to small and appear once
//! each; after a unit every number needs one. Zero is a valid span: whether it makes sense is for the flag to say.

use std::fmt;
use std::time::Duration;

use super::shown::{Shown, ShownByte};

/// A name and its length in nanoseconds.
type Unit = (&'static [u8], u64);

/// From large to small, as they must appear.
const UNITS: &[Unit] = &[
    (b"d", 86_400_000_000_000),
    (b"h", 3_600_000_000_000),
    (b"m", 60_000_000_000),
    (b"s", 1_000_000_000),
    (b"ms", 1_000_000),
    (b"us", 1_000),
    (b"ns", 1),
];
const SECOND_NS: u64 = 1_000_000_000;

/// Digits behind the point that can matter: a day has fewer than 10^14 nanoseconds.
const DECIMALS_MAX: usize = 14;

/// Why a text is no span of time. Every `at` is a byte offset from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// No digit where a number should start or go on.
    NoNumber {
        /// Where it is missing.
        at: usize,
        /// What is there instead, if anything.
        found: Option<u8>,
    },
    /// Letters that are no unit.
    Unit {
        /// The letters.
        unit: Vec<u8>,
        /// Where they are.
        at: usize,
    },
    /// A number without a unit, after one that has a unit.
    NoUnit {
        /// Where the unit is missing.
        at: usize,
    },
    /// A unit that is not smaller than the one in front of it.
    Order {
        /// The unit.
        unit: Vec<u8>,
        /// Where it is.
        at: usize,
    },
    /// More than 584 years: no clock here counts that far in nanoseconds.
    TooLong,
}

/// Reads a span of time; anything below a nanosecond is dropped.
///
/// # Errors
///
/// [`DurationError`], when the text is not numbers with units, or is longer than `u64::MAX` nanoseconds.
pub fn parse(text: &[u8]) -> Result<Duration, DurationError> {
    let mut total_ns = 0u128;
    let mut units = UNITS;
    let mut at = 0;
    loop {
        let number = number(text, at)?;
        let unit_len =
            text[number.end..].iter().take_while(|b| b.is_ascii_alphabetic() || **b >= 0x80).count();
        let unit = &text[number.end..number.end + unit_len];
        let unit_ns = if !unit.is_empty() {
            let (unit_ns, smaller) = take_unit(unit, units, number.end)?;
            units = smaller;
            unit_ns
        } else if let Some(&byte) = text.get(number.end) {
            return Err(DurationError::NoNumber { at: number.end, found: Some(byte) });
        } else if at > 0 {
            return Err(DurationError::NoUnit { at: number.end });
        } else {
            SECOND_NS
        };
        total_ns =
            number.times(unit_ns).and_then(|ns| total_ns.checked_add(ns)).ok_or(DurationError::TooLong)?;
        at = number.end + unit_len;
        if at == text.len() {
            break;
        }
    }
    u64::try_from(total_ns).map(Duration::from_nanos).map_err(|_| DurationError::TooLong)
}

/// A decimal number in the text: `whole + fraction / scale`, up to `end`.
struct Number {
    whole: u64,
    fraction: u64,
    scale: u64,
    end: usize,
}

impl Number {
    fn times(&self, unit_ns: u64) -> Option<u128> {
        let fraction = u128::from(self.fraction) * u128::from(unit_ns) / u128::from(self.scale);
        u128::from(self.whole).checked_mul(u128::from(unit_ns))?.checked_add(fraction)
    }
}

fn number(text: &[u8], at: usize) -> Result<Number, DurationError> {
    let digits = |at: usize| text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole_end = at + digits(at);
    let whole = text[at..whole_end]
        .iter()
        .try_fold(0u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .ok_or(DurationError::TooLong)?;
    let mut number = Number { whole, fraction: 0, scale: 1, end: whole_end };
    let mut digits_end = whole_end;
    if text.get(whole_end) == Some(&b'.') {
        let from = whole_end + 1;
        digits_end = from + digits(from);
        for digit in text[from..digits_end].iter().take(DECIMALS_MAX) {
            number.fraction = number.fraction * 10 + u64::from(digit - b'0');
            number.scale *= 10;
        }
        number.end = digits_end;
        // `1.` is more likely cut off than meant.
        if digits_end == from {
            return Err(DurationError::NoNumber { at: from, found: text.get(from).copied() });
        }
    }
    if digits_end == at {
        return Err(DurationError::NoNumber { at, found: text.get(at).copied() });
    }
    Ok(number)
}

/// The length of `unit` and the units that may follow it.
fn take_unit(
    unit: &[u8],
    allowed: &'static [Unit],
    at: usize,
) -> Result<(u64, &'static [Unit]), DurationError> {
    match allowed.iter().position(|(name, _)| *name == unit) {
        Some(index) => Ok((allowed[index].1, &allowed[index + 1..])),
        None if UNITS.iter().any(|(name, _)| *name == unit) => {
            Err(DurationError::Order { unit: unit.to_vec(), at })
        }
        None => Err(DurationError::Unit { unit: unit.to_vec(), at }),
    }
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DurationError::NoNumber { found: None, at } => {
                write!(f, "a number is missing at byte {}: write 10, 1.5, 500ms, 2m, 1h30m or 1d", at + 1)
            }
            DurationError::NoNumber { found: Some(byte), at } => write!(
                f,
                "unexpected {} at byte {}: write 10, 1.5, 500ms, 2m, 1h30m or 1d",
                ShownByte(*byte),
                at + 1
            ),
            DurationError::Unit { unit, at } => {
                write!(f, "{} at byte {} is no unit: use ns, us, ms, s, m, h or d", Shown(unit), at + 1)
            }
            DurationError::NoUnit { at } => {
                write!(f, "the number in front of byte {} has no unit: add ns, us, ms, s, m, h or d", at + 1)
            }
            DurationError::Order { unit, at } => write!(
                f,
                "the unit {} at byte {} is not smaller than the one in front of it: go from large to small, each once",
                Shown(unit),
                at + 1
            ),
            DurationError::TooLong => f.write_str("the time is longer than 584 years: give a shorter one"),
        }
    }
}

impl std::error::Error for DurationError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_spans() {
        for (text, nanos) in [
            ("10", 10_000_000_000),
            ("0", 0),
            ("1.5", 1_500_000_000),
            (".5", 500_000_000),
            ("0.000000001", 1),
            ("0.0000000019", 1),
            ("500ms", 500_000_000),
            ("0.5ms", 500_000),
            ("1.5us", 1_500),
            ("2ms30us", 2_030_000),
            ("80ns", 80),
            ("3s", 3_000_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("1d", 86_400_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1d2h3m4s5ms", 93_784_005_000_000),
            ("1d3.5h16.6m4s", 100_000_000_000_000),
            ("1m0.5s", 60_500_000_000),
            ("0.33333333333333333333d", 28_799_999_999_999),
            ("18446744073.709551615", u64::MAX),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_its_place() {
        use DurationError::*;
        for (text, expected) in [
            ("", NoNumber { at: 0, found: None }),
            (".", NoNumber { at: 1, found: None }),
            ("1.", NoNumber { at: 2, found: None }),
            ("1.s", NoNumber { at: 2, found: Some(b's') }),
            ("-1", NoNumber { at: 0, found: Some(b'-') }),
            ("+1", NoNumber { at: 0, found: Some(b'+') }),
            ("s", NoNumber { at: 0, found: Some(b's') }),
            ("1 s", NoNumber { at: 1, found: Some(b' ') }),
            ("1,5", NoNumber { at: 1, found: Some(b',') }),
            ("1.2.3", NoNumber { at: 3, found: Some(b'.') }),
            ("200%", NoNumber { at: 3, found: Some(b'%') }),
            ("1h ", NoNumber { at: 2, found: Some(b' ') }),
            ("1H", Unit { unit: b"H".to_vec(), at: 1 }),
            ("1e3", Unit { unit: b"e".to_vec(), at: 1 }),
            ("10min", Unit { unit: b"min".to_vec(), at: 2 }),
            ("1h2x", Unit { unit: b"x".to_vec(), at: 3 }),
            ("1h30", NoUnit { at: 4 }),
            ("1m1h", Order { unit: b"h".to_vec(), at: 3 }),
            ("1h1h", Order { unit: b"h".to_vec(), at: 3 }),
            ("18446744073.709551616", TooLong),
            ("99999999999999999999", TooLong),
            ("18446744073709551615d", TooLong),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(expected), "{text}");
        }
        assert!(matches!(parse(b"1\xff"), Err(Unit { .. })));
    }

    #[test]
    fn messages_say_what_to_do() {
        let message = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(message("1H"), "`H` at byte 2 is no unit: use ns, us, ms, s, m, h or d");
        assert_eq!(
            message("1h30"),
            "the number in front of byte 5 has no unit: add ns, us, ms, s, m, h or d"
        );
        assert_eq!(message("200%"), "unexpected `%` at byte 4: write 10, 1.5, 500ms, 2m, 1h30m or 1d");
    }
}
