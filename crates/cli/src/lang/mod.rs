//! The input language: every text a user types that divvy has to take apart, and the inputs themselves.
//!
//! Owns the grammar of commands ([`words`], [`spelling`], [`template`], [`shell`]), of numbers and sets of numbers
//! ([`mod@array`], [`selector`], [`duration`], [`rate`], [`jobs`], [`size`], [`arithmetic`]), of separators ([`escapes`]) and of input streams
//! ([`records`]). Everything here is pure: bytes in, values
//! or an error out; nothing starts a process, opens a file or reads the environment. Which flag belongs to which
//! parser is the command line's business.
//!
//! All text is bytes. File names need not be UTF-8 and may hold spaces, quotes and newlines; they arrive in the
//! command unchanged. An error says what was wrong, where, and what to do next; positions in messages count bytes
//! from 1, fields named `at` count from 0.

pub mod arithmetic;
pub mod array;
pub mod demand;
pub mod duration;
pub mod escapes;
pub mod jobs;
pub mod placeholder;
pub mod ranges;
pub mod rate;
pub mod records;
pub mod selector;
pub mod shell;
pub mod size;
pub mod spelling;
pub mod template;
pub mod words;

mod paths;
mod shell_error;
mod shell_scan;
mod shown;
mod words_error;

pub use shown::Shown;

#[cfg(test)]
mod array_tests;
#[cfg(test)]
mod records_tests;
#[cfg(test)]
mod shell_random_tests;
#[cfg(test)]
mod shell_tests;
#[cfg(test)]
mod template_tests;
#[cfg(test)]
mod words_tests;
