//! Words with divvy's table, without an engine: a table per thread, pieces of 4 MiB drawn from one counter, and a merge of
//! the tables by key ranges. The parts are `OUT-0`, `OUT-1` ..., in order.

use divvy_mapreduce::Splitters;
use divvy_mapreduce::table::{Sorted, Table};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use wordcount_peers::{Args, flush, line};

const PIECE: u64 = 4 << 20;
const BUDGET: usize = 1 << 30;

fn main() -> io::Result<()> {
    let args = wordcount_peers::args();
    let text = File::open(&args.text)?;
    let drawn = AtomicU64::new(0);
    let mut tables: Vec<_> = (0..args.threads).map(|_| Table::new(BUDGET)).collect();
    in_threads(tables.iter_mut().map(|table| || count(&text, &drawn, table)))?;
    let mut sorted = Vec::new();
    std::thread::scope(|scope| {
        let threads: Vec<_> = tables.iter_mut().map(|table| scope.spawn(|| table.sorted())).collect();
        sorted.extend(threads.into_iter().map(|thread| thread.join().expect("no thread panics")));
    });
    let sample =
        (0..sorted[0].len()).step_by(1 + sorted[0].len() / 1_000).map(|at| sorted[0].get(at).0.to_vec());
    let splitters = Splitters::sampled(sample.collect(), args.threads as u32);
    let merge = |part| merge(&args, &sorted, &splitters, part);
    in_threads((0..splitters.partitions() as usize).map(|part| move || merge(part)))
}

fn in_threads<T: FnOnce() -> io::Result<()> + Send>(tasks: impl Iterator<Item = T>) -> io::Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = tasks.map(|task| scope.spawn(task)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })
}

/// Counts the words that begin in pieces of the text until there are no more pieces.
fn count(text: &File, drawn: &AtomicU64, table: &mut Table<u64>) -> io::Result<()> {
    let len = text.metadata()?.len();
    let mut piece = Vec::new();
    loop {
        let from = drawn.fetch_add(PIECE, Ordering::Relaxed);
        if from >= len {
            return Ok(());
        }
        read(text, from, (from + PIECE).min(len), len, &mut piece)?;
        // The first word is another piece's, unless white space is before it; for that one byte more was read.
        let skip = match from {
            0 => 0,
            _ => piece.iter().position(|byte| divvy_scan::is_white(*byte)).unwrap_or(piece.len()),
        };
        let done = skip + table.add_words(&piece[skip..], 1);
        if done < piece.len() {
            return Err(io::Error::other("the budget of a table is too small for this text"));
        }
    }
}

/// Reads from one byte before `from` to the end of the word that begins before `to`.
fn read(text: &File, from: u64, to: u64, len: u64, piece: &mut Vec<u8>) -> io::Result<()> {
    let begin = from.saturating_sub(1);
    piece.resize((to - begin) as usize, 0);
    text.read_exact_at(piece, begin)?;
    let mut end = to;
    while end < len && piece.last().is_some_and(|byte| !divvy_scan::is_white(*byte)) {
        let more = (len - end).min(256);
        let had = piece.len();
        piece.resize(had + more as usize, 0);
        text.read_exact_at(&mut piece[had..], end)?;
        end += more;
        if let Some(white) = piece[had..].iter().position(|byte| divvy_scan::is_white(*byte)) {
            piece.truncate(had + white);
            break;
        }
    }
    Ok(())
}

/// Writes the lines of one part.
fn merge(args: &Args, sorted: &[Sorted<'_, u64>], splitters: &Splitters, part: usize) -> io::Result<()> {
    let mut ranges: Vec<_> =
        sorted.iter().map(|run| run.partitions(splitters).nth(part).expect("there are so many")).collect();
    let mut out = File::create(format!("{}-{part}", args.out))?;
    let mut lines = Vec::new();
    let mut heads: Vec<_> =
        sorted.iter().zip(&mut ranges).map(|(run, range)| range.next().map(|at| run.get(at))).collect();
    while let Some(least) = heads.iter().flatten().map(|head| head.0).min_by(|a, b| a.cmp(b)) {
        let mut sum = 0;
        for (at, head) in heads.iter_mut().enumerate() {
            if head.as_ref().is_some_and(|head| *head.0 == *least) {
                sum += head.take().map_or(0, |head| head.1);
                *head = ranges[at].next().map(|next| sorted[at].get(next));
            }
        }
        line(&mut lines, &least, sum);
        flush(&mut lines, &mut out, 1 << 20)?;
    }
    flush(&mut lines, &mut out, 0)
}
