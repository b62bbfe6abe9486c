//! Reports and the reply: the operation that a node repeats all its life.

use super::books::{Books, job_of, leases_of};
use super::claim::claim;
use super::errors::Step;
use super::rows::{Stored, find, int, select};
use super::tables::{DeadRow, LeaseRow, NodeRow, WaitingRow};
use crate::port::Held;
use crate::{Dead, Error, Exchange, Failed, JobView, Lease, Reply, Report, rules};
use divvy_core::{JobId, Millis, NodeId, Range};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

type Mine = BTreeMap<Held, LeaseRow>;

/// Reports, then claims.
pub(super) fn exchange(conn: &Connection, now: Millis, node: NodeId, exchange: &Exchange) -> Step<Reply> {
    let mut books = Books::new(conn, now);
    let nodes: Vec<NodeRow> = select(conn, "ORDER BY node", [])?;
    let me = nodes.iter().find(|row| row.node == node).ok_or(Error::NodeGone(node))?;
    let mut mine = leases_of(conn, node)?;
    for report in &exchange.reports {
        apply(&mut books, &mut mine, report)?;
    }
    let mut reply = told(conn, &exchange.held, &mine)?;
    if let Some(request) = &exchange.claim {
        let granted = claim(&mut books, node, request, &mine)?;
        reply.next_due = granted.next_due;
        let hungry = granted.leases.is_empty() && (me.hungry || mine.is_empty());
        if hungry != me.hungry {
            NodeRow { hungry, ..me.clone() }.insert(conn)?;
        }
        mine.extend(granted.leases.into_iter().map(|lease| ((lease.job, lease.fence), lease)));
    }
    books.settle()?;
    let known: BTreeSet<Held> = exchange.held.iter().copied().collect();
    reply.leases = mine.values().filter(|l| !known.contains(&(l.job, l.fence))).map(shown).collect();
    reply.jobs = views(&mut books, exchange, &mine)?;
    reply.workers = nodes.iter().map(|row| u64::from(row.info.workers)).sum();
    reply.hungry = nodes.iter().filter(|row| row.hungry && row.node != node).count() as u64;
    Ok(reply)
}

/// What became of the leases that the node lists.
fn told(conn: &Connection, held: &[Held], mine: &Mine) -> Step<Reply> {
    let mut reply = Reply::default();
    let mut open = BTreeMap::new();
    for name in held {
        match mine.get(name) {
            Some(lease) if lease.cut => drop(open.insert(*name, lease.open.clone())),
            Some(_) => {}
            None => {
                check(conn, *name)?;
                reply.lost.push(*name);
            }
        }
    }
    reply.open = open.into_iter().collect();
    Ok(reply)
}

/// A lease that was not found under its node may be there all the same, with damage in the node's number.
fn check(conn: &Connection, (job, fence): Held) -> Step<()> {
    find::<LeaseRow>(conn, "WHERE job = ?1 AND fence = ?2", [int(job.0), int(fence.0)]).map(drop)
}

fn shown(lease: &LeaseRow) -> Lease {
    Lease {
        job: lease.job,
        fence: lease.fence,
        open: lease.open.clone(),
        attempts: lease.attempts,
        crashes: lease.crashes,
        quarantined: lease.quarantined,
        class: 0,
        demand: divvy_core::Demand::new(),
    }
}

fn apply(books: &mut Books<'_>, mine: &mut Mine, report: &Report) -> Step<()> {
    let name = (report.job, report.fence);
    let Some(lease) = mine.get_mut(&name) else {
        check(books.conn, name)?;
        if let Some(log) = books.log(report.job)? {
            log.stale += report.done.len();
        }
        return Ok(());
    };
    let before = lease.open.len();
    lease.open.remove_all(&report.done);
    if !report.failed.is_empty() {
        let policy = job_of(books.conn, report.job)?.spec.policy;
        for failed in &report.failed {
            if lease.open.contains(failed.seq) {
                lease.open.remove(Range::new(failed.seq, failed.seq + 1));
                fail(books, lease, &policy, failed)?;
            }
        }
    }
    let back = lease.open.intersect(&report.back);
    lease.open.remove_all(&back);
    books.put_back(lease, &back, 0, lease.crashes)?;
    if lease.open.len() < before {
        books.shrink_lease(lease, before)?;
    }
    if lease.open.is_empty() {
        mine.remove(&name);
    }
    Ok(())
}

fn fail(books: &mut Books<'_>, lease: &LeaseRow, policy: &crate::Policy, failed: &Failed) -> Step<()> {
    let attempts = lease.attempts.saturating_add(1);
    let Failed { seq, error, retry_ms, .. } = failed;
    if rules::dies_after_failure(policy, attempts) {
        let dead = Dead { seq: *seq, attempts, crashes: lease.crashes, error: error.clone(), at: books.now };
        return books.put_dead(&DeadRow { job: lease.job, dead });
    }
    books.put_waiting(&WaitingRow {
        job: lease.job,
        range: Range::new(*seq, seq + 1),
        part: 0,
        attempts,
        crashes: lease.crashes,
        due: books.now.saturating_add(*retry_ms).min(i64::MAX as u64),
        error: Some(error.clone()),
    })
}

/// The jobs of the node's leases, reports and wants.
fn views(books: &mut Books<'_>, exchange: &Exchange, mine: &Mine) -> Step<Vec<JobView>> {
    let mut jobs: BTreeSet<JobId> = mine.keys().map(|(job, _)| *job).collect();
    jobs.extend(exchange.reports.iter().map(|report| report.job));
    if let Some(claim) = &exchange.claim {
        jobs.extend(claim.only);
        jobs.extend(claim.wants.iter().map(|want| want.job));
    }
    let mut views = Vec::with_capacity(jobs.len());
    for job in jobs {
        let Some(log) = books.log(job)?.cloned() else { continue };
        let due = if log.waiting == 0 { 0 } else { due_tasks(books, job)? };
        views.push(JobView {
            job,
            claimable: log.ahead() + due,
            finished: log.finished.is_some(),
            open: log.open,
            record_bytes: log.record_bytes(),
            dead: log.dead,
            unfinished: log.unfinished(),
            blocked: 0,
            paused: false,
            stuck: false,
            classes: Vec::new(),
        });
    }
    Ok(views)
}

/// Counted without looking at sums: it only advises; a claim checks each row that it takes.
fn due_tasks(books: &Books<'_>, job: JobId) -> Step<u64> {
    let sql = "SELECT coalesce(sum(hi - lo), 0) FROM waiting WHERE job = ?1 AND due <= ?2";
    let params = [int(job.0), int(books.now)];
    let tasks: i64 = books.conn.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    Ok(tasks as u64)
}
