//! What worker time costs: `--price 0.10/h` is for one worker.

use crate::exit::bad_usage;
use crate::lang::rate;
use anyhow::Result;
use std::ffi::OsStr;

/// Money for a worker-second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price(f64);

impl Price {
    /// Reads `0.10/h`, also for `s`, `m` and `d`.
    ///
    /// # Errors
    /// Bad usage.
    pub fn parse(text: &OsStr) -> Result<Price> {
        let text = text.to_string_lossy();
        let wrong =
            || bad_usage(format!("--price {text}: a number and a time, such as 0.10/h (or /s, /m, /d)"));
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let seconds = rate::seconds(unit.as_bytes()).ok_or_else(wrong)?;
        match number.trim().parse::<f64>() {
            Ok(money) if money.is_finite() && money >= 0.0 => Ok(Price(money / seconds)),
            _ => Err(wrong()),
        }
    }

    /// What so many worker-seconds cost.
    pub fn of(self, seconds: f64) -> f64 {
        self.0 * seconds
    }
}

/// Digits behind the point with which an amount, and all parts of it, tell something.
pub fn digits(amount: f64) -> usize {
    match amount {
        a if a >= 0.095 || a <= 0.0 => 2,
        a => (1.0 - a.log10().floor()).clamp(2.0, 9.0) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_by_their_unit() {
        let of = |text: &str| Price::parse(OsStr::new(text)).map(|price| price.of(3_600.0));
        assert!((of("0.10/h").unwrap() - 0.1).abs() < 1e-12);
        assert!((of("2.4/d").unwrap() - 0.1).abs() < 1e-12);
        assert!((of("1/s").unwrap() - 3_600.0).abs() < 1e-9);
        for wrong in ["", "0.1", "x/h", "1/y", "-1/h", "inf/h", "nan/h"] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn small_amounts_have_more_digits() {
        assert_eq!([12.345, 0.4, 0.0123, 0.000_012, 0.0].map(digits), [2, 2, 3, 6, 2]);
    }
}
