//! Checking everything: each row against its sum, and the sets of each job against each other.

use super::books::{canceled_from, job_of, log_of};
use super::errors::{Step, corrupt};
use super::graph::{BlockedRow, EdgeRow};
use super::job_row::JobRow;
use super::lifecycle::{TABLES, meta};
use super::observe::ObservationRow;
use super::reads::each_block;
use super::rows::{Stored, each, int};
use super::tables::{CanceledRow, DeadRow, LeaseRow, LogRow, NodeRow, WaitingRow};
use crate::Needs;
use divvy_core::{Intervals, JobId, NodeId, Range, Seq};
use rusqlite::Connection;
use std::collections::BTreeSet;

/// Checks the store. Returns at the first damage.
pub(super) fn verify(conn: &Connection, blocks: bool) -> Step<()> {
    let meta = meta(conn)?;
    let mut nodes = BTreeSet::new();
    each(conn, "", [], |row: NodeRow| {
        nodes.insert(row.node);
        bounded("node", row.node.0, meta.nodes)
    })?;
    let mut logs = Vec::new();
    each(conn, "ORDER BY job", [], |row: LogRow| {
        job_of(conn, row.job)?;
        logs.push(row.job);
        bounded("job", row.job.0, meta.jobs)
    })?;
    each(conn, "", [], |row: JobRow| log_of(conn, row.job).map(|_| true))?;
    no_strangers(conn)?;
    each(conn, "", [], |_: ObservationRow| Ok(true))?;
    for job in logs {
        sets(conn, job, &nodes)?;
        if blocks {
            payload(conn, job)?;
        }
    }
    if blocks { pages(conn) } else { Ok(()) }
}

fn bounded(what: &str, id: u64, last: u64) -> Step<bool> {
    if id <= last {
        Ok(true)
    } else {
        Err(corrupt(format!("table {what}: {id} is above the last id {last}")))
    }
}

/// No table has rows of a job that does not exist.
fn no_strangers(conn: &Connection) -> Step<()> {
    for table in TABLES.into_iter().filter(|table| *table != "log") {
        let sql = format!("SELECT job FROM {table} WHERE job NOT IN (SELECT job FROM log) LIMIT 1");
        let mut statement = conn.prepare(&sql)?;
        if let Some(row) = statement.query([])?.next()? {
            let job: i64 = row.get(0)?;
            return Err(corrupt(format!("table {table}: a row of job {job}, which does not exist")));
        }
    }
    Ok(())
}

/// A job's sets as they are put together.
struct Sets {
    job: JobId,
    all: Intervals,
}

impl Sets {
    fn add(&mut self, what: &str, tasks: &Intervals, within: Range) -> Step<()> {
        let outside = tasks.minus(&within.into());
        let twice = self.all.intersect(tasks);
        for (wrong, why) in [(outside, "is out of place"), (twice, "is in two sets")] {
            if let Some(seq) = wrong.first() {
                return Err(corrupt(format!("job {}, {what}: task {seq} {why}", self.job)));
            }
        }
        self.all.insert_all(tasks);
        Ok(())
    }
}

fn sets(conn: &Connection, job: JobId, nodes: &BTreeSet<NodeId>) -> Step<()> {
    let log =
        log_of(conn, job)?.ok_or_else(|| corrupt(format!("table log, job {job}: its row is missing")))?;
    let of = [int(job.0)];
    let (below, whole) = (Range::new(0, log.head), Range::new(0, log.tail));
    let row = job_of(conn, job)?;
    let needs = &row.spec.needs;
    let mut found = LogRow {
        leased: 0,
        waiting: 0,
        retrying: 0,
        dead: 0,
        canceled: 0,
        skipped: 0,
        blocked: 0,
        classed: !needs.classes.is_empty(),
        waits: log.waits && !row.spec.after.is_empty(),
        ..log.clone()
    };
    let mut sets = Sets { job, all: Intervals::new() };
    each(conn, "WHERE job = ?1", of, |row: LeaseRow| {
        if !nodes.contains(&row.node) || row.fence.0 > log.fence || row.open.is_empty() {
            return Err(corrupt(format!("table lease, {}: no such node or fence, or no tasks", row.place())));
        }
        known_class("lease", &row, row.class, needs)?;
        found.leased += row.open.len();
        sets.add(&row.place(), &row.open, below).map(|()| true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: WaitingRow| {
        known_class("waiting", &row, row.class, needs)?;
        found.waiting += row.range.len();
        found.retrying += if row.attempts > 0 { row.range.len() } else { 0 };
        sets.add(&row.place(), &row.range.into(), below).map(|()| true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: DeadRow| {
        found.dead += 1;
        sets.add(&row.place(), &Range::new(row.dead.seq, row.dead.seq + 1).into(), below).map(|()| true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: CanceledRow| {
        found.canceled += row.range.len();
        found.skipped += row.range.hi.saturating_sub(row.range.lo.max(log.head));
        sets.add(&row.place(), &row.range.into(), whole).map(|()| true)
    })?;
    each(conn, "WHERE job = ?1", of, |row: BlockedRow| {
        let tasks = row.tasks();
        found.blocked += tasks.len();
        sets.add(&row.place(), &tasks, below).map(|()| true)
    })?;
    if found != log {
        return Err(corrupt(format!("table log, {}: counts {log:?}, found {found:?}", log.place())));
    }
    let ended = log.ended();
    if ended != log.finished.is_some() {
        return Err(corrupt(format!(
            "table log, {}: finished {:?}, but ended {ended}",
            log.place(),
            log.finished
        )));
    }
    if row.graph { edges(conn, &log, &sets.all) } else { Ok(()) }
}

fn known_class(table: &str, row: &impl Stored, class: u32, needs: &Needs) -> Step<()> {
    if class < needs.classes() {
        Ok(())
    } else {
        Err(corrupt(format!("table {table}, {}: class {class} is none of the job's", row.place())))
    }
}

/// Each task of a graph misses as many parents as are not done, unless it was canceled.
fn edges(conn: &Connection, log: &LogRow, not_done: &Intervals) -> Step<()> {
    let (job, of) = (log.job, [int(log.job.0)]);
    let wrong = |table, task: Seq, why| corrupt(format!("table {table}, job {job}, task {task}: {why}"));
    let canceled = canceled_from(conn, job, 0)?;
    let mut missing = vec![0u64; usize::try_from(log.tail).map_err(|_| wrong("log", log.tail, "its tail"))?];
    let mut next = 0;
    each(conn, "WHERE job = ?1 ORDER BY first", of, |row: EdgeRow| {
        if row.range().lo != next {
            return Err(wrong("edge", next, "its row is missing"));
        }
        next = row.range().hi;
        let mut stranger = None;
        row.each(|task, child| match missing.get_mut(child as usize) {
            Some(missing) => *missing += u64::from(not_done.contains(task)),
            None => stranger = Some(task),
        })?;
        stranger.map_or(Ok(true), |task| Err(wrong("edge", task, "who waits for it is not there")))
    })?;
    if next != log.tail {
        return Err(wrong("edge", next, "its row is missing"));
    }
    next = 0;
    each(conn, "WHERE job = ?1 ORDER BY first", of, |row: BlockedRow| {
        if row.range().lo != next || row.range().hi > log.tail {
            return Err(wrong("blocked", next, "its row is missing"));
        }
        next = row.range().hi;
        match row.iter().find(|(task, n)| *n != missing[*task as usize] && !canceled.contains(*task)) {
            Some((task, _)) => Err(wrong("blocked", task, "it misses another number of parents")),
            None => Ok(true),
        }
    })?;
    if next == log.tail { Ok(()) } else { Err(wrong("blocked", next, "its row is missing")) }
}

fn payload(conn: &Connection, job: JobId) -> Step<()> {
    let log =
        log_of(conn, job)?.ok_or_else(|| corrupt(format!("table log, job {job}: its row is missing")))?;
    if log.tail == 0 || job_of(conn, job)?.spec.array.is_some() {
        return Ok(());
    }
    let mut bytes = 0;
    let mut end = 0;
    // From task to task up to the tail, and whatever is stored above it.
    each_block(conn, job, Range::new(0, i64::MAX as u64), |first, block| {
        bytes += block.record_bytes();
        end = first + block.count();
        Ok(())
    })
    .or_else(|fault| if end == log.tail { Ok(()) } else { Err(fault) })?;
    if (bytes, end) != (log.bytes, log.tail) {
        let found = format!("{bytes} bytes in {end} tasks, not {} in {}", log.bytes, log.tail);
        return Err(corrupt(format!("table block, job {job}: {found}")));
    }
    Ok(())
}

/// SQLite's own look at its pages and indexes.
fn pages(conn: &Connection) -> Step<()> {
    let said: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(()) } else { Err(corrupt(said)) }
}
