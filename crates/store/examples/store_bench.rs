//! What the SQLite store does a second, beside what an fsync costs here and now.
//!
//! `cargo run --release -p divvy-store --example store_bench [records] [fsync|process|none] [dir]`
//!
//! The tasks are no-ops: a record is found and its bytes are added up, so the figures are ceilings of the store.

use divvy_core::{JobId, NodeId, Range, Rng};
use divvy_store::sqlite::{Durability, Options, Sqlite};
use divvy_store::{
    Block, Claim, Exchange, Graph, Input, JobSpec, Lease, NewJob, NodeInfo, Policy, Report, Store, Want,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const RECORD_BYTES: usize = 100;

fn main() {
    let mut args = std::env::args().skip(1);
    let records: u64 = args.next().map_or(1_000_000, |n| n.parse().expect("a number of records"));
    let durability = match args.next().as_deref() {
        None | Some("fsync") => Durability::Fsync,
        Some("process") => Durability::Process,
        Some("none") => Durability::None,
        Some(other) => panic!("fsync, process or none, not {other}"),
    };
    let dir = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("divvy-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let options = Options { durability, ..Options::default() };
    println!("{records} records of {RECORD_BYTES} B, {durability:?}, in {}", dir.display());
    for bytes in [4096, 256 << 10] {
        println!("fdatasync after {:>3} KiB: p50 {:?}", bytes >> 10, fsync_p50(&dir, bytes));
    }
    whole(&dir, &options, records);
    for claim in [1_000, 50_000] {
        drain(&dir, &options, records, claim);
    }
    for claim in [8, 100] {
        graph(&dir, &options, 10_000, claim);
    }
    for threads in [1, 8, 64] {
        singles(&dir, &options, threads);
    }
    std::fs::remove_dir_all(&dir).expect("the directory can be removed");
}

fn fsync_p50(dir: &Path, bytes: usize) -> Duration {
    let path = dir.join("fsync");
    let (mut file, data) = (std::fs::File::create(&path).expect("a file"), vec![7u8; bytes]);
    let mut times: Vec<Duration> = (0..101)
        .map(|_| {
            file.write_all(&data).expect("room");
            let start = Instant::now();
            file.sync_data().expect("fsync");
            start.elapsed()
        })
        .collect();
    std::fs::remove_file(path).expect("the file was made");
    times.sort();
    times[50]
}

fn blocks(records: u64) -> Vec<Block> {
    let mut record = [b'x'; RECORD_BYTES];
    Block::pack_all((0..records).map(|n| {
        record[..8].copy_from_slice(&n.to_le_bytes());
        record
    }))
}

fn job() -> NewJob {
    let policy = Policy::default();
    let spec = JobSpec { name: "bench".into(), detail: vec![1; 4000], policy, ..JobSpec::new("noop") };
    NewJob { spec, input: Input::Open(vec![], None), paused: false }
}

fn append(store: &Sqlite, job: JobId, blocks: &[Block]) -> Duration {
    let start = Instant::now();
    for block in blocks {
        store.append(1, job, std::slice::from_ref(block), false).expect("append");
    }
    store.append(1, job, &[], true).expect("close");
    start.elapsed()
}

/// The file's size once all is closed.
fn whole(dir: &Path, options: &Options, records: u64) {
    let (path, blocks) = (dir.join("whole"), blocks(records));
    let store = Sqlite::open(&path, options).expect("open");
    let one = store.submit(1, &job()).expect("submit");
    let took = append(&store, one, &blocks);
    drop(store);
    let size = std::fs::metadata(&path).expect("a file").len();
    let left = std::fs::read_dir(dir).expect("a directory").count();
    rate("submit, 256 KiB a call", records, took);
    println!("{:<40} {:.1} MB, {left} file(s)", "size after close", size as f64 / 1e6);
    std::fs::remove_file(&path).expect("the file was made");
    let store = Sqlite::open(&path, options).expect("open");
    let one = store.submit(1, &job()).expect("submit");
    let start = Instant::now();
    for some in blocks.chunks(16) {
        store.append(1, one, some, false).expect("append");
    }
    rate("submit, 4 MiB a call", records, start.elapsed());
    drop(store);
    std::fs::remove_file(path).expect("the file was made");
}

/// Claims with the report on the range before, and the records read, until nothing is left.
fn drain(dir: &Path, options: &Options, records: u64, claim: u64) {
    let (path, blocks) = (dir.join("drain"), blocks(records));
    let store = Sqlite::open(&path, options).expect("open");
    let job = store.submit(1, &job()).expect("submit");
    append(&store, job, &blocks);
    let info = NodeInfo { name: "bench".into(), pid: 1, workers: 2 };
    let node = store.register(1, &info).expect("register");
    let (start, mut done, mut sum, mut trips) = (Instant::now(), None, 0u64, Vec::new());
    loop {
        let trip = Instant::now();
        let leases = exchange(&store, node, job, claim, done.take());
        trips.push(trip.elapsed());
        let Some(lease) = leases.first() else { break };
        let range = lease.open.hull().expect("not empty");
        let read = store.read(job, range).expect("read");
        sum += (range.lo..range.hi).map(|seq| u64::from(read.get(seq)[0])).sum::<u64>();
        done = Some(lease.clone());
    }
    rate(&format!("drain by {claim}"), records, start.elapsed());
    trips.sort();
    let (p50, max) = (trips[trips.len() / 2], trips[trips.len() - 1]);
    println!("{:<40} p50 {p50:?}, max {max:?} (sum {sum})", format!("  {} exchanges", trips.len()));
    assert_eq!(store.job(job).expect("job").counts.done, records);
    let start = Instant::now();
    store.read(job, Range::new(0, records)).expect("read");
    rate("  read all", records, start.elapsed());
    let start = Instant::now();
    let versions: u64 = (0..10_000).map(|_| store.version().expect("version")).sum();
    assert!(versions > 0);
    println!("{:<40} {:?}", "  version", start.elapsed() / 10_000);
    let start = Instant::now();
    store.verify(true).expect("verify");
    rate("  verify with blocks", records, start.elapsed());
    let start = Instant::now();
    store.forget(job).expect("forget");
    println!("{:<40} {:?}", "  forget", start.elapsed());
    drop(store);
    std::fs::remove_file(path).expect("the file was made");
}

fn exchange(store: &Sqlite, node: NodeId, job: JobId, tasks: u64, done: Option<Lease>) -> Vec<Lease> {
    let held = done.iter().map(|l| (l.job, l.fence)).collect();
    let report = |l: Lease| Report { job: l.job, fence: l.fence, done: l.open, ..Report::default() };
    let claim = Claim {
        only: None,
        handlers: vec!["noop".into()],
        capacity: divvy_core::Demand::new(),
        wants: vec![Want { job, class: 0, tasks }],
        want_new: 0,
        bytes_max: 64 << 20,
        leases_max: 1,
        isolated_max: 1,
        below: None,
        backups: Vec::new(),
    };
    let ask = Exchange { held, reports: done.into_iter().map(report).collect(), claim: Some(claim) };
    store.exchange(2, node, &ask).expect("exchange").leases
}

/// A graph of layers, each task with one to three parents in the layer before, done so many at a time.
fn graph(dir: &Path, options: &Options, tasks: u64, claim: u64) {
    const WIDTH: u64 = 100;
    let mut rng = Rng::new(1);
    let parents = (0..tasks).map(|task| match task / WIDTH {
        0 => vec![],
        layer => (0..=rng.below(3)).map(|_| (layer - 1) * WIDTH + rng.below(WIDTH)).collect(),
    });
    let graph = Graph::new(parents.collect()).expect("the layers ascend");
    let path = dir.join("graph");
    let store = Sqlite::open(&path, options).expect("open");
    let input = Input::Graph(blocks(tasks), graph);
    let start = Instant::now();
    let job = store.submit(1, &NewJob { input, ..job() }).expect("submit");
    rate(&format!("graph of {tasks}, width {WIDTH}, submit"), tasks, start.elapsed());
    let node = store.register(1, &NodeInfo { name: "bench".into(), pid: 1, workers: 2 }).expect("register");
    let (start, mut done, mut trips) = (Instant::now(), None, 0u64);
    loop {
        let leases = exchange(&store, node, job, claim, done.take());
        let Some(lease) = leases.into_iter().next() else { break };
        done = Some(lease);
        trips += 1;
    }
    let took = start.elapsed();
    rate(&format!("  done by {claim}, {trips} exchanges"), tasks, took);
    println!("{:<40} {:?} a task", "", took / tasks as u32);
    assert_eq!(store.job(job).expect("job").counts.done, tasks);
    drop(store);
    std::fs::remove_file(path).expect("the file was made");
}

/// One record per call, from many threads.
fn singles(dir: &Path, options: &Options, threads: usize) {
    const RUN: Duration = Duration::from_millis(1500);
    let path = dir.join("singles");
    let store = Sqlite::open(&path, options).expect("open");
    let job = store.submit(1, &job()).expect("submit");
    let block = blocks(1);
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let work = || {
            let mut times = Vec::new();
            while start.elapsed() < RUN {
                let call = Instant::now();
                store.append(1, job, &block, false).expect("append");
                times.push(call.elapsed());
            }
            times
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().expect("a thread")).collect()
    });
    let took = start.elapsed();
    times.sort();
    let n = times.len();
    rate(&format!("single appends, {threads} threads"), n as u64, took);
    drop(store);
    let size = std::fs::metadata(&path).expect("a file").len();
    println!(
        "{:<40} p50 {:?}, p99 {:?}, {:.0} B a record",
        "",
        times[n / 2],
        times[n * 99 / 100],
        size as f64 / n as f64
    );
    std::fs::remove_file(path).expect("the file was made");
}

fn rate(what: &str, n: u64, took: Duration) {
    println!("{what:<40} {:>8.0} k/s   ({took:?})", n as f64 / took.as_secs_f64() / 1e3);
}
