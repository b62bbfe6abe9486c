//! What people do to tasks: take them out, or give the dead another chance.

use super::books::{Books, canceled_from};
use super::errors::Step;
use super::rows::{each, int, select};
use super::tables::{DeadRow, LeaseRow, WaitingRow};
use crate::Error;
use crate::job::Selection;
use divvy_core::{Intervals, JobId, Millis, Range};
use rusqlite::Connection;

pub(super) fn cancel(conn: &Connection, now: Millis, job: JobId, tasks: Selection<'_>) -> Step<u64> {
    let mut books = Books::new(conn, now);
    let log = books.log(job)?.ok_or(Error::NoJob(job))?;
    if log.finished.is_some() {
        return Ok(0);
    }
    let (head, all) = (log.head, Range::new(0, log.tail));
    if tasks.is_none() {
        (log.open, log.canceled_whole) = (false, true);
    }
    let selected = tasks.map_or(Intervals::from(all), |tasks| tasks.intersect(&all.into()));
    let before = canceled_from(conn, job, 0)?;
    let mut taken = selected.intersect(&Range::new(head, all.hi).into()).minus(&before);
    books.must(job)?.skipped += taken.len();
    taken.insert_all(&from_leases(&mut books, job, &selected)?);
    taken.insert_all(&from_waiting(&mut books, job, &selected)?);
    let mut after = before.clone();
    after.insert_all(&taken);
    books.set_canceled(job, &before, &after)?;
    books.settle()?;
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
    for range in again.ranges() {
        books.put_waiting(&WaitingRow {
            job,
            range: *range,
            part: 0,
            attempts: 0,
            crashes: 0,
            due: 0,
            error: None,
        })?;
    }
    books.settle()?;
    Ok(again.len())
}
