//! The words that each host uses most: `cargo run --example term_vectors -- WORK INPUT...`
//!
//! A line of the inputs is `url TAB text`, a line of the output `host TAB word:count word:count ...`: ten words, the
//! most used first.

use divvy_mapreduce::typed::{Emit, MapReduce};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const TERMS: usize = 10;

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.split('/').next()
}

fn main() -> Result<(), divvy_mapreduce::Error> {
    let mut args = std::env::args().skip(1);
    let work = args.next().expect("a directory for the job");
    let done = MapReduce::new("term vectors")
        .inputs(args)
        // How often each host uses each word is added up where the text is read.
        .map(|line: &str, out: &mut Emit<(String, String), u64>| {
            let (url, text) = line.split_once('\t').ok_or("no tab between url and text")?;
            let host = host(url).ok_or("no url")?;
            text.split_whitespace().for_each(|word| out.emit((host, word), 1));
            Ok::<_, &str>(())
        })
        .combined()
        .reduce_to(|(host, word), count, out: &mut Emit<String, (u64, String)>| out.emit(host, (count, word)))
        .map(|host, term, out: &mut Emit<String, (u64, String)>| out.emit(host, term))
        .reduce(|host, terms, out| {
            // The ten largest, of however many: the least of them is on top of the heap.
            let mut most = BinaryHeap::new();
            for (count, word) in terms {
                most.push((Reverse(count), word));
                if most.len() > TERMS {
                    most.pop();
                }
            }
            let terms = most.into_sorted_vec();
            let terms: Vec<_> =
                terms.iter().map(|(Reverse(count), word)| format!("{word}:{count}")).collect();
            out.line(format_args!("{host}\t{}", terms.join(" ")));
        })
        .run(work)?;
    println!("{} hosts", done.stages[1].counters["keys"]);
    Ok(())
}
