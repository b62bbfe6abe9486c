//! Observations: written with whatever else is committed, and never in its way.
//!
//! They wait in memory, at most [`PENDING_MAX`] of them, until the next group commit takes them along. So they cost no
//! fsync of their own, nobody waits for them, and what they cannot be written for (a full disk) is no trouble
//! of those whose operations are.

use super::errors::Step;
use super::rows::{Stored, int, select, u64_at};
use crate::observation::{Observation, WINDOWS_MAX, thinned};
use divvy_core::checksum::Sum;
use divvy_core::{JobId, NodeId};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use std::sync::{Mutex, PoisonError};

/// Most observations that wait for a commit. Beyond them the oldest are given up.
const PENDING_MAX: usize = 4_096;

/// Observations that wait for a commit.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Vec<Observation>>);

impl Pending {
    pub(super) fn add(&self, seen: &[Observation]) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.extend_from_slice(seen);
        let excess = pending.len().saturating_sub(PENDING_MAX);
        pending.drain(..excess);
    }

    pub(super) fn take(&self) -> Vec<Observation> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// Writes observations in the transaction that is open: all, or after an error none.
pub(super) fn keep(conn: &Connection, seen: &[Observation]) -> Step<()> {
    conn.execute_batch("SAVEPOINT seen")?;
    let kept = seen.iter().try_for_each(|seen| keep_one(conn, seen));
    if kept.is_err() {
        conn.execute_batch("ROLLBACK TO seen")?;
    }
    conn.execute_batch("RELEASE seen")?;
    kept
}

fn keep_one(conn: &Connection, seen: &Observation) -> Step<()> {
    let (job, node) = (int(seen.job.0), int(seen.node.0));
    let known = "SELECT 1 FROM log WHERE job = ?1";
    if !conn.prepare_cached(known)?.exists([job])? {
        // Forgotten meanwhile.
        return Ok(());
    }
    let windows = "SELECT count(*) FROM observation WHERE job = ?1 AND node = ?2";
    let windows: u64 = conn.prepare_cached(windows)?.query_row([job, node], |row| u64_at(row, 0))?;
    if windows >= WINDOWS_MAX as u64 {
        thin(conn, seen.job, seen.node)?;
    }
    let same = "WHERE job = ?1 AND node = ?2 AND since = ?3";
    let row = match select::<ObservationRow>(conn, same, [job, node, int(seen.from)])?.pop() {
        Some(ObservationRow { seen: mut first, .. }) => {
            first.merge(seen);
            ObservationRow::new(first)
        }
        None => ObservationRow::new(seen.clone()),
    };
    Ok(row.insert(conn)?)
}

fn thin(conn: &Connection, job: JobId, node: NodeId) -> Step<()> {
    let of = [int(job.0), int(node.0)];
    let all = select::<ObservationRow>(conn, "WHERE job = ?1 AND node = ?2 ORDER BY since", of)?;
    conn.prepare_cached("DELETE FROM observation WHERE job = ?1 AND node = ?2")?.execute(of)?;
    for seen in thinned(all.into_iter().map(|row| row.seen).collect()) {
        ObservationRow::new(seen).insert(conn)?;
    }
    Ok(())
}

/// What is kept of a job, ascending by node, then time.
pub(super) fn observations(conn: &Connection, job: JobId) -> Step<Vec<Observation>> {
    let rows = select::<ObservationRow>(conn, "WHERE job = ?1 ORDER BY node, since", [int(job.0)])?;
    Ok(rows.into_iter().map(|row| row.seen).collect())
}

/// An observation as a row.
#[derive(Debug, Clone)]
pub(super) struct ObservationRow {
    pub(super) seen: Observation,
    /// As it is stored: a newer program may have written more than is understood here, and the sum is over all of it.
    data: Vec<u8>,
}

impl ObservationRow {
    fn new(seen: Observation) -> ObservationRow {
        ObservationRow { data: seen.encode(), seen }
    }
}

impl Stored for ObservationRow {
    const TABLE: &'static str = "observation";
    const COLUMNS: &'static str = "job, node, since, data";
    const WIDTH: usize = 4;

    fn read(row: &Row<'_>) -> rusqlite::Result<ObservationRow> {
        let (job, node) = (JobId(u64_at(row, 0)?), NodeId(u64_at(row, 1)?));
        let mut seen = Observation { job, node, from: u64_at(row, 2)?, ..Observation::default() };
        let data = row.get_ref(3)?.as_blob()?.to_vec();
        seen.decode(&data).map_err(|_| rusqlite::Error::InvalidColumnType(3, "data".into(), Type::Blob))?;
        Ok(ObservationRow { seen, data })
    }

    fn sum(&self) -> u32 {
        let Observation { job, node, from, .. } = &self.seen;
        Sum::of("observation").u64(job.0).u64(node.0).u64(*from).bytes(&self.data).finish()
    }

    fn place(&self) -> String {
        let Observation { job, node, from, .. } = &self.seen;
        format!("job {job}, what node {node} saw from {from} on")
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let Observation { job, node, from, .. } = &self.seen;
        let values = params![int(job.0), int(node.0), int(*from), self.data, self.sum()];
        conn.prepare_cached("INSERT OR REPLACE INTO observation VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(values)?;
        Ok(())
    }
}
