//! A job's way in and out: submitted, appended to, forgotten.

use super::books::{Books, job_of};
use super::errors::{Fault, Step, conflict};
use super::job_row::JobRow;
use super::rows::{Stored, find, int, select};
use super::tables::{LogRow, MetaRow, NodeRow};
use super::{after, graph};
use crate::{Block, Error, Input, JobSpec, NewJob};
use divvy_core::checksum::Sum;
use divvy_core::{JobId, Millis, NodeId, Range, Seq};
use rusqlite::{Connection, params};
use std::borrow::Borrow;

/// Tables with rows of a job, all but `job` itself.
pub(super) const TABLES: [&str; 9] =
    ["log", "block", "lease", "waiting", "dead", "canceled", "edge", "blocked", "observation"];

/// The last ids that were given out.
pub(super) fn meta(conn: &Connection) -> Step<MetaRow> {
    find(conn, "", [])?.ok_or_else(|| super::errors::corrupt("table meta: its row is missing"))
}

pub(super) fn submit(conn: &Connection, now: Millis, new: &NewJob) -> Step<JobId> {
    let mut meta = meta(conn)?;
    meta.jobs += 1;
    let job = JobId(meta.jobs);
    let (blocks, tasks, open, producer): (&[Block], _, _, _) = match &new.input {
        Input::Array(tasks) => (&[], *tasks, false, None),
        Input::Closed(blocks) => (blocks, 0, false, None),
        Input::Graph(blocks, _) => (blocks, 0, false, None),
        Input::Open(blocks, producer) => (blocks, 0, true, *producer),
    };
    if tasks > i64::MAX as u64 {
        return Err(conflict(job, "would have more than 2^63 - 1 tasks"));
    }
    if let Some(node) = producer {
        alive(conn, node)?;
    }
    let mut books = Books::new(conn, now);
    fits(&mut books, job, new)?;
    meta.insert(conn)?;
    let graph = if let Input::Graph(_, graph) = &new.input { Some(graph) } else { None };
    let row = JobRow { job, created: books.now, spec: new.spec.clone(), graph: graph.is_some() };
    row.insert(conn)?;
    let JobSpec { needs, after, .. } = &new.spec;
    let (waits, classed) = (!after.is_empty(), !needs.classes.is_empty());
    let log = LogRow { job, waits, classed, ..LogRow::default() };
    log.insert(conn)?;
    books.adopt(log);
    put_blocks(&mut books, job, blocks)?;
    if let Some(graph) = graph {
        graph::put(&mut books, job, graph)?;
    }
    after::must_wait(&mut books, job)?;
    let now = books.now;
    let log = books.must(job)?;
    (log.open, log.producer) = (open, producer.map(|node| node.0));
    log.tail += tasks;
    // A job without tasks has no change to its log to be noticed by, so its end is set here.
    log.finished = (!open && log.tail == 0).then_some(now);
    log.paused = new.paused && log.finished.is_none();
    books.settle()?;
    Ok(job)
}

/// Whether a new job is one that there can be.
fn fits(books: &mut Books<'_>, job: JobId, new: &NewJob) -> Step<()> {
    for before in &new.spec.after {
        books.log(*before)?.ok_or(Error::NoJob(*before))?;
    }
    if !new.spec.needs.is_sane() {
        return Err(conflict(job, "has classes of tasks that do not fit together"));
    }
    match &new.input {
        Input::Graph(blocks, graph) if graph.len() != blocks.iter().map(Block::count).sum() => {
            Err(conflict(job, "has another number of records than its graph has tasks"))
        }
        _ => Ok(()),
    }
}

fn alive(conn: &Connection, node: NodeId) -> Step<()> {
    let row: Option<NodeRow> = find(conn, "WHERE node = ?1", [int(node.0)])?;
    row.map(drop).ok_or(Fault::Store(Error::NodeGone(node)))
}

/// Appends blocks as they are given.
pub(super) fn append<B>(conn: &Connection, now: Millis, job: JobId, blocks: &[B], close: bool) -> Step<Range>
where
    B: Borrow<Block>,
{
    let mut books = Books::new(conn, now);
    let log = books.log(job)?.ok_or(Error::NoJob(job))?;
    if !log.open {
        return Err(conflict(job, "is not open: no more records can be appended"));
    }
    let more: u64 = blocks.iter().map(|block| block.borrow().count()).sum();
    if log.tail.saturating_add(more) > i64::MAX as u64 {
        return Err(conflict(job, "would have more than 2^63 - 1 tasks"));
    }
    let lo = log.tail;
    put_blocks(&mut books, job, blocks)?;
    let log = books.must(job)?;
    log.open = !close;
    let range = Range::new(lo, log.tail);
    books.settle()?;
    Ok(range)
}

fn put_blocks<B: Borrow<Block>>(books: &mut Books<'_>, job: JobId, blocks: &[B]) -> Step<()> {
    let conn = books.conn;
    let log = books.must(job)?;
    let sql =
        "INSERT INTO block (job, first_seq, count, bytes, sum, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut insert = conn.prepare_cached(sql)?;
    for block in blocks.iter().map(Borrow::borrow).filter(|block| block.count() > 0) {
        let (first, count, bytes) = (log.tail, block.count(), block.record_bytes());
        let sum = block_sum(job, first, count, block.packed());
        insert.execute(params![int(job.0), int(first), int(count), int(bytes), sum, block.packed()])?;
        log.tail += count;
        log.bytes += bytes;
    }
    Ok(())
}

/// A block's checksum. Its `bytes` are not in it: they follow from the count and the packed bytes.
pub(super) fn block_sum(job: JobId, first: Seq, count: u64, packed: &[u8]) -> u32 {
    Sum::of("block").u64(job.0).u64(first).u64(count).bytes(packed).finish()
}

pub(super) fn forget(conn: &Connection, job: JobId) -> Step<()> {
    let mut books = Books::new(conn, 0);
    let log = books.log(job)?.ok_or(Error::NoJob(job))?;
    if log.finished.is_none() {
        return Err(conflict(job, "is not finished: cancel it first"));
    }
    if !log.succeeded() && after::follower(&mut books, job)?.is_some() {
        return Err(conflict(
            job,
            "did not succeed, and a job that is not finished comes after it: cancel that first",
        ));
    }
    remove(conn, job)
}

pub(super) fn sweep(conn: &Connection, now: Millis) -> Step<Vec<JobId>> {
    let clean = "WHERE finished IS NOT NULL AND dead = 0 AND canceled = 0 AND blocked = 0 ORDER BY job";
    let mut gone = Vec::new();
    for log in select::<LogRow>(conn, clean, [])? {
        let retention = job_of(conn, log.job)?.spec.policy.retention_ms;
        if log.finished.is_some_and(|at| now.saturating_sub(at) > retention) {
            remove(conn, log.job)?;
            gone.push(log.job);
        }
    }
    Ok(gone)
}

fn remove(conn: &Connection, job: JobId) -> Step<()> {
    for table in TABLES.into_iter().chain(["job"]) {
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE job = ?1"))?.execute([int(job.0)])?;
    }
    Ok(())
}
