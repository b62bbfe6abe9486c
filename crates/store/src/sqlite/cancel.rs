//! What people do to tasks: take them out, let them rest, or give the dead another chance.

use super::books::{Books, canceled_from};
use super::errors::Step;
use super::graph;
use super::rows::{each, int, select};
use super::tables::{DeadRow, LeaseRow, WaitingRow};
use crate::Error;
use crate::job::Selection;
use divvy_core::{Intervals, JobId, Millis, Range};
use rusqlite::Connection;

pub(super) fn cancel(conn: &Connection, now: Millis, job: JobId, tasks: Selection<'_>) -> Step<u64> {
    let mut books = Books::new(conn, now);
    let log = books.log(job)?.ok_or(Error::NoJob(job))?;
    if log.ended() {
        return Ok(0);
    }
    let taken = take_out(&mut books, job, tasks)?;
    books.settle()?;
    Ok(taken)
}

/// Cancels the jobs of which a task has died with which too many are dead, unless that was their end. Returns whether
/// there were any.
pub(super) fn give_up(books: &mut Books<'_>) -> Step<bool> {
    let mut any = false;
    for job in books.died() {
        let max = books.job(job)?.spec.policy.max_fails;
        let log = books.must(job)?;
        if max.is_some_and(|max| log.dead > max) && !log.ended() {
            take_out(books, job, None)?;
            any = true;
        }
    }
    Ok(any)
}

/// Takes tasks of a job out of wherever they are, and returns how many; `None` takes all and closes the job.
fn take_out(books: &mut Books<'_>, job: JobId, tasks: Selection<'_>) -> Step<u64> {
    let log = books.must(job)?;
    let (head, all) = (log.head, Range::new(0, log.tail));
    if tasks.is_none() {
        (log.open, log.canceled_whole) = (false, true);
    }
    let blocked = log.blocked > 0;
    let selected = tasks.map_or(Intervals::from(all), |tasks| tasks.intersect(&all.into()));
    let before = canceled_from(books.conn, job, 0)?;
    let mut taken = selected.intersect(&Range::new(head, all.hi).into()).minus(&before);
    books.must(job)?.skipped += taken.len();
    taken.insert_all(&from_leases(books, job, &selected)?);
    taken.insert_all(&from_waiting(books, job, &selected)?);
    if blocked {
        taken.insert_all(&graph::unblock(books, job, &selected)?);
    }
    let mut after = before.clone();
    after.insert_all(&taken);
    books.set_canceled(job, &before, &after)?;
    Ok(taken.len())
}

fn from_leases(books: &mut Books<'_>, job: JobId, selected: &Intervals) -> Step<Intervals> {
    let mut taken = Intervals::new();
    for mut lease in select::<LeaseRow>(books.conn, "WHERE job = ?1", [int(job.0)])? {
        let lost = lease.open.intersect(selected);
        if lost.is_empty() {
            continue;
        }
        let before = lease.open.len();
        lease.open.remove_all(&lost);
        lease.cut = true;
        books.shrink_lease(&lease, before)?;
        taken.insert_all(&lost);
    }
    Ok(taken)
}

fn from_waiting(books: &mut Books<'_>, job: JobId, selected: &Intervals) -> Step<Intervals> {
    let (mut taken, mut hit) = (Intervals::new(), Vec::new());
    each(books.conn, "WHERE job = ?1", [int(job.0)], |row: WaitingRow| {
        let lost = Intervals::from(row.range).intersect(selected);
        if !lost.is_empty() {
            hit.push((row, lost));
        }
        Ok(true)
    })?;
    for (row, lost) in hit {
        books.drop_waiting(&row)?;
        for range in Intervals::from(row.range).minus(&lost).ranges() {
            books.put_waiting(&WaitingRow { range: *range, ..row.clone() })?;
        }
        taken.insert_all(&lost);
    }
    Ok(taken)
}

pub(super) fn retry(conn: &Connection, now: Millis, job: JobId, tasks: Selection<'_>) -> Step<u64> {
    let mut books = Books::new(conn, now);
    books.log(job)?.ok_or(Error::NoJob(job))?;
    let (mut again, mut rows) = (Intervals::new(), Vec::new());
    each(conn, "WHERE job = ?1 ORDER BY seq", [int(job.0)], |row: DeadRow| {
        if tasks.is_none_or(|tasks| tasks.contains(row.dead.seq)) {
            again.insert(Range::new(row.dead.seq, row.dead.seq + 1));
            rows.push(row);
        }
        Ok(true)
    })?;
    for row in rows {
        books.drop_dead(&row)?;
    }
    books.put_ready(job, &again)?;
    books.settle()?;
    Ok(again.len())
}

pub(super) fn pause(conn: &Connection, now: Millis, job: JobId, paused: bool) -> Step<()> {
    let mut books = Books::new(conn, now);
    let log = books.log(job)?.ok_or(Error::NoJob(job))?;
    if !log.ended() {
        log.paused = paused;
    }
    books.settle()
}
