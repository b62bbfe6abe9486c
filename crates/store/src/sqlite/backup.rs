//! Backups: tasks that a node without work takes from the node that has been granted nothing for the longest time.

use super::after;
use super::books::Books;
use super::claim::jobs_of;
use super::errors::Step;
use super::grant::{limit, next_fence};
use super::rows::{int, select};
use super::tables::LeaseRow;
use crate::{Claim, rules};
use divvy_core::{JobId, NodeId};
use rusqlite::{Connection, OptionalExtension};

/// Who would be taken from.
struct Holder {
    /// All tasks that it holds of the job, weighed.
    tasks: u64,
    newest: LeaseRow,
}

/// Of each other node's newest leases the oldest. Who that is is asked of two columns, as of hundreds of nodes each exchange
/// looks at all; only that node's leases are read, and checked, whole.
fn holder(conn: &Connection, asker: NodeId, job: JobId) -> Step<Option<Holder>> {
    let sql = "SELECT node FROM lease WHERE job = ?1 AND node <> ?2 AND crashes = 0
               GROUP BY node ORDER BY max(fence) LIMIT 1";
    let asked = [int(job.0), int(asker.0)];
    let node: Option<i64> = conn.prepare_cached(sql)?.query_row(asked, |row| row.get(0)).optional()?;
    let Some(node) = node else { return Ok(None) };
    let sql = "WHERE job = ?1 AND node = ?2 AND crashes = 0 ORDER BY fence";
    let leases: Vec<LeaseRow> = select(conn, sql, [int(job.0), node])?;
    let weights = leases.iter().map(|lease| rules::weighed(lease.open.len(), lease.taken));
    let tasks = weights.fold(0, u64::saturating_add);
    Ok(leases.into_iter().next_back().map(|newest| Holder { tasks, newest }))
}

/// How many tasks of a job the node holds, weighed, that a backup would be taken from.
pub(super) fn held(conn: &Connection, asker: NodeId, job: JobId) -> Step<u64> {
    Ok(holder(conn, asker, job)?.map_or(0, |holder| holder.tasks))
}

/// Whether tasks of a job may be taken by who makes this claim, if somebody holds any.
fn may_take(books: &mut Books<'_>, claim: &Claim, job: JobId) -> Step<bool> {
    let log = books.must(job)?;
    if !log.backups || log.leased == 0 || log.paused || after::must_wait(books, job)? {
        return Ok(false);
    }
    Ok(claim.handlers.contains(&books.job(job)?.spec.handler))
}

/// The jobs that a claim selects of which tasks may be taken.
pub(super) fn allowed(books: &mut Books<'_>, claim: &Claim) -> Step<Vec<JobId>> {
    let mut jobs = Vec::new();
    for job in jobs_of(books, claim)? {
        if may_take(books, claim, job)? {
            jobs.push(job);
        }
    }
    Ok(jobs)
}

/// A lease of tasks that were another node's, for a claim that is granted nothing else.
pub(super) fn take(books: &mut Books<'_>, node: NodeId, claim: &Claim) -> Step<Option<LeaseRow>> {
    if claim.leases_max == 0 || claim.below.is_some() || claim.backups.is_empty() {
        return Ok(None);
    }
    let allowed = allowed(books, claim)?;
    for wanted in claim.backups.iter().filter(|wanted| allowed.contains(&wanted.job)) {
        let holder = holder(books.conn, node, wanted.job)?;
        if let Some(holder) = holder.filter(|holder| holder.tasks <= wanted.tasks) {
            return cut(books, node, claim, holder.newest).map(Some);
        }
    }
    Ok(None)
}

/// Lends the upper half of a lease to another node.
fn cut(books: &mut Books<'_>, node: NodeId, claim: &Claim, mut from: LeaseRow) -> Step<LeaseRow> {
    let (job, before) = (from.job, from.open.len());
    let bytes = claim.bytes_max.checked_div(books.must(job)?.record_bytes()).unwrap_or(u64::MAX);
    let range_max = limit(books.job(job)?.spec.policy.range_max);
    let n = before.div_ceil(2).min(range_max).min(bytes.max(1));
    let open = from.open.split_off(before - n);
    from.cut = true;
    books.shrink_lease(&from, before)?;
    let (fence, taken) = (next_fence(books, job)?, from.taken.saturating_add(1));
    let lease = LeaseRow { fence, node, cut: false, open, taken, ..from };
    books.put_lease(&lease)?;
    Ok(lease)
}
