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
use rusqlite::Connection;
use std::collections::BTreeMap;

/// Who would be taken from.
struct Holder {
    /// All tasks that it holds of the job, weighed.
    tasks: u64,
    newest: LeaseRow,
}

/// Of each other node's newest leases the oldest.
fn holder(conn: &Connection, asker: NodeId, job: JobId) -> Step<Option<Holder>> {
    let sql = "WHERE job = ?1 AND node <> ?2 AND crashes = 0 ORDER BY fence";
    let leases: Vec<LeaseRow> = select(conn, sql, [int(job.0), int(asker.0)])?;
    let mut holders: BTreeMap<NodeId, Holder> = BTreeMap::new();
    for newest in leases {
        let before = holders.get(&newest.node).map_or(0, |holder| holder.tasks);
        let tasks = before.saturating_add(rules::weighed(newest.open.len(), newest.taken));
        holders.insert(newest.node, Holder { tasks, newest });
    }
    Ok(holders.into_values().min_by_key(|holder| holder.newest.fence))
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
