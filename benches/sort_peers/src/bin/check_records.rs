//! Says how many lines a file has, their checksum, and whether they are in the order of their bytes.
//!
//! `check_records FILE`: ends with 1 if they are not.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;

use sort_peers::Summary;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: check_records FILE");
        return ExitCode::from(125);
    };
    match check(&path) {
        Ok((summary, None)) => {
            println!("{summary}, in order");
            ExitCode::SUCCESS
        }
        Ok((summary, Some(line))) => {
            println!("{summary}, NOT in order: line {line} is before the one above it");
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("check_records: {path}: {problem}");
            ExitCode::from(125)
        }
    }
}

fn check(path: &str) -> io::Result<(Summary, Option<u64>)> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut summary = Summary::default();
    let mut wrong = None;
    let (mut before, mut line) = (Vec::new(), Vec::new());
    while file.read_until(b'\n', &mut line)? > 0 {
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        summary.add(text);
        if text < before.strip_suffix(b"\n").unwrap_or(&before) && wrong.is_none() {
            wrong = Some(summary.lines);
        }
        std::mem::swap(&mut before, &mut line);
        line.clear();
    }
    Ok((summary, wrong))
}
