//! Writes lines like those of the sort benchmarks' gensort: 100 bytes with the newline, a random key of 10 printable
//! characters, the line's number in hexadecimal, a filler of repeated letters. The same seed gives the same file.
//!
//! `make_records --bytes 10G [--seed N] [--keys N] [--filler letters|random] OUT`
//!
//! `--keys N` takes the keys from N different ones; `--filler random` makes lines that cannot be compressed.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;
use std::{env, io};

use sort_peers::{Summary, bytes};

const LINE: usize = 100;

#[derive(Default)]
struct Args {
    bytes: u64,
    seed: u64,
    keys: u64,
    is_random: bool,
    out: String,
}

fn main() -> ExitCode {
    match parse(env::args().skip(1)).and_then(|args| make(&args).map_err(|e| e.to_string())) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("make_records: {problem}");
            ExitCode::from(125)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut args = Args { seed: 1, keys: u64::MAX, ..Args::default() };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--bytes" => args.bytes = bytes(&value()?)?,
            "--seed" => args.seed = bytes(&value()?)?,
            "--keys" => args.keys = bytes(&value()?)?.max(1),
            "--filler" => args.is_random = value()? == "random",
            _ => args.out = word,
        }
    }
    if args.bytes == 0 || args.out.is_empty() { Err("--bytes and OUT are needed".into()) } else { Ok(args) }
}

fn make(args: &Args) -> io::Result<Summary> {
    let mut out = File::create(&args.out)?;
    let mut summary = Summary::default();
    let mut chunk = Vec::with_capacity(10_000 * LINE);
    for number in 0..args.bytes / LINE as u64 {
        let at = chunk.len();
        line(args, number, &mut chunk);
        summary.add(&chunk[at..chunk.len() - 1]);
        if chunk.len() == chunk.capacity() {
            out.write_all(&chunk)?;
            chunk.clear();
        }
    }
    out.write_all(&chunk)?;
    Ok(summary)
}

fn line(args: &Args, number: u64, out: &mut Vec<u8>) {
    let mut random = mix(args.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    // Ten characters of 95 have 66 bits, so the last ones come from a second number.
    let mut key = if args.keys == u64::MAX { random } else { mix(random % args.keys) };
    for n in 0..10 {
        out.push(b' ' + (key % 95) as u8);
        key = if n == 4 { mix(key) } else { key / 95 };
    }
    write!(out, "  {number:032X}  ").expect("memory takes all bytes");
    for n in 0..53 {
        if n % 4 == 0 || args.is_random {
            random = mix(random);
        }
        out.push(if args.is_random { b' ' + (random % 95) as u8 } else { b'A' + (random % 26) as u8 });
    }
    out.push(b'\n');
}

/// splitmix64.
fn mix(n: u64) -> u64 {
    let mut n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
