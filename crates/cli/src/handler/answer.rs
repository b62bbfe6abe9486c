//! Answers, as a handler prints them.
//!
//! The shapes that come by the hundred thousand are read by `answer_fast.rs`; everything else, and everything that
//! it is not sure about, by serde. What the fast reader accepts means the same to serde: a test holds them together.

use super::answer_fast;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::borrow::Cow;

/// The version of the protocol that this divvy speaks.
pub const VERSION: u64 = 1;

/// One thing that a handler says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<'a> {
    /// What it is, at its start.
    Hello(Hello),
    /// Every task that it has from the first id to the last has ended well, and printed nothing.
    Done(u64, u64),
    /// A task has failed, or printed something, or both.
    Ended {
        /// Its id.
        task: u64,
        /// What it printed.
        output: Option<Cow<'a, [u8]>>,
        /// Why it failed, if it did.
        error: Option<Cow<'a, str>>,
    },
}

/// What a handler announces at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The version of the protocol that it speaks.
    pub version: u64,
    /// It wants arrays of at most so many tasks.
    pub batch: Option<u32>,
    /// It wants each task's fence.
    pub fence: bool,
}

/// Reads one line, without its newline.
///
/// # Errors
/// A sentence that says what is wrong with it; then nothing of the line counts.
pub fn read<'a>(line: &'a [u8], answers: &mut Vec<Answer<'a>>) -> Result<(), String> {
    answers.clear();
    if answer_fast::read(line, answers) {
        return Ok(());
    }
    answers.clear();
    read_any(line, answers).inspect_err(|_| answers.clear())
}

fn read_any<'a>(line: &'a [u8], answers: &mut Vec<Answer<'a>>) -> Result<(), String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    if text.trim_ascii_start().starts_with('[') {
        let list: Vec<Raw<'_>> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        list.into_iter().try_for_each(|raw| raw.read(answers))
    } else {
        let raw: Raw<'_> = serde_json::from_str(text).map_err(|e| e.to_string())?;
        raw.read(answers)
    }
}

/// Every field that an answer may have. Others are refused: a misspelled `error` would turn a failure into a success.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    divvy: Option<u64>,
    batch: Option<u32>,
    fence: Option<bool>,
    task: Option<u64>,
    #[serde(borrow)]
    output: Option<Cow<'a, str>>,
    #[serde(borrow)]
    output_b64: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    done: Option<Vec<Done>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Done {
    One(u64),
    Range([u64; 2]),
}

impl<'a> Raw<'a> {
    fn read(self, answers: &mut Vec<Answer<'a>>) -> Result<(), String> {
        let of_task = self.output.is_some() || self.output_b64.is_some() || self.error.is_some();
        let of_hello = self.batch.is_some() || self.fence.is_some();
        match (self.divvy, self.task, self.done) {
            (Some(version), None, None) if !of_task => {
                if self.batch == Some(0) {
                    return Err("a batch of 0 tasks".into());
                }
                let fence = self.fence.unwrap_or(false);
                answers.push(Answer::Hello(Hello { version, batch: self.batch, fence }));
            }
            (None, Some(task), None) if !of_hello => {
                let output = match (self.output, self.output_b64) {
                    (Some(_), Some(_)) => return Err("both `output` and `output_b64`".into()),
                    (Some(text), None) => Some(bytes(text)),
                    (None, Some(text)) => {
                        Some(Cow::Owned(STANDARD.decode(&*text).map_err(|e| format!("`output_b64`: {e}"))?))
                    }
                    (None, None) => None,
                };
                answers.push(match (output, self.error) {
                    (None, None) => Answer::Done(task, task),
                    (output, error) => Answer::Ended { task, output, error },
                });
            }
            (None, None, Some(done)) if !of_task && !of_hello => {
                for part in done {
                    let (first, last) = match part {
                        Done::One(id) => (id, id),
                        Done::Range([first, last]) => (first, last),
                    };
                    if first > last {
                        return Err(format!("the range [{first},{last}] ends before it begins"));
                    }
                    answers.push(Answer::Done(first, last));
                }
            }
            _ => {
                return Err(
                    "it has to have one of `task`, `done` and `divvy`, with the fields of that one".into()
                );
            }
        }
        Ok(())
    }
}

fn bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
