//! A tag in front of each line.

use std::io::{self, Write};

/// A writer that puts a tag and a tabulator in front of each line that begins in it.
pub struct Tagged<'a, W> {
    out: W,
    tag: Option<&'a [u8]>,
    in_line: bool,
}

impl<'a, W: Write> Tagged<'a, W> {
    /// The next byte begins a line. Without a tag everything passes as it is.
    pub fn new(out: W, tag: Option<&'a [u8]>) -> Tagged<'a, W> {
        Tagged { out, tag, in_line: false }
    }
}

impl<W: Write> Write for Tagged<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tag) = self.tag else { return self.out.write(bytes) };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !self.in_line {
                self.out.write_all(tag)?;
                self.out.write_all(b"\t")?;
            }
            self.out.write_all(line)?;
            self.in_line = !line.ends_with(b"\n");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_its_tag_however_it_is_cut() {
        for cut in 0..=7 {
            let mut out = Vec::new();
            let mut tagged = Tagged::new(&mut out, Some(b"T"));
            let (head, tail) = b"a\n\nbc\nd".split_at(cut);
            tagged.write_all(head).unwrap();
            tagged.write_all(tail).unwrap();
            assert_eq!(out, b"T\ta\nT\t\nT\tbc\nT\td", "{cut}");
        }
        let mut out = Vec::new();
        Tagged::new(&mut out, None).write_all(b"a\nb").unwrap();
        assert_eq!(out, b"a\nb");
    }
}
