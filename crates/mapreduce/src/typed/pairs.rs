//! Pairs between two stages: part files of lines, so that they are cut into splits like any other input.
//!
//! A line is `varint key length, key, value`, in which a newline and the escape byte are two bytes each.

use super::emit::{Collect, Outlet};
use crate::spill::{put_varint, varint};

const ESCAPE: u8 = 0x1b;
/// What stands behind an escape byte for a newline and for the escape byte itself.
const NEWLINE: u8 = 1;
const ITSELF: u8 = 2;

/// Writes pairs into the main output.
pub(super) struct PairLines<'a> {
    pub(super) to: &'a mut dyn Outlet,
    /// A buffer.
    pub(super) line: &'a mut Vec<u8>,
}

impl Collect for PairLines<'_> {
    fn pair(&mut self, key: &[u8], value: &[u8]) {
        self.line.clear();
        put_varint(self.line, key.len() as u32);
        if memchr::memchr2(b'\n', ESCAPE, self.line).is_some() {
            let head = std::mem::take(self.line);
            escape(&head, self.line);
        }
        [key, value].iter().for_each(|bytes| escape(bytes, self.line));
        self.line.push(b'\n');
        self.to.write(0, self.line);
    }

    fn count(&mut self, counter: &str, n: u64) {
        self.to.count(counter, n);
    }
}

fn escape(bytes: &[u8], line: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'\n', ESCAPE, rest) {
        line.extend_from_slice(&rest[..at]);
        line.extend([ESCAPE, if rest[at] == b'\n' { NEWLINE } else { ITSELF }]);
        rest = &rest[at + 1..];
    }
    line.extend_from_slice(rest);
}

/// Takes a line apart, into key and value; `None` if it is none of ours.
pub(super) fn parse<'b>(line: &[u8], buf: &'b mut Vec<u8>) -> Option<(&'b [u8], &'b [u8])> {
    buf.clear();
    let mut rest = line;
    while let Some(at) = memchr::memchr(ESCAPE, rest) {
        buf.extend_from_slice(&rest[..at]);
        buf.push(match *rest.get(at + 1)? {
            NEWLINE => b'\n',
            ITSELF => ESCAPE,
            _ => return None,
        });
        rest = &rest[at + 2..];
    }
    buf.extend_from_slice(rest);
    let mut at = 0;
    let len = varint(buf, &mut at)?;
    buf[at..].split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Bytes(Vec<u8>);

    impl Outlet for Bytes {
        fn write(&mut self, _: usize, bytes: &[u8]) {
            self.0.extend_from_slice(bytes);
        }

        fn count(&mut self, _: &str, _: u64) {}
    }

    #[test]
    fn pairs_of_any_bytes_are_lines() {
        let any: Vec<Vec<u8>> = vec![
            vec![],
            b"plain".to_vec(),
            b"\n\n\x1b\x1b\n".to_vec(),
            (0..=255).collect(),
            vec![b'\n'; 300],
            // Lengths that look like what is escaped.
            vec![7; 10],
            vec![7; 27],
        ];
        let mut bytes = Bytes::default();
        let pairs: Vec<_> = any.iter().flat_map(|key| any.iter().map(move |value| (key, value))).collect();
        let mut line = Vec::new();
        pairs.iter().for_each(|(k, v)| PairLines { to: &mut bytes, line: &mut line }.pair(k, v));
        let mut buf = Vec::new();
        let lines: Vec<_> = bytes.0.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), pairs.len());
        for (line, (key, value)) in lines.iter().zip(pairs) {
            assert_eq!(parse(line, &mut buf), Some((&key[..], &value[..])));
        }
        assert_eq!(parse(b"\x1b", &mut buf), None);
        assert_eq!(parse(b"\x05abc", &mut buf), None);
    }
}
