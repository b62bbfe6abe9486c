//! Results in the order of the inputs, whatever order they are made in: the squares of a million numbers, as lines of a
//! file.
//!
//! `cargo run --release -p divvy --example in_order [FILE]`

use divvy::{Divvy, Job};
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("squares"), PathBuf::from);
    let mut file = BufWriter::new(File::create(&path)?);
    let divvy = Divvy::in_memory()?;
    let job = Job::array(1..=1_000_000).in_order();
    let results = divvy.submit(job)?.results(|task| divvy::ok(task.input * task.input))?;
    for result in results {
        writeln!(file, "{}", result?.output)?;
    }
    file.flush()?;
    println!("a million squares, in order, in {}", path.display());
    Ok(())
}
