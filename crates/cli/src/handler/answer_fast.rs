//! The fast way for the common answers. It says no to whatever it does not know, and serde decides.
//!
//! It knows `{"task":N}`, the same with a plain `output`, `{"done":[...]}` with ids and ranges, and arrays of these,
//! each with or without the spaces that `json.dumps` writes.

use super::answer::Answer;
use std::borrow::Cow;

/// Whether the whole line was read. If not, what was appended does not count.
pub(super) fn read<'a>(line: &'a [u8], answers: &mut Vec<Answer<'a>>) -> bool {
    let mut text = Text { line, at: 0 };
    let read = if text.take(b"[") { text.list(answers) } else { text.answer(answers) };
    read.is_some() && text.at == line.len()
}

struct Text<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    fn list(&mut self, answers: &mut Vec<Answer<'a>>) -> Option<()> {
        loop {
            self.answer(answers)?;
            if self.take(b"]") {
                return Some(());
            }
            self.comma()?;
        }
    }

    fn answer(&mut self, answers: &mut Vec<Answer<'a>>) -> Option<()> {
        if self.take(b"{\"task\":") {
            self.space();
            let task = self.number()?;
            if self.take(b"}") {
                answers.push(Answer::Done(task, task));
                return Some(());
            }
            self.comma()?;
            self.expect(b"\"output\":")?;
            self.space();
            let output = self.plain_string()?;
            self.expect(b"}")?;
            answers.push(Answer::Ended { task, output: Some(Cow::Borrowed(output)), error: None });
            return Some(());
        }
        self.expect(b"{\"done\":")?;
        self.space();
        self.expect(b"[")?;
        loop {
            let (first, last) = if self.take(b"[") {
                let first = self.number()?;
                self.comma()?;
                let last = self.number()?;
                self.expect(b"]")?;
                (first, last)
            } else {
                let id = self.number()?;
                (id, id)
            };
            (first <= last).then(|| answers.push(Answer::Done(first, last)))?;
            if self.take(b"]") {
                return self.expect(b"}");
            }
            self.comma()?;
        }
    }

    fn take(&mut self, token: &[u8]) -> bool {
        let is_next = self.line[self.at..].starts_with(token);
        self.at += if is_next { token.len() } else { 0 };
        is_next
    }

    fn expect(&mut self, token: &[u8]) -> Option<()> {
        self.take(token).then_some(())
    }

    fn space(&mut self) {
        self.take(b" ");
    }

    fn comma(&mut self) -> Option<()> {
        self.expect(b",")?;
        self.space();
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let rest = &self.line[self.at..];
        let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        // JSON has no leading zeros; nineteen digits always fit.
        if len == 0 || len > 19 || rest[0] == b'0' && len > 1 {
            return None;
        }
        self.at += len;
        Some(rest[..len].iter().fold(0, |n, digit| n * 10 + u64::from(digit - b'0')))
    }

    /// A string without escapes.
    fn plain_string(&mut self) -> Option<&'a [u8]> {
        self.expect(b"\"")?;
        let rest = &self.line[self.at..];
        let len = rest.iter().position(|b| *b < b' ' || *b == b'"' || *b == b'\\')?;
        if rest[len] != b'"' {
            return None;
        }
        self.at += len + 1;
        std::str::from_utf8(&rest[..len]).ok().map(str::as_bytes)
    }
}
