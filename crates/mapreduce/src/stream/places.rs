//! Lines with their place in the file in front, for mappers that are told it: Hadoop calls it the key of the input, and
//! hides it for plain text only.

use crate::input::Framing;

/// Puts places in front of lines, if that is asked for.
pub(super) struct Places<'s> {
    /// What is between the two.
    separator: Option<&'s [u8]>,
    /// What ends a line.
    end: u8,
    lines: Vec<u8>,
    /// The last line has not ended.
    open: bool,
}

impl<'s> Places<'s> {
    pub(super) fn new(separator: Option<&'s Vec<u8>>, framing: Framing) -> Places<'s> {
        let end = framing.end_byte().unwrap_or(b'\n');
        Places { separator: separator.map(Vec::as_slice), end, lines: Vec::new(), open: false }
    }

    /// The lines of a file from this place on, as the mapper gets them.
    pub(super) fn put<'l>(&'l mut self, lines: &'l [u8], place: u64) -> &'l [u8] {
        let Some(separator) = self.separator else { return lines };
        self.lines.clear();
        let mut from = 0;
        while from < lines.len() {
            let end = memchr::memchr(self.end, &lines[from..]).map_or(lines.len(), |at| from + at + 1);
            if !self.open {
                let place = (place + from as u64).to_string();
                [place.as_bytes(), separator].iter().for_each(|bytes| self.lines.extend_from_slice(bytes));
            }
            self.lines.extend_from_slice(&lines[from..end]);
            self.open = lines[end - 1] != self.end;
            from = end;
        }
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_place_in_front() {
        let separator = b"\t".to_vec();
        let mut places = Places::new(Some(&separator), Framing::Lines);
        assert_eq!(places.put(b"ab\n\nc\n", 7), b"7\tab\n10\t\n11\tc\n");
        // The end of a last line that has none is given by itself.
        assert_eq!(places.put(b"d", 13), b"13\td");
        assert_eq!(places.put(b"\n", 14), b"\n");
        assert_eq!(Places::new(None, Framing::Lines).put(b"ab\n", 7), b"ab\n");
    }
}
