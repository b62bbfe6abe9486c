//! How jobs stand, as far as a node's next claim needs to know it.
//!
//! For a job that says nothing of needs and comes after no other, the log tells all: its job row is not read.

use super::after;
use super::books::{Books, canceled_from};
use super::errors::Step;
use super::rows::int;
use super::tables::LogRow;
use crate::{ClassView, JobView, Needs};
use divvy_core::{Intervals, JobId, Range};
use std::collections::BTreeSet;

/// The views of these jobs, of those that are there, ascending.
pub(super) fn views(books: &mut Books<'_>, jobs: BTreeSet<JobId>) -> Step<Vec<JobView>> {
    let mut views = Vec::with_capacity(jobs.len());
    for job in jobs {
        if let Some(log) = books.log(job)?.cloned() {
            views.push(view(books, &log)?);
        }
    }
    Ok(views)
}

fn view(books: &mut Books<'_>, log: &LogRow) -> Step<JobView> {
    let rests = log.paused || !after::waits_for(books, log.job)?.is_empty();
    let due = if rests || log.waiting == 0 { 0 } else { due_tasks(books, log.job)? };
    let mut classes = Vec::new();
    if log.classed {
        classes = classes_of(books, log, rests)?;
    }
    Ok(JobView {
        job: log.job,
        claimable: if rests { 0 } else { log.ahead() + due },
        finished: log.finished.is_some(),
        open: log.open,
        record_bytes: log.record_bytes(),
        dead: log.dead,
        unfinished: log.unfinished(),
        blocked: log.blocked,
        paused: log.paused,
        stuck: log.waits && after::is_stuck(books, log.job)?,
        classes,
    })
}

/// Counted without looking at sums: it only advises; a claim checks each row that it takes.
fn due_tasks(books: &Books<'_>, job: JobId) -> Step<u64> {
    let sql = "SELECT coalesce(sum(hi - lo), 0) FROM waiting WHERE job = ?1 AND due <= ?2";
    let params = [int(job.0), int(books.now)];
    let tasks: i64 = books.conn.prepare_cached(sql)?.query_row(params, |row| row.get(0))?;
    Ok(tasks as u64)
}

/// A job's claimable tasks by class; none while it `rests`.
fn classes_of(books: &mut Books<'_>, log: &LogRow, rests: bool) -> Step<Vec<ClassView>> {
    let job = books.job(log.job)?;
    let needs = &job.spec.needs;
    let mut claimable = vec![0; needs.classes.len()];
    if !rests {
        ahead_by_class(books, log, needs, &mut claimable)?;
        due_by_class(books, log, &mut claimable)?;
    }
    let view = |(class, claimable): (u32, u64)| ClassView { demand: needs.demand(class), claimable };
    Ok((0..).zip(claimable).map(view).collect())
}

/// Adds the tasks above the head, run by run.
fn ahead_by_class(books: &Books<'_>, log: &LogRow, needs: &Needs, claimable: &mut [u64]) -> Step<()> {
    let canceled = match log.skipped {
        0 => Intervals::new(),
        _ => canceled_from(books.conn, log.job, log.head)?,
    };
    let mut lo = log.head;
    while lo < log.tail {
        let run = Range::new(lo, log.tail.min(needs.run_end(lo)));
        let gone = if canceled.is_empty() { 0 } else { canceled.intersect(&run.into()).len() };
        claimable[needs.class_of(lo) as usize] += run.len() - gone;
        lo = run.hi;
    }
    Ok(())
}

/// Adds the waiting tasks that are due.
fn due_by_class(books: &Books<'_>, log: &LogRow, claimable: &mut [u64]) -> Step<()> {
    if log.waiting == 0 {
        return Ok(());
    }
    let sql = "SELECT class, sum(hi - lo) FROM waiting WHERE job = ?1 AND due <= ?2 GROUP BY class";
    let mut statement = books.conn.prepare_cached(sql)?;
    let mut rows = statement.query([int(log.job.0), int(books.now)])?;
    while let Some(row) = rows.next()? {
        let (class, tasks): (i64, i64) = (row.get(0)?, row.get(1)?);
        // A number that is no class of the job is damage, which whoever takes the row will find.
        if let Some(claimable) = usize::try_from(class).ok().and_then(|class| claimable.get_mut(class)) {
            *claimable += tasks as u64;
        }
    }
    Ok(())
}
