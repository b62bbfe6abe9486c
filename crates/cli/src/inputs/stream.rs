//! Feeds inputs into an open job, while it runs, as far ahead as the store has room.

use super::cutter::Cutter;
use super::rows::{Row, Rows};
use crate::command::{Record, encode_fields, encode_part};
use crate::lang::records::{Batch, RecordReader};
use anyhow::{Context, Result};
use divvy_core::{Clock, JobId};
use divvy_engine::SystemClock;
use divvy_store::block::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use divvy_store::{Block, Store};
use std::collections::VecDeque;
use std::io::Read;

/// Records that come one batch after the other; a batch is at most a block of the store, or one long record.
pub trait Batches: Send {
    /// Replaces the contents of the batch with the next records, at least one; `false`: there are none any more.
    ///
    /// # Errors
    /// What the source says.
    fn next(&mut self, batch: &mut Batch) -> Result<bool>;
}

/// Inputs that come one after the other.
pub struct Stream(pub Box<dyn Batches>);

/// One source as it is: no record is looked at.
pub struct Plain {
    /// The source.
    pub reader: RecordReader<Box<dyn Read + Send>>,
    /// What to call it.
    pub name: String,
}

impl Batches for Plain {
    fn next(&mut self, batch: &mut Batch) -> Result<bool> {
        self.reader.next_batch(batch).with_context(|| format!("reading {}", self.name))
    }
}

/// Rows as records.
pub struct RowBatches {
    rows: Box<dyn Rows>,
    record: Record,
    waiting: VecDeque<Row>,
}

impl RowBatches {
    /// Rows as records of this kind: with fields, or bare for rows of one field.
    pub fn new(rows: Box<dyn Rows>, record: Record) -> RowBatches {
        RowBatches { rows, record, waiting: VecDeque::new() }
    }
}

impl Batches for RowBatches {
    fn next(&mut self, batch: &mut Batch) -> Result<bool> {
        batch.clear();
        if self.waiting.is_empty() {
            let mut rows = Vec::new();
            self.rows.next(&mut rows)?;
            self.waiting = rows.into();
        }
        while batch.len() < BLOCK_RECORDS_MAX
            && let Some(row) = self.waiting.front()
        {
            let mut record = Vec::new();
            match self.record {
                Record::Fields => encode_fields(row, &mut record),
                _ => record = row.concat(),
            }
            if !batch.is_empty() && batch.bytes.len() + record.len() > BLOCK_BYTES_MAX {
                break;
            }
            batch.push(&record);
            self.waiting.pop_front();
        }
        Ok(!batch.is_empty())
    }
}

/// Blocks of data as records.
pub struct DataBatches<R> {
    /// The data.
    pub cutter: Cutter<R>,
    /// Whether records say only where a block is.
    pub is_place: bool,
    /// Blocks of white space are left out.
    pub skips_blank: bool,
}

impl<R: Read + Send> Batches for DataBatches<R> {
    fn next(&mut self, batch: &mut Batch) -> Result<bool> {
        batch.clear();
        while batch.is_empty() {
            let Some(piece) = self.cutter.next()? else { return Ok(false) };
            if self.skips_blank && piece.data.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if self.is_place {
                let mut record = Vec::new();
                encode_part(piece.offset, piece.len, &mut record);
                batch.push(&record);
            } else {
                batch.push(&piece.data);
            }
        }
        Ok(true)
    }
}

/// Most bytes of records that may wait in the store before reading pauses: a producer that never ends must not fill
/// the disk.
const AHEAD_BYTES_MAX: u64 = 1 << 30;
/// How often that is looked at, in bytes of records.
const LOOK_EVERY: u64 = 16 << 20;

impl Stream {
    /// All of it, in memory.
    ///
    /// # Errors
    /// What the source says.
    pub fn read_all(mut self) -> Result<Vec<Block>> {
        let (mut blocks, mut batch) = (Vec::new(), Batch::default());
        while self.0.next(&mut batch)? {
            blocks.push(Block::pack(&batch.bytes, &batch.ends));
        }
        Ok(blocks)
    }

    /// Shows each record.
    ///
    /// # Errors
    /// What the source says, or `show`.
    pub fn each(mut self, mut show: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut batch = Batch::default();
        while self.0.next(&mut batch)? {
            let mut from = 0;
            for end in &batch.ends {
                let end = *end as usize;
                show(&batch.bytes[from..end])?;
                from = end;
            }
        }
        Ok(())
    }

    /// Reads to the end, and closes the job.
    ///
    /// # Errors
    /// What the source or the store says; the job stays open, with all that was read before.
    pub fn feed(mut self, store: &dyn Store, job: JobId, clock: &SystemClock) -> Result<()> {
        let (mut batch, mut bytes, mut look_at) = (Batch::default(), 0, LOOK_EVERY);
        while self.0.next(&mut batch)? {
            bytes += batch.bytes.len() as u64 + batch.len() as u64;
            let block = Block::pack(&batch.bytes, &batch.ends);
            store.append(clock.millis(), job, &[block], false)?;
            if bytes > look_at {
                look_at = bytes + LOOK_EVERY;
                wait_for_room(store, job)?;
            }
        }
        store.append(clock.millis(), job, &[], true)?;
        Ok(())
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
