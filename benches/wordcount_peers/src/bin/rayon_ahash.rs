//! Words by rayon and ahash over a mapped file: one map per thread, the smaller merged into the larger, one sort.

use ahash::AHashMap;
use rayon::prelude::*;
use std::fs::File;
use std::io;

fn main() -> io::Result<()> {
    let args = wordcount_peers::args();
    rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global().expect("it is the first pool");
    let file = File::open(&args.text)?;
    // SAFETY: nobody changes the text while it is counted.
    let text = unsafe { memmap2::Mmap::map(&file)? };
    let counts = wordcount_peers::cuts(&text, args.threads)
        .into_par_iter()
        .map(count)
        .reduce(AHashMap::default, merge);
    let mut all: Vec<(&[u8], u64)> = counts.into_iter().collect();
    all.par_sort_unstable_by(|a, b| a.0.cmp(b.0));
    let mut out = File::create(&args.out)?;
    let mut lines = Vec::new();
    for (word, count) in all {
        wordcount_peers::line(&mut lines, word, count);
        wordcount_peers::flush(&mut lines, &mut out, 1 << 20)?;
    }
    wordcount_peers::flush(&mut lines, &mut out, 0)
}

fn count(text: &[u8]) -> AHashMap<&[u8], u64> {
    let mut counts = AHashMap::default();
    for word in text.split(|byte| divvy_scan::is_white(*byte)).filter(|word| !word.is_empty()) {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}

fn merge<'a>(a: AHashMap<&'a [u8], u64>, b: AHashMap<&'a [u8], u64>) -> AHashMap<&'a [u8], u64> {
    let (mut into, from) = if a.len() < b.len() { (b, a) } else { (a, b) };
    from.into_iter().for_each(|(word, count)| *into.entry(word).or_insert(0) += count);
    into
}
