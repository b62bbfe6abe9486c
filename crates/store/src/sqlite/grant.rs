//! Leases of one class of a job: its waiting ranges that are due, then a range from the head.

use super::ahead::{Run, canceled_ahead, runs_ahead, set_aside};
use super::books::Books;
use super::errors::{Step, corrupt};
use super::job_row::JobRow;
use super::rows::{each, int};
use super::tables::{LeaseRow, LogRow, WaitingRow};
use crate::rules;
use divvy_core::{Fence, Intervals, JobId, NodeId, Range, Seq};
use rusqlite::{Connection, params};

/// The blocks that hold a range, and their sizes.
const SIZES: &str = "SELECT first_seq, count, bytes FROM block WHERE job = ?1 AND first_seq < ?3 AND first_seq >= \
                     (SELECT max(first_seq) FROM block WHERE job = ?1 AND first_seq <= ?2) ORDER BY first_seq";
/// Waiting ranges that are due, by their place. The plus keeps SQLite from sorting by way of the index on due: few
/// rows are needed, the lowest.
const DUE: &str = "WHERE job = ?1 AND +due <= ?2 AND class = ?3 AND lo < ?4 ORDER BY lo";
/// Those of them that give one lease together in a job with a graph or with several classes.
const TOGETHER: &str = "WHERE job = ?1 AND +due <= ?2 AND class = ?3 AND lo < ?4 AND part = 0 AND attempts = 0 AND crashes = 0 ORDER BY lo";
const ANY_DUE: &str = "SELECT 1 FROM waiting WHERE job = ?1 AND due <= ?2";

/// What is left of a claim's bounds.
pub(super) struct Left {
    pub(super) tasks: u64,
    pub(super) bytes: u64,
    pub(super) leases: usize,
    pub(super) isolated: usize,
    /// Only waiting ranges that begin before this task.
    pub(super) below: Option<Seq>,
}

/// A lease to be: the lowest `n` tasks of some waiting ranges.
struct Part {
    rows: Vec<WaitingRow>,
    n: u64,
    quarantined: bool,
}

/// Leases of one class of a job, whose next run from the head on begins `at`, if there is one within reach.
pub(super) fn from_class(
    books: &mut Books<'_>,
    node: NodeId,
    job: &JobRow,
    class: u32,
    at: Option<Seq>,
    mut left: Left,
    holds_nothing: bool,
) -> Step<Vec<LeaseRow>> {
    let mut leases = Vec::new();
    let parts = waiting_parts(books, job, class, &mut left, holds_nothing)?;
    let quarantined = parts.iter().any(|part| part.quarantined);
    for part in parts {
        leases.push(lease_waiting(books, node, part)?);
    }
    if left.tasks > 0 && left.leases > 0 && !quarantined && left.below.is_none() {
        if let Some(at) = at.filter(|_| leases.is_empty()) {
            set_aside(books, job, at)?;
        }
        leases.extend(lease_head(books, node, job, class, &left, leases.is_empty())?);
    }
    Ok(leases)
}

/// What is granted of the waiting ranges. One that must be alone is the only one.
fn waiting_parts(
    books: &mut Books<'_>,
    job: &JobRow,
    class: u32,
    left: &mut Left,
    holds_nothing: bool,
) -> Step<Vec<Part>> {
    let mut parts: Vec<Part> = Vec::new();
    let log = books.must(job.job)?;
    let record_bytes = log.record_bytes();
    if log.waiting == 0 || left.leases == 0 || !any_due(books, job.job)? {
        return Ok(parts);
    }
    let (conn, now, policy) = (books.conn, books.now, &job.spec.policy);
    // Seqs are below this in any case.
    let below = left.below.map_or(i64::MAX, |below| i64::try_from(below).unwrap_or(i64::MAX));
    let mut together = false;
    each(conn, DUE, params![int(job.job.0), int(now), class, below], |row: WaitingRow| {
        let joins =
            (job.graph || job.spec.needs.classes() > 1) && (row.part, row.attempts, row.crashes) == (0, 0, 0);
        let quarantined = rules::needs_quarantine(policy, row.crashes);
        let isolated = rules::is_isolated(row.part, row.crashes);
        let alone = holds_nothing && parts.is_empty();
        if (joins && together) || (quarantined && !alone) || (isolated && left.isolated == 0) {
            return Ok(true);
        }
        let fit = left.bytes.checked_div(record_bytes).unwrap_or(u64::MAX).max(u64::from(parts.is_empty()));
        let most = [limit(row.part), limit(policy.range_max), fit].into_iter().fold(left.tasks, u64::min);
        let rows = if joins { joined(conn, job.job, now, class, below, most)? } else { vec![row] };
        let n = rows.iter().map(|row| row.range.len()).sum::<u64>().min(most);
        if n == 0 {
            return Ok(false);
        }
        together |= joins;
        left.tasks -= n;
        left.bytes = left.bytes.saturating_sub(n.saturating_mul(record_bytes));
        left.leases -= 1;
        left.isolated -= usize::from(isolated);
        parts.push(Part { rows, n, quarantined });
        Ok(!quarantined && left.tasks > 0 && left.leases > 0)
    })?;
    Ok(parts)
}

/// The lowest of the ranges that give one lease together, with at least `most` tasks if there are so many.
fn joined(
    conn: &Connection,
    job: JobId,
    now: u64,
    class: u32,
    below: i64,
    most: u64,
) -> Step<Vec<WaitingRow>> {
    let (mut rows, mut tasks) = (Vec::new(), 0u64);
    each(conn, TOGETHER, params![int(job.0), int(now), class, below], |row: WaitingRow| {
        tasks += row.range.len();
        rows.push(row);
        Ok(tasks < most)
    })?;
    Ok(rows)
}

fn any_due(books: &Books<'_>, job: JobId) -> Step<bool> {
    Ok(books.conn.prepare_cached(ANY_DUE)?.exists([int(job.0), int(books.now)])?)
}

/// A bound of which 0 means none.
pub(super) fn limit(n: u64) -> u64 {
    if n == 0 { u64::MAX } else { n }
}

fn lease_waiting(books: &mut Books<'_>, node: NodeId, part: Part) -> Step<LeaseRow> {
    let (mut open, mut more) = (Intervals::new(), part.n);
    for row in &part.rows {
        books.drop_waiting(row)?;
        let Range { lo, hi } = row.range;
        let n = more.min(row.range.len());
        open.insert(Range::new(lo, lo + n));
        more -= n;
        if lo + n < hi {
            books.put_waiting(&WaitingRow { range: Range::new(lo + n, hi), ..row.clone() })?;
        }
    }
    let first = &part.rows[0];
    let lease = LeaseRow {
        job: first.job,
        fence: next_fence(books, first.job)?,
        node,
        attempts: first.attempts,
        crashes: first.crashes,
        quarantined: part.quarantined,
        cut: false,
        open,
        class: first.class,
        taken: 0,
    };
    books.put_lease(&lease)?;
    Ok(lease)
}

pub(super) fn next_fence(books: &mut Books<'_>, job: JobId) -> Step<Fence> {
    let log = books.must(job)?;
    log.fence += 1;
    Ok(Fence(log.fence))
}

/// A lease from the head, if it stands in this class. Ranges that were canceled as a whole are passed over.
fn lease_head(
    books: &mut Books<'_>,
    node: NodeId,
    job: &JobRow,
    class: u32,
    left: &Left,
    is_first: bool,
) -> Step<Option<LeaseRow>> {
    let log = books.must(job.job)?.clone();
    let runs = runs_ahead(books.conn, &log, &job.spec.needs, 0)?;
    let Some(Run { at: mut head, end, .. }) = runs.into_iter().next().filter(|run| run.class == class) else {
        return Ok(None);
    };
    let canceled = canceled_ahead(books.conn, &log)?;
    let n = left.tasks.min(limit(job.spec.policy.range_max));
    let mut open = Intervals::new();
    while open.is_empty() && head < end {
        let range = Range::new(head, end.min(head.saturating_add(n)));
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
    let (attempts, crashes) = (0, 0);
    let lease = LeaseRow {
        job: job.job,
        fence,
        node,
        attempts,
        crashes,
        quarantined: false,
        cut: false,
        open,
        class,
        taken: 0,
    };
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
        let next = plan(super::super::claim::NEXT_DUE);
        assert!(next.contains("COVERING INDEX waiting_due"), "{next}");
        let any = plan(ANY_DUE);
        assert!(any.contains("COVERING INDEX waiting_due"), "{any}");
        let [due, together] = [DUE, TOGETHER].map(|rest| plan(&format!("SELECT lo FROM waiting {rest}")));
        assert!(due.contains("PRIMARY KEY") && together.contains("PRIMARY KEY"), "{due} {together}");
        for plan in [sizes, next, any, due, together] {
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
}
