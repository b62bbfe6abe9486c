//! What can be wrong with a shell text, with appending to it and with filling it in: the causes and their messages.

use std::fmt;

use super::placeholder::BadPosition;
use super::shown::{Shown, ShownByte};

/// Why divvy cannot say how `sh` reads the rest of the text. Shells disagree on each of these, or nest one language
/// in another; guessing wrong would let an input out of its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// A backtick: what is inside is unescaped before it is read.
    Backtick,
    /// A here-document: its text is no shell syntax.
    HereDocument,
    /// `case` inside `$(...)`: its `)` look like the end of the substitution.
    CaseInSubstitution,
    /// A `${...}` with quotes or expansions in it.
    Parameter,
    /// A `$((...))` with quotes or expansions other than `$name` in it, `$[...]`, or a `((...))` command.
    Arithmetic,
    /// `$'...'`, which is two things in two shells.
    DollarQuote,
    /// `$$` with a bracket or quote behind it, which bash does not always read as the process id.
    DoubleDollar,
    /// A parenthesis right behind a word, such as an array: no syntax of `sh`.
    Parenthesis,
    /// A line continuation in the middle of an operator, or of a word inside `$(...)`.
    Continuation,
}

/// Why a text cannot be used. Every `at` is a byte offset from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellError {
    /// A placeholder in or after something that shells read differently.
    Unsafe {
        /// The placeholder as written.
        text: Vec<u8>,
        /// Where it is.
        at: usize,
        /// What stands in the way.
        lost: Lost,
        /// Where that is.
        lost_at: usize,
    },
    /// A placeholder directly after `$`, which would name a variable.
    AfterDollar {
        /// The placeholder as written.
        text: Vec<u8>,
        /// Where it is.
        at: usize,
    },
    /// A placeholder in `$((...))` that continues a name or number.
    Glued {
        /// The placeholder as written.
        text: Vec<u8>,
        /// Where it is.
        at: usize,
    },
    /// A numbered placeholder for an input that tasks do not have.
    Position {
        /// Where it is.
        at: usize,
        /// What is wrong.
        cause: BadPosition,
    },
    /// A quote, `$(` or `$((` that is never closed, or a backslash at the very end.
    Unterminated {
        /// What opens.
        opener: &'static str,
        /// Where it is.
        at: usize,
    },
    /// A NUL byte, which no program can receive in an argument.
    Nul {
        /// Where it is.
        at: usize,
    },
}

/// Why the input cannot be appended to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The text ends in an operator; the input would run as a command.
    AfterOperator(u8),
    /// The text ends in a comment; the input would be part of it.
    AfterComment,
    /// The text holds no command.
    NoCommand,
    /// Where the last command ends cannot be said.
    Unknown(Lost),
}

/// Why one task's text cannot be made. The task fails; the others are not affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderError {
    /// The input holds a NUL byte at this offset of what would be inserted.
    Nul {
        /// Byte offset.
        at: usize,
    },
    /// A placeholder in `$((...))`, and an input that is no whole number.
    NotANumber {
        /// What would be inserted.
        value: Vec<u8>,
    },
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lost::Backtick => "a backtick (write $(...) instead)",
            Lost::HereDocument => "a here-document (use \"$DIVVY_INPUT\" in it, or printf '%s' {} | ...)",
            Lost::CaseInSubstitution => {
                "a `case` inside $(...) (use \"$DIVVY_INPUT\", or move it to a script)"
            }
            Lost::Parameter => {
                "a ${...} with quotes or expansions in it (assign x={} in front and use \"$x\")"
            }
            Lost::Arithmetic => {
                "arithmetic with quotes, braces or nesting in it (assign x={} in front and use $((x)))"
            }
            Lost::DollarQuote => "$'...', which shells read differently (use printf, or plain quotes)",
            Lost::DoubleDollar => {
                "$$ directly in front of a bracket or quote (write x=$$ in front and use \"$x\")"
            }
            Lost::Parenthesis => "a parenthesis right behind a word (sh has no arrays; put a space in front)",
            Lost::Continuation => "a line continuation inside an operator or word (join the lines)",
        })
    }
}

impl fmt::Display for ShellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShellError::Unsafe { text, at, lost, lost_at } => write!(
                f,
                "{} at byte {} cannot be filled in safely: it stands in or after {lost} at byte {}",
                Shown(text),
                at + 1,
                lost_at + 1
            ),
            ShellError::AfterDollar { text, at } => write!(
                f,
                "{} at byte {} stands directly after a dollar sign and would name a variable: \
                 put the dollar sign in single quotes, or assign x={{}} in front and use \"$x\"",
                Shown(text),
                at + 1
            ),
            ShellError::Glued { text, at } => write!(
                f,
                "{} at byte {} continues a name or number inside $((...)): put an operator or a space between them",
                Shown(text),
                at + 1
            ),
            ShellError::Position { at, cause } => write!(f, "{cause} (byte {} of the command)", at + 1),
            ShellError::Unterminated { opener: "\\", at } => {
                write!(f, "the backslash at byte {} has nothing to escape: remove it", at + 1)
            }
            ShellError::Unterminated { opener, at } => {
                write!(f, "the {opener} at byte {} is never closed: close it, or quote it", at + 1)
            }
            ShellError::Nul { at } => {
                write!(f, "a NUL byte at byte {} cannot be passed to sh: remove it", at + 1)
            }
        }
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::AfterOperator(byte) => write!(
                f,
                "the command ends in {}, and an input added there would run as a command: write {{}} where it belongs",
                ShownByte(*byte)
            ),
            AppendError::AfterComment => f.write_str(
                "the command ends in a comment, which would swallow the input: write {} where it belongs",
            ),
            AppendError::NoCommand => f.write_str("the command is empty: name the program to start"),
            AppendError::Unknown(lost) => write!(
                f,
                "the input cannot be added at the end because of {lost}: write {{}} in front of that, \
                 or use \"$DIVVY_INPUT\""
            ),
        }
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RenderError::Nul { at } => {
                write!(f, "the input contains a NUL byte (byte {}), which no program can receive", at + 1)
            }
            RenderError::NotANumber { value } => write!(
                f,
                "{} is no whole number, but its placeholder stands in $((...)): give numbers as inputs, \
                 or move the placeholder",
                Shown(value)
            ),
        }
    }
}

impl std::error::Error for ShellError {}
impl std::error::Error for AppendError {}
impl std::error::Error for RenderError {}
