//! Which pages link to each page: `cargo run --example reverse_links -- WORK INPUT...`
//!
//! A line of the inputs is `source target`, a line of the output `target <- source source ...`, each source once. Lines that
//! are no links are passed over, up to a thousand of them, and named.

use divvy_mapreduce::typed::{Emit, MapReduce};

fn main() -> Result<(), divvy_mapreduce::Error> {
    let mut args = std::env::args().skip(1);
    let work = args.next().expect("a directory for the job");
    let done = MapReduce::new("reverse links")
        .inputs(args)
        // A link that is there twice counts once: as a key without a value, it is one key.
        .map(|line: &str, out: &mut Emit<(String, String), ()>| {
            let (source, target) = line.split_once(' ').ok_or("not two pages")?;
            out.count("links", 1);
            out.emit((target, source), ());
            Ok::<_, &str>(())
        })
        .combined()
        .reduce_to(|(target, source), (), out: &mut Emit<String, String>| out.emit(target, source))
        .map(|target, source, out: &mut Emit<String, String>| out.emit(target, source))
        .reduce(|target, sources, out| {
            out.write(format!("{target} <-"));
            sources.for_each(|source| out.write(format!(" {source}")));
            out.write("\n");
        })
        .skip_bad(1_000)
        .run(work)?;
    for bad in done.skipped() {
        println!("passed over byte {} of {}: {}", bad.at, bad.file.display(), bad.error);
    }
    println!("{} links, {} are another", done.counter("links"), done.stages[1].counters["input records"]);
    Ok(())
}
