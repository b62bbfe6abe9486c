//! The last task: the output appears, whole.

use super::Work;
use crate::part::part_name;
use crate::plan::Out;
use crate::{Error, Result};
use divvy_engine::{Chunk, Order, Runner};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

pub(super) fn open(work: Work) -> Result<Arc<dyn Runner>> {
    Ok(Arc::new(Finish(work)))
}

/// The file that tells that a directory of parts is whole.
const SUCCESS: &str = "_SUCCESS";

/// For a job whose output is there and whose directory is gone: somebody did all of it, and was ended before he could say so.
pub(super) fn published() -> Arc<dyn Runner> {
    Arc::new(Published)
}

struct Published;

impl Runner for Published {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        chunk.done_all(chunk.range());
    }
}

struct Finish(Work);

impl Runner for Finish {
    fn order(&self) -> Order {
        Order::InOrder
    }

    fn run(&self, chunk: &mut Chunk<'_>) {
        let seq = chunk.range().lo;
        match finish(&self.0) {
            Ok(()) => chunk.done(seq),
            // Somebody else has it too, and was first.
            Err(_) if is_published(&self.0.plan.out) => chunk.done(seq),
            Err(error) => {
                self.0.end_node(&error);
                chunk.stopped(seq);
            }
        }
    }

    fn before_report(&self) -> Result<(), String> {
        self.0.check()
    }
}

fn finish(work: &Work) -> Result<()> {
    (work.on_finish)(&work.manifest.report()?);
    work.manifest.end()?;
    match &work.plan.out {
        Out::Parts => return Ok(()),
        // Only what follows is missing.
        out if is_published(out) => {}
        Out::Directory(to) => publish_parts(work, to)?,
        Out::Single(to) => publish_single(work, to)?,
    }
    // Spills are of no use any more. What cannot be removed is found by whoever looks at the directory.
    let _ = std::fs::remove_dir_all(&work.dir);
    Ok(())
}

/// Whether the output is there. It was not when the job was planned.
fn is_published(out: &Out) -> bool {
    match out {
        Out::Parts => false,
        Out::Directory(to) => to.join(SUCCESS).exists(),
        Out::Single(to) => to.exists(),
    }
}

/// The directory of parts gets its name when all that is in it is on the disk.
fn publish_parts(work: &Work, to: &Path) -> Result<()> {
    let parts = work.parts_dir();
    settle(&parts)?;
    let success = parts.join(SUCCESS);
    File::create(&success).map_err(Error::io("make", &success))?;
    sync(&success)?;
    sync(&parts)?;
    // An empty directory of this name is replaced, anything else is not.
    std::fs::rename(&parts, to).map_err(Error::io("make", to))?;
    sync(to.parent().unwrap_or(Path::new("/")))
}

/// All parts, also of outputs that have a directory of their own, are on the disk.
fn settle(dir: &Path) -> Result<()> {
    for entry in std::fs::read_dir(dir).map_err(Error::io("read", dir))? {
        let path = entry.map_err(Error::io("read", dir))?.path();
        if path.is_dir() {
            settle(&path)?;
            sync(&path)?;
        } else {
            sync(&path)?;
        }
    }
    Ok(())
}

fn publish_single(work: &Work, to: &Path) -> Result<()> {
    let parts = work.parts_dir();
    // Two may do this at the same time, if one was slow.
    let whole = work.dir.join(format!("whole.{}", std::process::id()));
    let mut file = File::create(&whole).map_err(Error::io("make", &whole))?;
    for number in 0..work.plan.parts.count() {
        let path = parts.join(part_name(number));
        let mut part = File::open(&path).map_err(Error::io("read", &path))?;
        // Within the kernel, and on some file systems without copying anything.
        std::io::copy(&mut part, &mut file).map_err(Error::io("write", &whole))?;
    }
    file.sync_all().map_err(Error::io("write", &whole))?;
    std::fs::rename(&whole, to).map_err(Error::io("make", to))?;
    sync(to.parent().unwrap_or(Path::new("/")))
}

fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io("sync", path))
}
