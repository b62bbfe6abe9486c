//! A file that is named in an argument, or stdin.

use crate::exit::bad_usage;
use anyhow::Result;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is read, and what to call it.
pub struct Source {
    /// For messages.
    pub name: String,
    /// Where it comes from.
    pub bytes: Box<dyn Read>,
}

impl Source {
    /// Opens it; `-` is stdin.
    ///
    /// # Errors
    /// Bad usage: it is not there.
    pub fn open(path: &Path) -> Result<Source> {
        if path.as_os_str() == "-" {
            return Ok(Source { name: "stdin".into(), bytes: Box::new(std::io::stdin()) });
        }
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| cannot_read(&name, &error))?;
        Ok(Source { name, bytes: Box::new(file) })
    }
}

/// What is said when it cannot be read. Also a directory cannot, although it opens like a file.
pub fn cannot_read(name: &str, error: &std::io::Error) -> anyhow::Error {
    bad_usage(format!("cannot read {name}: {error}"))
}
