//! Tasks, as a handler reads them: JSON written by hand, a few nanoseconds a task.
//!
//! The form is fixed, so that a shell can take a line apart without a JSON parser: the fields in one order, no space
//! outside of strings, no escapes but `\"`, `\\`, `\n`, `\r`, `\t` and `\u00XX`, and the input last.

use crate::lang::placeholder::decimal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Write;

/// A task, as it is told.
#[derive(Debug, Clone, Copy)]
pub struct TaskLine<'a> {
    /// The id that users know.
    pub id: u64,
    /// Attempts, this one included.
    pub attempt: u32,
    /// The fence, where the handler wants it.
    pub fence: Option<u64>,
    /// The input; `None`: it is the id.
    pub input: Option<&'a [u8]>,
}

impl TaskLine<'_> {
    /// Appends the task, without a newline.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut digits = [0; 20];
        let id = decimal(self.id, &mut digits);
        out.extend_from_slice(b"{\"task\":");
        out.extend_from_slice(id);
        if self.attempt > 1 {
            write!(out, ",\"attempt\":{}", self.attempt).expect("memory takes everything");
        }
        if let Some(fence) = self.fence {
            write!(out, ",\"fence\":{fence}").expect("memory takes everything");
        }
        match self.input.map(std::str::from_utf8) {
            None => {
                out.extend_from_slice(b",\"input\":\"");
                out.extend_from_slice(id);
            }
            Some(Ok(text)) => {
                out.extend_from_slice(b",\"input\":\"");
                escape(text.as_bytes(), out);
            }
            Some(Err(_)) => {
                out.extend_from_slice(b",\"input_b64\":\"");
                out.extend_from_slice(STANDARD.encode(self.input.unwrap_or_default()).as_bytes());
            }
        }
        out.extend_from_slice(b"\"}");
    }
}

/// The text as it stands between the quotes of a JSON string.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut plain = 0;
    for (at, byte) in text.iter().enumerate() {
        if *byte >= b' ' && *byte != b'"' && *byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text[plain..at]);
        plain = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => write!(out, "\\u{byte:04x}").expect("memory takes everything"),
        }
    }
    out.extend_from_slice(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::Rng;
    use serde_json::{Value, json};

    fn line(task: TaskLine<'_>) -> String {
        let mut out = Vec::new();
        task.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_form_is_the_documented_one() {
        let task = TaskLine { id: 7, attempt: 1, fence: None, input: None };
        assert_eq!(line(task), r#"{"task":7,"input":"7"}"#);
        let input = Some(&b"a\"b\\c\nd\te\rf\x01/\xc3\xa9"[..]);
        let task = TaskLine { attempt: 3, fence: Some(40), input, ..task };
        assert_eq!(
            line(task),
            "{\"task\":7,\"attempt\":3,\"fence\":40,\"input\":\"a\\\"b\\\\c\\nd\\te\\rf\\u0001/é\"}"
        );
        let task = TaskLine { attempt: 1, fence: None, input: Some(b"\xff\xfe"), id: u64::MAX };
        assert_eq!(line(task), r#"{"task":18446744073709551615,"input_b64":"//4="}"#);
    }

    /// Whatever the input: a JSON parser reads it back, and it is one line.
    #[test]
    fn any_input_is_read_back_by_a_json_parser() {
        let mut rng = Rng::new(7);
        for _ in 0..2_000 {
            let most = 1 + rng.below(200);
            let alphabet: &[&str] =
                &["a", "\"", "\\", "\n", "\r", "\t", "\0", "\x1f", "\x7f", "é", "\u{2028}", "😀"];
            let text: String =
                (0..rng.below(most)).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect();
            let told = line(TaskLine { id: 1, attempt: 1, fence: None, input: Some(text.as_bytes()) });
            assert!(!told.contains('\n'));
            assert_eq!(serde_json::from_str::<Value>(&told).unwrap(), json!({ "task": 1, "input": text }));
        }
    }
}
