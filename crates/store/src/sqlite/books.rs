//! The books of one operation: every change to a job's sets goes through here, so that the counts in its log row
//! follow, and its end is noticed, in one place.

use super::errors::{Step, corrupt};
use super::job_row::JobRow;
use super::rows::{Stored, find, int};
use super::tables::{CanceledRow, DeadRow, LeaseRow, LogRow, WaitingRow};
use crate::Needs;
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The job and log rows that an operation has read or changed.
pub(super) struct Books<'c> {
    pub(super) conn: &'c Connection,
    pub(super) now: Millis,
    /// As it is stored, and as it will be.
    logs: BTreeMap<JobId, (LogRow, LogRow)>,
    jobs: BTreeMap<JobId, Rc<JobRow>>,
    /// Jobs of which a task has died.
    died: BTreeSet<JobId>,
}

impl<'c> Books<'c> {
    pub(super) fn new(conn: &'c Connection, now: Millis) -> Books<'c> {
        // SQL compares times, and SQLite's numbers end at i64::MAX.
        let now = now.min(i64::MAX as u64);
        Books { conn, now, logs: BTreeMap::new(), jobs: BTreeMap::new(), died: BTreeSet::new() }
    }

    /// A job's log, `None` if there is no such job.
    pub(super) fn log(&mut self, job: JobId) -> Step<Option<&mut LogRow>> {
        if !self.logs.contains_key(&job) {
            match log_of(self.conn, job)? {
                Some(log) => self.adopt(log),
                None => return Ok(None),
            }
        }
        Ok(self.logs.get_mut(&job).map(|(_, log)| log))
    }

    /// The log of a job of which other rows exist.
    pub(super) fn must(&mut self, job: JobId) -> Step<&mut LogRow> {
        self.log(job)?.ok_or_else(|| corrupt(format!("job {job} has tasks but no log")))
    }

    /// What a job is of which other rows exist.
    pub(super) fn job(&mut self, job: JobId) -> Step<Rc<JobRow>> {
        if let Some(row) = self.jobs.get(&job) {
            return Ok(row.clone());
        }
        let row = Rc::new(job_of(self.conn, job)?);
        self.jobs.insert(job, row.clone());
        Ok(row)
    }

    /// Takes in a log row that was just read.
    pub(super) fn adopt(&mut self, log: LogRow) {
        self.logs.entry(log.job).or_insert_with(|| (log.clone(), log));
    }

    /// The unfinished jobs, ascending.
    pub(super) fn live(&mut self) -> Step<Vec<JobId>> {
        let mut jobs = Vec::new();
        super::rows::each(self.conn, "WHERE finished IS NULL ORDER BY job", [], |log: LogRow| {
            jobs.push(log.job);
            sane(&log)?;
            self.adopt(log);
            Ok(true)
        })?;
        Ok(jobs)
    }

    pub(super) fn put_waiting(&mut self, row: &WaitingRow) -> Step<()> {
        row.insert(self.conn)?;
        let log = self.must(row.job)?;
        log.waiting += row.range.len();
        log.retrying += if row.attempts > 0 { row.range.len() } else { 0 };
        Ok(())
    }

    pub(super) fn drop_waiting(&mut self, row: &WaitingRow) -> Step<()> {
        let sql = "DELETE FROM waiting WHERE job = ?1 AND lo = ?2";
        self.conn.prepare_cached(sql)?.execute(params![int(row.job.0), int(row.range.lo)])?;
        let log = self.must(row.job)?;
        log.waiting -= row.range.len();
        log.retrying -= if row.attempts > 0 { row.range.len() } else { 0 };
        Ok(())
    }

    /// Lets tasks wait as they come back from a lease: at once, one row for each range.
    pub(super) fn put_back(
        &mut self,
        lease: &LeaseRow,
        tasks: &Intervals,
        part: u64,
        crashes: u32,
    ) -> Step<()> {
        for range in tasks.ranges() {
            self.put_waiting(&WaitingRow {
                job: lease.job,
                range: *range,
                part,
                attempts: lease.attempts,
                crashes,
                due: 0,
                error: None,
                class: lease.class,
            })?;
        }
        Ok(())
    }

    /// Lets tasks wait as they began: at once, nothing charged, one row for each range and run of a class.
    pub(super) fn put_ready(&mut self, job: JobId, tasks: &Intervals) -> Step<()> {
        let classed = self.must(job)?.classed;
        let row = if classed { Some(self.job(job)?) } else { None };
        let none = Needs::default();
        let needs = row.as_ref().map_or(&none, |row| &row.spec.needs);
        for range in tasks.ranges() {
            let mut lo = range.lo;
            while lo < range.hi {
                let run = Range::new(lo, range.hi.min(needs.run_end(lo)));
                self.put_waiting(&WaitingRow::at_once(job, run, needs.class_of(lo)))?;
                lo = run.hi;
            }
        }
        Ok(())
    }

    pub(super) fn put_dead(&mut self, row: &DeadRow) -> Step<()> {
        row.insert(self.conn)?;
        self.must(row.job)?.dead += 1;
        self.died.insert(row.job);
        Ok(())
    }

    /// The jobs of which a task has died since the last call.
    pub(super) fn died(&mut self) -> BTreeSet<JobId> {
        std::mem::take(&mut self.died)
    }

    pub(super) fn drop_dead(&mut self, row: &DeadRow) -> Step<()> {
        let sql = "DELETE FROM dead WHERE job = ?1 AND seq = ?2";
        self.conn.prepare_cached(sql)?.execute(params![int(row.job.0), int(row.dead.seq)])?;
        self.must(row.job)?.dead -= 1;
        Ok(())
    }

    pub(super) fn put_lease(&mut self, lease: &LeaseRow) -> Step<()> {
        lease.insert(self.conn)?;
        self.must(lease.job)?.leased += lease.open.len();
        Ok(())
    }

    /// Writes down that a lease had `before` open tasks and has fewer now; without any it ends.
    pub(super) fn shrink_lease(&mut self, lease: &LeaseRow, before: u64) -> Step<()> {
        if lease.open.is_empty() {
            let sql = "DELETE FROM lease WHERE job = ?1 AND fence = ?2";
            self.conn.prepare_cached(sql)?.execute(params![int(lease.job.0), int(lease.fence.0)])?;
        } else {
            let sql = "UPDATE lease SET open = ?3, cut = ?4, sum = ?5 WHERE job = ?1 AND fence = ?2";
            self.conn.prepare_cached(sql)?.execute(params![
                int(lease.job.0),
                int(lease.fence.0),
                lease.open.encode(),
                lease.cut,
                lease.sum(),
            ])?;
        }
        self.must(lease.job)?.leased -= before - lease.open.len();
        Ok(())
    }

    /// Writes the set of a job's canceled tasks in place of the former one.
    pub(super) fn set_canceled(&mut self, job: JobId, before: &Intervals, after: &Intervals) -> Step<()> {
        let mut delete = self.conn.prepare_cached("DELETE FROM canceled WHERE job = ?1 AND lo = ?2")?;
        for range in before.ranges() {
            if after.ranges().binary_search(range).is_err() {
                delete.execute(params![int(job.0), int(range.lo)])?;
            }
        }
        for range in after.ranges() {
            if before.ranges().binary_search(range).is_err() {
                CanceledRow { job, range: *range }.insert(self.conn)?;
            }
        }
        self.must(job)?.canceled += after.len() - before.len();
        Ok(())
    }

    /// Notices which jobs have ended, or go on again, and writes the logs that have changed.
    pub(super) fn settle(&mut self) -> Step<()> {
        for (stored, log) in self.logs.values_mut().filter(|(stored, log)| stored != log) {
            assert!(log.is_sane(), "the counts of job {} do not belong together: {log:?}", log.job);
            log.finished = if log.ended() { log.finished.or(Some(self.now)) } else { None };
            log.update(self.conn, stored)?;
            *stored = log.clone();
        }
        Ok(())
    }
}

fn sane(log: &LogRow) -> Step<()> {
    if log.is_sane() { Ok(()) } else { Err(corrupt(format!("table log, {}: {log:?}", log.place()))) }
}

/// A job's log row. `None` only if there is no such job at all.
pub(super) fn log_of(conn: &Connection, job: JobId) -> Step<Option<LogRow>> {
    let log: Option<LogRow> = find(conn, "WHERE job = ?1", [int(job.0)])?;
    match &log {
        Some(log) => sane(log)?,
        None => {
            let sql = "SELECT 1 FROM job WHERE job = ?1";
            if conn.prepare_cached(sql)?.exists([int(job.0)])? {
                return Err(corrupt(format!("table log, job {job}: its row is missing")));
            }
        }
    }
    Ok(log)
}

/// What a job is, where its log row says that it exists.
pub(super) fn job_of(conn: &Connection, job: JobId) -> Step<JobRow> {
    find(conn, "WHERE job = ?1", [int(job.0)])?
        .ok_or_else(|| corrupt(format!("table job, job {job}: its row is missing")))
}

/// A node's leases, ascending by job and fence.
pub(super) fn leases_of(conn: &Connection, node: NodeId) -> Step<BTreeMap<(JobId, Fence), LeaseRow>> {
    let mut leases = BTreeMap::new();
    super::rows::each(conn, "WHERE node = ?1", [int(node.0)], |lease: LeaseRow| {
        leases.insert((lease.job, lease.fence), lease);
        Ok(true)
    })?;
    Ok(leases)
}

/// The canceled tasks of a job at or above `from`.
pub(super) fn canceled_from(conn: &Connection, job: JobId, from: u64) -> Step<Intervals> {
    let mut canceled = Intervals::new();
    let params = params![int(job.0), int(from)];
    super::rows::each(conn, "WHERE job = ?1 AND hi > ?2", params, |row: CanceledRow| {
        canceled.insert(row.range);
        Ok(true)
    })?;
    Ok(canceled)
}
