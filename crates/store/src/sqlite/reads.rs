//! Looking: all that is read without the writer.

use super::books::{Books, job_of, log_of};
use super::errors::{Step, conflict, corrupt};
use super::job_row::JobRow;
use super::lifecycle::block_sum;
use super::rows::{each, find, int, select};
use super::tables::{CanceledRow, DeadRow, LeaseRow, LogRow, NodeRow, WaitingRow};
use super::{after, graph};
use crate::job::BLOCKERS_SHOWN;
use crate::{Block, Counts, Dead, Error, Holding, JobInfo, NodeInfo, Progress, Records, TaskInfo, TaskState};
use divvy_core::{Intervals, JobId, NodeId, Range, Seq};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;

fn known(conn: &Connection, job: JobId) -> Step<LogRow> {
    Ok(log_of(conn, job)?.ok_or(Error::NoJob(job))?)
}

pub(super) fn jobs(conn: &Connection) -> Step<Vec<JobInfo>> {
    let (mut jobs, mut books) = (Vec::new(), Books::new(conn, 0));
    each(conn, "ORDER BY job", [], |row: JobRow| {
        jobs.push(info(&mut books, row)?);
        Ok(true)
    })?;
    Ok(jobs)
}

pub(super) fn job(conn: &Connection, job: JobId) -> Step<JobInfo> {
    known(conn, job)?;
    info(&mut Books::new(conn, 0), job_of(conn, job)?)
}

fn info(books: &mut Books<'_>, row: JobRow) -> Step<JobInfo> {
    let waits_for = after::waits_for(books, row.job)?;
    let log = books.must(row.job)?;
    let progress = match log.finished {
        Some(at) => Progress::Finished(at),
        None if log.open => Progress::Open,
        None => Progress::Closed,
    };
    let ended = log.tail - log.unfinished() - log.blocked;
    let counts = Counts {
        blocked: log.blocked,
        ready: log.ahead() + (log.waiting - log.retrying),
        retrying: log.retrying,
        running: log.leased,
        done: ended - log.dead - log.canceled,
        dead: log.dead,
        canceled: log.canceled,
    };
    Ok(JobInfo {
        id: row.job,
        spec: row.spec,
        progress,
        canceled: log.canceled_whole,
        paused: log.paused,
        waits_for,
        tail: log.tail,
        bytes: log.bytes,
        counts,
        created: row.created,
        producer: log.producer.filter(|_| log.open).map(NodeId),
        stale: log.stale,
    })
}

pub(super) fn nodes(conn: &Connection) -> Step<Vec<(NodeId, NodeInfo)>> {
    Ok(select::<NodeRow>(conn, "ORDER BY node", [])?.into_iter().map(|row| (row.node, row.info)).collect())
}

pub(super) fn holdings(conn: &Connection) -> Step<Vec<Holding>> {
    let mut all: BTreeMap<(NodeId, JobId), Holding> = BTreeMap::new();
    each(conn, "ORDER BY node", [], |row: LeaseRow| {
        let none = Holding { node: row.node, job: row.job, leases: 0, tasks: 0 };
        let holding = all.entry((row.node, row.job)).or_insert(none);
        holding.leases += 1;
        holding.tasks += row.open.len();
        Ok(true)
    })?;
    Ok(all.into_values().collect())
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
    if log.blocked > 0 {
        let missing = graph::missing(conn, log.job, seq)?;
        if missing > 0 {
            return Ok((TaskState::Blocked { by: blockers(conn, log.job, seq, missing)? }, None));
        }
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

/// Parents of a task that are not done.
fn blockers(conn: &Connection, job: JobId, task: Seq, missing: u64) -> Step<Vec<Seq>> {
    let most = usize::try_from(missing).unwrap_or(usize::MAX).min(BLOCKERS_SHOWN);
    graph::parents_among(conn, job, task, &not_done(conn, job)?, most)
}

/// The tasks of a job with a graph that have not ended well.
fn not_done(conn: &Connection, job: JobId) -> Step<Intervals> {
    let (mut tasks, of) = (Intervals::new(), [int(job.0)]);
    each(conn, "WHERE job = ?1", of, |row: LeaseRow| {
        tasks.insert_all(&row.open);
        Ok(true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: WaitingRow| {
        tasks.insert(row.range);
        Ok(true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: DeadRow| {
        tasks.insert(Range::new(row.dead.seq, row.dead.seq + 1));
        Ok(true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: CanceledRow| {
        tasks.insert(row.range);
        Ok(true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: graph::BlockedRow| {
        tasks.insert_all(&row.tasks());
        Ok(true)
    })?;
    Ok(tasks)
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
