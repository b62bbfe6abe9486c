//! How jobs stand, as far as a node's next claim needs to know it.
//!
//! For a job that says nothing of needs and comes after no other, the log tells all: its job row is not read.

use super::after;
use super::ahead::{ahead_left, runs_ahead};
use super::backup;
use super::books::Books;
use super::errors::Step;
use super::rows::int;
use super::tables::LogRow;
use crate::{ClassView, JobView, Needs};
use divvy_core::{JobId, NodeId, Seq};
use std::collections::BTreeSet;

/// The views of these jobs for a node, of those that are there, ascending.
pub(super) fn views(books: &mut Books<'_>, asker: NodeId, jobs: BTreeSet<JobId>) -> Step<Vec<JobView>> {
    let mut views = Vec::with_capacity(jobs.len());
    for job in jobs {
        if let Some(log) = books.log(job)?.cloned() {
            views.push(view(books, asker, &log)?);
        }
    }
    Ok(views)
}

fn view(books: &mut Books<'_>, asker: NodeId, log: &LogRow) -> Step<JobView> {
    let rests = log.paused || !after::waits_for(books, log.job)?.is_empty();
    let due = if rests || log.waiting == 0 { 0 } else { due_tasks(books, log.job)? };
    let claimable = if rests { 0 } else { log.ahead() + due };
    let held = !rests && claimable == 0 && log.backups && log.leased > 0;
    let backups = if held { backup::held(books.conn, asker, log.job)? } else { 0 };
    let mut classes = Vec::new();
    if log.classed {
        classes = classes_of(books, log, rests)?;
    }
    Ok(JobView {
        job: log.job,
        claimable,
        finished: log.finished.is_some(),
        open: log.open,
        record_bytes: log.record_bytes(),
        dead: log.dead,
        unfinished: log.unfinished(),
        blocked: log.blocked,
        paused: log.paused,
        stuck: log.waits && after::is_stuck(books, log.job)?,
        backups,
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
    let mut found = vec![Found::default(); needs.classes.len()];
    if !rests {
        ahead_by_class(books, log, needs, &mut found)?;
        due_by_class(books, log, &mut found)?;
    }
    let view =
        |(class, Found { claimable, oldest })| ClassView { demand: needs.demand(class), claimable, oldest };
    Ok((0..).zip(found).map(view).collect())
}

/// Claimable tasks of a class, and the first of them.
#[derive(Debug, Clone, Default)]
struct Found {
    claimable: u64,
    oldest: Option<Seq>,
}

impl Found {
    fn add(&mut self, tasks: u64, first: Option<Seq>) {
        self.claimable += tasks;
        self.oldest = [self.oldest, first].into_iter().flatten().min();
    }
}

/// Adds the tasks above the head, run by run, as far as a claim may reach.
fn ahead_by_class(books: &Books<'_>, log: &LogRow, needs: &Needs, found: &mut [Found]) -> Step<()> {
    for run in runs_ahead(books.conn, log, needs, ahead_left(books.conn, log)?)? {
        found[run.class as usize].add(run.tasks, Some(run.first));
    }
    Ok(())
}

/// Adds the waiting tasks that are due.
fn due_by_class(books: &Books<'_>, log: &LogRow, found: &mut [Found]) -> Step<()> {
    if log.waiting == 0 {
        return Ok(());
    }
    let sql = "SELECT class, sum(hi - lo), min(lo) FROM waiting WHERE job = ?1 AND due <= ?2 GROUP BY class";
    let mut statement = books.conn.prepare_cached(sql)?;
    let mut rows = statement.query([int(log.job.0), int(books.now)])?;
    while let Some(row) = rows.next()? {
        let [class, tasks, first]: [i64; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        // A number that is no class of the job is damage, which whoever takes the row will find.
        if let Some(found) = usize::try_from(class).ok().and_then(|class| found.get_mut(class)) {
            found.add(tasks as u64, Some(first as u64));
        }
    }
    Ok(())
}
