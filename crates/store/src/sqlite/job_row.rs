//! A job's row, with the small blobs in which its needs and its predecessors are kept.

use super::rows::{Stored, bool_at, int, option_at, u32_at, u64_at};
use crate::job::{Array, Class, JobSpec, Needs, Policy};
use divvy_core::checksum::Sum;
use divvy_core::codec::{Truncated, put_bytes, put_u64, take_bytes, take_u64};
use divvy_core::{Demand, JobId, Millis};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

/// What a job is; written once. Apart from the log row, since a handler's detail may be large and changes never.
#[derive(Debug, Clone)]
pub(super) struct JobRow {
    pub(super) job: JobId,
    pub(super) created: Millis,
    pub(super) spec: JobSpec,
    /// Its tasks wait for each other.
    pub(super) graph: bool,
}

impl Stored for JobRow {
    const TABLE: &'static str = "job";
    const COLUMNS: &'static str = "job, created, name, handler, detail, max_attempts, crash_limit, range_max, \
                                   exclusive, retention_ms, array_first, array_step, max_fails, needs, after, graph, backups";
    const WIDTH: usize = 17;

    fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
        let policy = Policy {
            max_attempts: u32_at(row, 5)?,
            crash_limit: u32_at(row, 6)?,
            max_fails: option_at(row, 12)?,
            range_max: u64_at(row, 7)?,
            exclusive: bool_at(row, 8)?,
            backups: bool_at(row, 16)?,
            retention_ms: u64_at(row, 9)?,
        };
        let array = option_at(row, 10)?.zip(option_at(row, 11)?).map(|(first, step)| Array { first, step });
        let spec = JobSpec {
            name: row.get(2)?,
            detail: row.get(4)?,
            policy,
            array,
            needs: blob_at(row, 13, "needs", take_needs)?,
            after: blob_at(row, 14, "after", take_after)?,
            ..JobSpec::new(row.get::<_, String>(3)?)
        };
        Ok(JobRow { job: JobId(u64_at(row, 0)?), created: u64_at(row, 1)?, spec, graph: bool_at(row, 15)? })
    }

    fn sum(&self) -> u32 {
        let JobSpec { name, handler, detail, policy: p, array, needs, after } = &self.spec;
        let array = array.map_or((0, 0, 0), |a| (1, a.first, a.step));
        Sum::of("job")
            .u64(self.job.0)
            .u64(self.created)
            .bytes(name.as_bytes())
            .bytes(handler.as_bytes())
            .bytes(detail)
            .u64(p.max_attempts.into())
            .u64(p.crash_limit.into())
            .u64(p.range_max)
            .u64(p.exclusive.into())
            .u64(p.retention_ms)
            .u64(array.0)
            .u64(array.1)
            .u64(array.2)
            .u64(p.max_fails.is_some().into())
            .u64(p.max_fails.unwrap_or(0))
            .bytes(&needs_bytes(needs))
            .bytes(&after_bytes(after))
            .u64(self.graph.into())
            .u64(p.backups.into())
            .finish()
    }

    fn place(&self) -> String {
        format!("job {}", self.job)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let JobSpec { name, handler, detail, policy: p, array, needs, after } = &self.spec;
        let sql = "INSERT INTO job VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
        conn.prepare_cached(sql)?.execute(params![
            int(self.job.0),
            int(self.created),
            name,
            handler,
            detail,
            p.max_attempts,
            p.crash_limit,
            int(p.range_max),
            p.exclusive,
            int(p.retention_ms),
            array.map(|a| int(a.first)),
            array.map(|a| int(a.step)),
            p.max_fails.map(int),
            needs_bytes(needs),
            after_bytes(after),
            self.graph,
            p.backups,
            self.sum(),
        ])?;
        Ok(())
    }
}

/// A blob in column `at`, read to its end.
fn blob_at<T>(
    row: &Row<'_>,
    at: usize,
    name: &str,
    take: impl FnOnce(&mut &[u8]) -> Result<T, Truncated>,
) -> rusqlite::Result<T> {
    let mut bytes = row.get_ref(at)?.as_blob()?;
    let value = take(&mut bytes).ok().filter(|_| bytes.is_empty());
    value.ok_or_else(|| rusqlite::Error::InvalidColumnType(at, name.into(), Type::Blob))
}

/// The classes, each with its amounts and one more than the class for those that outgrow it (0: none); then where
/// runs of which class start.
fn needs_bytes(needs: &Needs) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, needs.classes.len() as u64);
    for class in &needs.classes {
        put_u64(&mut out, class.demand.iter().count() as u64);
        for (name, amount) in class.demand.iter() {
            put_bytes(&mut out, name.as_bytes());
            put_u64(&mut out, amount);
        }
        put_u64(&mut out, class.more.map_or(0, |more| u64::from(more) + 1));
    }
    put_u64(&mut out, needs.starts.len() as u64);
    for (from, class) in &needs.starts {
        put_u64(&mut out, *from);
        put_u64(&mut out, u64::from(*class));
    }
    out
}

fn take_needs(bytes: &mut &[u8]) -> Result<Needs, Truncated> {
    let mut needs = Needs::default();
    for _ in 0..take_u64(bytes)? {
        let mut demand = Demand::new();
        for _ in 0..take_u64(bytes)? {
            let name = std::str::from_utf8(take_bytes(bytes)?).map_err(|_| Truncated)?;
            demand = demand.with(name, take_u64(bytes)?);
        }
        let more = take_u64(bytes)?.checked_sub(1).map(small).transpose()?;
        needs.classes.push(Class { demand, more });
    }
    for _ in 0..take_u64(bytes)? {
        needs.starts.push((take_u64(bytes)?, small(take_u64(bytes)?)?));
    }
    Ok(needs)
}

fn small(n: u64) -> Result<u32, Truncated> {
    u32::try_from(n).map_err(|_| Truncated)
}

fn after_bytes(after: &[JobId]) -> Vec<u8> {
    let mut out = Vec::new();
    put_u64(&mut out, after.len() as u64);
    after.iter().for_each(|job| put_u64(&mut out, job.0));
    out
}

fn take_after(bytes: &mut &[u8]) -> Result<Vec<JobId>, Truncated> {
    (0..take_u64(bytes)?).map(|_| take_u64(bytes).map(JobId)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_and_predecessors_survive_and_damage_is_noticed() {
        let demand = Demand::new().with("gpu", 500).with("mem", u64::MAX);
        let classes = vec![Class { demand, more: Some(1) }, Class::default()];
        let needs = Needs { classes, starts: vec![(0, 1), (1 << 40, 0)] };
        for needs in [needs, Needs::default()] {
            let bytes = needs_bytes(&needs);
            assert_eq!(take_needs(&mut &bytes[..]), Ok(needs));
            assert_eq!(take_needs(&mut &bytes[..bytes.len() - 1]), Err(Truncated));
        }
        let after = vec![JobId(7), JobId(300)];
        assert_eq!(take_after(&mut &after_bytes(&after)[..]), Ok(after));
    }
}
