//! Claims: which job, and which class of its tasks, a node is served from.

use super::after;
use super::ahead::{ahead_left, runs_ahead};
use super::backup::take;
use super::books::Books;
use super::errors::Step;
use super::grant::{Left, from_class};
use super::job_row::JobRow;
use super::rows::int;
use super::tables::LeaseRow;
use crate::port::Held;
use crate::{Claim, Want};
use divvy_core::{JobId, Millis, NodeId, Seq};
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
    if granted.leases.is_empty() && !barred {
        granted.leases.extend(take(books, node, claim)?);
    }
    Ok(granted)
}

/// The unfinished jobs that a claim selects, but for their handlers.
pub(super) fn jobs_of(books: &mut Books<'_>, claim: &Claim) -> Step<Vec<JobId>> {
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
    let named = claim.wants.iter().any(|want| want.job == job.job);
    let there = classes_of(books, job, named)?;
    for (class, tasks) in wants_of(claim, job.job, &there) {
        if tasks == 0 || !job.spec.needs.demand(class).fits(&claim.capacity) {
            continue;
        }
        let left = Left {
            tasks,
            bytes: claim.bytes_max,
            leases: claim.leases_max,
            isolated: claim.isolated_max,
            below: claim.below,
        };
        let leases = from_class(books, node, job, class, there[&class], left, holds_nothing)?;
        if !leases.is_empty() {
            return Ok(leases);
        }
    }
    Ok(Vec::new())
}

/// How many tasks of which of these classes a claim wants, in its order.
fn wants_of(claim: &Claim, job: JobId, there: &BTreeMap<u32, Option<Seq>>) -> Vec<(u32, u64)> {
    let named: Vec<&Want> = claim.wants.iter().filter(|want| want.job == job).collect();
    if named.is_empty() {
        return there.keys().map(|class| (*class, claim.want_new)).collect();
    }
    let mut seen = BTreeSet::new();
    let known = named.into_iter().filter(|want| there.contains_key(&want.class) && seen.insert(want.class));
    known.map(|want| (want.class, want.tasks)).collect()
}

/// The classes of which a job may have something to grant, and where their next runs from the head on begin.
fn classes_of(books: &mut Books<'_>, job: &JobRow, named: bool) -> Step<BTreeMap<u32, Option<Seq>>> {
    let log = books.must(job.job)?.clone();
    if job.spec.needs.classes() == 1 {
        return Ok(BTreeMap::from([(0, Some(log.head))]));
    }
    let mut classes = BTreeMap::new();
    let mut statement = books.conn.prepare_cached(DUE_CLASSES)?;
    let mut rows = statement.query([int(job.job.0), int(books.now)])?;
    while let Some(row) = rows.next()? {
        classes.extend(u32::try_from(row.get::<_, i64>(0)?).map(|class| (class, None)));
    }
    let reach = if named && !job.spec.policy.exclusive { ahead_left(books.conn, &log)? } else { 0 };
    for run in runs_ahead(books.conn, &log, &job.spec.needs, reach)? {
        classes.entry(run.class).or_insert(None).get_or_insert(run.at);
    }
    Ok(classes)
}
