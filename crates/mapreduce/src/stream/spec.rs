//! What a job says of its scripts: everything that another process needs to run them as they would run here.

use super::fields::KeySpec;
use super::keys::Keys;
use crate::Splitters;
use crate::plan::Parts;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;

/// A command: its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// As people typed it.
    pub text: String,
}

/// How lines are keys and values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// What is between fields.
    pub separator: Vec<u8>,
    /// Fields that the key has.
    pub key_fields: u32,
}

impl Default for Form {
    /// All up to the first tab is the key.
    fn default() -> Form {
        Form { separator: b"\t".to_vec(), key_fields: 1 }
    }
}

/// What becomes of the sorted lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduction {
    /// A script makes the output of them.
    Script(Script),
    /// Keys name what becomes of their values: Hadoop's library of reducers.
    Aggregate,
    /// They are the output.
    Identity,
    /// They are not even sorted: what the mappers print is the output, in the order of the inputs.
    None,
}

/// A job of scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Gets the lines of a split; `None`: they are used as they are.
    pub mapper: Option<Script>,
    /// Gets what mappers printed, sorted, and makes it less.
    pub combiner: Option<Script>,
    /// Gets the lines of a part, sorted.
    pub reduction: Reduction,
    /// Where the processes run.
    pub dir: OsString,
    /// Their environment, beside what each is told of its task.
    pub env: Vec<(OsString, OsString)>,
    /// What the job is called in their environment.
    pub job: String,
    /// How the lines of the mapper and of the combiner are read.
    pub map_output: Form,
    /// What is between a line and its place in the file, for a mapper that is told the place.
    pub places: Option<Vec<u8>>,
    /// What is between key and value for the reducer and the combiner.
    pub reduce_input: Vec<u8>,
    /// How the lines of the output are read and written anew; `None`: they are written as they were printed.
    pub output: Option<(Form, Vec<u8>)>,
    /// Parts of the output, unless there is no reduction.
    pub parts: u32,
    /// What is between the fields of a key.
    pub key_separator: Vec<u8>,
    /// By what keys are sorted; none: by their bytes.
    pub order: Vec<KeySpec>,
    /// What decides the part of a key; none: all of it.
    pub partition: Vec<KeySpec>,
    /// A failing mapper's record is looked for.
    pub finds_bad: bool,
    /// A process that ends with another code than 0 has not failed.
    pub any_exit: bool,
}

impl Stream {
    /// How the output is divided: by the number that each key begins with.
    #[must_use]
    pub fn divided(&self, splits: u64) -> Parts {
        match self.reduction {
            Reduction::None => Parts::Splits(splits.clamp(1, PARTS_MAX) as u32),
            _ => Parts::Keys(Splitters::new(Keys::new(self).edges())),
        }
    }
}

/// Most parts where each split is one.
const PARTS_MAX: u64 = 10_000;
