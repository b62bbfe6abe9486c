//! `--results DIR`: each task's output in `DIR/ID/stdout` and `DIR/ID/stderr`, the durable copy.
//!
//! Files appear whole: they are written under another name and renamed. They are synced once per report, before it
//! goes out: a few one by one, many by syncing the file system, which costs what everybody else has left unsynced
//! there as well.

use divvy_engine::process::{Captured, Printed};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Most files that are synced one by one; they stay open until then.
const ONE_BY_ONE_MAX: usize = 64;

/// A directory of results.
#[derive(Debug)]
pub struct Results {
    dir: PathBuf,
    handle: File,
    unsynced: Mutex<Unsynced>,
}

#[derive(Debug)]
enum Unsynced {
    Few(Vec<File>),
    Many,
}

impl Default for Unsynced {
    fn default() -> Unsynced {
        Unsynced::Few(Vec::new())
    }
}

impl Unsynced {
    fn add(&mut self, kept: [File; 2]) {
        match self {
            Unsynced::Few(files) if files.len() < ONE_BY_ONE_MAX => files.extend(kept),
            _ => *self = Unsynced::Many,
        }
    }
}

impl Results {
    /// Opens the directory, and makes it if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: &Path) -> io::Result<Results> {
        fs::create_dir_all(dir)?;
        Ok(Results { dir: dir.to_owned(), handle: File::open(dir)?, unsynced: Mutex::default() })
    }

    /// Keeps a task's output, in place of one from an earlier attempt.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, id: u64, output: &mut Captured) -> io::Result<()> {
        let dir = self.dir.join(id.to_string());
        fs::create_dir_all(&dir)?;
        let kept = [put(&dir, "stdout", &mut output.stdout)?, put(&dir, "stderr", &mut output.stderr)?];
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).add(kept);
        Ok(())
    }

    /// Makes everything kept so far durable.
    ///
    /// # Errors
    /// What the system says; then nothing may be reported done, now or later.
    pub fn sync(&self) -> io::Result<()> {
        // Taken before the sync: what is kept meanwhile is for the next one.
        let unsynced = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner));
        match unsynced {
            Unsynced::Few(files) => files.iter().try_for_each(File::sync_all),
            Unsynced::Many => Ok(rustix::fs::syncfs(&self.handle)?),
        }
    }
}

/// Writes a file whole, and returns it open.
fn put(dir: &Path, name: &str, printed: &mut Printed) -> io::Result<File> {
    let part = dir.join(format!("{name}.part"));
    let mut file = File::create(&part)?;
    printed.copy_to(&mut file)?;
    fs::rename(part, dir.join(name))?;
    Ok(file)
}
