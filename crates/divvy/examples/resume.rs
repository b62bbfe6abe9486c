//! A `main` that may be killed at any time and started again, as often as you like.
//!
//! `cargo run -p divvy --example resume -- DIRECTORY`, then `kill -9` it, then the same again.
//!
//! There is no other case in the program for that: the job has a name, and `submit_or_resume` goes on with it, also
//! with reading its records.

use divvy::{Divvy, Job, Task};
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

const RECORDS: u64 = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: resume DIRECTORY")?;
    let divvy = Divvy::open(dir.join("jobs.db"))?;
    let records = (1..=RECORDS).map(|n| format!("record {n}"));
    // Many crashes are the point here: no task is to blame for them.
    let job = Job::records(records).name("resume example").crash_limit(1_000);
    let mut results = divvy.submit_or_resume(job)?.results(shout)?;
    let mut file = OpenOptions::new().create(true).append(true).open(dir.join("results"))?;
    for result in results.by_ref() {
        let done = result?;
        // When the next result is asked for, this one counts as taken. If we are killed before, it comes again: so a
        // line may be there twice, but none is missing.
        file.write_all(format!("{} {}\n", done.task, done.output).as_bytes())?;
    }
    println!("all {} records are done", results.summary().expect("all results were taken").done);
    Ok(())
}

fn shout(task: Task<String>) -> Result<String, std::convert::Infallible> {
    // Something that takes a while.
    std::thread::sleep(Duration::from_millis(1));
    divvy::ok(task.input.to_uppercase())
}
