//! Several rows to a task: a number of them, lines, or as many as a command line takes.

use super::rows::{Row, Rows};
use crate::exit::bad_usage;
use crate::lang::spelling::Spelling;
use anyhow::Result;

/// The longest command line that is made unless said otherwise. The system takes more in all, but no longer single
/// word, and with a shell the whole command is one.
pub const CHARS_MAX: usize = 128 << 10;

/// Most bytes of inputs that may wait for their task to be full: no command line is near it.
const WAITING_MAX: usize = 64 << 20;

/// How many rows make a task.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Most rows.
    pub rows_max: usize,
    /// Rows are lines: one that ends in a blank goes on in the next.
    pub are_lines: bool,
    /// The rows are counted and left out (`-N0`).
    pub drops: bool,
    /// Longest command line, if that is looked at.
    pub fit: Option<Fit>,
    /// The rows that are left at the end are shared out among so many workers.
    pub share_among: usize,
}

/// How long a command line gets.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Longest, bytes.
    pub chars_max: usize,
    /// Without inputs.
    fixed: usize,
    /// How often the command shows each input, and what comes with it each time.
    times: usize,
    around: usize,
    /// Inputs are quoted: what the system is given is longer than what was typed.
    is_shell: bool,
}

impl Fit {
    /// The length that inputs make of a command of these words. With `repeat` the rest of a word comes with each.
    pub fn new(
        words: &[Vec<u8>],
        spelling: &Spelling,
        repeat: bool,
        is_shell: bool,
        chars_max: usize,
    ) -> Fit {
        let fixed = words.iter().map(|word| word.len() + 1).sum();
        let (mut times, mut around, mut has_placeholder) = (0, 0, false);
        // A text for a shell has its words inside.
        let words = words.iter().flat_map(|word| word.split(|b| is_shell && b.is_ascii_whitespace()));
        for word in words {
            let (mut at, mut holes, mut written) = (0, 0, 0);
            while let Some((found_at, found)) = spelling.find(word, at) {
                has_placeholder = true;
                at = found_at + found.len;
                if found.placeholder.is_all_fields() {
                    holes += 1;
                    written += found.len;
                }
            }
            times += holes;
            if holes > 0 && repeat {
                around += word.len() - written;
            }
        }
        // Added at the end. A command that shows only some of the inputs by number still has a full line.
        times += usize::from(!has_placeholder);
        let times = times.max(1);
        Fit { chars_max, fixed, times, around, is_shell }
    }

    fn of(&self, row: &Row) -> Length {
        let length = |field: &Vec<u8>| self.times * (field.len() + 1) + self.around;
        let typed = row.iter().map(length).sum();
        let quotes = |field: &Vec<u8>| 2 + 3 * field.iter().filter(|b| **b == b'\'').count();
        let quotes = if self.is_shell { self.times * row.iter().map(quotes).sum::<usize>() } else { 0 };
        Length { typed, quoted: typed + quotes }
    }

    fn is_above(&self, length: Length) -> bool {
        self.fixed + length.typed > self.chars_max || self.fixed + length.quoted > CHARS_MAX
    }
}

/// What inputs add to a command line, as a person would type it and with quotes.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    typed: usize,
    quoted: usize,
}

impl Length {
    fn plus(self, more: Length) -> Length {
        Length { typed: self.typed + more.typed, quoted: self.quoted + more.quoted }
    }
}

/// Rows, several to a task.
pub struct Packed {
    rows: Box<dyn Rows>,
    plan: Plan,
    /// Of the task that is being filled.
    waiting: Vec<Row>,
    length: Length,
    bytes: usize,
    /// A line that goes on.
    line: Option<Row>,
    has_ended: bool,
}

impl Packed {
    /// Packs these rows.
    pub fn new(rows: Box<dyn Rows>, plan: Plan) -> Packed {
        Packed {
            rows,
            plan,
            waiting: Vec::new(),
            length: Length::default(),
            bytes: 0,
            line: None,
            has_ended: false,
        }
    }

    fn take(&mut self, row: Row, into: &mut Vec<Row>) -> Result<()> {
        if self.plan.drops {
            into.push(Row::new());
            return Ok(());
        }
        self.bytes += row.iter().map(Vec::len).sum::<usize>();
        if self.bytes > WAITING_MAX {
            let text = format!(
                "the inputs of one task are longer than {WAITING_MAX} bytes: give each fewer of them"
            );
            return Err(bad_usage(text));
        }
        let Some(row) = self.whole_line(row) else { return Ok(()) };
        if let Some(fit) = &self.plan.fit {
            let more = fit.of(&row);
            if !self.waiting.is_empty() && fit.is_above(self.length.plus(more)) {
                self.give(into);
            }
            self.length = self.length.plus(more);
        }
        self.waiting.push(row);
        if self.waiting.len() >= self.plan.rows_max {
            self.give(into);
        }
        Ok(())
    }

    fn give(&mut self, into: &mut Vec<Row>) {
        into.push(std::mem::take(&mut self.waiting).concat());
        (self.length, self.bytes) = (Length::default(), 0);
    }

    /// The row, with what waits for its continuation in front; nothing, if it goes on itself.
    fn whole_line(&mut self, row: Row) -> Option<Row> {
        if !self.plan.are_lines {
            return Some(row);
        }
        let row = match self.line.take() {
            Some(line) => vec![[line.concat(), row.concat()].concat()],
            None => row,
        };
        if row.last().is_some_and(|field| field.ends_with(b" ") || field.ends_with(b"\t")) {
            self.line = Some(row);
            return None;
        }
        Some(row)
    }

    fn finish(&mut self, into: &mut Vec<Row>) {
        self.waiting.extend(self.line.take());
        let share = self.waiting.len().div_ceil(self.plan.share_among.max(1)).max(1);
        into.extend(std::mem::take(&mut self.waiting).chunks(share).map(<[Row]>::concat));
    }
}

impl Rows for Packed {
    fn next(&mut self, into: &mut Vec<Row>) -> Result<bool> {
        let before = into.len();
        let mut rows = Vec::new();
        while into.len() == before && !self.has_ended {
            self.has_ended = !self.rows.next(&mut rows)?;
            rows.drain(..).try_for_each(|row| self.take(row, into))?;
            if self.has_ended {
                self.finish(into);
            }
        }
        Ok(into.len() > before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its rows one at a time.
    struct Given(Vec<Row>);

    impl Rows for Given {
        fn next(&mut self, into: &mut Vec<Row>) -> Result<bool> {
            let has = !self.0.is_empty();
            into.extend(self.0.drain(..usize::from(has)));
            Ok(has)
        }
    }

    const ALL: Plan =
        Plan { rows_max: usize::MAX, are_lines: false, drops: false, fit: None, share_among: 1 };

    fn packed(inputs: &[&str], plan: Plan) -> Vec<Vec<String>> {
        let rows = Given(inputs.iter().map(|input| vec![input.as_bytes().to_vec()]).collect());
        let (mut packed, mut rows) = (Packed::new(Box::new(rows), plan), Vec::new());
        while packed.next(&mut rows).unwrap() {}
        let text = |field| String::from_utf8(field).unwrap();
        rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect()
    }

    #[test]
    fn so_many_to_a_task_and_the_rest() {
        let two = Plan { rows_max: 2, ..ALL };
        assert_eq!(
            packed(&["1", "2", "3", "4", "5"], two.clone()),
            [vec!["1", "2"], vec!["3", "4"], vec!["5"]]
        );
        assert_eq!(packed(&["1", "2"], two.clone()), [["1", "2"]]);
        assert_eq!(packed(&[], two), [[""; 0]; 0]);
        assert_eq!(packed(&["1", "2"], Plan { drops: true, ..ALL }), [[""; 0]; 2]);
    }

    #[test]
    fn what_is_left_is_shared_out() {
        let plan = Plan { share_among: 2, ..ALL };
        assert_eq!(packed(&["1", "2", "3", "4", "5"], plan.clone()), [vec!["1", "2", "3"], vec!["4", "5"]]);
        assert_eq!(packed(&["1"], plan.clone()), [["1"]]);
        let three = Plan { rows_max: 3, ..plan };
        assert_eq!(packed(&["1", "2", "3", "4", "5"], three), [vec!["1", "2", "3"], vec!["4"], vec!["5"]]);
    }

    #[test]
    fn what_never_fills_a_task_is_refused_not_kept() {
        let row = vec![vec![b'x'; WAITING_MAX / 2]];
        let rows = Given(vec![row.clone(), row.clone(), row]);
        let mut packed = Packed::new(Box::new(rows), ALL);
        assert!(packed.next(&mut Vec::new()).is_err());
    }

    #[test]
    fn a_blank_at_its_end_joins_a_line_to_the_next() {
        let plan = Plan { are_lines: true, rows_max: 2, ..ALL };
        assert_eq!(packed(&["a b", "c ", " d", "e "], plan), [vec!["a b", "c  d"], vec!["e "]]);
    }

    #[test]
    fn a_command_line_is_filled_up_to_its_length() {
        let fit = |words: &[&str], repeat, is_shell, chars_max| {
            let words: Vec<_> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            Plan { fit: Some(Fit::new(&words, &Spelling::default(), repeat, is_shell, chars_max)), ..ALL }
        };
        let inputs = ["111", "222", "333", "444"];
        // "echo 111 222 333 444" and the NUL behind it are 21.
        assert_eq!(
            packed(&inputs, fit(&["echo"], false, false, 20)),
            [vec!["111", "222", "333"], vec!["444"]]
        );
        assert_eq!(packed(&inputs, fit(&["echo"], false, false, 21)), [inputs]);
        let long = "'".repeat(CHARS_MAX / 8 + 1);
        assert_eq!(packed(&[&long, &long], fit(&["echo"], false, true, CHARS_MAX)).len(), 2, "quotes count");
        assert_eq!(packed(&[&long, &long], fit(&["echo"], false, false, CHARS_MAX)).len(), 1);
        assert_eq!(packed(&inputs, fit(&["echo", "-{}-{}"], true, false, 32)).len(), 2);
        assert_eq!(packed(&inputs, fit(&["echo"], false, false, 1)).len(), 4, "one at least");
    }
}
