//! How bytes look in an error message: on one line, short, and never raw control characters on a terminal.

use std::fmt::{self, Write};

/// Characters shown before the rest is cut; a message stays readable whatever the user passed.
const CHARS_MAX: usize = 60;

/// A piece of text between backticks, with control characters escaped and invalid UTF-8 as replacement characters.
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four bytes make at most one character, so this prefix always holds enough of them.
        let prefix = &self.0[..self.0.len().min(4 * (CHARS_MAX + 1))];
        let text = String::from_utf8_lossy(prefix);
        f.write_char('`')?;
        for (count, character) in text.chars().enumerate() {
            if count == CHARS_MAX {
                f.write_str("...")?;
                break;
            }
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        f.write_char('`')
    }
}

/// One byte by its name where it has one, since a newline or a backtick between backticks cannot be read.
pub(super) struct ShownByte(pub(super) u8);

impl fmt::Display for ShownByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\n' => f.write_str("a newline"),
            b'\t' => f.write_str("a tab"),
            b' ' => f.write_str("a space"),
            b'`' => f.write_str("a backtick"),
            0 => f.write_str("a NUL byte"),
            byte if byte.is_ascii_graphic() => write!(f, "`{}`", char::from(byte)),
            byte => write!(f, "byte 0x{byte:02x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_short_printable_line() {
        assert_eq!(Shown(b"a b").to_string(), "`a b`");
        assert_eq!(Shown("é".as_bytes()).to_string(), "`é`");
        assert_eq!(Shown(b"a\n\x1b[31m").to_string(), "`a\\n\\u{1b}[31m`");
        assert_eq!(Shown(b"\xff").to_string(), "`\u{fffd}`");
        assert_eq!(Shown(&[b'x'; 60]).to_string().len(), 62);
        assert!(Shown(&[b'x'; 100_000]).to_string().ends_with("x...`"));
    }

    #[test]
    fn bytes_have_names() {
        assert_eq!(ShownByte(b'|').to_string(), "`|`");
        assert_eq!(ShownByte(b'\n').to_string(), "a newline");
        assert_eq!(ShownByte(b'`').to_string(), "a backtick");
        assert_eq!(ShownByte(0xff).to_string(), "byte 0xff");
    }
}
