//! A command that runs in `sh -c`, with its replacement strings quoted so that no input can become syntax.
//!
//! GNU parallel quotes an input as if it stood outside quotes and inserts it wherever the placeholder is, so `"{}"`
//! comes out with stray backslashes and `'{}'` can be broken out of. Here `shell_scan.rs` finds out
//! how `sh` will read each place, and rendering fits the bytes to it:
//!
//! | the placeholder stands | what replaces it, for the input `it's` |
//! |---|---|
//! | outside quotes, also inside `$(...)` | `'it'\''s'`: always one word, or part of one; `its` stays bare where that is the same |
//! | inside `'...'` | `it'\''s`: the quotes around it are the text's own |
//! | inside `"..."` | `"'it'\''s'"`: the double quotes close and open again; so nothing expands, and a variable name in front does not grow |
//! | inside `$((...))` | the number itself, in parentheses if negative; an input that is no whole number is an error |
//! | in a comment, or behind a backslash (`\{}`) | nothing: it stays as it is |
//! | in or after what shells read differently | nothing: the text is refused when it is parsed, with a way out |
//!
//! Of several fields outside quotes each is quoted, with a space between them; elsewhere they are joined by spaces and
//! go in as one. If repeating was asked for (`-X`), a word that shows all fields comes once for each.
//!
//! The safety holds for the shell that reads the text. A program that interprets an argument again (`sh -c`, `eval`,
//! `ssh`, `awk`, arithmetic in `[[ ]]`) receives the input as part of its own program; `"$DIVVY_INPUT"`, read there,
//! is safe at any depth. Aliases that hold half a quote are not followed.

use super::placeholder::{Input, Placeholder};
use super::shell_scan;
use super::spelling::Spelling;

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
    Hole {
        placeholder: Placeholder,
        place: Place,
        bare: Bare,
    },
    /// Here a word starts, and at the next mark, if that is its end, it is whole: it may be repeated.
    Start,
    /// Here a word ends.
    End,
}

/// How the shell reads the place where a placeholder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Plain,
    /// Outside quotes, behind `name=`: several fields stay one word, since the second would be run as a command.
    Assigned,
    SingleQuotes,
    DoubleQuotes,
    Arithmetic,
}

/// Whether an input of plain characters may stand outside quotes without quotes of its own. Nothing hangs on it but how
/// the command reads where it is shown: `exit 1`, not `exit '1'`, in a job log, as in GNU parallel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bare {
    /// What stands beside it could make something else of it: `{}>file` must not become `2>file`.
    Never,
    /// It is the whole word.
    Alone,
    /// A letter stands beside it, with which it could be a reserved word.
    Joined,
    /// It is part of a word that is no reserved one.
    Within,
}

impl Bare {
    fn allows(self, value: &[u8]) -> bool {
        if value.is_empty() || !value.iter().all(|b| is_plain(*b)) {
            return false;
        }
        // Reserved words are made of small letters alone.
        let is_small = value.iter().all(u8::is_ascii_lowercase);
        match self {
            Bare::Never => false,
            Bare::Alone => !(is_small && RESERVED.contains(&value)),
            Bare::Joined => !is_small,
            Bare::Within => true,
        }
    }
}

/// Whether a byte is an ordinary one everywhere in a word.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./,:@%+".contains(&byte)
}

/// What a shell does not take for the name of a command.
const RESERVED: [&[u8]; 17] = [
    b"case",
    b"coproc",
    b"do",
    b"done",
    b"elif",
    b"else",
    b"esac",
    b"fi",
    b"for",
    b"function",
    b"if",
    b"in",
    b"select",
    b"then",
    b"time",
    b"until",
    b"while",
];

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
    /// Finds the replacement strings in `text`, written like this, and how `sh` reads the places where they stand.
    /// With `repeat`, a word that shows all fields comes once for each.
    ///
    /// # Errors
    ///
    /// [`ShellError`], when one of them could not be filled in safely, or when `sh` could not read the text at all.
    pub fn new(text: &[u8], spelling: &Spelling, repeat: bool) -> Result<Self, ShellError> {
        shell_scan::scan(text, spelling, repeat)
    }

    /// Whether the text holds a placeholder, if only `{#}`. If not, the caller appends the input with
    /// [`append_input`](Self::append_input), except for arrays.
    pub fn has_placeholder(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hole { .. }))
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
        self.parts.push(Part::Hole {
            placeholder: Placeholder::INPUT,
            place: Place::Plain,
            bare: Bare::Alone,
        });
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
        let mut at = 0;
        while let Some(part) = self.parts.get(at) {
            let word = self.repeated(at);
            if word.is_empty() {
                part.write(input, input, &mut text)?;
                at += 1;
                continue;
            }
            for (nth, field) in input.fields.iter().enumerate() {
                if nth > 0 {
                    text.push(b' ');
                }
                let alone = Input { fields: &[field], ..*input };
                word.iter().try_for_each(|part| part.write(&alone, input, &mut text))?;
            }
            at += word.len();
        }
        Ok(text)
    }

    /// The word that starts at this part, if it is one to be repeated; else nothing.
    fn repeated(&self, at: usize) -> &[Part] {
        let [Part::Start, rest @ ..] = &self.parts[at..] else { return &[] };
        let len = rest.iter().position(|part| matches!(part, Part::Start | Part::End));
        let Some(len) = len.filter(|len| rest[*len] == Part::End) else { return &[] };
        let shows_all =
            |part: &Part| matches!(part, Part::Hole { placeholder, .. } if placeholder.is_all_fields());
        if rest[..len].iter().any(shows_all) { &self.parts[at..at + 1 + len] } else { &[] }
    }
}

impl Part {
    fn write(&self, all: &Input<'_>, numbered: &Input<'_>, text: &mut Vec<u8>) -> Result<(), RenderError> {
        match self {
            Part::Literal(bytes) => text.extend_from_slice(bytes),
            Part::Hole { placeholder, place, bare } => {
                let input = if placeholder.is_all_fields() { all } else { numbered };
                return fill(*placeholder, *place, *bare, input, text);
            }
            Part::Start | Part::End => {}
        }
        Ok(())
    }
}

fn fill(
    placeholder: Placeholder,
    place: Place,
    bare: Bare,
    input: &Input<'_>,
    text: &mut Vec<u8>,
) -> Result<(), RenderError> {
    if place != Place::Plain && placeholder.is_all_fields() && input.fields.len() != 1 {
        let mut joined = Vec::new();
        placeholder.write_joined(input, &mut joined);
        return insert(&joined, place, bare, text);
    }
    let mut is_first = true;
    placeholder.values(input, |value| {
        if !std::mem::take(&mut is_first) {
            text.push(b' ');
        }
        insert(value, place, bare, text)
    })
}

fn insert(value: &[u8], place: Place, bare: Bare, text: &mut Vec<u8>) -> Result<(), RenderError> {
    if let Some(at) = value.iter().position(|&b| b == 0) {
        return Err(RenderError::Nul { at });
    }
    match place {
        Place::Plain | Place::Assigned if bare.allows(value) => text.extend_from_slice(value),
        Place::Plain | Place::Assigned => surrounded(value, b"'", b"'", text),
        Place::SingleQuotes => surrounded(value, b"", b"", text),
        Place::DoubleQuotes => surrounded(value, b"\"'", b"'\"", text),
        Place::Arithmetic => return insert_number(value, text),
    }
    Ok(())
}

/// A word as a shell has to read it to get these bytes.
pub fn quoted(word: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(word.len() + 2);
    surrounded(word, b"'", b"'", &mut text);
    text
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
