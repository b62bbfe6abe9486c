//! Reads a shell text far enough to know what kind of quoting surrounds each placeholder.
//!
//! This is no shell parser. It follows quotes, escapes, comments, `$(...)`, simple `${...}` and simple `$((...))`,
//! the parts that POSIX shells read alike, with a stack instead of recursion. At anything else it stops following
//! ([`Lost`]) and from there on refuses every placeholder. A text without placeholders after that point is fine: then
//! nothing depends on how it is read.
//!
//! Where a rule had to err, it errs towards refusing. Random texts run through `sh` look for an input that escapes:
//! a few in every test run, and a hundred thousand through dash and bash in an ignored test.

use super::shell::{Bare, End, Part, Place, ShellTemplate, is_plain};
use super::shell_error::{Lost, ShellError};
use super::spelling::{Found, Spelling};

pub(super) fn scan(text: &[u8], spelling: &Spelling, marks_words: bool) -> Result<ShellTemplate, ShellError> {
    if let Some(at) = text.iter().position(|&b| b == 0) {
        return Err(ShellError::Nul { at });
    }
    let mut scanner = Scanner {
        text,
        spelling,
        marks_words,
        at: 0,
        parts: Vec::new(),
        frames: Vec::new(),
        word_at: None,
        end: End::Nothing,
        end_at: 0,
        lost: None,
    };
    while scanner.at < text.len() {
        scanner.step()?;
    }
    scanner.finish()
}

/// One level of nesting; an empty stack is the text itself, read as commands.
enum Frame {
    /// Inside `$(...)`, with this many plain parentheses open.
    Substitution {
        opened_at: usize,
        /// Where the word around it began.
        word_at: Option<usize>,
        parentheses: usize,
    },
    /// Inside `"..."`.
    DoubleQuotes { opened_at: usize },
}

struct Scanner<'a> {
    text: &'a [u8],
    spelling: &'a Spelling,
    /// Whether parts say where words start and end.
    marks_words: bool,
    at: usize,
    parts: Vec<Part>,
    frames: Vec<Frame>,
    /// Where the word being read began; `None` at a word start, where `#` opens a comment.
    word_at: Option<usize>,
    /// The last thing that was not white space, and where it ended.
    end: End,
    end_at: usize,
    /// What ended the following, and where.
    lost: Option<(Lost, usize)>,
}

impl Scanner<'_> {
    fn step(&mut self) -> Result<(), ShellError> {
        match (self.lost, self.frames.last()) {
            (Some((lost, lost_at)), _) => self.step_lost(lost, lost_at),
            (None, Some(Frame::DoubleQuotes { .. })) => match self.renamed_hole(Place::DoubleQuotes)? {
                true => Ok(()),
                false => self.step_double_quotes(),
            },
            (None, _) => match self.renamed_hole(Place::Plain)? {
                true => Ok(()),
                false => self.step_commands(),
            },
        }
    }

    fn step_commands(&mut self) -> Result<(), ShellError> {
        let byte = self.text[self.at];
        match byte {
            b' ' | b'\t' | b'\n' => {
                self.end_word();
                self.literal(1);
            }
            b';' | b'&' | b'|' | b'<' | b'>' => self.operator(byte),
            b'(' => self.open_parenthesis(),
            b')' => self.close_parenthesis(),
            b'#' if self.word_at.is_none() => self.comment(),
            b'\\' => return self.backslash(),
            b'\'' => return self.single_quotes(),
            b'"' => {
                self.frames.push(Frame::DoubleQuotes { opened_at: self.at });
                self.word_bytes(1);
            }
            b'`' => self.lose(Lost::Backtick),
            b'$' => return self.dollar(false),
            _ => {
                if !self.hole(Place::Plain)? {
                    self.word_bytes(1);
                }
            }
        }
        Ok(())
    }

    fn step_double_quotes(&mut self) -> Result<(), ShellError> {
        match self.text[self.at..] {
            [b'"', ..] => {
                self.frames.pop();
                self.word_bytes(1);
            }
            [b'\\', b'$' | b'`' | b'"' | b'\\' | b'\n', ..] => self.word_bytes(2),
            [b'\\', ..] => {
                self.word_bytes(1);
                // A backslash that means itself would escape the quote that closes in front of the input.
                if self.placeholder_at(self.at).is_some() {
                    self.append(b"\\");
                }
            }
            [b'`', ..] => self.lose(Lost::Backtick),
            [b'$', ..] => return self.dollar(true),
            _ => {
                if !self.hole(Place::DoubleQuotes)? {
                    self.word_bytes(1);
                }
            }
        }
        Ok(())
    }

    /// Only looks for placeholders, to refuse them.
    fn step_lost(&mut self, lost: Lost, lost_at: usize) -> Result<(), ShellError> {
        if let Some(found) = self.placeholder_at(self.at) {
            let text = &self.text[self.at..self.at + found.len];
            let after_dollar = self.at > 0 && self.text[self.at - 1] == b'$';
            if !(after_dollar && is_parameter(text)) {
                return Err(ShellError::Unsafe { text: text.to_vec(), at: self.at, lost, lost_at });
            }
        }
        self.literal(1);
        Ok(())
    }

    fn operator(&mut self, byte: u8) {
        self.end_word();
        let doubled = self.text.get(self.at + 1) == Some(&byte);
        if byte == b'<' && (doubled || self.continues(1)) {
            let lost = if doubled { Lost::HereDocument } else { Lost::Continuation };
            return self.lose(lost);
        }
        self.literal(1);
        // After a redirection an appended word is the file to open, which can be meant.
        self.end = if matches!(byte, b'<' | b'>') { End::Word { blank: 0 } } else { End::Operator(byte) };
        self.end_at = self.at;
    }

    fn open_parenthesis(&mut self) {
        // `f()` is a function. `v=(...)` is an array in bash, and after an error inside one bash goes on with the next
        // line of the text, even if that is the second line of an input.
        if self.word_at.is_some() && self.text.get(self.at + 1) != Some(&b')') {
            return self.lose(Lost::Parenthesis);
        }
        self.end_word();
        if self.text.get(self.at + 1) == Some(&b'(') {
            return self.lose(Lost::Arithmetic);
        }
        if self.continues(1) {
            return self.lose(Lost::Continuation);
        }
        if let Some(Frame::Substitution { parentheses, .. }) = self.frames.last_mut() {
            *parentheses += 1;
        }
        self.literal(1);
        (self.end, self.end_at) = (End::Operator(b'('), self.at);
    }

    fn close_parenthesis(&mut self) {
        self.end_word();
        if self.lost.is_some() {
            return;
        }
        match self.frames.last_mut() {
            Some(Frame::Substitution { parentheses: 0, word_at, .. }) => {
                // The word around it goes on. It gets no mark: from here to its end is no whole word.
                self.word_at = *word_at;
                self.frames.pop();
                self.word_bytes(1);
            }
            Some(Frame::Substitution { parentheses, .. }) => {
                *parentheses -= 1;
                self.literal(1);
            }
            _ => {
                self.literal(1);
                (self.end, self.end_at) = (End::Operator(b')'), self.at);
            }
        }
    }

    fn comment(&mut self) {
        let len = self.text[self.at..].iter().position(|&b| b == b'\n').unwrap_or(self.text.len() - self.at);
        self.literal(len);
        (self.end, self.end_at) = (End::Comment, self.at);
    }

    fn backslash(&mut self) -> Result<(), ShellError> {
        match self.text.get(self.at + 1) {
            None => return Err(ShellError::Unterminated { opener: "\\", at: self.at }),
            Some(b'\n') if self.word_at.is_some() && !self.frames.is_empty() => self.lose(Lost::Continuation),
            // It vanishes: a word goes on after it, and at a word start it is not yet a word.
            Some(b'\n') => self.literal(2),
            Some(_) => self.word_bytes(2),
        }
        Ok(())
    }

    fn single_quotes(&mut self) -> Result<(), ShellError> {
        let opened_at = self.at;
        self.word_bytes(1);
        while self.at < self.text.len() {
            if self.text[self.at] == b'\'' {
                self.word_bytes(1);
                return Ok(());
            }
            if !self.hole(Place::SingleQuotes)? {
                self.word_bytes(1);
            }
        }
        Err(ShellError::Unterminated { opener: "single quote", at: opened_at })
    }

    fn dollar(&mut self, in_double_quotes: bool) -> Result<(), ShellError> {
        if self.continues(1) {
            self.lose(Lost::Continuation);
            return Ok(());
        }
        // A quote follows, and `$'` is something else.
        if let Some(found) = self.spelling.renamed_at_start(&self.text[self.at + 1..]) {
            let at = self.at + 1;
            return Err(ShellError::AfterDollar { text: self.text[at..at + found.len].to_vec(), at });
        }
        match self.text[self.at + 1..] {
            [b'(', b'(', ..] => return self.arithmetic(),
            [b'(', ..] if self.continues(2) => self.lose(Lost::Continuation),
            [b'(', ..] => {
                let opened_at = self.at;
                self.word_bytes(2);
                let word_at = self.word_at.take();
                self.frames.push(Frame::Substitution { opened_at, word_at, parentheses: 0 });
            }
            [b'{', ..] => return self.parameter(),
            [b'\'', ..] if !in_double_quotes => self.lose(Lost::DollarQuote),
            [b'[', ..] => self.lose(Lost::Arithmetic),
            // Inside double quotes bash takes the second of `$${` for the start of an expansion.
            [b'$', b'{' | b'(' | b'[' | b'\'', ..] => self.lose(Lost::DoubleDollar),
            [b'$', ..] if self.continues(2) => self.lose(Lost::Continuation),
            [b'$', ref rest @ ..] if self.spelling.renamed_at_start(rest).is_some() => {
                self.lose(Lost::DoubleDollar);
            }
            [b'#' | b'$' | b'?' | b'!' | b'*' | b'@' | b'-', ..] => self.word_bytes(2),
            _ => self.word_bytes(1),
        }
        Ok(())
    }

    /// `${name}` and operators on plain text. Quotes inside would be read differently from shell to shell, and bash
    /// runs commands in `${ ...; }` and `${| ...; }`.
    fn parameter(&mut self) -> Result<(), ShellError> {
        let brace_at = self.at + 1;
        if let Some(found) = self.placeholder_at(brace_at) {
            let text = &self.text[brace_at..brace_at + found.len];
            if !is_parameter(text) {
                return Err(ShellError::AfterDollar { text: text.to_vec(), at: brace_at });
            }
        }
        let inside = &self.text[brace_at + 1..];
        let special = |b: &u8| matches!(b, b'\'' | b'"' | b'\\' | b'`' | b'$' | b'(' | b'{' | b'}' | b'\n');
        let runs = matches!(inside, [b' ' | b'\t' | b'|', ..]);
        match inside.iter().position(special) {
            Some(len) if inside[len] == b'}' && !runs => self.word_bytes(len + 3),
            _ => self.lose(Lost::Parameter),
        }
        Ok(())
    }

    /// `$((...))` of numbers, names, `$name` and operators, up to its own two closing parentheses.
    fn arithmetic(&mut self) -> Result<(), ShellError> {
        let opened_at = self.at;
        self.word_bytes(3);
        let mut parentheses = 0usize;
        loop {
            if self.spelling.renamed_at_start(&self.text[self.at..]).is_some() && self.number_hole()? {
                continue;
            }
            match self.text[self.at..] {
                [] => return Err(ShellError::Unterminated { opener: "$((", at: opened_at }),
                [b')', b')', ..] if parentheses == 0 => {
                    self.word_bytes(2);
                    return Ok(());
                }
                [b')', ..] if parentheses == 0 => break,
                [b')', ..] => parentheses -= 1,
                [b'(', ..] => parentheses += 1,
                [b'\'' | b'"' | b'\\' | b'`' | b'#' | b'[', ..] => break,
                [b'$', b'(' | b'{' | b'[' | b'\'', ..] => break,
                [b'{', ..] => {
                    if !self.number_hole()? {
                        break;
                    }
                    continue;
                }
                _ => {}
            }
            self.word_bytes(1);
        }
        self.lose(Lost::Arithmetic);
        Ok(())
    }

    fn number_hole(&mut self) -> Result<bool, ShellError> {
        let Some(found) = self.placeholder_at(self.at) else { return Ok(false) };
        let end = self.at + found.len;
        let glues = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'}' | b'{');
        if glues(&self.text[self.at - 1]) || self.text.get(end).is_some_and(glues) {
            return Err(ShellError::Glued { text: self.text[self.at..end].to_vec(), at: self.at });
        }
        self.hole(Place::Arithmetic)
    }

    fn placeholder_at(&self, at: usize) -> Option<Found> {
        self.spelling.at_start(&self.text[at..])
    }

    /// Like [`hole`](Self::hole), for strings that the user chose: they may begin with any byte, so they are looked
    /// for before anything else.
    fn renamed_hole(&mut self, place: Place) -> Result<bool, ShellError> {
        let is_here = self.spelling.renamed_at_start(&self.text[self.at..]).is_some();
        if is_here { self.hole(place) } else { Ok(false) }
    }

    /// Takes the placeholder that stands here, if one does.
    fn hole(&mut self, place: Place) -> Result<bool, ShellError> {
        let Some(found) = self.placeholder_at(self.at) else { return Ok(false) };
        let check = self.spelling.check(&self.text[self.at..], &found);
        check.map_err(|cause| ShellError::Position { at: self.at, cause })?;
        self.start_word();
        let place = if place == Place::Plain && self.is_assigned() { Place::Assigned } else { place };
        let bare = self.bare(found.len);
        self.parts.push(Part::Hole { placeholder: found.placeholder, place, bare });
        self.at += found.len;
        (self.end, self.end_at) = (End::Word { blank: 0 }, self.at);
        Ok(true)
    }

    /// Whether an input in place of the placeholder here, so long, may go without quotes.
    fn bare(&self, len: usize) -> Bare {
        let (before, behind) = (&self.text[..self.at], &self.text[self.at + len..]);
        let touches_a_hole = matches!(self.parts.last(), Some(Part::Hole { .. }))
            || self.placeholder_at(self.at + len).is_some();
        // All of the word so far: behind `$v` a name would grow.
        let word = &self.text[self.word_at.unwrap_or(self.at)..self.at];
        let starts = match before {
            _ if !word.is_empty() => word.iter().all(|b| is_plain(*b) || *b == b'='),
            [.., b'\\', b'\n'] => false,
            [] => true,
            [.., byte] => b" \t\n;|(".contains(byte),
        };
        let ends = match behind {
            [] | [b' ' | b'\t' | b'\n' | b';' | b'|' | b')', ..] => true,
            [byte, ..] => is_plain(*byte),
        };
        let beside =
            [before.last(), behind.first()].map(|b| b.copied().filter(|b| is_plain(*b) || *b == b'='));
        match (starts && ends && !touches_a_hole, beside) {
            (false, _) => Bare::Never,
            (true, [None, None]) => Bare::Alone,
            (true, beside) if beside.iter().flatten().all(u8::is_ascii_alphabetic) => Bare::Joined,
            (true, _) => Bare::Within,
        }
    }

    /// Whether the word so far begins as an assignment does.
    fn is_assigned(&self) -> bool {
        let word = &self.text[self.word_at.unwrap_or(self.at)..self.at];
        let Some(name) = word.iter().position(|b| *b == b'=').map(|len| &word[..len]) else { return false };
        let starts = name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        starts && name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+'))
    }

    fn start_word(&mut self) {
        if self.word_at.is_none() {
            self.word_at = Some(self.at);
            self.mark(Part::Start);
        }
    }

    fn mark(&mut self, mark: Part) {
        if self.marks_words {
            self.parts.push(mark);
        }
    }

    /// A word ends here. `case` starts what a count of parentheses cannot follow.
    fn end_word(&mut self) {
        let Some(word_at) = self.word_at.take() else { return };
        self.mark(Part::End);
        if !self.frames.is_empty() && &self.text[word_at..self.at] == b"case" {
            self.lose(Lost::CaseInSubstitution);
        }
    }

    /// Whether a line continuation follows `len` bytes from here; it could hide an operator's second half.
    fn continues(&self, len: usize) -> bool {
        self.text[self.at + len..].starts_with(b"\\\n")
    }

    fn lose(&mut self, lost: Lost) {
        self.lost = Some((lost, self.at));
    }

    fn word_bytes(&mut self, len: usize) {
        self.start_word();
        self.literal(len);
        (self.end, self.end_at) = (End::Word { blank: 0 }, self.at);
    }

    fn literal(&mut self, len: usize) {
        let text = self.text;
        self.append(&text[self.at..self.at + len]);
        self.at += len;
    }

    fn append(&mut self, bytes: &[u8]) {
        match self.parts.last_mut() {
            Some(Part::Literal(literal)) => literal.extend_from_slice(bytes),
            _ => self.parts.push(Part::Literal(bytes.to_vec())),
        }
    }

    fn finish(mut self) -> Result<ShellTemplate, ShellError> {
        if self.lost.is_none() && self.frames.is_empty() {
            self.end_word();
        }
        let end = match (self.lost, self.frames.last(), self.end) {
            (Some((lost, _)), ..) => End::Unknown(lost),
            (None, Some(&Frame::Substitution { opened_at, .. }), _) => {
                return Err(ShellError::Unterminated { opener: "$(", at: opened_at });
            }
            (None, Some(&Frame::DoubleQuotes { opened_at }), _) => {
                return Err(ShellError::Unterminated { opener: "double quote", at: opened_at });
            }
            (None, None, End::Word { .. }) => End::Word { blank: self.text.len() - self.end_at },
            (None, None, end) => end,
        };
        Ok(ShellTemplate { parts: self.parts, end })
    }
}

/// Whether a placeholder is a parameter when a `$` stands in front: `${1}` and `${#}` belong to the shell.
fn is_parameter(placeholder: &[u8]) -> bool {
    let name = placeholder.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    name.is_some_and(|name| name == b"#" || (!name.is_empty() && name.iter().all(u8::is_ascii_digit)))
}
