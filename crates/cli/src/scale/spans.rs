//! Spans of time in arguments, as seconds.

use crate::exit::bad_usage;
use crate::lang::duration;
use anyhow::Result;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A span of time that a flag was given.
///
/// # Errors
/// Bad usage: it is none.
pub fn seconds(flag: &str, text: &OsStr) -> Result<f64> {
    let span = duration::parse(text.as_bytes()).map_err(|error| bad_usage(format!("{flag}: {error}")))?;
    Ok(span.as_secs_f64())
}

/// The same, above zero.
///
/// # Errors
/// Bad usage: it is none, or zero.
pub fn positive(flag: &str, text: &OsStr) -> Result<f64> {
    match seconds(flag, text)? {
        0.0 => Err(bad_usage(format!("{flag}: a time above zero is needed, as in 100ms"))),
        seconds => Ok(seconds),
    }
}
