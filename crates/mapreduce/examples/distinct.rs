//! Each line once, in order: `cargo run --example distinct -- WORK INPUT...`
//!
//! Lines are bytes and need not be text. What is there twice in the memory of a worker is written once.

use divvy_mapreduce::typed::{Emit, MapReduce};

fn main() -> Result<(), divvy_mapreduce::Error> {
    let mut args = std::env::args().skip(1);
    let work = args.next().expect("a directory for the job");
    let done = MapReduce::new("distinct")
        .inputs(args)
        .map(|line: &[u8], out: &mut Emit<Vec<u8>, ()>| out.emit(line, ()))
        .combined()
        .reduce(|line, (), out| {
            out.write(line);
            out.write("\n");
        })
        .run(work)?;
    println!("{} of {} lines", done.counter("keys"), done.counter("input records"));
    Ok(())
}
