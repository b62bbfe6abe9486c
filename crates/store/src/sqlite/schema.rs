//! The tables, and how a file is recognised as a store.
//!
//! Blocks are a rowid table, so that big payloads stay out of any index; the index beside it carries all that a
//! claim asks of a block. State tables have few and small rows and are stored in the order of their key.

use super::errors::{Fault, Step};
use super::rows::Stored;
use super::tables::MetaRow;
use crate::Error;
use rusqlite::Connection;
use std::path::Path;

/// The format that this program writes.
pub(super) const FORMAT: u32 = 3;
/// The oldest format that is brought to the present one when it is opened.
const FORMAT_MIN: u32 = 2;
/// "divy", in the file's header: tells a store from any other SQLite file.
const APPLICATION: i32 = i32::from_be_bytes(*b"divy");

const TABLES: &str = "
CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), jobs INTEGER NOT NULL, nodes INTEGER NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE TABLE job (job INTEGER PRIMARY KEY, created INTEGER NOT NULL, name TEXT NOT NULL, handler TEXT NOT NULL,
  detail BLOB NOT NULL, max_attempts INTEGER NOT NULL, crash_limit INTEGER NOT NULL, range_max INTEGER NOT NULL,
  exclusive INTEGER NOT NULL, retention_ms INTEGER NOT NULL, array_first INTEGER, array_step INTEGER,
  max_fails INTEGER, needs BLOB NOT NULL, after BLOB NOT NULL, graph INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE log (job INTEGER PRIMARY KEY, tail INTEGER NOT NULL, head INTEGER NOT NULL, fence INTEGER NOT NULL,
  bytes INTEGER NOT NULL, open INTEGER NOT NULL, canceled_whole INTEGER NOT NULL, finished INTEGER,
  producer INTEGER, stale INTEGER NOT NULL, leased INTEGER NOT NULL, waiting INTEGER NOT NULL,
  retrying INTEGER NOT NULL, dead INTEGER NOT NULL, canceled INTEGER NOT NULL, skipped INTEGER NOT NULL,
  blocked INTEGER NOT NULL, paused INTEGER NOT NULL, waits INTEGER NOT NULL, classed INTEGER NOT NULL,
  sum INTEGER NOT NULL) STRICT;
CREATE INDEX log_live ON log (job) WHERE finished IS NULL;
CREATE TABLE block (id INTEGER PRIMARY KEY, job INTEGER NOT NULL, first_seq INTEGER NOT NULL,
  count INTEGER NOT NULL, bytes INTEGER NOT NULL, sum INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE UNIQUE INDEX block_seq ON block (job, first_seq, count, bytes);
CREATE TABLE lease (job INTEGER NOT NULL, fence INTEGER NOT NULL, node INTEGER NOT NULL, attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL, quarantined INTEGER NOT NULL, cut INTEGER NOT NULL, open BLOB NOT NULL,
  class INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (job, fence)) STRICT, WITHOUT ROWID;
CREATE INDEX lease_node ON lease (node);
CREATE TABLE waiting (job INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, part INTEGER NOT NULL,
  attempts INTEGER NOT NULL, crashes INTEGER NOT NULL, due INTEGER NOT NULL, error TEXT,
  class INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (job, lo)) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_due ON waiting (job, due, hi);
CREATE TABLE dead (job INTEGER NOT NULL, seq INTEGER NOT NULL, attempts INTEGER NOT NULL, crashes INTEGER NOT NULL,
  error TEXT NOT NULL, at INTEGER NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (job, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE canceled (job INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, sum INTEGER NOT NULL,
  PRIMARY KEY (job, lo)) STRICT, WITHOUT ROWID;
CREATE TABLE edge (job INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, children BLOB NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (job, first)) STRICT, WITHOUT ROWID;
CREATE TABLE blocked (job INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, missing BLOB NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (job, first)) STRICT, WITHOUT ROWID;
CREATE TABLE node (node INTEGER PRIMARY KEY, name TEXT NOT NULL, pid INTEGER NOT NULL, workers INTEGER NOT NULL,
  hungry INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
";

/// Came with format 3, and is all that it added.
const OBSERVATION: &str = "
CREATE TABLE observation (job INTEGER NOT NULL, node INTEGER NOT NULL, since INTEGER NOT NULL, data BLOB NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (job, node, since)) STRICT, WITHOUT ROWID;
";

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing is in it yet.
    Empty,
    /// A store of an earlier format that only lacks tables.
    Older,
    /// A store of the present format.
    Store,
}

/// Makes the tables where the file is new, adds those that an older store lacks, and refuses a file that is something
/// else.
pub(super) fn prepare(conn: &Connection, path: &Path) -> Step<()> {
    if recognise(conn, path)? == Found::Store {
        return Ok(());
    }
    // Two processes may open the same file: whoever comes second finds the tables once it holds the lock.
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let made = recognise(conn, path).and_then(|found| match found {
        Found::Empty => create(conn),
        Found::Older => upgrade(conn),
        Found::Store => Ok(()),
    });
    conn.execute_batch(if made.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    made
}

fn create(conn: &Connection) -> Step<()> {
    conn.execute_batch(TABLES)?;
    MetaRow::default().insert(conn)?;
    conn.pragma_update(None, "application_id", APPLICATION)?;
    upgrade(conn)
}

/// Processes that have opened the file in format 2 go on with it: they do not know of the table and need not.
fn upgrade(conn: &Connection) -> Step<()> {
    conn.execute_batch(OBSERVATION)?;
    conn.pragma_update(None, "user_version", FORMAT)?;
    Ok(())
}

/// What the file is, if it is ours or empty.
pub(super) fn recognise(conn: &Connection, path: &Path) -> Step<Found> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // In this order: another process may make the tables between the two, and they come with the number.
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application = number("application_id")?;
    if application == 0 && tables == 0 {
        return Ok(Found::Empty);
    }
    if application != i64::from(APPLICATION) {
        let why = "is a SQLite file of another program, not a divvy store".into();
        return Err(Fault::Store(Error::Unreachable { path: path.to_path_buf(), why }));
    }
    let found = u32::try_from(number("user_version")?).unwrap_or(u32::MAX);
    if found > FORMAT {
        return Err(Fault::Store(Error::Newer { found, known: FORMAT }));
    }
    if found < FORMAT_MIN {
        let why = format!("has the old format {found}, which this divvy cannot read: move the file away");
        return Err(Fault::Store(Error::Unreachable { path: path.to_path_buf(), why }));
    }
    Ok(if found < FORMAT { Found::Older } else { Found::Store })
}
