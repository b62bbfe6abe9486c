//! What the programs here have in common: their arguments, and how a line of output is written.
//!
//! | program | what it is |
//! |---|---|
//! | `rayon_ahash` | a map per thread over a mapped file, merged and sorted: what one writes in an hour |
//! | `simd` | AVX-512, keys of sixteen bytes in the slots, batches: what one writes in a week; `-j 1` is the best single thread |
//! | `table` | divvy's scanner and table, without an engine, spills or durability |
//! | `make_corpus` | the texts |
//! | `turns` | runs programs in turns and prints medians and peak memory |
//!
//! All count the same words (runs of bytes that are not one of the six white ones) and write `word<TAB>count` lines in
//! byte order. None makes its output durable.

use std::io::{self, Write};

/// `[-j THREADS] TEXT OUT`.
pub struct Args {
    /// Threads, all cores unless given.
    pub threads: usize,
    /// What to count.
    pub text: String,
    /// Where the lines go.
    pub out: String,
}

/// The arguments of the program, or its end.
pub fn args() -> Args {
    let mut threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut paths = Vec::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-j" => threads = words.next().and_then(|n| n.parse().ok()).unwrap_or(0),
            _ => paths.push(word),
        }
    }
    match <[String; 2]>::try_from(paths) {
        Ok([text, out]) if threads > 0 => Args { threads, text, out },
        _ => {
            eprintln!("usage: PROGRAM [-j THREADS] TEXT OUT");
            std::process::exit(125);
        }
    }
}

/// Adds `word<TAB>count` and a line feed.
#[inline]
pub fn line(out: &mut Vec<u8>, word: &[u8], count: u64) {
    out.extend_from_slice(word);
    let mut digits = [0; 22];
    let (mut at, mut rest) = (21, count);
    digits[at] = b'\n';
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    at -= 1;
    digits[at] = b'\t';
    out.extend_from_slice(&digits[at..]);
}

/// Writes what has gathered, if it is enough to be worth a call.
pub fn flush(out: &mut Vec<u8>, file: &mut impl Write, at_least: usize) -> io::Result<()> {
    if out.len() >= at_least {
        file.write_all(out)?;
        out.clear();
    }
    Ok(())
}

/// Where to cut a text into about equal pieces, none of which cuts a word.
pub fn cuts(text: &[u8], pieces: usize) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = text;
    for left in (1..=pieces).rev() {
        let about = rest.len() / left;
        let white = rest[about..].iter().position(|byte| divvy_scan::is_white(*byte));
        let (piece, after) = rest.split_at(white.map_or(rest.len(), |white| about + white));
        found.push(piece);
        rest = after;
    }
    found.push(rest);
    found
}
