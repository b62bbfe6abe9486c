//! Sizes as GNU parallel writes them: `1M` is 1 048 576, `1m` a million.

use std::fmt;

use super::shown::Shown;

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeError {
    text: Vec<u8>,
}

/// Reads a number of bytes: digits, a fraction if wanted, and one of `k m g t` (thousands) or `K M G T` (1 024s).
///
/// # Errors
/// [`SizeError`]: anything else, or more than 64 bits.
pub fn parse(text: &[u8]) -> Result<u64, SizeError> {
    let error = || SizeError { text: text.to_vec() };
    let (digits, unit) = match text.split_last() {
        Some((last, digits)) if last.is_ascii_alphabetic() => (digits, unit(*last).ok_or_else(error)?),
        _ => (text, 1),
    };
    let digits = std::str::from_utf8(digits).map_err(|_| error())?;
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(unit).filter(|_| !digits.starts_with('+')).ok_or_else(error);
    }
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let value = digits.parse::<f64>().ok().filter(|_| is_plain).ok_or_else(error)? * unit as f64;
    if value < u64::MAX as f64 { Ok(value as u64) } else { Err(error()) }
}

fn unit(letter: u8) -> Option<u64> {
    let power = |base: u64| {
        let nth = b"kmgt".iter().position(|unit| *unit == letter.to_ascii_lowercase())?;
        Some(base.pow(nth as u32 + 1))
    };
    power(if letter.is_ascii_uppercase() { 1_024 } else { 1_000 })
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is no size: write bytes, or 10k, 1M, 1.5G (M is 1024 K, m is 1000 k)",
            Shown(&self.text)
        )
    }
}

impl std::error::Error for SizeError {}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn capital_letters_are_powers_of_1024() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("1k", 1_000),
            ("1K", 1_024),
            ("2m", 2_000_000),
            ("1M", 1 << 20),
            ("3G", 3 << 30),
            ("1T", 1 << 40),
            ("1.5K", 1_536),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "k",
            "-1",
            "+1",
            "1x",
            "1kk",
            "1 k",
            "1e3",
            "inf",
            "nan",
            ".",
            "99999999999999999999",
            "20000000T",
        ] {
            let error = parse(text.as_bytes()).expect_err(text);
            assert!(error.to_string().contains("is no size"), "{text}");
        }
    }
}
