//! Which files the words of a command line mean, and whether they are still what they were.

use super::Codec;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that is read, as it was when the job was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Absolute.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// How it is packed.
    pub codec: Codec,
    /// What tells that it was changed since: its inode and the nanoseconds of its last change.
    pub state: (u64, i64),
}

impl InputFile {
    /// A file as it is now.
    ///
    /// # Errors
    /// If it is not there or cannot be looked at.
    pub fn look(path: &Path) -> Result<InputFile> {
        let found = std::fs::metadata(path).map_err(Error::io("read", path))?;
        let path = std::path::absolute(path).map_err(Error::io("find", path))?;
        let codec = Codec::of(&path)?;
        Ok(InputFile { size: found.len(), codec, state: state(&found), path })
    }

    /// Opens it, if it is still what it was.
    ///
    /// # Errors
    /// [`Error::Changed`], or whatever the system says.
    pub fn open(&self) -> Result<std::fs::File> {
        let file = std::fs::File::open(&self.path).map_err(Error::io("read", &self.path))?;
        self.check(&file)?;
        Ok(file)
    }

    /// Fails if the file is not what it was.
    ///
    /// # Errors
    /// [`Error::Changed`], or whatever the system says.
    pub fn check(&self, file: &std::fs::File) -> Result<()> {
        let found = file.metadata().map_err(Error::io("read", &self.path))?;
        if (found.len(), state(&found)) == (self.size, self.state) {
            Ok(())
        } else {
            Err(Error::Changed { path: self.path.clone() })
        }
    }
}

fn state(found: &std::fs::Metadata) -> (u64, i64) {
    (found.ino(), found.mtime() * 1_000_000_000 + found.mtime_nsec())
}

/// The files that these words name: files, directories with all that is in them, and patterns that no file is named by.
/// In the order of the words, and within a directory or pattern in the order of their paths. What begins with a dot or an
/// underscore is passed over in directories: there it is no data but what others keep beside it (`_SUCCESS`).
///
/// # Errors
/// [`Error::NoInput`] for a word that names nothing.
pub fn expand<P: AsRef<Path>>(words: impl IntoIterator<Item = P>) -> Result<Vec<InputFile>> {
    let mut files = Vec::new();
    for word in words {
        let word = word.as_ref();
        match std::fs::metadata(word) {
            Ok(found) if found.is_dir() => walk(word, &mut files)?,
            Ok(_) => files.push(InputFile::look(word)?),
            Err(_) => matches(word, &mut files)?,
        }
    }
    Ok(files)
}

fn walk(dir: &Path, files: &mut Vec<InputFile>) -> Result<()> {
    let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut paths: Vec<_> = entries.map_err(Error::io("read", dir))?.iter().map(|e| e.path()).collect();
    paths.sort_unstable();
    for path in paths {
        let is_hidden = |name: &std::ffi::OsStr| matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'));
        if path.file_name().is_some_and(is_hidden) {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(InputFile::look(&path)?);
        }
    }
    Ok(())
}

fn matches(word: &Path, files: &mut Vec<InputFile>) -> Result<()> {
    let none = || Error::NoInput { path: word.to_owned() };
    let pattern = word.to_str().filter(|text| text.contains(['*', '?', '['])).ok_or_else(none)?;
    let before = files.len();
    let found = glob::glob(pattern).map_err(|_| none())?;
    let mut paths: Vec<_> = found.flatten().collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(InputFile::look(&path)?);
        }
    }
    if files.len() == before { Err(none()) } else { Ok(()) }
}
