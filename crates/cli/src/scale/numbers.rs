//! Numbers in arguments: spans of time, rates, shares.

use crate::exit::bad_usage;
use crate::lang::{duration, rate};
use anyhow::Result;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A span of time that a flag was given. It needs a unit: what is computed here is as likely in milliseconds as in seconds,
/// and a hundred of the wrong ones look like an answer.
///
/// # Errors
/// Bad usage: it is none.
pub fn seconds(flag: &str, text: &OsStr) -> Result<f64> {
    let text_bytes = text.as_bytes();
    let is_bare =
        !text_bytes.is_empty() && text_bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    if is_bare && text_bytes.iter().any(|byte| matches!(byte, b'1'..=b'9')) {
        let text = text.display();
        return Err(bad_usage(format!("{flag}: {text} has no unit: is it {text}ms or {text}s?")));
    }
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

/// A rate that a flag was given, per second.
///
/// # Errors
/// Bad usage: it is none.
pub fn per_second(flag: &str, text: &OsStr) -> Result<f64> {
    rate::parse(text.as_bytes()).map_err(|error| bad_usage(format!("{flag}: {error}")))
}

/// A share that a flag was given, if it is one: neither nothing nor all.
///
/// # Errors
/// Bad usage: it is none.
pub fn share(flag: &str, value: f64) -> Result<f64> {
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    Err(bad_usage(format!("{flag}: {value} is no share: above 0 and below 1, as in 0.02")))
}
