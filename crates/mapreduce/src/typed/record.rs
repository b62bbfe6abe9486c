//! What functions are given of the inputs, and what they may give back.

use std::fmt::Display;

/// A record, as a function gets it: `&str`, or `&[u8]` for what need not be text.
pub trait Record: 'static {
    /// The record of these bytes.
    ///
    /// # Errors
    /// Why they are none. It counts as a failure of the program on this record.
    fn of(bytes: &[u8]) -> Result<&Self, String>;
}

impl Record for [u8] {
    fn of(bytes: &[u8]) -> Result<&[u8], String> {
        Ok(bytes)
    }
}

impl Record for str {
    fn of(bytes: &[u8]) -> Result<&str, String> {
        std::str::from_utf8(bytes).map_err(|error| format!("the record is no text: {error}"))
    }
}

/// What a function may return: nothing, if it never fails, or a `Result`.
pub trait Outcome {
    /// Whether it went well, and else why not.
    ///
    /// # Errors
    /// That.
    fn into_result(self) -> Result<(), String>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}
