//! Where a job's inputs come from.

use crate::args::InputArgs;
use crate::exit::bad_usage;
use crate::lang::array::Array;
use crate::lang::records::{Batch, Limits, RecordReader, Separator};
use anyhow::{Context, Result};
use divvy_core::{Clock, JobId};
use divvy_engine::SystemClock;
use divvy_store::block::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use divvy_store::{Block, Store};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The inputs that were asked for.
pub enum Inputs {
    /// Numbers.
    Array(Array),
    /// All there already.
    List(Vec<Block>),
    /// To be read while the job runs.
    Stream(Stream),
}

/// Inputs that come one after the other.
pub struct Stream {
    reader: RecordReader<Box<dyn Read + Send>>,
    name: String,
}

/// Picks the source that the user means: `:::`, `--array`, `--each-line`, else stdin.
///
/// # Errors
/// Bad usage: a malformed array, an unreadable list, several sources, none.
pub fn open(args: &InputArgs, sources: Option<Vec<OsString>>) -> Result<Inputs> {
    if sources.is_some() && (args.array.is_some() || args.each_line.is_some()) {
        return Err(bad_usage("inputs come from one place: `:::`, --array or --each-line"));
    }
    if let Some(text) = &args.array {
        return Array::parse(text.as_bytes())
            .map(Inputs::Array)
            .map_err(|e| bad_usage(format!("--array: {e}")));
    }
    if let Some(list) = sources {
        let joined = list.iter().find(|w| [":::", ":::+", "::::", "::::+"].iter().any(|sep| *w == sep));
        if let Some(second) = joined {
            let second = second.to_string_lossy();
            return Err(bad_usage(format!("`{second}` after `:::`: several sources are not supported yet")));
        }
        return Ok(Inputs::List(Block::pack_all(list.iter().map(|input| input.as_bytes()))));
    }
    let separator = if args.null { Separator::Nul } else { Separator::Newline };
    let (source, name): (Box<dyn Read + Send>, _) =
        match args.each_line.as_deref().filter(|path| *path != Path::new("-")) {
            Some(path) => (Box::new(open_list(path)?), path.display().to_string()),
            None => (stdin(args.each_line.is_none())?, "stdin".to_owned()),
        };
    // A batch is a block's worth, so that no record is copied twice.
    let limits = Limits {
        batch_records_max: BLOCK_RECORDS_MAX as u32,
        batch_bytes_max: BLOCK_BYTES_MAX as u32,
        ..Limits::default()
    };
    Ok(Inputs::Stream(Stream { reader: RecordReader::new(source, separator, limits), name }))
}

fn open_list(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|e| bad_usage(format!("cannot read {}: {e}", path.display())))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(bad_usage(format!("cannot read {}: it is a directory, not a list", path.display())));
    }
    Ok(file)
}

fn stdin(by_default: bool) -> Result<Box<dyn Read + Send>> {
    if by_default && io::stdin().is_terminal() {
        return Err(bad_usage(
            "no inputs: give them after `:::`, with --array or --each-line, or pipe them in \
             (--each-line - reads the terminal)",
        ));
    }
    Ok(Box::new(io::stdin()))
}

/// Most bytes of records that may wait in the store before reading pauses: a producer that never ends must not fill
/// the disk.
const AHEAD_BYTES_MAX: u64 = 1 << 30;
/// How often that is looked at, in bytes read.
const LOOK_EVERY: u64 = 16 << 20;

impl Stream {
    /// Reads to the end, and closes the job.
    ///
    /// # Errors
    /// What the source or the store says; the job stays open, with all that was read before.
    pub fn feed(mut self, store: &dyn Store, job: JobId, clock: &SystemClock) -> Result<()> {
        let (mut batch, mut look_at) = (Batch::default(), LOOK_EVERY);
        loop {
            batch.clear();
            let more =
                self.reader.next_batch(&mut batch).with_context(|| format!("reading {}", self.name))?;
            if !batch.is_empty() {
                let block = Block::pack(&batch.bytes, &batch.ends);
                store.append(clock.millis(), job, &[block], false)?;
            }
            if !more {
                store.append(clock.millis(), job, &[], true)?;
                return Ok(());
            }
            if self.reader.bytes_consumed() > look_at {
                look_at = self.reader.bytes_consumed() + LOOK_EVERY;
                wait_for_room(store, job)?;
            }
        }
    }
}

impl Inputs {
    /// Shows each input with its task's id, in order, and stores nothing.
    ///
    /// # Errors
    /// What the source says, or `show`.
    pub fn each(self, mut show: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        match self {
            Inputs::Array(array) => (0..array.count()).try_for_each(|n| {
                let id = array.first() + n * array.step();
                show(id, id.to_string().as_bytes())
            }),
            Inputs::List(blocks) => {
                let records = blocks.iter().flat_map(|block| (0..block.count()).map(|n| block.record(n)));
                records.zip(1..).try_for_each(|(record, id)| show(id, record))
            }
            Inputs::Stream(mut stream) => {
                let (mut batch, mut id) = (Batch::default(), 0);
                loop {
                    batch.clear();
                    let more = stream.reader.next_batch(&mut batch);
                    let more = more.with_context(|| format!("reading {}", stream.name))?;
                    let mut from = 0;
                    for end in &batch.ends {
                        let end = *end as usize;
                        id += 1;
                        show(id, &batch.bytes[from..end])?;
                        from = end;
                    }
                    if !more {
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn wait_for_room(store: &dyn Store, job: JobId) -> Result<()> {
    loop {
        let info = store.job(job)?;
        let waiting = info.counts.ready as f64 * info.bytes as f64 / info.tail.max(1) as f64;
        if waiting < AHEAD_BYTES_MAX as f64 {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}
