//! A command that runs in `sh -c`, with its replacement strings quoted so that no input can become syntax.
//!
//! GNU parallel quotes an input as if it stood outside quotes and inserts it wherever the placeholder is, so `"{}"`
//! comes out with stray backslashes and `'{}'` can be broken out of. Here `shell_scan.rs` finds out
//! how `sh` will read each place, and rendering fits the bytes to it:
//!
//! | the placeholder stands | what replaces it, for the input `it's` |
//! |---|---|
//! | outside quotes, also inside `$(...)` | `'it'\''s'`: always one word, or part of one |
//! | inside `'...'` | `it'\''s`: the quotes around it are the text's own |
//! | inside `"..."` | `"'it'\''s'"`: the double quotes close and open again; so nothing expands, and a variable name in front does not grow |
//! | inside `$((...))` | the number itself, in parentheses if negative; an input that is no whole number is an error |
//! | in a comment, or behind a backslash (`\{}`) | nothing: it stays as it is |
//! | in or after what shells read differently | nothing: the text is refused when it is parsed, with a way out |
//!
//! The safety holds for the shell that reads the text. A program that interprets an argument again (`sh -c`, `eval`,
//! `ssh`, `awk`, arithmetic in `[[ ]]`) receives the input as part of its own program; `"$DIVVY_INPUT"`, read there,
//! is safe at any depth. Aliases that hold half a quote are not followed.

use super::placeholder::{Input, Placeholder};
use super::shell_scan;

pub use super::shell_error::{AppendError, Lost, RenderError, ShellError};

/// A parsed shell text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellTemplate {
    pub(super) parts: Vec<Part>,
    /// How the text ends: where an appended input can go.
    pub(super) end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(Vec<u8>),
    Hole { placeholder: Placeholder, place: Place },
}

/// How the shell reads the place where a placeholder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Plain,
    SingleQuotes,
    DoubleQuotes,
    Arithmetic,
}

/// What an appended word would meet at the end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A command's word or redirection, followed by this many bytes of white space.
    Word {
        blank: usize,
    },
    /// An operator such as `;` or `|`: what follows it is a command of its own.
    Operator(u8),
    Comment,
    Nothing,
    /// The scan gave up before the end.
    Unknown(Lost),
}

impl ShellTemplate {
    /// Finds the replacement strings in `text` and how `sh` reads the places where they stand.
    ///
    /// # Errors
    ///
    /// [`ShellError`], when one of them could not be filled in safely, or when `sh` could not read the text at all.
    pub fn new(text: &[u8]) -> Result<Self, ShellError> {
        shell_scan::scan(text)
    }

    /// Whether the text shows the task's input. If not, the caller appends it with
    /// [`append_input`](Self::append_input), except for arrays.
    pub fn uses_input(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Hole { placeholder, .. } if placeholder.uses_input()))
    }

    /// Adds the input as the last word of the last command; white space at the end, newlines included, is dropped.
    ///
    /// # Errors
    ///
    /// [`AppendError`], when the input would not become an argument there. The text is then unchanged.
    pub fn append_input(&mut self) -> Result<(), AppendError> {
        let blank = match self.end {
            End::Word { blank } => blank,
            End::Operator(byte) => return Err(AppendError::AfterOperator(byte)),
            End::Comment => return Err(AppendError::AfterComment),
            End::Nothing => return Err(AppendError::NoCommand),
            End::Unknown(lost) => return Err(AppendError::Unknown(lost)),
        };
        // White space after the last word is literal, so the last part holds all of it.
        if let Some(Part::Literal(bytes)) = self.parts.last_mut() {
            bytes.truncate(bytes.len() - blank);
        }
        self.parts.push(Part::Literal(b" ".to_vec()));
        self.parts.push(Part::Hole { placeholder: Placeholder::Input, place: Place::Plain });
        self.end = End::Word { blank: 0 };
        Ok(())
    }

    /// The text of one task, for `sh -c`.
    ///
    /// # Errors
    ///
    /// [`RenderError`], when the input cannot stand where the text wants it.
    pub fn render(&self, input: &Input<'_>) -> Result<Vec<u8>, RenderError> {
        let mut text = Vec::new();
        self.render_into(input, &mut text)?;
        Ok(text)
    }

    /// Like [`render`](Self::render), but keeps the buffer that `text` holds from the task before. After an error the
    /// buffer holds part of a text and must not be run.
    ///
    /// # Errors
    ///
    /// As [`render`](Self::render).
    pub fn render_into(&self, input: &Input<'_>, text: &mut Vec<u8>) -> Result<(), RenderError> {
        text.clear();
        for part in &self.parts {
            match part {
                Part::Literal(bytes) => text.extend_from_slice(bytes),
                Part::Hole { placeholder, place } => {
                    placeholder.with_value(input, |value| insert(value, *place, text))?;
                }
            }
        }
        Ok(())
    }
}

fn insert(value: &[u8], place: Place, text: &mut Vec<u8>) -> Result<(), RenderError> {
    if let Some(at) = value.iter().position(|&b| b == 0) {
        return Err(RenderError::Nul { at });
    }
    match place {
        Place::Plain => surrounded(value, b"'", b"'", text),
        Place::SingleQuotes => surrounded(value, b"", b"", text),
        Place::DoubleQuotes => surrounded(value, b"\"'", b"'\"", text),
        Place::Arithmetic => return insert_number(value, text),
    }
    Ok(())
}

/// Inside single quotes a shell gives meaning to nothing but the closing one.
fn surrounded(value: &[u8], before: &[u8], after: &[u8], text: &mut Vec<u8>) {
    text.extend_from_slice(before);
    for (count, piece) in value.split(|&b| b == b'\'').enumerate() {
        if count > 0 {
            text.extend_from_slice(b"'\\''");
        }
        text.extend_from_slice(piece);
    }
    text.extend_from_slice(after);
}

fn insert_number(value: &[u8], text: &mut Vec<u8>) -> Result<(), RenderError> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(RenderError::NotANumber { value: value.to_vec() });
    }
    if digits.len() < value.len() {
        // `3-{}` must not turn into the operator `--`.
        text.push(b'(');
        text.extend_from_slice(value);
        text.push(b')');
    } else {
        text.extend_from_slice(value);
    }
    Ok(())
}
