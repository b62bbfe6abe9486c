//! What a process says on stderr: counters and states in Hadoop's form, and words for people, which are passed on.

use std::collections::{BTreeMap, VecDeque};

/// Lines that are kept for the message of a failure.
const LINES: usize = 8;
/// Bytes that are kept of each.
const LINE_BYTES: usize = 400;
/// Characters that are kept of a status.
const STATUS_CHARS: usize = 80;
/// A line of more bytes is passed on in pieces.
const WAIT_BYTES: usize = 64 << 10;
/// Counters with names of their own: what is counted by more is counted by one.
const COUNTERS_MAX: usize = 1_000;

/// What has been said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// A line that has not ended.
    pub(super) heard: Vec<u8>,
    last: VecDeque<String>,
    /// What it says it is doing, and whether that was said since somebody asked.
    status: (String, bool),
    /// Counted so far, by `group,counter`.
    pub(super) counters: BTreeMap<String, u64>,
}

impl Said {
    /// Looks at what was heard; words for people go to `pass`, by whole lines. `end`: no more will come.
    pub(super) fn sort_out(&mut self, end: bool, pass: &dyn Fn(&[u8])) {
        let mut whole = memchr::memrchr(b'\n', &self.heard).map_or(0, |at| at + 1);
        if end || self.heard.len() - whole > WAIT_BYTES {
            whole = self.heard.len();
        }
        if whole == 0 {
            return;
        }
        let rest = self.heard.split_off(whole);
        let lines = std::mem::replace(&mut self.heard, rest);
        let mut words = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_report(line.trim_ascii_end()) {
                words.extend_from_slice(line);
                self.keep(line.trim_ascii_end());
            }
        }
        if !words.is_empty() {
            if !words.ends_with(b"\n") {
                words.push(b'\n');
            }
            pass(&words);
        }
    }

    /// Takes a line that is for us.
    fn is_report(&mut self, line: &[u8]) -> bool {
        let Some(report) = line.strip_prefix(b"reporter:") else { return false };
        if let Some(status) = report.strip_prefix(b"status:") {
            self.status = (shown(status), true);
            return true;
        }
        let counted = report.strip_prefix(b"counter:").and_then(|text| std::str::from_utf8(text).ok());
        let Some((name, amount)) = counted.and_then(|text| text.rsplit_once(',')) else { return false };
        let Ok(amount) = amount.trim().parse::<u64>() else { return false };
        let is_room = self.counters.len() < COUNTERS_MAX || self.counters.contains_key(name);
        let name = if is_room { name } else { "reporter,counters beyond the first thousand" };
        crate::manifest::count(&mut self.counters, name, amount);
        true
    }

    fn keep(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        if self.last.len() == LINES {
            self.last.pop_front();
        }
        self.last.push_back(String::from_utf8_lossy(&line[..line.len().min(LINE_BYTES)]).into_owned());
    }

    /// The last words.
    pub(super) fn last(&self) -> Option<String> {
        (!self.last.is_empty()).then(|| self.last.iter().cloned().collect::<Vec<_>>().join("\n  "))
    }

    /// What it says it is doing, if it has said it since this was called.
    pub(super) fn new_status(&mut self) -> Option<&str> {
        std::mem::take(&mut self.status.1).then_some(&self.status.0)
    }

    /// What it said last that it was doing.
    pub(super) fn status(&self) -> Option<&str> {
        Some(&*self.status.0).filter(|status| !status.is_empty())
    }
}

/// A status as it fits into a line of a terminal.
fn shown(status: &[u8]) -> String {
    let text = String::from_utf8_lossy(&status[..status.len().min(LINE_BYTES)]);
    text.trim().chars().filter(|c| !c.is_control()).take(STATUS_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn reports_are_taken_and_words_passed_on() {
        let (mut said, passed) = (Said::default(), RefCell::new(Vec::new()));
        let pass = |words: &[u8]| passed.borrow_mut().extend_from_slice(words);
        let all = b"reporter:counter:words, short,2\nhello\nreporter:status:half way\r\nreporter:counter:words, short,3\nreporter:counter:x,y\nend";
        for piece in all.chunks(7) {
            said.heard.extend_from_slice(piece);
            said.sort_out(false, &pass);
        }
        said.sort_out(true, &pass);
        assert_eq!(passed.into_inner(), b"hello\nreporter:counter:x,y\nend\n");
        assert_eq!(said.counters, BTreeMap::from([("words, short".to_owned(), 5)]));
        assert_eq!(said.new_status(), Some("half way"));
        assert_eq!(
            (said.new_status().is_none(), said.status()),
            (true, Some("half way")),
            "it was told already"
        );
        assert_eq!(said.last().unwrap(), "hello\n  reporter:counter:x,y\n  end");
    }

    #[test]
    fn neither_names_nor_lines_grow_for_ever() {
        let mut said = Said::default();
        for n in 0..3_000 {
            said.heard.extend_from_slice(format!("reporter:counter:g,{n},1\n").as_bytes());
        }
        said.heard.extend_from_slice(format!("reporter:status:a\x1b[2J{}\n", "x".repeat(500)).as_bytes());
        said.heard.resize(said.heard.len() + 2 * WAIT_BYTES, b'x');
        said.sort_out(false, &|_| ());
        assert_eq!((said.counters.len(), said.heard.len()), (COUNTERS_MAX + 1, 0));
        assert_eq!(said.counters.values().sum::<u64>(), 3_000);
        assert_eq!(said.last().unwrap().len(), LINE_BYTES);
        assert!(said.status().unwrap().starts_with("a[2Jx") && said.status().unwrap().len() == STATUS_CHARS);
    }
}
