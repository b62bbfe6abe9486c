//! What stands above a job's head, run by run, and how a claim gets behind it.

use super::books::{Books, canceled_from};
use super::errors::Step;
use super::job_row::JobRow;
use super::rows::int;
use super::tables::LogRow;
use crate::Needs;
use crate::rules::AHEAD_MAX;
use divvy_core::{Intervals, Range, Seq};
use rusqlite::Connection;

/// How many ranges wait.
const WAITING: &str = "SELECT count(*) FROM waiting WHERE job = ?1";

/// A run of a class above a head, or what is left of it. Not all of it is canceled.
pub(super) struct Run {
    pub(super) at: Seq,
    pub(super) end: Seq,
    pub(super) class: u32,
    /// Its tasks, and the first of them.
    pub(super) tasks: u64,
    pub(super) first: Seq,
}

/// The runs above a job's head, without those that were canceled as a whole: the first, and as many more as come into
/// reach if no more than `reach` ranges are set aside.
pub(super) fn runs_ahead(conn: &Connection, log: &LogRow, needs: &Needs, mut reach: u64) -> Step<Vec<Run>> {
    let mut runs = Vec::new();
    if log.ahead() == 0 {
        return Ok(runs);
    }
    let canceled = canceled_ahead(conn, log)?;
    for (range, class) in needs.runs(Range::new(log.head, log.tail)) {
        let run = Run { at: range.lo, end: range.hi, class, tasks: range.len(), first: range.lo };
        let (run, pieces) = match canceled.is_empty() {
            true => (run, 1),
            false => {
                let open = Intervals::from(range).minus(&canceled);
                let Some(first) = open.first() else { continue };
                (Run { tasks: open.len(), first, ..run }, open.ranges().len() as u64)
            }
        };
        runs.push(run);
        if pieces > reach {
            break;
        }
        reach -= pieces;
    }
    Ok(runs)
}

pub(super) fn canceled_ahead(conn: &Connection, log: &LogRow) -> Step<Intervals> {
    if log.skipped == 0 { Ok(Intervals::new()) } else { canceled_from(conn, log.job, log.head) }
}

/// Moves the head on to the run that begins here: what is not canceled before it waits.
pub(super) fn set_aside(books: &mut Books<'_>, job: &JobRow, at: Seq) -> Step<()> {
    let log = books.must(job.job)?.clone();
    let passed = Range::new(log.head, at);
    if passed.is_empty() {
        return Ok(());
    }
    let tasks = Intervals::from(passed).minus(&canceled_ahead(books.conn, &log)?);
    let log = books.must(job.job)?;
    log.skipped -= passed.len() - tasks.len();
    log.head = at;
    books.put_ready(job.job, &tasks)
}

/// How many more ranges of a job may be set aside.
pub(super) fn ahead_left(conn: &Connection, log: &LogRow) -> Step<u64> {
    let waiting: i64 = match log.waiting {
        0 => 0,
        _ => conn.prepare_cached(WAITING)?.query_row([int(log.job.0)], |row| row.get(0))?,
    };
    Ok(AHEAD_MAX.saturating_sub(waiting as u64))
}
