//! Splits one command string into words as a POSIX shell would, and refuses what only a shell can do.
//!
//! `divvy run 'convert {} "out dir/{/}"'` starts `convert` directly, without a shell: faster, and no input can turn
//! into syntax. That is only honest if the words are exactly those `sh` would have made. So quotes, backslashes and
//! line continuations follow POSIX, and whatever a shell would act on (pipes, variables, patterns, keywords) is an
//! error that names the byte, instead of a literal `|` handed to the program.
//!
//! Quoting leaves no trace in a word except that a quoted or escaped first word is always the name of a program.
//! Replacement strings apply inside quotes too, as in GNU parallel. Braces that are no replacement string are refused
//! even where a shell would keep them, because `{a}` is more often a slip than a wish.

use super::spelling::Spelling;

pub use super::words_error::WordsError;

/// One word of a command, after quotes are gone.
pub type Word = Vec<u8>;

/// Splits `text`, with placeholders written like this, into the words `sh` would make of it.
///
/// # Errors
///
/// [`WordsError`], when `sh` would do more than splitting, or could not read the text at all.
pub fn split(text: &[u8], spelling: &Spelling) -> Result<Vec<Word>, WordsError> {
    if let Some(at) = text.iter().position(|&b| b == 0) {
        return Err(WordsError::Nul { at });
    }
    let mut splitter = Splitter { text, spelling, at: 0, words: Vec::new(), word: None, newline_at: None };
    while let Some(&byte) = text.get(splitter.at) {
        splitter.step(byte)?;
    }
    splitter.end_word()?;
    match splitter.words.first() {
        Some(program) if !program.is_empty() => Ok(splitter.words),
        _ => Err(WordsError::Empty),
    }
}

struct Splitter<'a> {
    text: &'a [u8],
    spelling: &'a Spelling,
    at: usize,
    words: Vec<Word>,
    word: Option<Open>,
    /// The first newline after a word. It is syntax only if another word follows.
    newline_at: Option<usize>,
}

/// The word being read.
struct Open {
    bytes: Vec<u8>,
    start: usize,
    /// Some byte of it was quoted or escaped, so it cannot be a keyword or an assignment.
    quoted: bool,
}

impl Splitter<'_> {
    fn step(&mut self, byte: u8) -> Result<(), WordsError> {
        if let Some(found) = self.spelling.renamed_at_start(&self.text[self.at..]) {
            return self.take(found.len);
        }
        match byte {
            b' ' | b'\t' => {
                self.at += 1;
                self.end_word()
            }
            b'\n' => {
                self.end_word()?;
                if !self.words.is_empty() {
                    self.newline_at.get_or_insert(self.at);
                }
                self.at += 1;
                Ok(())
            }
            b'\\' => self.backslash(),
            b'\'' => self.single_quotes(),
            b'"' => self.double_quotes(),
            b'{' => self.placeholder(),
            b'~' | b'#' if self.word.is_none() => Err(self.syntax(byte)),
            b'|' | b'&' | b';' | b'<' | b'>' | b'(' | b')' | b'$' | b'`' | b'*' | b'?' | b'[' | b'}' => {
                Err(self.syntax(byte))
            }
            b'=' => self.equals(),
            _ => self.take(1),
        }
    }

    fn syntax(&self, byte: u8) -> WordsError {
        WordsError::Syntax { byte, at: self.at, in_double_quotes: false }
    }

    /// The word being read, started here if there is none.
    fn open(&mut self) -> Result<&mut Open, WordsError> {
        if let Some(at) = self.newline_at {
            return Err(WordsError::Syntax { byte: b'\n', at, in_double_quotes: false });
        }
        let start = self.at;
        Ok(self.word.get_or_insert_with(|| Open { bytes: Vec::new(), start, quoted: false }))
    }

    /// Moves `len` plain bytes into the word.
    fn take(&mut self, len: usize) -> Result<(), WordsError> {
        let text = self.text;
        let bytes = &text[self.at..self.at + len];
        self.open()?.bytes.extend_from_slice(bytes);
        self.at += len;
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), WordsError> {
        let Some(Open { bytes, start, quoted }) = self.word.take() else { return Ok(()) };
        if self.words.is_empty() && !quoted && needs_shell(&bytes) {
            return Err(WordsError::Builtin { word: bytes, at: start });
        }
        self.words.push(bytes);
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), WordsError> {
        match self.text.get(self.at + 1) {
            None => Err(WordsError::Unterminated { opener: b'\\', at: self.at }),
            // A line continuation vanishes and does not even start a word.
            Some(b'\n') => {
                self.at += 2;
                Ok(())
            }
            Some(&byte) => {
                let open = self.open()?;
                open.quoted = true;
                open.bytes.push(byte);
                self.at += 2;
                Ok(())
            }
        }
    }

    fn single_quotes(&mut self) -> Result<(), WordsError> {
        let (text, opened_at) = (self.text, self.at);
        let inside = &text[opened_at + 1..];
        let len = inside
            .iter()
            .position(|&b| b == b'\'')
            .ok_or(WordsError::Unterminated { opener: b'\'', at: opened_at })?;
        let open = self.open()?;
        open.quoted = true;
        open.bytes.extend_from_slice(&inside[..len]);
        self.at += len + 2;
        Ok(())
    }

    fn double_quotes(&mut self) -> Result<(), WordsError> {
        let (text, opened_at) = (self.text, self.at);
        let open = self.open()?;
        open.quoted = true;
        let mut at = opened_at + 1;
        loop {
            match text[at..] {
                [] => return Err(WordsError::Unterminated { opener: b'"', at: opened_at }),
                [b'"', ..] => break,
                [b'\\', b'\n', ..] => at += 2,
                [b'\\', byte @ (b'$' | b'`' | b'"' | b'\\'), ..] => {
                    open.bytes.push(byte);
                    at += 2;
                }
                [byte @ (b'$' | b'`'), ..] => {
                    return Err(WordsError::Syntax { byte, at, in_double_quotes: true });
                }
                [byte, ..] => {
                    open.bytes.push(byte);
                    at += 1;
                }
            }
        }
        self.at = at + 1;
        Ok(())
    }

    fn placeholder(&mut self) -> Result<(), WordsError> {
        match self.spelling.at_start(&self.text[self.at..]) {
            Some(found) => self.take(found.len),
            None => Err(self.syntax(b'{')),
        }
    }

    /// `NAME=` in front of the command is an assignment, everywhere else `=` is a byte like any other.
    fn equals(&mut self) -> Result<(), WordsError> {
        if let Some(open) = self.word.as_ref().filter(|open| self.words.is_empty() && !open.quoted) {
            let name = open.bytes.strip_suffix(b"+").unwrap_or(&open.bytes);
            if is_name(name) {
                return Err(WordsError::Assignment { name: name.to_vec(), at: open.start });
            }
        }
        self.take(1)
    }
}

fn is_name(text: &[u8]) -> bool {
    let starts = text.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
    starts && text.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Keywords and builtins that exist, or do their work, only inside a shell. Builtins that are programs as well (`echo`,
/// `printf`, `test`, `true`, `kill`, `pwd`, `time`) are left out: the program does the same.
fn needs_shell(word: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"!",
        b".",
        b":",
        b"alias",
        b"bg",
        b"break",
        b"builtin",
        b"case",
        b"cd",
        b"command",
        b"continue",
        b"declare",
        b"do",
        b"done",
        b"elif",
        b"else",
        b"esac",
        b"eval",
        b"exec",
        b"exit",
        b"export",
        b"fc",
        b"fg",
        b"fi",
        b"for",
        b"function",
        b"getopts",
        b"hash",
        b"if",
        b"jobs",
        b"let",
        b"local",
        b"popd",
        b"pushd",
        b"read",
        b"readonly",
        b"return",
        b"select",
        b"set",
        b"shift",
        b"shopt",
        b"source",
        b"then",
        b"times",
        b"trap",
        b"type",
        b"typeset",
        b"ulimit",
        b"umask",
        b"unalias",
        b"unset",
        b"until",
        b"wait",
        b"while",
    ];
    WORDS.contains(&word)
}
