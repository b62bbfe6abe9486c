//! Claims: which tasks a node gets, and how many.

use super::books::{Books, canceled_from, job_of};
use super::errors::{Step, corrupt};
use super::rows::{each, int};
use super::tables::{JobRow, LeaseRow, LogRow, WaitingRow};
use crate::port::Held;
use crate::{Claim, rules};
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// What a claim was granted, and when more may be had.
pub(super) struct Granted {
    pub(super) leases: Vec<LeaseRow>,
    pub(super) next_due: Option<Millis>,
}

/// The blocks that hold a range, and their sizes.
const SIZES: &str = "SELECT first_seq, count, bytes FROM block WHERE job = ?1 AND first_seq < ?3 AND first_seq >= \
                     (SELECT max(first_seq) FROM block WHERE job = ?1 AND first_seq <= ?2) ORDER BY first_seq";
/// Waiting ranges that are due, by their place. The plus keeps SQLite from sorting by way of the index on due: few
/// rows are needed, the lowest.
const DUE: &str = "WHERE job = ?1 AND +due <= ?2 ORDER BY lo";
/// The earliest time after now.
const NEXT_DUE: &str = "SELECT min(due) FROM waiting WHERE job = ?1 AND due > ?2";

/// What is left of a claim's bounds.
struct Left {
    tasks: u64,
    bytes: u64,
    leases: usize,
    isolated: usize,
}

/// Serves a claim from the first job that grants anything.
pub(super) fn claim(
    books: &mut Books<'_>,
    node: NodeId,
    claim: &Claim,
    mine: &BTreeMap<Held, LeaseRow>,
) -> Step<Granted> {
    let mut granted = Granted { leases: Vec::new(), next_due: None };
    let alone = mine.values().any(|lease| lease.quarantined);
    for job in jobs_of(books, claim)? {
        let tasks = wanted(claim, job);
        let log = books.must(job)?.clone();
        let idle = log.ahead() == 0 && log.waiting == 0;
        if tasks == 0 || idle {
            continue;
        }
        let row = job_of(books.conn, job)?;
        if !claim.handlers.contains(&row.spec.handler) {
            continue;
        }
        if granted.leases.is_empty() && !alone && !held_elsewhere(books.conn, &row, node)? {
            let left = Left {
                tasks,
                bytes: claim.bytes_max,
                leases: claim.leases_max,
                isolated: claim.isolated_max,
            };
            granted.leases = from_job(books, node, &row, left, mine.is_empty())?;
        }
        let due = next_due(books, job)?;
        granted.next_due = [granted.next_due, due].into_iter().flatten().min();
    }
    Ok(granted)
}

/// The unfinished jobs that a claim selects, but for their handlers.
fn jobs_of(books: &mut Books<'_>, claim: &Claim) -> Step<Vec<JobId>> {
    match claim.only {
        None => books.live(),
        Some(job) => {
            Ok(books.log(job)?.filter(|log| log.finished.is_none()).map(|log| log.job).into_iter().collect())
        }
    }
}

fn wanted(claim: &Claim, job: JobId) -> u64 {
    claim.wants.iter().find(|want| want.job == job).map_or(claim.want_new, |want| want.tasks)
}

fn held_elsewhere(conn: &Connection, row: &JobRow, node: NodeId) -> Step<bool> {
    let sql = "SELECT 1 FROM lease WHERE job = ?1 AND node <> ?2";
    Ok(row.spec.policy.exclusive && conn.prepare_cached(sql)?.exists([int(row.job.0), int(node.0)])?)
}

/// The earliest due time of the job's waiting tasks that lies in the future.
fn next_due(books: &mut Books<'_>, job: JobId) -> Step<Option<Millis>> {
    if books.must(job)?.waiting == 0 {
        return Ok(None);
    }
    let params = [int(job.0), int(books.now)];
    let due: Option<i64> = books.conn.prepare_cached(NEXT_DUE)?.query_row(params, |row| row.get(0))?;
    Ok(due.map(|due| due as u64))
}

/// Leases of one job: its waiting ranges that are due, then a range from the head.
fn from_job(
    books: &mut Books<'_>,
    node: NodeId,
    job: &JobRow,
    mut left: Left,
    holds_nothing: bool,
) -> Step<Vec<LeaseRow>> {
    let mut leases = Vec::new();
    let (parts, quarantined) = waiting_parts(books, job, &mut left, holds_nothing)?;
    for (row, n) in parts {
        leases.push(lease_waiting(books, node, row, n, quarantined)?);
    }
    if left.tasks > 0 && left.leases > 0 && !quarantined {
        leases.extend(lease_head(books, node, job, &left, leases.is_empty())?);
    }
    Ok(leases)
}

/// Which waiting ranges are granted, and how many tasks of each; and whether it is one that must be alone.
fn waiting_parts(
    books: &mut Books<'_>,
    job: &JobRow,
    left: &mut Left,
    holds_nothing: bool,
) -> Step<(Vec<(WaitingRow, u64)>, bool)> {
    let (mut parts, mut quarantined) = (Vec::new(), false);
    let log = books.must(job.job)?;
    let record_bytes = log.record_bytes();
    if log.waiting == 0 || left.leases == 0 || !any_due(books, job.job)? {
        return Ok((parts, false));
    }
    let policy = &job.spec.policy;
    each(books.conn, DUE, params![int(job.job.0), int(books.now)], |row: WaitingRow| {
        let must_be_alone = rules::needs_quarantine(policy, row.crashes);
        if must_be_alone && !(holds_nothing && parts.is_empty()) {
            return Ok(true);
        }
        let isolated = rules::is_isolated(row.part, row.crashes);
        if isolated && left.isolated == 0 {
            return Ok(true);
        }
        let fit = left.bytes.checked_div(record_bytes).unwrap_or(u64::MAX).max(u64::from(parts.is_empty()));
        let n = [left.tasks, limit(row.part), limit(policy.range_max), fit]
            .into_iter()
            .fold(row.range.len(), u64::min);
        if n == 0 {
            return Ok(false);
        }
        left.tasks -= n;
        left.bytes = left.bytes.saturating_sub(n.saturating_mul(record_bytes));
        left.leases -= 1;
        left.isolated -= usize::from(isolated);
        parts.push((row, n));
        quarantined = must_be_alone;
        Ok(!quarantined && left.tasks > 0 && left.leases > 0)
    })?;
    Ok((parts, quarantined))
}

fn any_due(books: &Books<'_>, job: JobId) -> Step<bool> {
    let sql = "SELECT 1 FROM waiting WHERE job = ?1 AND due <= ?2";
    Ok(books.conn.prepare_cached(sql)?.exists([int(job.0), int(books.now)])?)
}

/// A bound of which 0 means none.
fn limit(n: u64) -> u64 {
    if n == 0 { u64::MAX } else { n }
}

fn lease_waiting(
    books: &mut Books<'_>,
    node: NodeId,
    row: WaitingRow,
    n: u64,
    quarantined: bool,
) -> Step<LeaseRow> {
    books.drop_waiting(&row)?;
    let Range { lo, hi } = row.range;
    if lo + n < hi {
        books.put_waiting(&WaitingRow { range: Range::new(lo + n, hi), ..row.clone() })?;
    }
    let lease = LeaseRow {
        job: row.job,
        fence: next_fence(books, row.job)?,
        node,
        attempts: row.attempts,
        crashes: row.crashes,
        quarantined,
        cut: false,
        open: Intervals::from(Range::new(lo, lo + n)),
    };
    books.put_lease(&lease)?;
    Ok(lease)
}

fn next_fence(books: &mut Books<'_>, job: JobId) -> Step<Fence> {
    let log = books.must(job)?;
    log.fence += 1;
    Ok(Fence(log.fence))
}

/// A lease from the head. Ranges that were canceled as a whole are passed over.
fn lease_head(
    books: &mut Books<'_>,
    node: NodeId,
    job: &JobRow,
    left: &Left,
    is_first: bool,
) -> Step<Option<LeaseRow>> {
    let log = books.must(job.job)?.clone();
    if log.ahead() == 0 {
        return Ok(None);
    }
    let canceled = match log.skipped {
        0 => Intervals::new(),
        _ => canceled_from(books.conn, job.job, log.head)?,
    };
    let n = left.tasks.min(limit(job.spec.policy.range_max));
    let (mut head, mut open) = (log.head, Intervals::new());
    while open.is_empty() && head < log.tail {
        let range = Range::new(head, log.tail.min(head.saturating_add(n)));
        let Some(range) = fitting(books.conn, &log, range, left.bytes, is_first)? else { break };
        open = Intervals::from(range).minus(&canceled);
        head = range.hi;
    }
    let log = books.must(job.job)?;
    let passed = Range::new(log.head, head);
    log.skipped -= passed.len() - open.len();
    log.head = head;
    if open.is_empty() {
        return Ok(None);
    }
    let fence = next_fence(books, job.job)?;
    let lease =
        LeaseRow { job: job.job, fence, node, attempts: 0, crashes: 0, quarantined: false, cut: false, open };
    books.put_lease(&lease)?;
    Ok(Some(lease))
}

/// The part of a range from the head that ends with the last block of which all bytes fit; one task of a block
/// that is too large by itself, if nothing else was granted.
///
/// The sizes come from the index: a block's bytes are not read here.
fn fitting(conn: &Connection, log: &LogRow, range: Range, bytes: u64, is_first: bool) -> Step<Option<Range>> {
    if log.bytes <= bytes {
        return Ok(Some(range));
    }
    let mut statement = conn.prepare_cached(SIZES)?;
    let mut rows = statement.query([int(log.job.0), int(range.lo), int(range.hi)])?;
    let (mut end, mut used) = (range.lo, 0u64);
    while end < range.hi {
        let Some(row) = rows.next()? else {
            return Err(corrupt(format!("table block, job {}, task {end}: its block is missing", log.job)));
        };
        let [first, count, size] = [row.get(0)?, row.get(1)?, row.get(2)?].map(|n: i64| n as u64);
        let after = first.saturating_add(count);
        if first > end || after <= end || (end > range.lo && first != end) {
            return Err(corrupt(format!("table block, job {}, task {end}: a gap between blocks", log.job)));
        }
        used = used.saturating_add(size);
        if used > bytes {
            break;
        }
        end = after.min(range.hi);
    }
    if end == range.lo && is_first {
        end += 1;
    }
    Ok((end > range.lo).then(|| Range::new(range.lo, end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn plan(sql: &str) -> String {
        let conn = super::super::open::memory(Path::new(":memory:")).unwrap();
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        for at in 1..=explain.parameter_count() {
            explain.raw_bind_parameter(at, 1).unwrap();
        }
        let (mut rows, mut plan) = (explain.raw_query(), String::new());
        while let Some(row) = rows.next().unwrap() {
            plan += &row.get::<_, String>(3).unwrap();
            plan += "; ";
        }
        plan
    }

    /// A claim costs the same however large the payloads and however many the ranges that are not due.
    #[test]
    fn claims_read_indexes_and_sort_nothing() {
        let sizes = plan(SIZES);
        assert!(sizes.contains("COVERING INDEX block_seq") && !sizes.contains("USING INDEX"), "{sizes}");
        let next = plan(NEXT_DUE);
        assert!(next.contains("COVERING INDEX waiting_due"), "{next}");
        let due = plan(&format!("SELECT lo FROM waiting {DUE}"));
        assert!(due.contains("PRIMARY KEY"), "{due}");
        for plan in [sizes, next, due] {
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
