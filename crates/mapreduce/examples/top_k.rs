//! The words that are there most often: `cargo run --example top_k -- WORK K INPUT...`
//!
//! Two stages: words are counted, and of the counts the largest are found. A value of the second stage is a list of the
//! largest so far, a type of the program's own; two lists make one, so that no worker ever holds more than a few.

use divvy_mapreduce::typed::{AsDatum, Datum, Emit, MapReduce};
use std::cmp::Reverse;

/// The largest counts, the largest first; words of equal counts in their order.
struct Top(Vec<(Reverse<u64>, String)>);

impl AsDatum<Top> for Top {
    fn put(&self, out: &mut Vec<u8>, _last: bool) {
        self.0.len().put(out, false);
        for (count, word) in &self.0 {
            (*count, word).put(out, false);
        }
    }
}

impl Datum for Top {
    fn take(bytes: &mut &[u8], _last: bool) -> Option<Top> {
        let len = usize::take(bytes, false)?;
        (0..len).map(|_| Datum::take(bytes, false)).collect::<Option<_>>().map(Top)
    }
}

fn main() -> Result<(), divvy_mapreduce::Error> {
    let mut args = std::env::args().skip(1);
    let work = args.next().expect("a directory for the job");
    let k: usize = args.next().and_then(|k| k.parse().ok()).expect("how many words");
    let done = MapReduce::new("top words")
        .inputs(args)
        .map(|line: &str, out: &mut Emit<String, u64>| {
            line.split_whitespace().for_each(|word| out.emit(word, 1));
        })
        .combined()
        .reduce_to(|word, count, out: &mut Emit<u64, String>| out.emit(count, word))
        .map(|count, word, out: &mut Emit<(), Top>| out.emit((), Top(vec![(Reverse(count), word)])))
        .combine(move |top, other| {
            top.0.extend(other.0);
            top.0.sort_unstable();
            top.0.truncate(k);
        })
        .reduce(|(), top, out| {
            top.0.iter().for_each(|(Reverse(count), word)| out.line(format_args!("{count}\t{word}")));
        })
        .run(work)?;
    for part in done.parts()? {
        print!("{}", String::from_utf8_lossy(&std::fs::read(part).expect("a part of the output")));
    }
    Ok(())
}
