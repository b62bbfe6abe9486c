//! Reports and the reply: the operation that a node repeats all its life.

use super::backup;
use super::books::{Books, leases_of};
use super::cancel::give_up;
use super::claim::claim;
use super::errors::Step;
use super::rows::{Stored, find, int, select};
use super::tables::{DeadRow, LeaseRow, NodeRow, WaitingRow};
use super::{graph, views};
use crate::port::Held;
use crate::{Dead, Error, Exchange, Failed, JobSpec, Lease, Reply, Report, rules};
use divvy_core::{Demand, Intervals, JobId, Millis, NodeId, Range};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

type Mine = BTreeMap<Held, LeaseRow>;
/// Tasks that a report has ended well, of the jobs in which others may wait for them.
type Done = BTreeMap<JobId, Intervals>;

/// Reports, then claims.
pub(super) fn exchange(conn: &Connection, now: Millis, node: NodeId, exchange: &Exchange) -> Step<Reply> {
    let mut books = Books::new(conn, now);
    let nodes: Vec<NodeRow> = select(conn, "ORDER BY node", [])?;
    let me = nodes.iter().find(|row| row.node == node).ok_or(Error::NodeGone(node))?;
    let mut mine = leases_of(conn, node)?;
    let mut done = Done::new();
    for report in &exchange.reports {
        apply(&mut books, &mut mine, &mut done, report)?;
    }
    for (job, done) in &done {
        graph::wake(&mut books, *job, done)?;
    }
    if give_up(&mut books)? {
        mine = leases_of(conn, node)?;
    }
    let mut jobs = BTreeSet::new();
    let held: BTreeSet<Held> = exchange.held.iter().copied().collect();
    let mut reply = told(conn, &exchange.held, &mine)?;
    if let Some(request) = &exchange.claim {
        let granted = claim(&mut books, node, request, &mine, &held)?;
        reply.next_due = granted.next_due;
        if granted.leases.is_empty() {
            jobs.extend(backup::allowed(&mut books, request)?);
        }
        let hungry = granted.leases.is_empty() && (me.hungry || mine.is_empty());
        if hungry != me.hungry {
            NodeRow { hungry, ..me.clone() }.insert(conn)?;
        }
        mine.extend(granted.leases.into_iter().map(|lease| ((lease.job, lease.fence), lease)));
    }
    jobs.extend(jobs_of(exchange, &mine));
    books.settle()?;
    for (_, lease) in mine.iter().filter(|(name, _)| !held.contains(name)) {
        reply.leases.push(shown(&mut books, lease)?);
    }
    reply.jobs = views::views(&mut books, node, jobs)?;
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

fn shown(books: &mut Books<'_>, lease: &LeaseRow) -> Step<Lease> {
    let demand = match books.must(lease.job)?.classed {
        true => books.job(lease.job)?.spec.needs.demand(lease.class),
        false => Demand::new(),
    };
    Ok(Lease {
        job: lease.job,
        fence: lease.fence,
        open: lease.open.clone(),
        attempts: lease.attempts,
        crashes: lease.crashes,
        quarantined: lease.quarantined,
        taken: lease.taken,
        class: lease.class,
        demand,
    })
}

/// The jobs that an exchange is about.
fn jobs_of(exchange: &Exchange, mine: &Mine) -> BTreeSet<JobId> {
    let mut jobs: BTreeSet<JobId> = mine.keys().chain(&exchange.held).map(|(job, _)| *job).collect();
    jobs.extend(exchange.reports.iter().map(|report| report.job));
    if let Some(claim) = &exchange.claim {
        jobs.extend(claim.only);
        jobs.extend(claim.wants.iter().map(|want| want.job));
    }
    jobs
}

fn apply(books: &mut Books<'_>, mine: &mut Mine, done: &mut Done, report: &Report) -> Step<()> {
    let name = (report.job, report.fence);
    let Some(lease) = mine.get_mut(&name) else {
        check(books.conn, name)?;
        if let Some(log) = books.log(report.job)? {
            log.stale += report.done.len();
        }
        return Ok(());
    };
    let before = lease.open.len();
    if books.must(report.job)?.blocked > 0 {
        done.entry(report.job).or_default().insert_all(&lease.open.intersect(&report.done));
    }
    lease.open.remove_all(&report.done);
    if !report.failed.is_empty() {
        let job = books.job(report.job)?;
        for failed in &report.failed {
            if lease.open.contains(failed.seq) {
                lease.open.remove(Range::new(failed.seq, failed.seq + 1));
                fail(books, lease, &job.spec, failed)?;
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

fn fail(books: &mut Books<'_>, lease: &LeaseRow, spec: &JobSpec, failed: &Failed) -> Step<()> {
    let Failed { seq, error, retry_ms, outgrown } = failed;
    let (job, crashes, error) = (lease.job, lease.crashes, error.clone());
    let range = Range::new(*seq, seq + 1);
    if let Some(more) = spec.needs.more(lease.class).filter(|_| *outgrown) {
        let attempts = lease.attempts;
        let again =
            WaitingRow { attempts, crashes, error: Some(error), ..WaitingRow::at_once(job, range, more) };
        return books.put_waiting(&again);
    }
    let attempts = lease.attempts.saturating_add(1);
    if rules::dies_after_failure(&spec.policy, attempts) {
        let dead = Dead { seq: *seq, attempts, crashes, error, at: books.now };
        return books.put_dead(&DeadRow { job, dead });
    }
    let due = books.now.saturating_add(*retry_ms).min(i64::MAX as u64);
    let error = Some(error);
    let class = lease.class;
    books.put_waiting(&WaitingRow { job, range, part: 0, attempts, crashes, due, error, class })
}
