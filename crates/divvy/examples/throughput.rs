//! What the library itself costs: a million records of 100 bytes with a handler that does next to nothing, durable,
//! from opening the store to its summary. Prints a line of JSON for each of the four ways to run it.
//!
//! `cargo run --release -p divvy --features tokio --example throughput [RECORDS] [ROUNDS] [DIRECTORY]`

use divvy::{Divvy, Error, Job, Run, Summary, Task};
use std::error::Error as StdError;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const BYTES: usize = 100;

fn main() -> Result<(), Box<dyn StdError>> {
    let mut words = std::env::args().skip(1);
    let records = words.next().map_or(Ok(1_000_000), |word| word.parse())?;
    let rounds = words.next().map_or(Ok(5), |word| word.parse())?;
    let dir = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("divvy-throughput-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let ways: [(&str, Way); 4] = [
        ("function", |run| run.run(size)),
        ("function, results", |run| {
            let mut results = run.results(size)?;
            let total: u64 =
                results.by_ref().map(|done| done.map(|done| done.output)).sum::<Result<_, _>>()?;
            assert!(total > 0);
            Ok(*results.summary().expect("all were taken"))
        }),
        ("async", |run| run.run_async_blocking(|task| async move { size(task) })),
        ("async, results", |run| {
            let mut results = run.results_async(|task| async move { size(task) })?;
            let total: u64 =
                results.by_ref().map(|done| done.map(|done| done.output)).sum::<Result<_, _>>()?;
            assert!(total > 0);
            Ok(*results.summary().expect("all were taken"))
        }),
    ];
    // In turns, so that a slow minute of the machine slows them all.
    let mut times = vec![Vec::new(); ways.len()];
    for round in 0..rounds {
        for (way, (_, run)) in ways.iter().enumerate() {
            times[way].push(measure(&dir.join(format!("{round}-{way}.db")), records, *run)?);
        }
    }
    let fsync_us = fsync_p50(&dir)?.as_secs_f64() * 1e6;
    for ((name, _), mut times) in ways.iter().zip(times) {
        times.sort();
        let rate = |time: Duration| (records as f64 / time.as_secs_f64()).round();
        println!(
            "{{\"way\": \"{name}\", \"records\": {records}, \"rounds\": {rounds}, \"median_per_second\": {}, \
             \"least\": {}, \"most\": {}, \"fsync_p50_us\": {fsync_us:.0}}}",
            rate(times[times.len() / 2]),
            rate(times[times.len() - 1]),
            rate(times[0]),
        );
    }
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

type Way = fn(Run<Vec<u8>>) -> Result<Summary, Error>;

fn size(task: Task<Vec<u8>>) -> Result<u64, std::convert::Infallible> {
    divvy::ok(task.input.len() as u64 + u64::from(task.input[0]))
}

fn measure(store: &Path, records: u64, way: Way) -> Result<Duration, Error> {
    let begun = Instant::now();
    let divvy = Divvy::open(store)?;
    let job = Job::records((0..records).map(|n| [n.wrapping_mul(0x9e37_79b9) as u8; BYTES]));
    let summary = way(divvy.submit(job)?)?;
    drop(divvy);
    let took = begun.elapsed();
    assert!(summary.is_success() && summary.done == records, "{summary:?}");
    Ok(took)
}

/// The middle one of many small synced writes on the same disk.
fn fsync_p50(dir: &Path) -> std::io::Result<Duration> {
    let mut file = File::create(dir.join("fsync"))?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[0; 4096])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
