//! What a job records of its command: enough to run it later, elsewhere on this machine, as it would have run here.

use super::Record;
use super::halt::Halt;
use super::hold::Hold;
use super::timeout::Timeout;
use super::typed::typed_template;
use crate::lang::spelling::Spelling;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The kind of handler, as jobs name it.
pub const KIND: &str = "command";

/// Format of the bytes. A recipe of another format is refused by its number.
const FORMAT: u32 = 4;

/// A command and its surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// What is run.
    pub text: Text,
    /// What bounds each task.
    pub limits: Limits,
    /// What becomes of what it prints.
    pub keep: Keep,
    /// The directory in which it runs.
    cwd: OsString,
    /// The environment.
    pub env: Vec<(OsString, OsString)>,
}

/// What is run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Text {
    /// The words, or with `shell` the one text; none: each input is a text for `sh -c`.
    pub words: Vec<Vec<u8>>,
    /// Run by `sh -c`.
    pub shell: bool,
    /// The input becomes the last word where no placeholder shows it.
    pub append_input: bool,
    /// A word that shows several fields comes once for each.
    pub repeat: bool,
    /// How placeholders are written.
    pub spelling: Spelling,
    /// What the tasks' records hold.
    pub record: Record,
    /// Each task's record is a [`Step`](super::Step): its own command. Then there are no words here.
    pub per_task: bool,
}

/// What bounds tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Longest time of a task.
    pub timeout: Timeout,
    /// Signals by which a task is ended, and milliseconds after each; none: the default.
    pub ending: Vec<(i32, u64)>,
    /// Niceness of tasks.
    pub nice: Option<i32>,
    /// When to stop before all tasks have run.
    pub halt: Option<Halt>,
    /// What a start has to wait for.
    pub hold: Hold,
}

/// What becomes of what tasks print, and what is written down about them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keep {
    /// Print in the order of the inputs.
    pub in_order: bool,
    /// How it is printed.
    pub printing: Printing,
    /// In front of each line, with replacement strings.
    pub tag: Option<Vec<u8>>,
    /// Where the command is shown.
    pub show: Show,
    /// Where it goes.
    pub place: Place,
    /// Print the names of the files instead.
    pub names: bool,
    /// A line for each task that ended. As the system spells it: a path need not be UTF-8.
    pub joblog: Option<OsString>,
    /// Tasks that a log says have ended, as `[lo, hi)` of seqs: they are done without being run.
    pub skip: Vec<(u64, u64)>,
    /// Kept in the job's log as well.
    pub log: bool,
}

/// How outputs are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Printing {
    /// Whole tasks, when they have ended.
    #[default]
    Grouped,
    /// Whole lines, as they come.
    Lines,
    /// By the tasks themselves.
    Direct,
}

/// Where a task's command is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Show {
    /// Nowhere.
    #[default]
    Nowhere,
    /// On stdout, in front of what it prints.
    Stdout,
    /// On stderr, when it starts.
    Stderr,
}

/// Where outputs go. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Place {
    /// To divvy's own stdout and stderr.
    #[default]
    Printed,
    /// Into files below this directory, by task id.
    Dir(OsString),
    /// Into files named by this, with replacement strings, below this directory.
    Named(OsString, Vec<u8>),
    /// Into rows of one file; `None`: of stdout.
    Table(Option<OsString>, Separator),
    /// What is on stdout into a file of its own in this directory.
    Temp(OsString),
    /// Each stream apart; names of files are below this directory.
    Apart(OsString, [Stream; 2]),
}

/// What stands between the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Separator {
    /// A comma.
    Comma,
    /// A tabulator.
    Tab,
}

/// Where one stream goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stream {
    /// Printed.
    #[default]
    Printed,
    /// Thrown away.
    Nowhere,
    /// Into a file named by this, with HyperQueue's placeholders.
    File(Vec<u8>),
}

impl Recipe {
    /// A recipe that runs in this directory and environment.
    pub fn new(
        text: Text,
        limits: Limits,
        keep: Keep,
        cwd: PathBuf,
        env: Vec<(OsString, OsString)>,
    ) -> Recipe {
        Recipe { text, limits, keep, cwd: cwd.into_os_string(), env }
    }

    /// The directory in which it runs.
    pub fn cwd(&self) -> &Path {
        Path::new(&self.cwd)
    }

    /// Bytes for the job's record.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(&(FORMAT, self)).expect("plain data in memory")
    }

    /// Reads what [`Recipe::encode`] wrote.
    ///
    /// # Errors
    /// A sentence: another format, or bytes that are no recipe.
    pub fn decode(bytes: &[u8]) -> Result<Recipe, String> {
        match postcard::take_from_bytes::<u32>(bytes) {
            Ok((FORMAT, rest)) => {
                postcard::from_bytes(rest).map_err(|_| "its command is not readable".into())
            }
            Ok((found, _)) => Err(format!("its command has format {found}: use the divvy that submitted it")),
            Err(_) => Err("it has no command".into()),
        }
    }

    /// The command as a person would type it: for lists and messages.
    pub fn shown(&self) -> String {
        match &self.text {
            // A text already.
            text if text.shell => String::from_utf8_lossy(&text.words.join(&b' ')).into_owned(),
            text => typed_template(&text.words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn any_bytes_come_back() {
        let text = Text {
            words: vec![b"a b".to_vec(), vec![0xff, 0xfe], vec![]],
            append_input: true,
            ..Text::default()
        };
        let place = Place::Dir(OsString::from_vec(vec![0xff]));
        let keep = Keep { place, skip: vec![(1, 7), (9, u64::MAX)], ..Keep::default() };
        let halt = Halt::parse(b"soon,fail=10%").unwrap();
        let limits = Limits { timeout: Timeout::Millis(1_500), halt, ..Limits::default() };
        let env = vec![("A".into(), OsString::from_vec(vec![b'=', 0x80])), ("B".into(), "".into())];
        let recipe = Recipe::new(text, limits, keep, "/".into(), env);
        assert_eq!(Recipe::decode(&recipe.encode()), Ok(recipe.clone()));
        let bytes = recipe.encode();
        assert!((0..bytes.len()).all(|n| Recipe::decode(&bytes[..n]).is_err()));
        assert!(Recipe::decode(&[9]).unwrap_err().contains("format 9"));
    }
}
