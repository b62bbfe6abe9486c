//! `--results DIR`: each task's output in `DIR/ID/stdout` and `DIR/ID/stderr`, the durable copy.
//!
//! Files appear whole: they are written under another name and renamed. They are synced once per report, all
//! together, before the report goes out: an fsync for each of a million tasks would be the job.

use divvy_engine::process::{Captured, Printed};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A directory of results.
#[derive(Debug)]
pub struct Results {
    dir: PathBuf,
    handle: File,
    unsynced: AtomicBool,
}

impl Results {
    /// Opens the directory, and makes it if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(dir: &Path) -> io::Result<Results> {
        fs::create_dir_all(dir)?;
        Ok(Results { dir: dir.to_owned(), handle: File::open(dir)?, unsynced: AtomicBool::new(false) })
    }

    /// Keeps a task's output, in place of one from an earlier attempt.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&self, id: u64, output: &mut Captured) -> io::Result<()> {
        let dir = self.dir.join(id.to_string());
        fs::create_dir_all(&dir)?;
        put(&dir, "stdout", &mut output.stdout)?;
        put(&dir, "stderr", &mut output.stderr)?;
        self.unsynced.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes everything kept so far durable.
    ///
    /// # Errors
    /// What the system says; then nothing may be reported done.
    pub fn sync(&self) -> io::Result<()> {
        // Taken before the sync: what is kept meanwhile is for the next one.
        if self.unsynced.swap(false, Ordering::AcqRel) {
            rustix::fs::syncfs(&self.handle).inspect_err(|_| self.unsynced.store(true, Ordering::Release))?;
        }
        Ok(())
    }
}

fn put(dir: &Path, name: &str, printed: &mut Printed) -> io::Result<()> {
    let part = dir.join(format!("{name}.part"));
    printed.copy_to(&mut File::create(&part)?)?;
    fs::rename(part, dir.join(name))
}
