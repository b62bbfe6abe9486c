//! Separators as users type them: `\n`, `\t`, `\0`, `\x2c` and the like stand for bytes that are awkward on a command
//! line. A backslash in front of anything else stands for that byte.

/// The bytes that `text` means. A backslash at the very end means itself.
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (byte, taken) = match (first, tail) {
            (b'\\', [b'x', digits @ ..]) => match hex(digits) {
                (_, 0) => (b'x', 2),
                (value, len) => (value, 2 + len),
            },
            (b'\\', [b'0'..=b'7', ..]) => {
                let (value, len) = octal(tail);
                (value, 1 + len)
            }
            (b'\\', [letter, ..]) => (named(*letter), 2),
            (byte, _) => (*byte, 1),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    bytes
}

fn named(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'v' => 11,
        b'e' => 27,
        other => other,
    }
}

/// Up to two hexadecimal digits.
fn hex(text: &[u8]) -> (u8, usize) {
    let digits = text.iter().take(2).map_while(|b| char::from(*b).to_digit(16));
    digits.fold((0, 0), |(value, len), digit| (value * 16 + digit as u8, len + 1))
}

/// Up to three octal digits, as long as they are one byte.
fn octal(text: &[u8]) -> (u8, usize) {
    let (mut value, mut len) = (0u8, 0);
    for digit in text.iter().take(3).map_while(|b| char::from(*b).to_digit(8)) {
        let Some(next) = value.checked_mul(8).and_then(|v| v.checked_add(digit as u8)) else { break };
        (value, len) = (next, len + 1);
    }
    (value, len)
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_mean_bytes() {
        for (text, bytes) in [
            (r"", b"".as_slice()),
            (";", b";"),
            (r"a\nb\tc\r", b"a\nb\tc\r"),
            (r"\0", b"\0"),
            (r"\012\08", b"\n\x008"),
            (r"\777", b"\x3f7"),
            (r"\x2c\x2C\xg\xa!", b",,xg\n!"),
            (r"\\n", b"\\n"),
            (r"\;\", b";\\"),
        ] {
            assert_eq!(unescape(text.as_bytes()), bytes, "{text}");
        }
    }
}
