//! Looking: all that is read without the writer.

use super::books::{job_of, log_of};
use super::errors::{Step, conflict, corrupt};
use super::lifecycle::block_sum;
use super::rows::{each, find, int, select};
use super::tables::{CanceledRow, DeadRow, JobRow, LeaseRow, LogRow, NodeRow, WaitingRow};
use crate::{Block, Counts, Dead, Error, JobInfo, NodeInfo, Progress, Records, TaskInfo, TaskState};
use divvy_core::{JobId, NodeId, Range, Seq};
use rusqlite::{Connection, params};
use std::sync::Arc;

fn known(conn: &Connection, job: JobId) -> Step<LogRow> {
    Ok(log_of(conn, job)?.ok_or(Error::NoJob(job))?)
}

pub(super) fn jobs(conn: &Connection) -> Step<Vec<JobInfo>> {
    let mut jobs = Vec::new();
    each(conn, "ORDER BY job", [], |row: JobRow| {
        let log = log_of(conn, row.job)?;
        jobs.push(info(row, &log.ok_or_else(|| corrupt("table log: a row is missing"))?));
        Ok(true)
    })?;
    Ok(jobs)
}

pub(super) fn job(conn: &Connection, job: JobId) -> Step<JobInfo> {
    let log = known(conn, job)?;
    Ok(info(job_of(conn, job)?, &log))
}

fn info(row: JobRow, log: &LogRow) -> JobInfo {
    let progress = match log.finished {
        Some(at) => Progress::Finished(at),
        None if log.open => Progress::Open,
        None => Progress::Closed,
    };
    let ended = log.tail - log.unfinished();
    let counts = Counts {
        blocked: 0,
        ready: log.ahead() + (log.waiting - log.retrying),
        retrying: log.retrying,
        running: log.leased,
        done: ended - log.dead - log.canceled,
        dead: log.dead,
        canceled: log.canceled,
    };
    JobInfo {
        id: row.job,
        spec: row.spec,
        progress,
        canceled: log.canceled_whole,
        paused: false,
        waits_for: Vec::new(),
        tail: log.tail,
        bytes: log.bytes,
        counts,
        created: row.created,
        producer: log.producer.filter(|_| log.open).map(NodeId),
        stale: log.stale,
    }
}

pub(super) fn nodes(conn: &Connection) -> Step<Vec<(NodeId, NodeInfo)>> {
    Ok(select::<NodeRow>(conn, "ORDER BY node", [])?.into_iter().map(|row| (row.node, row.info)).collect())
}

pub(super) fn task(conn: &Connection, job: JobId, seq: Seq) -> Step<Option<TaskInfo>> {
    let log = known(conn, job)?;
    if seq >= log.tail {
        return Ok(None);
    }
    let (state, error) = state(conn, &log, seq)?;
    Ok(Some(TaskInfo { seq, state, error }))
}

fn state(conn: &Connection, log: &LogRow, seq: Seq) -> Step<(TaskState, Option<String>)> {
    let at = || params_of(log.job, seq);
    if let Some(row) = find::<DeadRow>(conn, "WHERE job = ?1 AND seq = ?2", at())? {
        return Ok((TaskState::Dead, Some(row.dead.error)));
    }
    // The last range that starts at or below the task is the only one that can hold it.
    let below = "WHERE job = ?1 AND lo <= ?2 ORDER BY lo DESC LIMIT 1";
    let canceled: Option<CanceledRow> = find(conn, below, at())?;
    if canceled.is_some_and(|row| row.range.contains(seq)) {
        return Ok((TaskState::Canceled, None));
    }
    let waiting: Option<WaitingRow> = find(conn, below, at())?;
    if let Some(row) = waiting.filter(|row| row.range.contains(seq)) {
        let state = match row.attempts {
            0 => TaskState::Ready,
            attempts => TaskState::Retrying { due: row.due, attempts },
        };
        return Ok((state, row.error));
    }
    if seq >= log.head {
        return Ok((TaskState::Ready, None));
    }
    let mut state = TaskState::Done;
    each(conn, "WHERE job = ?1", [int(log.job.0)], |lease: LeaseRow| {
        if lease.open.contains(seq) {
            state = TaskState::Running { node: lease.node, fence: lease.fence };
        }
        Ok(state == TaskState::Done)
    })?;
    Ok((state, None))
}

fn params_of(job: JobId, seq: Seq) -> [i64; 2] {
    [int(job.0), int(seq)]
}

pub(super) fn dead(conn: &Connection, job: JobId, from: Seq, limit: usize) -> Step<Vec<Dead>> {
    known(conn, job)?;
    let from = from.min(i64::MAX as u64);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rest = "WHERE job = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    let rows: Vec<DeadRow> = select(conn, rest, params![int(job.0), int(from), limit])?;
    Ok(rows.into_iter().map(|row| row.dead).collect())
}

pub(super) fn read(conn: &Connection, job: JobId, range: Range) -> Step<Records> {
    let log = known(conn, job)?;
    if job_of(conn, job)?.spec.array.is_some() {
        return Err(conflict(job, "is an array: its inputs are computed, not stored"));
    }
    let Some(range) = range.intersect(Range::new(0, log.tail)) else { return Ok(Records::default()) };
    let mut blocks = Vec::new();
    each_block(conn, job, range, |first, block| {
        blocks.push((first, Arc::new(block)));
        Ok(())
    })?;
    Ok(Records::new(blocks))
}

/// Visits the blocks that hold a range of a job's records, each checked, without a gap.
pub(super) fn each_block(
    conn: &Connection,
    job: JobId,
    range: Range,
    mut visit: impl FnMut(Seq, Block) -> Step<()>,
) -> Step<()> {
    let missing = |seq: Seq| corrupt(format!("table block, job {job}, task {seq}: its block is missing"));
    let start = "SELECT max(first_seq) FROM block WHERE job = ?1 AND first_seq <= ?2";
    let start: Option<i64> =
        conn.prepare_cached(start)?.query_row(params_of(job, range.lo), |row| row.get(0))?;
    let mut next = start.ok_or_else(|| missing(range.lo))? as u64;
    let sql = "SELECT first_seq, count, sum, payload FROM block WHERE job = ?1 AND first_seq >= ?2 \
               AND first_seq < ?3 ORDER BY first_seq";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([int(job.0), int(next), int(range.hi)])?;
    while let Some(row) = rows.next()? {
        let wrong = |e: rusqlite::Error| corrupt(format!("table block, job {job}, task {next}: {e}"));
        let [first, count, sum] = [row.get(0), row.get(1), row.get(2)];
        let (first, count, sum): (i64, i64, i64) =
            (first.map_err(wrong)?, count.map_err(wrong)?, sum.map_err(wrong)?);
        let (first, count) = (first as u64, count as u64);
        let packed = row.get_ref(3)?.as_blob().map_err(|e| wrong(e.into()))?;
        if i64::from(block_sum(job, first, count, packed)) != sum {
            let tasks = format!("[{first}, {})", first.wrapping_add(count));
            return Err(corrupt(format!("table block, job {job}, tasks {tasks}: checksum")));
        }
        if first != next {
            return Err(missing(next.min(first)));
        }
        let block = Block::unpack(count, packed.to_vec());
        let block =
            block.ok_or_else(|| corrupt(format!("table block, job {job}, task {first}: not a block")))?;
        next = first + count;
        visit(first, block)?;
    }
    if next < range.hi || next <= range.lo { Err(missing(next)) } else { Ok(()) }
}
