//! The replacement strings `{} {.} {/} {//} {/.} {#} {%}` and their numbered forms: how they are spelled and what
//! they stand for.
//!
//! The meanings are GNU parallel's: `{.}` removes what `\.[^/.]*$` matches, so `.bashrc` becomes empty and `a.b/c`
//! stays; `{/}` is what follows the last slash, so `dir/` becomes empty; `{//}` is Perl's `dirname`. One difference is
//! deliberate: Perl's `.` does not match a newline, so GNU parallel finds the wrong basename when a directory's name
//! holds one, and divvy does not.
//!
//! A task has one input for now. `{1}` and its variants therefore mean the same as `{}`, as does `{-1}` (the last
//! input), and every other number is an error where the command is read.

use std::fmt;

use super::shown::Shown;

/// What one replacement string stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// `{}`: the input.
    Input,
    /// `{.}`: the input without the extension of its last path component.
    NoExtension,
    /// `{/}`: what follows the last slash.
    Basename,
    /// `{//}`: the directory, `.` when there is none.
    Dirname,
    /// `{/.}`: the basename without its extension.
    BasenameNoExtension,
    /// `{#}`: the task's id.
    TaskId,
    /// `{%}`: the number of the worker slot, from 1.
    Slot,
}

/// What a task puts in place of the placeholders.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The task's input, any bytes.
    pub input: &'a [u8],
    /// The task's id as users see it.
    pub id: u64,
    /// The worker slot that runs the task, from 1.
    pub slot: u32,
}

impl Placeholder {
    /// Whether the task's input shows through, so that a command holding it needs no input appended.
    pub fn uses_input(self) -> bool {
        !matches!(self, Placeholder::TaskId | Placeholder::Slot)
    }

    /// The bytes to put in place, given to `write` as one slice so that no caller needs a buffer of its own.
    pub(super) fn with_value<T>(self, input: &Input<'_>, write: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Placeholder::Input => write(input.input),
            Placeholder::NoExtension => write(no_extension(input.input)),
            Placeholder::Basename => write(basename(input.input)),
            Placeholder::Dirname => write(dirname(input.input)),
            Placeholder::BasenameNoExtension => write(no_extension(basename(input.input))),
            Placeholder::TaskId => write(decimal(input.id, &mut [0; 20])),
            Placeholder::Slot => write(decimal(u64::from(input.slot), &mut [0; 20])),
        }
    }
}

/// A placeholder as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) placeholder: Placeholder,
    /// How many bytes it takes, braces included.
    pub(super) len: usize,
    /// The number in `{2}` and `{-1}`, saturated; 0 for `{0}`.
    pub(super) position: Option<i64>,
}

impl Found {
    /// Whether the number, if there is one, names the only input a task has.
    pub(super) fn names_the_input(&self) -> bool {
        matches!(self.position, None | Some(1) | Some(-1))
    }
}

/// The placeholder that `text` starts with, if it does.
pub(super) fn at_start(text: &[u8]) -> Option<Found> {
    let inner = text.strip_prefix(b"{")?;
    let (position, number_len) = number(inner);
    let rest = &inner[number_len..];
    let (placeholder, suffix_len) = match rest {
        [b'}', ..] => (Placeholder::Input, 0),
        [b'.', b'}', ..] => (Placeholder::NoExtension, 1),
        [b'/', b'}', ..] => (Placeholder::Basename, 1),
        [b'/', b'/', b'}', ..] => (Placeholder::Dirname, 2),
        [b'/', b'.', b'}', ..] => (Placeholder::BasenameNoExtension, 2),
        [b'#', b'}', ..] if position.is_none() => (Placeholder::TaskId, 1),
        [b'%', b'}', ..] if position.is_none() => (Placeholder::Slot, 1),
        _ => return None,
    };
    Some(Found { placeholder, len: 2 + number_len + suffix_len, position })
}

/// The next placeholder at or after `from`, with its offset.
pub(super) fn find(text: &[u8], from: usize) -> Option<(usize, Found)> {
    (from..text.len()).find_map(|at| at_start(&text[at..]).map(|found| (at, found)))
}

/// A number that names no input of the task. `text` is the placeholder as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPosition {
    /// The placeholder as written, braces included.
    pub text: Vec<u8>,
}

impl BadPosition {
    pub(super) fn new(text: &[u8], at: usize, found: &Found) -> Self {
        BadPosition { text: text[at..at + found.len].to_vec() }
    }
}

impl fmt::Display for BadPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number: String =
            self.text.iter().filter(|b| b.is_ascii_digit()).map(|&b| char::from(b)).collect();
        write!(
            f,
            "{} asks for input {number}, but a task has one input: use {{}} or {{1}}",
            Shown(&self.text)
        )?;
        // The likeliest clash is a quantifier such as [0-9]{4}.
        if self.text.len() == number.len() + 2 {
            write!(f, "; if it belongs to a regular expression, write {{{number},{number}}}")?;
        }
        Ok(())
    }
}

/// An optional sign and digits at the start, and how many bytes they take. A lone sign takes none.
fn number(text: &[u8]) -> (Option<i64>, usize) {
    let sign_len = usize::from(text.first() == Some(&b'-'));
    let digits = text[sign_len..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return (None, 0);
    }
    let len = sign_len + digits;
    let value = text[sign_len..len]
        .iter()
        .fold(0i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    (Some(if sign_len == 1 { -value } else { value }), len)
}

fn no_extension(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&b| b == b'.' || b == b'/') {
        Some(at) if path[at] == b'.' => &path[..at],
        _ => path,
    }
}

fn basename(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&b| b == b'/').map_or(path, |slash| &path[slash + 1..])
}

/// Perl's `File::Basename::dirname`: slashes at the end do not count as a component, and the root stays `/`.
fn dirname(path: &[u8]) -> &[u8] {
    let Some(slash) = strip_slashes(path).iter().rposition(|&b| b == b'/') else {
        return if path.first() == Some(&b'/') { b"/" } else { b"." };
    };
    strip_slashes(&path[..=slash])
}

/// Without the slashes at the end, but never shorter than one byte.
fn strip_slashes(path: &[u8]) -> &[u8] {
    let len = path.iter().rposition(|&b| b != b'/').map_or(1, |last| last + 1);
    &path[..len.min(path.len())]
}

pub(crate) fn decimal(mut value: u64, buffer: &mut [u8; 20]) -> &[u8] {
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

    fn value(placeholder: Placeholder, input: &[u8]) -> Vec<u8> {
        placeholder.with_value(&Input { input, id: 7, slot: 2 }, <[u8]>::to_vec)
    }

    #[test]
    fn paths_are_taken_apart_as_gnu_parallel_does() {
        for &[input, no_extension, basename, dirname, both] in PATHS {
            let shown = input.escape_ascii().to_string();
            assert_eq!(value(Placeholder::Input, input), input, "{{}} of {shown}");
            assert_eq!(value(Placeholder::NoExtension, input), no_extension, "{{.}} of {shown}");
            assert_eq!(value(Placeholder::Basename, input), basename, "{{/}} of {shown}");
            assert_eq!(value(Placeholder::Dirname, input), dirname, "{{//}} of {shown}");
            assert_eq!(value(Placeholder::BasenameNoExtension, input), both, "{{/.}} of {shown}");
        }
    }

    #[test]
    fn a_newline_in_a_directory_does_not_confuse_the_basename() {
        assert_eq!(value(Placeholder::Basename, b"a\nb/c.d"), b"c.d");
        assert_eq!(value(Placeholder::BasenameNoExtension, b"a/b\nc/d.e"), b"d");
    }

    #[test]
    fn numbers_are_decimal() {
        for (id, text) in [(0, "0"), (9, "9"), (10, "10"), (u64::MAX, "18446744073709551615")] {
            let input = Input { input: b"", id, slot: u32::MAX };
            assert_eq!(Placeholder::TaskId.with_value(&input, <[u8]>::to_vec), text.as_bytes());
            assert_eq!(Placeholder::Slot.with_value(&input, <[u8]>::to_vec), b"4294967295");
        }
    }

    #[test]
    fn spelling() {
        use Placeholder::*;
        for (text, placeholder, position) in [
            ("{}", Input, None),
            ("{.}", NoExtension, None),
            ("{/}", Basename, None),
            ("{//}", Dirname, None),
            ("{/.}", BasenameNoExtension, None),
            ("{#}", TaskId, None),
            ("{%}", Slot, None),
            ("{1}", Input, Some(1)),
            ("{01}", Input, Some(1)),
            ("{-1}", Input, Some(-1)),
            ("{0}", Input, Some(0)),
            ("{2.}", NoExtension, Some(2)),
            ("{12/}", Basename, Some(12)),
            ("{3//}", Dirname, Some(3)),
            ("{4/.}", BasenameNoExtension, Some(4)),
            ("{99999999999999999999}", Input, Some(i64::MAX)),
        ] {
            let with_tail = format!("{text}tail}}");
            let found = at_start(with_tail.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found, Found { placeholder, len: text.len(), position }, "{text}");
        }
        for text in [
            "", "{", "}", "{ }", "{a}", "{a,b}", "{1,2}", "{1..3}", "{-}", "{1#}", "{1%}", "{./}", "{///}",
            "{..}", "{",
        ] {
            assert_eq!(at_start(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn find_skips_braces_that_are_no_placeholder() {
        assert_eq!(find(b"{{a}{.}", 0).map(|(at, found)| (at, found.len)), Some((4, 3)));
        assert_eq!(find(b"{{}}", 0).map(|(at, found)| (at, found.len)), Some((1, 2)));
        assert_eq!(find(b"{}", 1), None);
    }

    #[test]
    fn bad_positions_say_what_to_do() {
        let message = |text: &[u8]| BadPosition { text: text.to_vec() }.to_string();
        assert_eq!(
            message(b"{2}"),
            "`{2}` asks for input 2, but a task has one input: use {} or {1}; \
             if it belongs to a regular expression, write {2,2}"
        );
        assert_eq!(message(b"{2/}"), "`{2/}` asks for input 2, but a task has one input: use {} or {1}");
    }
}
