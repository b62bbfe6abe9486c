//! The rows of the state tables: their fields, their sums, and how people find them. What a job is stands in
//! `job_row`, who waits for whom in `graph`.

use super::rows::{Stored, bool_at, int, option_at, u32_at, u64_at};
use crate::{Dead, NodeInfo};
use divvy_core::checksum::Sum;
use divvy_core::{Fence, Intervals, JobId, Millis, NodeId, Range, Seq};
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

/// Where a job stands: the one row that changes with every claim and report.
///
/// The counts repeat what the other tables hold, so that a job is summed up without reading them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LogRow {
    pub(super) job: JobId,
    pub(super) tail: Seq,
    pub(super) head: Seq,
    pub(super) fence: u64,
    /// Bytes of records.
    pub(super) bytes: u64,
    pub(super) open: bool,
    pub(super) canceled_whole: bool,
    pub(super) finished: Option<Millis>,
    pub(super) producer: Option<u64>,
    pub(super) stale: u64,
    /// Tasks in leases.
    pub(super) leased: u64,
    /// Tasks in waiting ranges.
    pub(super) waiting: u64,
    /// Those of them that failed before.
    pub(super) retrying: u64,
    pub(super) dead: u64,
    pub(super) canceled: u64,
    /// The canceled at or above the head.
    pub(super) skipped: u64,
    /// Tasks that wait for other tasks.
    pub(super) blocked: u64,
    pub(super) paused: bool,
    /// It comes after jobs, directly or not, of which not all are known to have succeeded.
    pub(super) waits: bool,
    /// It says what its tasks take. This and `waits` save reading the job's row where they are false.
    pub(super) classed: bool,
    /// Its tasks may be taken from whoever holds them.
    pub(super) backups: bool,
}

impl LogRow {
    /// Tasks that were never leased and may be.
    pub(super) fn ahead(&self) -> u64 {
        self.tail - self.head - self.skipped
    }

    /// Tasks that have not ended, without the blocked.
    pub(super) fn unfinished(&self) -> u64 {
        self.ahead() + self.waiting + self.leased
    }

    /// Whether all has ended, and no more can come. Blocked tasks may remain: nothing is left that could wake them.
    pub(super) fn ended(&self) -> bool {
        !self.open && self.unfinished() == 0
    }

    /// Whether it ended with every task done.
    pub(super) fn succeeded(&self) -> bool {
        self.ended() && self.dead + self.canceled + self.blocked == 0
    }

    /// Mean record size.
    pub(super) fn record_bytes(&self) -> u64 {
        self.bytes.checked_div(self.tail).unwrap_or(0)
    }

    /// Whether the numbers can belong together.
    pub(super) fn is_sane(&self) -> bool {
        let parts = [self.waiting, self.leased, self.dead, self.canceled, self.blocked];
        let sum = parts.iter().try_fold(0u64, |sum, n| sum.checked_add(*n));
        self.head <= self.tail
            && self.skipped <= self.tail - self.head
            && self.skipped <= self.canceled
            && self.retrying <= self.waiting
            && sum
                .and_then(|s| s.checked_add(self.tail - self.head - self.skipped))
                .is_some_and(|s| s <= self.tail)
    }
}

impl Stored for LogRow {
    const TABLE: &'static str = "log";
    const COLUMNS: &'static str = "job, tail, head, fence, bytes, open, canceled_whole, finished, producer, stale, \
                                   leased, waiting, retrying, dead, canceled, skipped, blocked, paused, waits, classed, \
                                   backups";
    const WIDTH: usize = 21;

    fn read(row: &Row<'_>) -> rusqlite::Result<LogRow> {
        Ok(LogRow {
            job: JobId(u64_at(row, 0)?),
            tail: u64_at(row, 1)?,
            head: u64_at(row, 2)?,
            fence: u64_at(row, 3)?,
            bytes: u64_at(row, 4)?,
            open: bool_at(row, 5)?,
            canceled_whole: bool_at(row, 6)?,
            finished: option_at(row, 7)?,
            producer: option_at(row, 8)?,
            stale: u64_at(row, 9)?,
            leased: u64_at(row, 10)?,
            waiting: u64_at(row, 11)?,
            retrying: u64_at(row, 12)?,
            dead: u64_at(row, 13)?,
            canceled: u64_at(row, 14)?,
            skipped: u64_at(row, 15)?,
            blocked: u64_at(row, 16)?,
            paused: bool_at(row, 17)?,
            waits: bool_at(row, 18)?,
            classed: bool_at(row, 19)?,
            backups: bool_at(row, 20)?,
        })
    }

    fn sum(&self) -> u32 {
        let option = |sum: Sum, n: Option<u64>| sum.u64(n.is_some().into()).u64(n.unwrap_or(0));
        let sum = Sum::of("log")
            .u64(self.job.0)
            .u64(self.tail)
            .u64(self.head)
            .u64(self.fence)
            .u64(self.bytes)
            .u64(self.open.into())
            .u64(self.canceled_whole.into());
        option(option(sum, self.finished), self.producer)
            .u64(self.stale)
            .u64(self.leased)
            .u64(self.waiting)
            .u64(self.retrying)
            .u64(self.dead)
            .u64(self.canceled)
            .u64(self.skipped)
            .u64(self.blocked)
            .u64(self.paused.into())
            .u64(self.waits.into())
            .u64(self.classed.into())
            .u64(self.backups.into())
            .finish()
    }

    fn place(&self) -> String {
        format!("job {}, its log of tasks [0, {})", self.job, self.tail)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
                   ?17, ?18, ?19, ?20, ?21, ?22)";
        self.write(conn, sql)
    }
}

impl LogRow {
    /// Writes the row in place of `stored`. `finished` is left alone where it can be: SQLite would rewrite the
    /// index of the unfinished jobs with every claim.
    pub(super) fn update(&self, conn: &Connection, stored: &LogRow) -> rusqlite::Result<()> {
        let same = "UPDATE log SET tail = ?2, head = ?3, fence = ?4, bytes = ?5, open = ?6, canceled_whole = ?7, \
                    producer = ?9, stale = ?10, leased = ?11, waiting = ?12, retrying = ?13, dead = ?14, \
                    canceled = ?15, skipped = ?16, blocked = ?17, paused = ?18, waits = ?19, classed = ?20, \
                    backups = ?21, sum = ?22 WHERE job = ?1 AND finished IS ?8";
        let other = "UPDATE log SET tail = ?2, head = ?3, fence = ?4, bytes = ?5, open = ?6, canceled_whole = ?7, \
                     finished = ?8, producer = ?9, stale = ?10, leased = ?11, waiting = ?12, retrying = ?13, \
                     dead = ?14, canceled = ?15, skipped = ?16, blocked = ?17, paused = ?18, waits = ?19, \
                     classed = ?20, backups = ?21, sum = ?22 WHERE job = ?1";
        self.write(conn, if self.finished == stored.finished { same } else { other })
    }

    fn write(&self, conn: &Connection, sql: &str) -> rusqlite::Result<()> {
        conn.prepare_cached(sql)?.execute(params![
            int(self.job.0),
            int(self.tail),
            int(self.head),
            int(self.fence),
            int(self.bytes),
            self.open,
            self.canceled_whole,
            self.finished.map(int),
            self.producer.map(int),
            int(self.stale),
            int(self.leased),
            int(self.waiting),
            int(self.retrying),
            int(self.dead),
            int(self.canceled),
            int(self.skipped),
            int(self.blocked),
            self.paused,
            self.waits,
            self.classed,
            self.backups,
            self.sum(),
        ])?;
        Ok(())
    }
}

/// A lease.
#[derive(Debug, Clone)]
pub(super) struct LeaseRow {
    pub(super) job: JobId,
    pub(super) fence: Fence,
    pub(super) node: NodeId,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) quarantined: bool,
    /// Somebody else took tasks out of it.
    pub(super) cut: bool,
    pub(super) open: Intervals,
    pub(super) class: u32,
    /// How often its tasks were taken from a node.
    pub(super) taken: u32,
}

impl Stored for LeaseRow {
    const TABLE: &'static str = "lease";
    const COLUMNS: &'static str = "job, fence, node, attempts, crashes, quarantined, cut, open, class, taken";
    const WIDTH: usize = 10;

    fn read(row: &Row<'_>) -> rusqlite::Result<LeaseRow> {
        let open = Intervals::decode(row.get_ref(7)?.as_blob()?)
            .map_err(|_| rusqlite::Error::InvalidColumnType(7, "open".into(), Type::Blob))?;
        Ok(LeaseRow {
            job: JobId(u64_at(row, 0)?),
            fence: Fence(u64_at(row, 1)?),
            node: NodeId(u64_at(row, 2)?),
            attempts: u32_at(row, 3)?,
            crashes: u32_at(row, 4)?,
            quarantined: bool_at(row, 5)?,
            cut: bool_at(row, 6)?,
            open,
            class: u32_at(row, 8)?,
            taken: u32_at(row, 9)?,
        })
    }

    fn sum(&self) -> u32 {
        Sum::of("lease")
            .u64(self.job.0)
            .u64(self.fence.0)
            .u64(self.node.0)
            .u64(self.attempts.into())
            .u64(self.crashes.into())
            .u64(self.quarantined.into())
            .u64(self.cut.into())
            .bytes(&self.open.encode())
            .u64(self.class.into())
            .u64(self.taken.into())
            .finish()
    }

    fn place(&self) -> String {
        let hull = self.open.hull().unwrap_or_default();
        format!("job {}, lease with fence {} of node {}, tasks {hull}", self.job, self.fence, self.node)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT INTO lease VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        conn.prepare_cached(sql)?.execute(params![
            int(self.job.0),
            int(self.fence.0),
            int(self.node.0),
            self.attempts,
            self.crashes,
            self.quarantined,
            self.cut,
            self.open.encode(),
            self.class,
            self.taken,
            self.sum(),
        ])?;
        Ok(())
    }
}

/// A range that was leased before and may be leased again from `due` on; 0 is "at once".
#[derive(Debug, Clone)]
pub(super) struct WaitingRow {
    pub(super) job: JobId,
    pub(super) range: Range,
    pub(super) part: u64,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) due: Millis,
    pub(super) error: Option<String>,
    pub(super) class: u32,
}

impl WaitingRow {
    /// Tasks that may be leased at once, with nothing charged.
    pub(super) fn at_once(job: JobId, range: Range, class: u32) -> WaitingRow {
        WaitingRow { job, range, part: 0, attempts: 0, crashes: 0, due: 0, error: None, class }
    }
}

impl Stored for WaitingRow {
    const TABLE: &'static str = "waiting";
    const COLUMNS: &'static str = "job, lo, hi, part, attempts, crashes, due, error, class";
    const WIDTH: usize = 9;

    fn read(row: &Row<'_>) -> rusqlite::Result<WaitingRow> {
        let (lo, hi) = (u64_at(row, 1)?, u64_at(row, 2)?);
        if lo >= hi {
            return Err(rusqlite::Error::IntegralValueOutOfRange(2, int(hi)));
        }
        Ok(WaitingRow {
            job: JobId(u64_at(row, 0)?),
            range: Range::new(lo, hi),
            part: u64_at(row, 3)?,
            attempts: u32_at(row, 4)?,
            crashes: u32_at(row, 5)?,
            due: u64_at(row, 6)?,
            error: row.get(7)?,
            class: u32_at(row, 8)?,
        })
    }

    fn sum(&self) -> u32 {
        Sum::of("waiting")
            .u64(self.job.0)
            .u64(self.range.lo)
            .u64(self.range.hi)
            .u64(self.part)
            .u64(self.attempts.into())
            .u64(self.crashes.into())
            .u64(self.due)
            .u64(self.error.is_some().into())
            .bytes(self.error.as_deref().unwrap_or("").as_bytes())
            .u64(self.class.into())
            .finish()
    }

    fn place(&self) -> String {
        format!("job {}, waiting tasks {}", self.job, self.range)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT INTO waiting VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        conn.prepare_cached(sql)?.execute(params![
            int(self.job.0),
            int(self.range.lo),
            int(self.range.hi),
            int(self.part),
            self.attempts,
            self.crashes,
            int(self.due),
            self.error,
            self.class,
            self.sum(),
        ])?;
        Ok(())
    }
}

/// A dead task of a job.
#[derive(Debug, Clone)]
pub(super) struct DeadRow {
    pub(super) job: JobId,
    pub(super) dead: Dead,
}

impl Stored for DeadRow {
    const TABLE: &'static str = "dead";
    const COLUMNS: &'static str = "job, seq, attempts, crashes, error, at";
    const WIDTH: usize = 6;

    fn read(row: &Row<'_>) -> rusqlite::Result<DeadRow> {
        let dead = Dead {
            seq: u64_at(row, 1)?,
            attempts: u32_at(row, 2)?,
            crashes: u32_at(row, 3)?,
            error: row.get(4)?,
            at: u64_at(row, 5)?,
        };
        Ok(DeadRow { job: JobId(u64_at(row, 0)?), dead })
    }

    fn sum(&self) -> u32 {
        Sum::of("dead")
            .u64(self.job.0)
            .u64(self.dead.seq)
            .u64(self.dead.attempts.into())
            .u64(self.dead.crashes.into())
            .bytes(self.dead.error.as_bytes())
            .u64(self.dead.at)
            .finish()
    }

    fn place(&self) -> String {
        format!("job {}, dead task {}", self.job, self.dead.seq)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let Dead { seq, attempts, crashes, error, at } = &self.dead;
        conn.prepare_cached("INSERT INTO dead VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
            int(self.job.0),
            int(*seq),
            attempts,
            crashes,
            error,
            int(*at),
            self.sum(),
        ])?;
        Ok(())
    }
}

/// Canceled tasks of a job. Rows of one job neither overlap nor touch.
#[derive(Debug, Clone)]
pub(super) struct CanceledRow {
    pub(super) job: JobId,
    pub(super) range: Range,
}

impl Stored for CanceledRow {
    const TABLE: &'static str = "canceled";
    const COLUMNS: &'static str = "job, lo, hi";
    const WIDTH: usize = 3;

    fn read(row: &Row<'_>) -> rusqlite::Result<CanceledRow> {
        let (lo, hi) = (u64_at(row, 1)?, u64_at(row, 2)?);
        if lo >= hi {
            return Err(rusqlite::Error::IntegralValueOutOfRange(2, int(hi)));
        }
        Ok(CanceledRow { job: JobId(u64_at(row, 0)?), range: Range::new(lo, hi) })
    }

    fn sum(&self) -> u32 {
        Sum::of("canceled").u64(self.job.0).u64(self.range.lo).u64(self.range.hi).finish()
    }

    fn place(&self) -> String {
        format!("job {}, canceled tasks {}", self.job, self.range)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let values = params![int(self.job.0), int(self.range.lo), int(self.range.hi), self.sum()];
        conn.prepare_cached("INSERT INTO canceled VALUES (?1, ?2, ?3, ?4)")?.execute(values)?;
        Ok(())
    }
}

/// A session.
#[derive(Debug, Clone)]
pub(super) struct NodeRow {
    pub(super) node: NodeId,
    pub(super) info: NodeInfo,
    /// Its last claim found nothing while it held nothing.
    pub(super) hungry: bool,
}

impl Stored for NodeRow {
    const TABLE: &'static str = "node";
    const COLUMNS: &'static str = "node, name, pid, workers, hungry";
    const WIDTH: usize = 5;

    fn read(row: &Row<'_>) -> rusqlite::Result<NodeRow> {
        let info = NodeInfo { name: row.get(1)?, pid: u32_at(row, 2)?, workers: u32_at(row, 3)? };
        Ok(NodeRow { node: NodeId(u64_at(row, 0)?), info, hungry: bool_at(row, 4)? })
    }

    fn sum(&self) -> u32 {
        Sum::of("node")
            .u64(self.node.0)
            .bytes(self.info.name.as_bytes())
            .u64(self.info.pid.into())
            .u64(self.info.workers.into())
            .u64(self.hungry.into())
            .finish()
    }

    fn place(&self) -> String {
        format!("node {}", self.node)
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let NodeInfo { name, pid, workers } = &self.info;
        conn.prepare_cached("INSERT OR REPLACE INTO node VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![int(self.node.0), name, pid, workers, self.hungry, self.sum(),])?;
        Ok(())
    }
}

/// The last ids that were given out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct MetaRow {
    pub(super) jobs: u64,
    pub(super) nodes: u64,
}

impl Stored for MetaRow {
    const TABLE: &'static str = "meta";
    const COLUMNS: &'static str = "jobs, nodes";
    const WIDTH: usize = 2;

    fn read(row: &Row<'_>) -> rusqlite::Result<MetaRow> {
        Ok(MetaRow { jobs: u64_at(row, 0)?, nodes: u64_at(row, 1)? })
    }

    fn sum(&self) -> u32 {
        Sum::of("meta").u64(self.jobs).u64(self.nodes).finish()
    }

    fn place(&self) -> String {
        "the last ids".into()
    }

    fn insert(&self, conn: &Connection) -> rusqlite::Result<()> {
        let values = params![int(self.jobs), int(self.nodes), self.sum()];
        conn.prepare_cached("INSERT OR REPLACE INTO meta VALUES (1, ?1, ?2, ?3)")?.execute(values)?;
        Ok(())
    }
}
