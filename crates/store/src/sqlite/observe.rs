//! Observations: written with whatever else is committed, and never in its way.
//!
//! They wait in memory until the next group commit that writes takes them along; where none does, for [`WAIT_MAX`], since nodes
//! whose tasks take hours have nothing else to write. So they cost next to no fsync of their own, nobody waits for them, and what they cannot be
//! written for (a full disk) is no trouble of those whose operations are.

use super::errors::Step;
use super::rows::{Stored, int, select, u64_at};
use crate::observation::{COUNTED_EVERY, Observation, ROWS_MAX, WINDOWS_MAX, squeezed, thinned};
use divvy_core::checksum::Sum;
use divvy_core::{JobId, NodeId};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params, params_from_iter};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long observations wait for a commit that writes something else.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Most observations of one job by one node that wait for a commit; beyond them they are thinned, as those that are kept.
const PENDING_MAX: usize = 16 * WINDOWS_MAX;

/// Observations that wait for a commit.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    seen: BTreeMap<(JobId, NodeId), Vec<Observation>>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Pending {
    pub(super) fn add(&self, seen: &[Observation]) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for one in seen {
            let windows = waiting.seen.entry((one.job, one.node)).or_default();
            if windows.len() >= PENDING_MAX {
                *windows = thinned(std::mem::take(windows));
            }
            windows.push(one.clone());
            waiting.since.get_or_insert_with(Instant::now);
        }
    }

    /// Those that wait, if a group that is about to commit `writes`, or if they have waited long enough.
    pub(super) fn take(&self, writes: bool) -> Vec<Observation> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !writes && waiting.since.is_none_or(|since| since.elapsed() < WAIT_MAX) {
            return Vec::new();
        }
        std::mem::take(&mut *waiting).seen.into_values().flatten().collect()
    }

    /// Whether they have waited long enough.
    pub(super) fn is_late(&self) -> bool {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.since.is_some_and(|since| since.elapsed() >= WAIT_MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).seen.is_empty()
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
    make_room(conn, seen.job, seen.node)?;
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

/// Makes fewer of what is kept where there are too many, of the node or of the job.
fn make_room(conn: &Connection, job: JobId, node: NodeId) -> Step<()> {
    let of = [int(job.0), int(node.0)];
    let count = |which: &str, of: &[i64]| -> Step<u64> {
        let count = format!("SELECT count(*) FROM observation WHERE {which}");
        Ok(conn.prepare_cached(&count)?.query_row(params_from_iter(of), |row| u64_at(row, 0))?)
    };
    let of_node = count(OF_NODE, &of)?;
    if of_node >= WINDOWS_MAX as u64 {
        return replace(conn, OF_NODE, &of, thinned);
    }
    let is_counted = of_node.is_multiple_of(COUNTED_EVERY as u64);
    if is_counted && count(OF_JOB, &of[..1])? >= ROWS_MAX as u64 {
        replace(conn, OF_JOB, &of[..1], squeezed)?;
    }
    Ok(())
}

const OF_JOB: &str = "job = ?1";
const OF_NODE: &str = "job = ?1 AND node = ?2";

/// Replaces rows by what they become together.
fn replace(
    conn: &Connection,
    which: &str,
    of: &[i64],
    by: fn(Vec<Observation>) -> Vec<Observation>,
) -> Step<()> {
    let rows = select::<ObservationRow>(conn, &format!("WHERE {which}"), params_from_iter(of))?;
    conn.prepare_cached(&format!("DELETE FROM observation WHERE {which}"))?.execute(params_from_iter(of))?;
    for seen in by(rows.into_iter().map(|row| row.seen).collect()) {
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
