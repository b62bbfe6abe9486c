//! A command given as words, with its replacement strings found once and filled in per task.
//!
//! Rendering copies bytes and looks at none of them: an input is one word, or part of one, whatever it holds. Text for
//! a shell is another matter and has its own module, [`super::shell`].
//!
//! Where a task has several fields, a word that is `{}` (or `{.}`, ...) and nothing else becomes one word for each; a
//! word that is the number of a field which is not there becomes none. In a word with more in it they stand side by side with a space between them, and the word stays one word; if
//! repeating was asked for, as `-X` does, such a word comes once for each field instead.

use std::convert::Infallible;
use std::fmt;

use super::placeholder::{BadPosition, Input, Placeholder};
use super::spelling::Spelling;

/// A parsed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    words: Vec<Word>,
    /// Words that show all fields come once for each.
    repeat: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    parts: Vec<Part>,
    fills: Fills,
}

/// What several fields make of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fills {
    /// Nothing: it does not show all fields.
    Nothing,
    /// It is one placeholder: as many words as that has values.
    Whole,
    /// It has them in it.
    Within,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Vec<u8>),
    Hole(Placeholder),
}

/// A replacement string that cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Which word, from 0, where the program is word 0.
    pub word: usize,
    /// Byte offset inside the word.
    pub at: usize,
    /// What is wrong.
    pub cause: BadPosition,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {} of ", self.cause, self.at + 1)?;
        match self.word {
            0 => f.write_str("the command's name)"),
            word => write!(f, "argument {word})"),
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Finds the replacement strings in `words`, written like this. With `repeat`, a word that shows all fields comes
    /// once for each.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] for a numbered one that certainly names no field.
    pub fn new<W: AsRef<[u8]>>(
        words: &[W],
        spelling: &Spelling,
        repeat: bool,
    ) -> Result<Self, TemplateError> {
        let parse = |(word, text): (usize, &W)| {
            Word::new(text.as_ref(), spelling).map_err(|(at, cause)| TemplateError { word, at, cause })
        };
        Ok(Template { words: words.iter().enumerate().map(parse).collect::<Result<_, _>>()?, repeat })
    }

    /// Whether some word holds a placeholder, if only `{#}`. If none does, the caller appends the input with
    /// [`append_input`](Self::append_input), except for arrays.
    pub fn has_placeholder(&self) -> bool {
        let mut parts = self.words.iter().flat_map(|word| &word.parts);
        parts.any(|part| matches!(part, Part::Hole(_)))
    }

    /// Adds the input as the last word, or its fields as the last words.
    pub fn append_input(&mut self) {
        self.words.push(Word { parts: vec![Part::Hole(Placeholder::INPUT)], fills: Fills::Whole });
    }

    /// The words of one task. A NUL byte in the input is copied like any other; starting the program then fails.
    pub fn render(&self, input: &Input<'_>) -> Vec<Vec<u8>> {
        let mut words = Vec::with_capacity(self.words.len() + input.fields.len().saturating_sub(1));
        for word in &self.words {
            let several = input.fields.len() != 1;
            match (word.fills, word.parts.as_slice()) {
                (Fills::Whole, [Part::Hole(hole)]) => {
                    let Ok(()) = hole.values(input, |value| {
                        words.push(value.to_vec());
                        Ok::<(), Infallible>(())
                    });
                }
                (Fills::Within, _) if self.repeat && several => {
                    words.extend(input.fields.iter().map(|field| word.with(field, input)));
                }
                _ => words.push(word.render(input)),
            }
        }
        words
    }
}

impl Word {
    fn new(text: &[u8], spelling: &Spelling) -> Result<Word, (usize, BadPosition)> {
        let mut parts = Vec::new();
        let mut done = 0;
        while let Some((at, found)) = spelling.find(text, done) {
            spelling.check(&text[at..], &found).map_err(|cause| (at, cause))?;
            if at > done {
                parts.push(Part::Literal(text[done..at].to_vec()));
            }
            parts.push(Part::Hole(found.placeholder));
            done = at + found.len;
        }
        if done < text.len() {
            parts.push(Part::Literal(text[done..].to_vec()));
        }
        let is_all = |part: &Part| matches!(part, Part::Hole(hole) if hole.is_all_fields());
        let fills = match parts.as_slice() {
            [Part::Hole(_)] => Fills::Whole,
            parts if parts.iter().any(is_all) => Fills::Within,
            _ => Fills::Nothing,
        };
        Ok(Word { parts, fills })
    }

    fn render(&self, input: &Input<'_>) -> Vec<u8> {
        let mut word = Vec::new();
        self.parts.iter().for_each(|part| part.write(input, input, &mut word));
        word
    }

    /// The word for one of the fields; numbered placeholders still count among all of them.
    fn with(&self, field: &[u8], input: &Input<'_>) -> Vec<u8> {
        let mut word = Vec::new();
        let alone = Input { fields: &[field], ..*input };
        self.parts.iter().for_each(|part| part.write(&alone, input, &mut word));
        word
    }
}

impl Part {
    fn write(&self, all: &Input<'_>, numbered: &Input<'_>, word: &mut Vec<u8>) {
        match self {
            Part::Literal(bytes) => word.extend_from_slice(bytes),
            Part::Hole(hole) if hole.is_all_fields() => hole.write_joined(all, word),
            Part::Hole(hole) => hole.write_joined(numbered, word),
        }
    }
}
