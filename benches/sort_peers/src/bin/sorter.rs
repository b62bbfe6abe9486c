//! Sorts the lines of a file with divvy's run files and merge alone, on plain threads: what the engine around them may
//! cost is what a whole `divvy mapreduce` takes longer.
//!
//! `sorter IN OUT [--memory 64M] [-j 2] [--temp DIR] [--packing half|tenth|never]`
//!
//! Compare with `LC_ALL=C sort -S 64M --parallel=2 -T DIR -o OUT IN`.
#![forbid(unsafe_code)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{env, io, thread};

use divvy_mapreduce::Splitters;
use divvy_mapreduce::sort::{Index, Input, Merger, Spare};
use divvy_mapreduce::spill::{Disk, Packing, RunReader, RunWriter};
use sort_peers::bytes;

/// No line is longer: a split is read with so much of the next one.
const LINE_MAX: usize = 64 << 10;
/// Bytes of output that are written at a time.
const WRITE_BYTES: usize = 256 << 10;
/// Places in the input that are looked at to find out where partitions begin, and how much is read there.
const SAMPLES: u64 = 1_000;
const SAMPLE_BYTES: usize = 4 << 10;

type Problem = Box<dyn std::error::Error + Send + Sync>;

struct Args {
    input: PathBuf,
    output: PathBuf,
    temp: PathBuf,
    memory: usize,
    threads: usize,
    packing: Packing,
}

fn main() -> ExitCode {
    let sorted = parse(env::args().skip(1)).map_err(Problem::from).and_then(|args| sort(&args));
    match sorted {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("sorter: {problem}");
            ExitCode::from(125)
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
    let mut paths = Vec::new();
    let (mut memory, mut threads) = (64 << 20, 2);
    let mut temp = env::temp_dir();
    let mut packing = Packing::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--memory" => memory = bytes(&value()?)? as usize,
            "-j" => threads = bytes(&value()?)?.max(1) as usize,
            "--temp" => temp = PathBuf::from(value()?),
            "--packing" => packing = named(&value()?)?,
            _ => paths.push(PathBuf::from(word)),
        }
    }
    let [input, output] = <[PathBuf; 2]>::try_from(paths).map_err(|_| "IN and OUT are needed")?;
    Ok(Args { input, output, temp, memory, threads, packing })
}

fn named(packing: &str) -> Result<Packing, String> {
    match packing {
        "never" => Ok(Packing::Never),
        "half" => Ok(Packing::Half),
        "tenth" => Ok(Packing::Tenth),
        _ => Err(format!("--packing {packing} is not known: write never, half or tenth")),
    }
}

/// Where a run comes from: the split, and which part of it.
type Place = (u64, u32);

/// What all threads see.
struct Sort<'a> {
    args: &'a Args,
    input: File,
    bytes: u64,
    /// Bytes of a split, so that it and its index fit into a thread's share.
    split: u64,
    splits: AtomicU64,
    splitters: Splitters,
    /// Bytes of output in each partition.
    sizes: Vec<AtomicU64>,
    runs: Mutex<Vec<(Place, Arc<RunReader>)>>,
    disk: Arc<Disk>,
}

fn sort(args: &Args) -> Result<(), Problem> {
    let start = Instant::now();
    let input = File::open(&args.input)?;
    let bytes = input.metadata()?.len();
    // Some memory is needed for what is not counted: stacks, the program, what is known of the runs.
    let share = (args.memory - args.memory / 16) / args.threads;
    let merge_share = share - WRITE_BYTES;
    let partitions = (bytes * 3 / 2).div_ceil(merge_share as u64).max(1) as u32;
    let splitters = Splitters::sampled(sample(&input, bytes)?, partitions);
    let sort = Sort {
        args,
        input,
        bytes,
        split: ((share - RunWriter::MEMORY - LINE_MAX) * 5 / 6) as u64,
        splits: AtomicU64::new(0),
        sizes: (0..splitters.partitions()).map(|_| AtomicU64::new(0)).collect(),
        splitters,
        runs: Mutex::new(Vec::new()),
        disk: Arc::new(Disk::unlimited()),
    };
    let sampled = start.elapsed();
    on_threads(args.threads, || sort.map(share))?;
    let mapped = start.elapsed();
    let mut runs = std::mem::take(&mut *sort.runs.lock().expect("no thread panicked"));
    runs.sort_by_key(|run| run.0);
    let runs: Vec<_> = runs.into_iter().map(|run| run.1).collect();
    sort.reduce_all(&runs, merge_share)?;
    let all = start.elapsed();
    eprintln!(
        "sample {:.2}s, map {:.2}s, reduce {:.2}s, all {:.2}s; {} runs, {} partitions, spilled {:.3} of the input",
        sampled.as_secs_f64(),
        (mapped - sampled).as_secs_f64(),
        (all - mapped).as_secs_f64(),
        all.as_secs_f64(),
        runs.len(),
        sort.splitters.partitions(),
        sort.disk.written() as f64 / bytes.max(1) as f64,
    );
    Ok(())
}

fn on_threads(threads: usize, work: impl Fn() -> Result<(), Problem> + Sync) -> Result<(), Problem> {
    thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        handles.into_iter().try_for_each(|handle| handle.join().expect("a thread does not panic"))
    })
}

/// Whole lines from all over the file.
fn sample(input: &File, bytes: u64) -> io::Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    let mut buf = vec![0; SAMPLE_BYTES];
    for n in 0..SAMPLES {
        let read = read_at(input, &mut buf, n * bytes / SAMPLES)?;
        let whole = buf[..read].split(|byte| *byte == b'\n').skip(1);
        keys.extend(whole.take(40).map(|line| line[..line.len().min(16)].to_vec()));
    }
    Ok(keys)
}

/// As many bytes as there are.
fn read_at(input: &File, buf: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buf.len() {
        match input.read_at(&mut buf[filled..], at + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

impl Sort<'_> {
    /// Sorts splits into runs while there are any.
    fn map(&self, share: usize) -> Result<(), Problem> {
        let mut buf = vec![0; self.split as usize + LINE_MAX + 1];
        let index_max = (share - RunWriter::MEMORY - buf.len()) / Index::ENTRY;
        let mut index = Index::with_capacity(index_max);
        loop {
            let number = self.splits.fetch_add(1, Relaxed);
            let from = number * self.split;
            if from >= self.bytes {
                return Ok(());
            }
            // The byte before tells whether a line begins with the split.
            let read = read_at(&self.input, &mut buf, from.saturating_sub(1))?;
            let begin = if from == 0 { 0 } else { line_end(&buf[..read], 0)? };
            let end = self.split as usize + usize::from(from > 0);
            let end = if read < end { read } else { line_end(&buf[..read], end - 1)? };
            self.map_lines(number, &buf[..end], begin, &mut index, index_max)?;
        }
    }

    /// Writes the lines from `at` on as one run, or as many as the index needs if lines are short.
    fn map_lines(
        &self,
        number: u64,
        buf: &[u8],
        mut at: usize,
        index: &mut Index,
        index_max: usize,
    ) -> Result<(), Problem> {
        let mut part = 0;
        while at < buf.len() {
            let base = at;
            for newline in memchr::memchr_iter(b'\n', &buf[base..]).take(index_max) {
                index.push(buf, at..base + newline);
                at = base + newline + 1;
            }
            if index.len() < index_max && at < buf.len() {
                index.push(buf, at..buf.len());
                at = buf.len();
            }
            index.sort(buf);
            self.spill((number, part), buf, index)?;
            index.clear();
            part += 1;
        }
        Ok(())
    }

    fn spill(&self, number: Place, buf: &[u8], index: &Index) -> Result<(), Problem> {
        let path =
            self.args.temp.join(format!("sorter-{}-{}-{}.run", std::process::id(), number.0, number.1));
        let mut run = RunWriter::create(&path, self.splitters.partitions(), self.args.packing, &self.disk)?;
        index.spill(buf, &self.splitters, &mut run)?;
        let info = run.finish()?;
        for segment in &info.segments {
            self.sizes[segment.partition as usize].fetch_add(segment.payload + segment.records, Relaxed);
        }
        let run = Arc::new(RunReader::own(&info, &self.disk)?);
        self.runs.lock().expect("no thread panicked").push((number, run));
        Ok(())
    }

    /// Merges all partitions to where they belong in the output.
    fn reduce_all(&self, runs: &[Arc<RunReader>], share: usize) -> Result<(), Problem> {
        let output = File::create(&self.args.output)?;
        let mut at = 0;
        let begins: Vec<u64> = self
            .sizes
            .iter()
            .map(|size| {
                at += size.load(Relaxed);
                at - size.load(Relaxed)
            })
            .collect();
        let next = AtomicU32::new(0);
        on_threads(self.args.threads, || {
            let mut merger = Merger::new(share);
            loop {
                let partition = next.fetch_add(1, Relaxed);
                let Some(begin) = begins.get(partition as usize) else { break Ok(()) };
                self.reduce(runs, partition, &mut merger, &output, *begin)?;
            }
        })
    }

    fn reduce(
        &self,
        runs: &[Arc<RunReader>],
        partition: u32,
        merger: &mut Merger,
        output: &File,
        mut at: u64,
    ) -> Result<(), Problem> {
        let spare =
            Spare { dir: self.args.temp.clone(), disk: self.disk.clone(), packing: self.args.packing };
        let mut merge = merger.merge(Input::of(runs, partition)?, &spare)?;
        let mut out = Vec::with_capacity(WRITE_BYTES + LINE_MAX);
        while merge.advance()? {
            out.extend_from_slice(merge.key());
            out.push(b'\n');
            if out.len() >= WRITE_BYTES {
                output.write_all_at(&out, at)?;
                at += out.len() as u64;
                out.clear();
            }
        }
        output.write_all_at(&out, at)?;
        Ok(())
    }
}

/// Where the first line that ends at or behind `at` has ended.
fn line_end(buf: &[u8], at: usize) -> Result<usize, Problem> {
    match memchr::memchr(b'\n', &buf[at..]) {
        Some(found) => Ok(at + found + 1),
        None if buf.len() - at < LINE_MAX => Ok(buf.len()),
        None => Err(format!("a line has more than {LINE_MAX} bytes").into()),
    }
}
