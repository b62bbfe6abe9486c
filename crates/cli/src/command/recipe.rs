//! What a job records of its command: enough to run it later, elsewhere on this machine, as it would have run here.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The kind of handler, as jobs name it.
pub const KIND: &str = "command";

/// Format of the bytes. A recipe of another format is refused by its number.
const FORMAT: u32 = 3;

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
    /// The words, or with `shell` the one text.
    pub words: Vec<Vec<u8>>,
    /// Run by `sh -c`.
    pub shell: bool,
    /// The input becomes the last word where no placeholder shows it.
    pub append_input: bool,
    /// Each task's record is a [`Step`](super::Step): its own command. Then there are no words here.
    pub per_task: bool,
}

/// What bounds each task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Longest time of a task, milliseconds; 0: no limit.
    pub timeout_ms: u64,
}

/// What becomes of what tasks print.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keep {
    /// Print in the order of the inputs.
    pub in_order: bool,
    /// Where outputs are kept as well. As the system spells it: a path need not be UTF-8.
    pub results: Option<OsString>,
    /// Kept in the job's log as well.
    pub log: bool,
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

    /// The command as a person would type it, roughly: for lists and messages.
    pub fn shown(&self) -> String {
        let words: Vec<_> = self.text.words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        words.join(" ")
    }
}

impl Keep {
    /// Where outputs are kept as well.
    pub fn results(&self) -> Option<&Path> {
        self.results.as_deref().map(Path::new)
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
        let keep = Keep { results: Some(OsString::from_vec(vec![0xff])), ..Keep::default() };
        let env = vec![("A".into(), OsString::from_vec(vec![b'=', 0x80])), ("B".into(), "".into())];
        let recipe = Recipe::new(text, Limits { timeout_ms: 1_500 }, keep, "/".into(), env);
        assert_eq!(Recipe::decode(&recipe.encode()), Ok(recipe.clone()));
        let bytes = recipe.encode();
        assert!((0..bytes.len()).all(|n| Recipe::decode(&bytes[..n]).is_err()));
        assert!(Recipe::decode(&[9]).unwrap_err().contains("format 9"));
    }
}
