//! Where a job of `divvy mapreduce` lives on disk, and where its output goes.

use crate::exit::bad_usage;
use crate::home;
use anyhow::{Context, Result};
use divvy_mapreduce::part_name;
use divvy_mapreduce::plan::{Out, Plan};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A job's directory, and what its output is to be. Dropped before it is [kept](Place::keep) it removes the directory.
pub struct Place {
    dir: PathBuf,
    out: Out,
    kept: bool,
}

impl Place {
    /// A new directory for a job whose output goes there: beside the output, so that it can appear by a change of
    /// its name; for stdout beside the store, or in `temp`.
    ///
    /// # Errors
    /// Bad usage if the output is there already.
    pub fn new(out: &Path, single: bool, temp: Option<&Path>) -> Result<Place> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        let own = format!("{}-{since:x}", std::process::id());
        let (dir, out) = if out.as_os_str() == "-" {
            let temp = match temp {
                Some(temp) => std::path::absolute(temp)?,
                None => home::spill_dir()?.join("mapreduce"),
            };
            (temp.join(own), Out::Parts)
        } else {
            let out = std::path::absolute(out)?;
            check_is_free(&out, single)?;
            let name = out.file_name().ok_or_else(|| bad_usage("-o names no file"))?;
            let mut hidden = OsString::from(".");
            hidden.push(name);
            hidden.push(format!(".divvy-{own}"));
            let dir = out.with_file_name(hidden);
            (dir, if single { Out::Single(out) } else { Out::Directory(out) })
        };
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Place { dir, out, kept: false })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the output is to be.
    pub fn out(&self) -> Out {
        self.out.clone()
    }

    /// Keeps what comes from stdin: a split may have to be read again.
    ///
    /// # Errors
    /// What the system says.
    pub fn stdin(&self) -> Result<PathBuf> {
        let path = self.dir.join("stdin");
        let mut file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
        io::copy(&mut io::stdin().lock(), &mut file).context("cannot keep stdin")?;
        Ok(path)
    }

    /// There is a job that the directory belongs to: it stays until that has finished, whoever runs it.
    pub fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is in nobody's way.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// Prints what a job has made whose output is to go to stdout, and removes its directory. Nobody reading it is no error.
/// Other outputs are where they belong by now.
///
/// # Errors
/// What the system says.
pub fn give_out(dir: &Path) -> Result<()> {
    let Ok(plan) = Plan::read(dir) else { return Ok(()) };
    if plan.out != Out::Parts {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    for number in 0..plan.parts.count() {
        let path = dir.join("parts").join(part_name(number));
        let mut part = File::open(&path).with_context(|| format!("cannot read {}", path.display()))?;
        match io::copy(&mut part, &mut stdout) {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => break,
            copied => drop(copied.context("cannot write to stdout")?),
        }
    }
    stdout.flush()?;
    // What cannot be removed is in nobody's way.
    let _ = std::fs::remove_dir_all(dir);
    Ok(())
}

/// The output must not be there: nothing that somebody has is overwritten. An empty directory is as good as none.
fn check_is_free(out: &Path, single: bool) -> Result<()> {
    let is_empty = || std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    match out.symlink_metadata() {
        Ok(found) if !(found.is_dir() && !single && is_empty()) => {
            Err(bad_usage(format!("{} is there already: remove it, or choose another -o", out.display())))
        }
        _ => Ok(()),
    }
}
