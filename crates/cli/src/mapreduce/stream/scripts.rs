//! Which program a command means.

use super::{formats, shown};
use crate::exit::bad_usage;
use crate::lang::spelling::Spelling;
use crate::lang::words;
use anyhow::Result;
use divvy_mapreduce::stream::Script;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Looks for programs where people expect them: among the files that go with the job, beside them, and on the path.
pub struct Finder<'a> {
    cwd: &'a Path,
    files: &'a [PathBuf],
    archives: &'a [PathBuf],
}

/// A command whose program is there.
pub struct Found {
    words: Vec<OsString>,
    text: String,
    /// The program is one of the files that go with the job.
    is_shipped: bool,
}

impl Found {
    /// The command for processes in this directory.
    pub fn script(&self, dir: &Path) -> Script {
        let mut words = self.words.clone();
        if self.is_shipped {
            words[0] = dir.join(&words[0]).into_os_string();
        }
        Script { words, text: self.text.clone() }
    }
}

impl<'a> Finder<'a> {
    /// A finder for a job of these files, submitted in this directory.
    pub fn new(cwd: &'a Path, files: &'a [PathBuf], archives: &'a [PathBuf]) -> Finder<'a> {
        Finder { cwd, files, archives }
    }

    /// The mapper; none if lines are used as they are.
    ///
    /// # Errors
    /// As [`Finder::script`].
    pub fn mapper(&self, text: Option<&OsStr>) -> Result<Option<Found>> {
        self.script("--mapper", text.filter(|text| !formats::is_identity(text)))
    }

    /// A command.
    ///
    /// # Errors
    /// Bad usage: there is no such program.
    pub fn script(&self, flag: &str, text: Option<&OsStr>) -> Result<Option<Found>> {
        let Some(text) = text else { return Ok(None) };
        if text.as_bytes().trim_ascii().is_empty() {
            return Err(bad_usage(format!("{flag}: it is empty")));
        }
        let split = words::split(text.as_bytes(), &Spelling::default());
        let Ok(words) = split else {
            // Pipes, variables, patterns: what only a shell can do is for a shell.
            let words = ["/bin/sh".into(), "-c".into(), text.to_owned()].into();
            return Ok(Some(Found { words, text: shown(text), is_shipped: false }));
        };
        let mut words: Vec<OsString> = words.into_iter().map(OsString::from_vec).collect();
        if words[0].as_bytes().starts_with(b"org.apache.hadoop.") {
            return Err(bad_usage(format!("{flag} {}: divvy runs no classes of Hadoop", shown(&words[0]))));
        }
        let (program, is_shipped) = self.program(flag, &words[0])?;
        words[0] = program;
        Ok(Some(Found { words, text: shown(text), is_shipped }))
    }

    /// What to start, and whether it goes with the job.
    fn program(&self, flag: &str, name: &OsStr) -> Result<(OsString, bool)> {
        let path = Path::new(name);
        let bare = path.strip_prefix("./").unwrap_or(path);
        let first = bare.iter().next();
        let is_file = self.files.iter().any(|file| super::ship::name_of(file) == Some(bare.as_os_str()));
        // What is in an archive is seen when it is unpacked.
        if is_file || self.archives.iter().any(|archive| first == super::ship::name_of(archive)) {
            return Ok((bare.as_os_str().to_owned(), true));
        }
        let here = self.cwd.join(path);
        if is_program(&here) {
            return Ok((here.into_os_string(), false));
        }
        let has_slash = name.as_bytes().contains(&b'/');
        let on_path = std::env::var_os("PATH").filter(|_| !has_slash);
        let mut dirs = on_path.iter().flat_map(std::env::split_paths);
        if dirs.any(|dir| is_program(&dir.join(path))) {
            return Ok((name.to_owned(), false));
        }
        let name = shown(name);
        Err(bad_usage(if here.is_file() {
            format!(
                "{flag}: {name} may not be executed: `chmod +x {name}`, or name what runs it, as in 'python3 {name}'"
            )
        } else {
            format!("{flag}: there is no program {name}, neither here nor on the path")
        }))
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
