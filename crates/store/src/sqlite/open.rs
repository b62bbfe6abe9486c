//! Opening: where the file lies, and how each connection is set up.

use super::errors::{Fault, Step, engine, is_busy};
use super::{mount, schema, writer};
use crate::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Bytes of a page, for files that are made anew. Measured with blocks of 256 KiB.
const PAGE_BYTES: u32 = 8192;
/// Statements that a connection keeps prepared; there are some fifty.
const STATEMENTS_MAX: usize = 96;
/// Pages that are given back to the file system after a job was forgotten, in one go; the others are reused.
const SHRINK_PAGES: u32 = 32_768;

/// What an operation that returned has survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Power loss: every commit is fsynced.
    #[default]
    Fsync,
    /// The end of the process, however it ends. After a power loss the last commits may be missing.
    Process,
    /// Nothing: after a power loss the file may be broken. For tests and for what can be done again.
    None,
}

/// How a store is opened. The defaults are safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What an acknowledged operation survives.
    pub durability: Durability,
    /// How long to wait, in ms, while another process writes, before it is `Busy`.
    pub busy_ms: u64,
    /// Most operations that wait for the writer of this process; callers beyond them wait for room. At least 1.
    pub queue_max: usize,
    /// Most operations in one transaction. At least 1.
    pub group_max: usize,
    /// Pages in the write-ahead log after which they are copied into the file.
    pub wal_pages: u32,
    /// Page cache of each of the three connections, in KiB.
    pub cache_kib: u32,
    /// Most pages of the file: beyond them the store is `Full`. `None`: as many as the disk holds.
    pub pages_max: Option<u32>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            durability: Durability::Fsync,
            busy_ms: 10_000,
            queue_max: 4_096,
            group_max: 1_024,
            wal_pages: 2_000,
            cache_kib: 8_192,
            pages_max: None,
        }
    }
}

impl Options {
    pub(super) fn busy(&self) -> Duration {
        Duration::from_millis(self.busy_ms)
    }

    /// All that is wrong with these options.
    ///
    /// # Errors
    /// One sentence for each problem.
    pub fn validate(&self) -> std::result::Result<(), Vec<&'static str>> {
        let problems = [
            (self.queue_max == 0, "queue_max must be at least 1"),
            (self.group_max == 0, "group_max must be at least 1"),
            (self.wal_pages == 0, "wal_pages must be at least 1, or the write-ahead log grows without bound"),
        ];
        let problems: Vec<_> = problems.into_iter().filter(|(wrong, _)| *wrong).map(|(_, why)| why).collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Makes the directory if need be, and returns the file's absolute path.
pub(super) fn place(path: &Path) -> Result<PathBuf> {
    let read_only = |e: std::io::Error| Error::ReadOnly { path: path.to_path_buf(), why: e.to_string() };
    let path = std::path::absolute(path).map_err(read_only)?;
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::Unreachable { path, why: "is not the name of a file".into() });
    };
    make_dir(dir).map_err(read_only)?;
    let path = dir.canonicalize().map_err(read_only)?.join(name);
    mount::refuse_network(&path)?;
    Ok(path)
}

/// Makes a directory for the owner alone. SQLite syncs the directory of its files, but not those above.
fn make_dir(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(above) = dir.parent() {
        make_dir(above)?;
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            made => made?,
        }
        File::open(above)?.sync_all()?;
    }
    Ok(())
}

/// The write connection, with the tables made and checked.
pub(super) fn connect(path: &Path, options: &Options) -> Result<Connection> {
    if let Err(problems) = options.validate() {
        return Err(Error::Unreachable { path: path.into(), why: problems.join("; ") });
    }
    patiently(path, options, || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | no_mutex();
        let conn = Connection::open_with_flags(path, flags)?;
        settings(&conn, options)?;
        if !schema::recognise(&conn, path)? {
            // Both take effect only while the file is empty. The second would take the write lock later on, too, and among
            // dozens of writers that sleep for a millisecond SQLite, which sleeps for a tenth of a second, never gets it.
            conn.pragma_update(None, "page_size", PAGE_BYTES)?;
            conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        let mode: String = conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            let why = format!("has no write-ahead log ({mode})");
            return Err(Fault::Store(Error::Unreachable { path: path.into(), why }));
        }
        schema::prepare(&conn, path)?;
        // From here on waiting for other writers is done by the writer itself.
        conn.busy_timeout(Duration::ZERO)?;
        Ok(conn)
    })
}

/// A connection that only reads. It is opened for writing, because a connection that could not write could not
/// empty the write-ahead log if it happens to be closed last.
pub(super) fn reader(path: &Path, options: &Options) -> Result<Connection> {
    patiently(path, options, || {
        let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | no_mutex())?;
        settings(&conn, options)?;
        conn.pragma_update(None, "query_only", true)?;
        Ok(conn)
    })
}

/// A store in memory.
pub(super) fn memory(path: &Path) -> Result<Connection> {
    let made = || {
        let conn = Connection::open_in_memory()?;
        statements(&conn)?;
        schema::prepare(&conn, path)?;
        Ok(conn)
    };
    made().map_err(|fault: Fault| fault.told(path))
}

/// Each connection stays behind a lock of ours; SQLite's own would be a second one.
fn no_mutex() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// How statements are kept: prepared once. Without the guarantee of stable plans SQLite would prepare a statement
/// again whenever a value is bound that it had looked at when it made the plan, which cost a third of the time of
/// claims in jobs with waiting ranges.
fn statements(conn: &Connection) -> Step<()> {
    conn.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

fn settings(conn: &Connection, options: &Options) -> Step<()> {
    let synchronous = match options.durability {
        Durability::Fsync => "FULL",
        Durability::Process => "NORMAL",
        Durability::None => "OFF",
    };
    statements(conn)?;
    conn.busy_timeout(options.busy())?;
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update(None, "wal_autocheckpoint", options.wal_pages)?;
    conn.pragma_update(None, "journal_size_limit", i64::from(options.wal_pages) * i64::from(PAGE_BYTES))?;
    conn.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    if let Some(pages) = options.pages_max {
        conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

/// Tries again while others hold the file: some of the steps of opening it do not wait by themselves.
fn patiently<T>(path: &Path, options: &Options, mut open: impl FnMut() -> Step<T>) -> Result<T> {
    let (start, nap) = (Instant::now(), Duration::from_millis(5));
    loop {
        match open() {
            Err(Fault::Engine(e)) if is_busy(&e) && start.elapsed() < options.busy() => {
                std::thread::sleep(writer::jittered(nap));
            }
            Err(Fault::Engine(e)) => return Err(engine(&e, path)),
            Err(Fault::Store(e)) => return Err(e),
            Ok(opened) => return Ok(opened),
        }
    }
}

/// Gives pages that nothing uses any more back to the file system. Housekeeping: what fails is done next time.
pub(super) fn shrink(conn: &Connection) {
    let vacuum = || {
        let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({SHRINK_PAGES})"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
        Ok::<(), rusqlite::Error>(())
    };
    let _ = vacuum();
}

/// A number that changes when anybody else commits. SQLite keeps it in memory shared between the processes.
pub(super) fn version(conn: &Connection) -> Step<u64> {
    let mut statement = conn.prepare_cached("PRAGMA data_version")?;
    let version: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(version as u64)
}
