//! A line as key and value.

use super::spec::Form;
use memchr::memmem;

/// What finds the separator of a form in a line.
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    form: Form,
}

impl Cutter {
    pub(super) fn new(form: &Form) -> Cutter {
        Cutter { form: form.clone() }
    }

    /// The key, and the value if there is a separator behind the key.
    #[inline]
    pub(super) fn cut<'l>(&self, line: &'l [u8]) -> (&'l [u8], Option<&'l [u8]>) {
        let at = match (&self.form.separator[..], self.form.key_fields) {
            ([one], 1) => memchr::memchr(*one, line),
            (_, 0) => return (&line[..0], Some(line)),
            (separator, fields) => nth(line, separator, fields),
        };
        match at {
            Some(at) => (&line[..at], Some(&line[at + self.form.separator.len()..])),
            None => (line, None),
        }
    }
}

/// Where the separator behind so many fields is.
fn nth(line: &[u8], separator: &[u8], fields: u32) -> Option<usize> {
    let mut found = memmem::find_iter(line, separator);
    found.nth(fields as usize - 1)
}

/// Lines without what ends them, of bytes that are whole ones.
pub(super) fn each<E>(lines: &[u8], mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', lines) {
        take(&lines[from..end])?;
        from = end + 1;
    }
    if from < lines.len() { take(&lines[from..]) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'l>(separator: &str, key_fields: u32, line: &'l str) -> (&'l str, Option<&'l str>) {
        let form = Form { separator: separator.into(), key_fields };
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        let (key, value) = Cutter::new(&form).cut(line.as_bytes());
        (text(key), value.map(text))
    }

    #[test]
    fn the_key_ends_at_its_last_separator() {
        assert_eq!(cut("\t", 1, "a\tb\tc"), ("a", Some("b\tc")));
        assert_eq!(cut("\t", 1, "a"), ("a", None));
        assert_eq!(cut("\t", 1, "a\t"), ("a", Some("")));
        assert_eq!(cut(".", 4, "11.12.1.2.3"), ("11.12.1.2", Some("3")));
        assert_eq!(cut(".", 4, "11.12"), ("11.12", None));
        assert_eq!(cut("::", 2, "a::b::c"), ("a::b", Some("c")));
        assert_eq!(cut("\t", 0, "a\tb"), ("", Some("a\tb")));
    }
}
