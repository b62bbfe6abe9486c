//! What the replacement strings `{} {.} {/} {//} {/.} {#} {%}`, their numbered forms and those of `--plus` stand for.
//! How they are written is [`super::spelling`]'s.
//!
//! The meanings are GNU parallel's: `{.}` removes what `\.[^/.]*$` matches, so `.bashrc` becomes empty and `a.b/c`
//! stays; `{/}` is what follows the last slash, so `dir/` becomes empty; `{//}` is Perl's `dirname`.
//!
//! A task has fields: one for a plain input, several where there are several sources, columns or inputs to a task, none
//! where the record is not an argument (`-N0`, `--pipe`). `{2}` is the second, `{-1}` the last, `{}` all of them. A
//! number beyond them stands for nothing, as in GNU parallel; where it is certain how many there will be it is an error
//! when the command is read.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::paths;
use super::shown::Shown;

/// What one replacement string stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placeholder {
    /// What of a field, or what else.
    pub part: Part,
    /// Which field, from 1, or from -1 backwards; `None`: all.
    pub position: Option<i64>,
}

/// What of a field a placeholder shows, or what else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// `{}`: the field.
    Whole,
    /// `{.}`: without the extension of its last path component; `{..}` and `{...}`: without two and three.
    NoExtension(u8),
    /// `{/}`: what follows the last slash.
    Basename,
    /// `{//}`: the directory, `.` when there is none.
    Dirname,
    /// `{/.}`: the basename without its extension; `{/..}` and `{/...}`: without two and three.
    BasenameNoExtension(u8),
    /// `{+.}`: the extension; `{+..}` and `{+...}`: the last two and three.
    Extension(u8),
    /// `{+/}`: the directory, empty when there is none.
    BeforeSlash,
    /// `{#}`: the task's id.
    TaskId,
    /// `{%}`: the number of the worker slot, from 1.
    Slot,
}

/// What a task puts in place of the placeholders.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The task's fields, any bytes.
    pub fields: &'a [&'a [u8]],
    /// The task's id as users see it.
    pub id: u64,
    /// The worker slot that runs the task, from 1.
    pub slot: u32,
}

impl Part {
    /// Whether the task's input shows through.
    pub fn uses_input(self) -> bool {
        !matches!(self, Part::TaskId | Part::Slot)
    }

    fn of(self, field: &[u8]) -> &[u8] {
        match self {
            Part::Whole => field,
            Part::NoExtension(count) => paths::no_extensions(field, count.into()),
            Part::Basename => paths::basename(field),
            Part::Dirname => paths::dirname(field),
            Part::BasenameNoExtension(count) => paths::no_extensions(paths::basename(field), count.into()),
            Part::Extension(count) => paths::extensions(field, count.into()),
            Part::BeforeSlash => paths::before_slash(field),
            Part::TaskId | Part::Slot => b"",
        }
    }
}

impl Placeholder {
    /// All fields, as they are.
    pub const INPUT: Placeholder = Placeholder { part: Part::Whole, position: None };

    /// Whether the task's input shows through, so that a command holding it needs no input appended.
    pub fn uses_input(self) -> bool {
        self.part.uses_input()
    }

    /// Whether it stands for all fields, however many there are.
    pub fn is_all_fields(self) -> bool {
        self.position.is_none() && self.uses_input()
    }

    /// The values to put in place: one, or one for each field where it stands for all, or none for a field that is not
    /// there. Each is given to `write` as one
    /// slice, so that no caller needs a buffer of its own.
    ///
    /// # Errors
    /// The first that `write` returns.
    pub(super) fn values<E>(
        self,
        input: &Input<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match (self.part, self.position) {
            (Part::TaskId, _) => write(decimal(input.id, &mut [0; 20])),
            (Part::Slot, _) => write(decimal(u64::from(input.slot), &mut [0; 20])),
            (part, None) => input.fields.iter().try_for_each(|field| write(part.of(field))),
            (part, Some(position)) => {
                let index = if position > 0 { position - 1 } else { input.fields.len() as i64 + position };
                let field = usize::try_from(index).ok().and_then(|index| input.fields.get(index));
                field.map_or(Ok(()), |field| write(part.of(field)))
            }
        }
    }

    /// Appends the values to `text`, with a space between them.
    pub(super) fn write_joined(self, input: &Input<'_>, text: &mut Vec<u8>) {
        let mut is_first = true;
        let Ok(()) = self.values(input, |value| {
            if !std::mem::take(&mut is_first) {
                text.push(b' ');
            }
            text.extend_from_slice(value);
            Ok::<(), std::convert::Infallible>(())
        });
    }
}

/// A number that names no field of the task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPosition {
    /// The placeholder as written, braces included.
    pub text: Vec<u8>,
    /// How many fields a task has.
    pub fields: u32,
}

impl fmt::Display for BadPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number: String =
            self.text.iter().filter(|b| b.is_ascii_digit()).map(|&b| char::from(b)).collect();
        write!(f, "{} asks for input {number}, but a task has ", Shown(&self.text))?;
        match self.fields {
            1 => f.write_str("one input: use {} or {1}")?,
            fields => write!(f, "{fields} inputs: use {{}} or {{1}} to {{{fields}}}")?,
        }
        // The likeliest clash is a quantifier such as [0-9]{4}.
        if self.text.len() == number.len() + 2 {
            write!(f, "; if it belongs to a regular expression, write {{{number},{number}}}")?;
        }
        Ok(())
    }
}

fn decimal(mut value: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            return &buffer[start..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Input, `{.}`, `{/}`, `{//}`, `{/.}`; checked against Perl with the expressions GNU parallel documents.
    const PATHS: &[[&[u8]; 5]] = &[
        [b"a", b"a", b"a", b".", b"a"],
        [b"a.txt", b"a", b"a.txt", b".", b"a"],
        [b"d/a.txt", b"d/a", b"a.txt", b"d", b"a"],
        [b"a.tar.gz", b"a.tar", b"a.tar.gz", b".", b"a.tar"],
        [b"a.b/c", b"a.b/c", b"c", b"a.b", b"c"],
        [b".bashrc", b"", b".bashrc", b".", b""],
        [b"d/.bashrc", b"d/", b".bashrc", b"d", b""],
        [b"a.", b"a", b"a.", b".", b"a"],
        [b".", b"", b".", b".", b""],
        [b"..", b".", b"..", b".", b"."],
        [b"", b"", b"", b".", b""],
        [b"/", b"/", b"", b"/", b""],
        [b"//", b"//", b"", b"/", b""],
        [b"/a", b"/a", b"a", b"/", b"a"],
        [b"//a", b"//a", b"a", b"/", b"a"],
        [b"a/", b"a/", b"", b".", b""],
        [b"a//", b"a//", b"", b".", b""],
        [b"a/b/", b"a/b/", b"", b"a", b""],
        [b"a/b//", b"a/b//", b"", b"a", b""],
        [b"a//b", b"a//b", b"b", b"a", b"b"],
        [b"/a/b", b"/a/b", b"b", b"/a", b"b"],
        [b"a.d/", b"a.d/", b"", b".", b""],
        [b"a b/c d.e f", b"a b/c d", b"c d.e f", b"a b", b"c d"],
        [b"\xff/\xfe.\xfd", b"\xff/\xfe", b"\xfe.\xfd", b"\xff", b"\xfe"],
        [b"a.x\n", b"a", b"a.x\n", b".", b"a"],
        [b"a.x\ny", b"a", b"a.x\ny", b".", b"a"],
    ];

    fn joined(part: Part, position: Option<i64>, fields: &[&[u8]]) -> Vec<u8> {
        let mut text = Vec::new();
        Placeholder { part, position }.write_joined(&Input { fields, id: 7, slot: 2 }, &mut text);
        text
    }

    fn value(part: Part, input: &[u8]) -> Vec<u8> {
        joined(part, None, &[input])
    }

    #[test]
    fn paths_are_taken_apart_as_gnu_parallel_does() {
        for &[input, no_extension, basename, dirname, both] in PATHS {
            let shown = input.escape_ascii().to_string();
            assert_eq!(value(Part::Whole, input), input, "{{}} of {shown}");
            assert_eq!(value(Part::NoExtension(1), input), no_extension, "{{.}} of {shown}");
            assert_eq!(value(Part::Basename, input), basename, "{{/}} of {shown}");
            assert_eq!(value(Part::Dirname, input), dirname, "{{//}} of {shown}");
            assert_eq!(value(Part::BasenameNoExtension(1), input), both, "{{/.}} of {shown}");
        }
    }

    #[test]
    fn a_newline_in_a_directory_does_not_confuse_the_basename() {
        assert_eq!(value(Part::Basename, b"a\nb/c.d"), b"c.d");
        assert_eq!(value(Part::BasenameNoExtension(1), b"a/b\nc/d.e"), b"d");
    }

    #[test]
    fn several_extensions_are_all_or_none() {
        use Part::*;
        for (input, two_less, three_less, two, one, before) in [
            ("a/b.c.d.e", "a/b.c", "a/b", "d.e", "e", "a"),
            ("b.c", "b.c", "b.c", "", "c", ""),
            ("a.d/x", "a.d/x", "a.d/x", "", "", "a.d"),
            ("d/", "d/", "d/", "", "", "d"),
            ("/x", "/x", "/x", "", "", ""),
        ] {
            let is = |part, expected: &str| {
                assert_eq!(value(part, input.as_bytes()), expected.as_bytes(), "{part:?} of {input}");
            };
            is(NoExtension(2), two_less);
            is(NoExtension(3), three_less);
            is(Extension(2), two);
            is(Extension(1), one);
            is(BeforeSlash, before);
        }
    }

    #[test]
    fn a_position_names_one_field_from_either_end() {
        let fields: &[&[u8]] = &[b"a/b.c", b"x y"];
        assert_eq!(joined(Part::Whole, None, fields), b"a/b.c x y");
        assert_eq!(joined(Part::Basename, Some(1), fields), b"b.c");
        assert_eq!(joined(Part::Whole, Some(2), fields), b"x y");
        assert_eq!(joined(Part::NoExtension(1), Some(-2), fields), b"a/b");
        for beyond in [3, -3, i64::MAX, i64::MIN] {
            assert_eq!(joined(Part::Whole, Some(beyond), fields), b"");
        }
        assert_eq!(joined(Part::Whole, None, &[]), b"");
    }

    #[test]
    fn numbers_are_decimal() {
        for (id, text) in [(0, "0"), (9, "9"), (10, "10"), (u64::MAX, "18446744073709551615")] {
            let input = Input { fields: &[], id, slot: u32::MAX };
            let mut shown = Vec::new();
            Placeholder { part: Part::TaskId, position: None }.write_joined(&input, &mut shown);
            shown.push(b'/');
            Placeholder { part: Part::Slot, position: None }.write_joined(&input, &mut shown);
            assert_eq!(shown, format!("{text}/4294967295").into_bytes());
        }
    }

    #[test]
    fn bad_positions_say_what_to_do() {
        let message = |text: &[u8], fields| BadPosition { text: text.to_vec(), fields }.to_string();
        assert_eq!(
            message(b"{2}", 1),
            "`{2}` asks for input 2, but a task has one input: use {} or {1}; \
             if it belongs to a regular expression, write {2,2}"
        );
        assert_eq!(message(b"{2/}", 1), "`{2/}` asks for input 2, but a task has one input: use {} or {1}");
        assert_eq!(
            message(b"{3/}", 2),
            "`{3/}` asks for input 3, but a task has 2 inputs: use {} or {1} to {2}"
        );
    }
}
