//! What can go wrong, named for what the caller can do about it.

use std::fmt;

/// Why a model or a fit was refused.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// A quantity is outside of what the formula is about: correct it.
    Invalid {
        /// Which quantity.
        what: &'static str,
        /// What it was.
        value: f64,
        /// What it has to be.
        must: &'static str,
    },
    /// Fewer than three measurements: measure at more worker counts.
    TooFewPoints(usize),
    /// All measurements are at one or two worker counts: measure at more of them.
    TooFewCounts(usize),
    /// A measurement that cannot be one: look at what produced it.
    BadPoint {
        /// Its place in the data, from 0.
        index: usize,
        /// Which of its fields.
        what: &'static str,
        /// What the field was.
        value: f64,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid { what, value, must } => write!(f, "{what} is {value}: it has to be {must}"),
            Error::TooFewPoints(count) => write!(
                f,
                "{count} measurements: three unknowns need at least three, at different worker counts; \
                 measure at 1, 2, 4, 8 and so on, until throughput stops rising"
            ),
            Error::TooFewCounts(count) => write!(
                f,
                "the measurements are at {count} number{} of workers: how throughput grows shows only between at \
                 least three different ones; measure at 1, 2, 4, 8 and so on",
                if *count == 1 { "" } else { "s" }
            ),
            Error::BadPoint { index, what, value } => write!(
                f,
                "measurement {}: {what} is {value}, and has to be a finite number above zero; leave out runs \
                 that failed",
                index + 1
            ),
        }
    }
}

impl std::error::Error for Error {}

/// `value`, if it is a finite number above zero.
pub(crate) fn require_positive(what: &'static str, value: f64) -> Result<f64, Error> {
    let must = "a finite number above zero";
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(Error::Invalid { what, value, must }) }
}

/// `value`, if it is a finite number and not below zero.
pub(crate) fn require_not_negative(what: &'static str, value: f64) -> Result<f64, Error> {
    let must = "a finite number, zero or above";
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(Error::Invalid { what, value, must }) }
}
