//! Claims: which job, and which class of its tasks, a node is served from.

use super::after;
use super::books::Books;
use super::errors::Step;
use super::grant::{Left, from_class, head_of};
use super::job_row::JobRow;
use super::rows::int;
use super::tables::LeaseRow;
use crate::Claim;
use crate::port::Held;
use divvy_core::{JobId, Millis, NodeId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// What a claim was granted, and when more may be had.
pub(super) struct Granted {
    pub(super) leases: Vec<LeaseRow>,
    pub(super) next_due: Option<Millis>,
}

/// The earliest time after now.
pub(super) const NEXT_DUE: &str = "SELECT min(due) FROM waiting WHERE job = ?1 AND due > ?2";
/// The classes of the waiting ranges that are due.
const DUE_CLASSES: &str = "SELECT DISTINCT class FROM waiting WHERE job = ?1 AND due <= ?2";

/// Serves a claim from the first class of the first job that grants anything.
pub(super) fn claim(
    books: &mut Books<'_>,
    node: NodeId,
    claim: &Claim,
    mine: &BTreeMap<Held, LeaseRow>,
    held: &BTreeSet<Held>,
) -> Step<Granted> {
    let mut granted = Granted { leases: Vec::new(), next_due: None };
    // One that must be alone bars all others; one that the node does not list was not counted in the claim's bounds.
    let barred = mine.iter().any(|(name, lease)| lease.quarantined || !held.contains(name));
    for job in jobs_of(books, claim)? {
        let log = books.must(job)?;
        let (idle, classed) = (log.ahead() == 0 && log.waiting == 0, log.classed);
        if idle || log.paused {
            continue;
        }
        let classes = if classed { books.job(job)?.spec.needs.classes() } else { 1 };
        if !wants_any(claim, job, classes) || after::must_wait(books, job)? {
            continue;
        }
        let row = books.job(job)?;
        if !claim.handlers.contains(&row.spec.handler) {
            continue;
        }
        if granted.leases.is_empty() && !barred && !held_elsewhere(books.conn, &row, node)? {
            granted.leases = from_job(books, node, &row, claim, mine.is_empty())?;
        }
        let due = next_due(books, job)?;
        granted.next_due = [granted.next_due, due].into_iter().flatten().min();
    }
    Ok(granted)
}

/// The unfinished jobs that a claim selects, but for their handlers.
fn jobs_of(books: &mut Books<'_>, claim: &Claim) -> Step<Vec<JobId>> {
    let Some(only) = claim.only else { return books.live() };
    let mut jobs = Vec::new();
    for job in after::with_those_before(books, only)? {
        if books.must(job)?.finished.is_none() {
            jobs.push(job);
        }
    }
    Ok(jobs)
}

/// Whether a claim wants anything of a job with so many classes.
fn wants_any(claim: &Claim, job: JobId, classes: u32) -> bool {
    let mut named = claim.wants.iter().filter(|want| want.job == job).peekable();
    match named.peek() {
        Some(_) => named.any(|want| want.class < classes && want.tasks > 0),
        None => claim.want_new > 0,
    }
}

fn wanted(claim: &Claim, job: JobId, class: u32) -> u64 {
    let mut named = claim.wants.iter().filter(|want| want.job == job).peekable();
    match named.peek() {
        Some(_) => named.find(|want| want.class == class).map_or(0, |want| want.tasks),
        None => claim.want_new,
    }
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

/// Leases of the first class of a job that fits into what the node has and grants anything.
fn from_job(
    books: &mut Books<'_>,
    node: NodeId,
    job: &JobRow,
    claim: &Claim,
    holds_nothing: bool,
) -> Step<Vec<LeaseRow>> {
    for class in classes_of(books, job)? {
        let tasks = wanted(claim, job.job, class);
        if tasks == 0 || !job.spec.needs.demand(class).fits(&claim.capacity) {
            continue;
        }
        let left =
            Left { tasks, bytes: claim.bytes_max, leases: claim.leases_max, isolated: claim.isolated_max };
        let leases = from_class(books, node, job, class, claim.below, left, holds_nothing)?;
        if !leases.is_empty() {
            return Ok(leases);
        }
    }
    Ok(Vec::new())
}

/// The classes of which a job may have something to grant, ascending.
fn classes_of(books: &mut Books<'_>, job: &JobRow) -> Step<BTreeSet<u32>> {
    if job.spec.needs.classes() == 1 {
        return Ok(BTreeSet::from([0]));
    }
    let mut classes = BTreeSet::new();
    let mut statement = books.conn.prepare_cached(DUE_CLASSES)?;
    let mut rows = statement.query([int(job.job.0), int(books.now)])?;
    while let Some(row) = rows.next()? {
        classes.extend(u32::try_from(row.get::<_, i64>(0)?));
    }
    let log = books.must(job.job)?.clone();
    classes.extend(head_of(books.conn, &log, job)?.map(|head| head.class));
    Ok(classes)
}
