//! What keeps a command from being started without a shell: the causes and their messages.

use std::fmt;

use super::shown::{Shown, ShownByte};
use super::words::Word;

/// Why a command cannot be started without a shell. Every `at` is a byte offset from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordsError {
    /// A byte that a shell would act on.
    Syntax {
        /// The byte.
        byte: u8,
        /// Where it is.
        at: usize,
        /// Inside double quotes only `$` and the backtick are syntax, and the way out differs.
        in_double_quotes: bool,
    },
    /// The first word is a keyword or builtin of the shell, not a program.
    Builtin {
        /// The word.
        word: Word,
        /// Where it starts.
        at: usize,
    },
    /// A `NAME=value` before the command.
    Assignment {
        /// The name.
        name: Vec<u8>,
        /// Where it starts.
        at: usize,
    },
    /// A quote without its partner, or a backslash at the very end.
    Unterminated {
        /// `'`, `"` or `\`.
        opener: u8,
        /// Where it is.
        at: usize,
    },
    /// A NUL byte, which no program can receive in an argument.
    Nul {
        /// Where it is.
        at: usize,
    },
    /// There is no program to start: no words at all, or an empty first one.
    Empty,
}

/// What a shell does on seeing the byte, for the message.
fn meaning(byte: u8) -> &'static str {
    match byte {
        b'|' => "it connects commands",
        b'&' => "it runs commands in the background or joins them",
        b';' | b'\n' => "it separates commands",
        b'<' => "it redirects input",
        b'>' => "it redirects output",
        b'(' | b')' => "it groups commands",
        b'$' => "it expands a variable or a command",
        b'`' => "it runs a command and inserts its output",
        b'*' | b'?' | b'[' => "it matches file names",
        b'~' => "it expands to a home directory",
        b'#' => "it starts a comment",
        b'{' | b'}' => {
            "it belongs to a brace expansion; the replacement strings are {} {.} {/} {//} {/.} {#} {%}"
        }
        _ => "it is special",
    }
}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WordsError::Syntax { byte, at, in_double_quotes } => {
                let (place, way_out) = if *in_double_quotes {
                    (" inside double quotes", "put it in single quotes")
                } else {
                    ("", "quote it")
                };
                let (byte, meaning, at) = (ShownByte(*byte), meaning(*byte), at + 1);
                write!(f, "{byte} at byte {at}{place} is shell syntax ({meaning}): ")?;
                write!(f, "add --shell to run it in sh, or {way_out}")
            }
            WordsError::Builtin { word, at } => write!(
                f,
                "{} at byte {} is a shell builtin or keyword, not a program: add --shell to run it in sh, \
                 or quote it if a program of that name is meant",
                Shown(word),
                at + 1
            ),
            WordsError::Assignment { name, at } => write!(
                f,
                "{} at byte {} sets a shell variable: add --shell to run it in sh, or put `env` in front of it",
                Shown(&[name, b"=".as_slice()].concat()),
                at + 1
            ),
            WordsError::Unterminated { opener: b'\\', at } => write!(
                f,
                "the backslash at byte {} has nothing to escape: remove it, or write it twice to mean a backslash",
                at + 1
            ),
            WordsError::Unterminated { opener, at } => write!(
                f,
                "the quote {} at byte {} is never closed: close it, or put a backslash in front to mean the character",
                ShownByte(*opener),
                at + 1
            ),
            WordsError::Nul { at } => {
                write!(f, "a NUL byte at byte {} cannot be passed to a program: remove it", at + 1)
            }
            WordsError::Empty => f.write_str("the command is empty: name the program to start"),
        }
    }
}

impl std::error::Error for WordsError {}
