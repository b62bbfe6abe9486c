//! Rates as users type them: `1000/s`, `90/m`, `2.5e6/h`.
//!
//! A number without a unit is per second.

use super::shown::Shown;
use std::fmt;

/// What a rate may be per, and how many seconds that is.
const PER: &[(&[u8], f64)] =
    &[(b"ms", 1e-3), (b"s", 1.0), (b"m", 60.0), (b"min", 60.0), (b"h", 3_600.0), (b"d", 86_400.0)];

/// Why a text is no rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateError {
    /// What stands in front of the `/` is no number above zero.
    Number(Vec<u8>),
    /// What stands behind it is no unit.
    Unit(Vec<u8>),
}

/// Reads a rate, per second.
///
/// # Errors
///
/// [`RateError`], when it is no number above zero, or per something unknown.
pub fn parse(text: &[u8]) -> Result<f64, RateError> {
    let (number, unit) = match text.iter().position(|b| *b == b'/') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &b"s"[..]),
    };
    let value = std::str::from_utf8(number).ok().and_then(|number| number.trim().parse::<f64>().ok());
    let value =
        value.filter(|v| v.is_finite() && *v > 0.0).ok_or_else(|| RateError::Number(number.into()))?;
    seconds(unit).map(|seconds| value / seconds).ok_or_else(|| RateError::Unit(unit.into()))
}

/// What stands behind the `/`, in seconds.
pub fn seconds(unit: &[u8]) -> Option<f64> {
    PER.iter().find(|(name, _)| *name == unit.trim_ascii()).map(|(_, seconds)| *seconds)
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateError::Number(text) => {
                write!(f, "{} is no number above zero: write a rate as 1000/s, 90/m or 2.5e6/h", Shown(text))
            }
            RateError::Unit(unit) => {
                write!(f, "{} is no unit of time: a rate is per ms, s, m, h or d, as in 1000/s", Shown(unit))
            }
        }
    }
}

impl std::error::Error for RateError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rates_per_second() {
        for (text, rate) in
            [("1000/s", 1000.0), ("1000", 1000.0), ("90/m", 1.5), ("7.2e3/h", 2.0), ("2/ms", 2000.0)]
        {
            assert_eq!(parse(text.as_bytes()), Ok(rate), "{text}");
        }
        assert!((parse(b"86400 / d").unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn refuses_the_rest() {
        for text in ["", "/s", "x/s", "0/s", "-3/s", "inf", "nan/s"] {
            assert!(matches!(parse(text.as_bytes()), Err(RateError::Number(_))), "{text}");
        }
        for text in ["1/", "1/week", "1/s/s"] {
            assert!(matches!(parse(text.as_bytes()), Err(RateError::Unit(_))), "{text}");
        }
        let said = parse(b"5/week").unwrap_err().to_string();
        assert_eq!(said, "`week` is no unit of time: a rate is per ms, s, m, h or d, as in 1000/s");
    }
}
