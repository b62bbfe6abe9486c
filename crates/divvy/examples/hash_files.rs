//! A CPU-bound job: a checksum for every file below a directory, on all cores.
//!
//! `cargo run --release -p divvy --example hash_files [DIRECTORY]`
//!
//! Start it twice with the same `JOBS` variable (a file for the store) and kill the first: the second goes on.

use divvy::{Divvy, Job, Task};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let divvy = match std::env::var_os("JOBS") {
        Some(store) => Divvy::open(store)?,
        None => Divvy::in_memory()?,
    };
    let name = format!("hash {}", fs::canonicalize(&root)?.display());
    // The walk is lazy, and is read while the first files are hashed already. Sorted within each directory, so that
    // a second start meets the files in the same order.
    let job = Job::try_records(files_below(root)).name(name);
    let mut results = divvy.submit_or_resume(job)?.results(hash)?;
    let mut failed = 0;
    for result in results.by_ref() {
        match result {
            Ok(done) => println!("{}", done.output),
            // One file that cannot be read does not end the others.
            Err(error) if error.is_of_task() => {
                eprintln!("{error}");
                failed += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    let summary = results.summary().expect("all results were taken");
    eprintln!("{} files, {failed} failed, {} workers", summary.tasks, summary.usage.workers);
    Ok(())
}

/// 64 bits of FNV-1a.
fn hash(task: Task<PathBuf>) -> io::Result<String> {
    let (mut file, mut buffer) = (File::open(&task.input)?, vec![0; 64 << 10]);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{hash:016x}  {}", task.input.display())),
            n => buffer[..n]
                .iter()
                .for_each(|byte| hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)),
        }
    }
}

fn files_below(root: PathBuf) -> impl Iterator<Item = io::Result<PathBuf>> + Send {
    let mut waiting = vec![root];
    std::iter::from_fn(move || {
        loop {
            let path = waiting.pop()?;
            match below(&path) {
                Ok(None) => return Some(Ok(path)),
                Ok(Some(inside)) => waiting.extend(inside),
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// What is in a directory; `None` if it is none. Links are not followed.
fn below(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return Ok(None);
    }
    let inside: io::Result<Vec<_>> = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect();
    let mut inside = inside?;
    inside.sort_unstable_by(|a, b| b.cmp(a));
    Ok(Some(inside))
}
