//! A command given as words, with its replacement strings found once and filled in per task.
//!
//! Rendering copies bytes and looks at none of them: an input is one word, or part of one, whatever it holds. Text for
//! a shell is another matter and has its own module, [`super::shell`].

use std::fmt;

use super::placeholder::{self, BadPosition, Input, Placeholder};

/// A parsed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    words: Vec<Vec<Part>>,
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
    /// Finds the replacement strings in `words`.
    ///
    /// # Errors
    ///
    /// [`TemplateError`] for a numbered one such as `{2}`, since a task has one input.
    pub fn new<W: AsRef<[u8]>>(words: &[W]) -> Result<Self, TemplateError> {
        let parse = |(word, text): (usize, &W)| {
            parts(text.as_ref()).map_err(|(at, cause)| TemplateError { word, at, cause })
        };
        Ok(Template { words: words.iter().enumerate().map(parse).collect::<Result<_, _>>()? })
    }

    /// Whether some word shows the task's input. If none does, the caller appends it with
    /// [`append_input`](Self::append_input), except for arrays.
    pub fn uses_input(&self) -> bool {
        self.words.iter().flatten().any(|part| matches!(part, Part::Hole(hole) if hole.uses_input()))
    }

    /// Whether some word differs from task to task, and not only from slot to slot.
    pub fn uses_task(&self) -> bool {
        let of_task = |part: &Part| matches!(part, Part::Hole(hole) if *hole != Placeholder::Slot);
        self.words.iter().flatten().any(of_task)
    }

    /// Adds the input as the last word.
    pub fn append_input(&mut self) {
        self.words.push(vec![Part::Hole(Placeholder::Input)]);
    }

    /// The words of one task. A NUL byte in the input is copied like any other; starting the program then fails.
    pub fn render(&self, input: &Input<'_>) -> Vec<Vec<u8>> {
        let mut words = Vec::new();
        self.render_into(input, &mut words);
        words
    }

    /// Like [`render`](Self::render), but keeps the buffers that `words` holds from the task before.
    pub fn render_into(&self, input: &Input<'_>, words: &mut Vec<Vec<u8>>) {
        words.resize_with(self.words.len(), Vec::new);
        for (parts, word) in self.words.iter().zip(words) {
            word.clear();
            for part in parts {
                match part {
                    Part::Literal(bytes) => word.extend_from_slice(bytes),
                    Part::Hole(hole) => hole.with_value(input, |value| word.extend_from_slice(value)),
                }
            }
        }
    }
}

fn parts(text: &[u8]) -> Result<Vec<Part>, (usize, BadPosition)> {
    let mut parts = Vec::new();
    let mut done = 0;
    while let Some((at, found)) = placeholder::find(text, done) {
        if !found.names_the_input() {
            return Err((at, BadPosition::new(text, at, &found)));
        }
        if at > done {
            parts.push(Part::Literal(text[done..at].to_vec()));
        }
        parts.push(Part::Hole(found.placeholder));
        done = at + found.len;
    }
    if done < text.len() {
        parts.push(Part::Literal(text[done..].to_vec()));
    }
    Ok(parts)
}
