//! Which documents each word is in: `cargo run --example inverted_index -- WORK INPUT...`
//!
//! A line of the inputs is `document TAB text`, a line of the output `word TAB document TAB document ...`, the documents in
//! the order of the inputs. A word may be in more documents than there is memory: they go by one at a time.

use divvy_mapreduce::typed::{Emit, MapReduce};
use std::collections::BTreeSet;

fn main() -> Result<(), divvy_mapreduce::Error> {
    let mut args = std::env::args().skip(1);
    let work = args.next().expect("a directory for the job");
    let done = MapReduce::new("inverted index")
        .inputs(args)
        .map(|line: &str, out: &mut Emit<String, String>| {
            let (document, text) = line.split_once('\t').ok_or("no tab between document and text")?;
            let words: BTreeSet<String> = text.split_whitespace().map(str::to_lowercase).collect();
            words.iter().for_each(|word| out.emit(word, document));
            Ok::<_, &str>(())
        })
        .reduce(|word, documents, out| {
            out.write(word);
            for document in documents {
                out.write("\t");
                out.write(document);
            }
            out.write("\n");
        })
        .run(work)?;
    println!("{} words are in {}", done.counter("keys"), done.output.display());
    Ok(())
}
