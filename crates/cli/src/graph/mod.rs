//! `--graph FILE`: tasks that are described one by one, and wait for each other. The format is docs/graphs.md.
//!
//! `file.rs` is what may stand in the file; `resolve.rs` makes tasks of it: who waits for whom, what each takes, and
//! what is run. Everything that is wrong with a file is said before anything is stored.

mod file;
mod resolve;

pub use resolve::Tasks;

use crate::exit::bad_usage;
use anyhow::Result;
use std::io::Read;
use std::path::Path;

/// Longest file. It is read as a whole, since any task may name any other.
const BYTES_MAX: u64 = 256 << 20;

/// Reads the tasks of a file; `-` is stdin.
///
/// # Errors
/// Bad usage: what cannot be read, and everything that is wrong with it.
pub fn open(path: &Path) -> Result<Tasks> {
    let shown = if path == Path::new("-") { "stdin".into() } else { path.display().to_string() };
    let text = read(path).map_err(|e| bad_usage(format!("--graph: cannot read {shown}: {e}")))?;
    let wrong = |why: String| bad_usage(format!("--graph: {shown}: {why}"));
    let file = file::parse(&text).map_err(wrong)?;
    let here = std::env::current_dir()?;
    let mut tasks = Tasks::of(file, &here).map_err(wrong)?;
    if tasks.name.is_none() {
        tasks.name = Some(format!("graph {shown}"));
    }
    Ok(tasks)
}

fn read(path: &Path) -> std::io::Result<String> {
    let source: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(path)?),
    };
    let mut text = String::new();
    source.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "more than {} MiB: split it into several jobs",
            BYTES_MAX >> 20
        )));
    }
    Ok(text)
}
