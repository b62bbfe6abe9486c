//! How a typed row is read and written, with its checksum.
//!
//! SQLite stores 64-bit signed integers: numbers are kept by their bits. What SQL compares (seqs, times) is
//! bounded to `i64::MAX` where it enters the store, so that the order is the same in both worlds.

use super::errors::{Fault, Step, corrupt};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Params, Row};

/// A row of one of the state tables.
pub(super) trait Stored: Sized {
    /// The table.
    const TABLE: &'static str;
    /// The columns in the order in which `read` expects them; the sum follows them.
    const COLUMNS: &'static str;
    /// How many they are.
    const WIDTH: usize;

    /// Takes the columns, in order.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self>;
    /// The checksum over all fields.
    fn sum(&self) -> u32;
    /// The row's name for people: its job and tasks.
    fn place(&self) -> String;
    /// Adds the row to its table.
    fn insert(&self, conn: &Connection) -> rusqlite::Result<()>;
}

/// The rows that `rest` (a WHERE clause and what follows it) selects, each checked.
pub(super) fn select<T: Stored>(conn: &Connection, rest: &str, params: impl Params) -> Step<Vec<T>> {
    let mut found = Vec::new();
    each(conn, rest, params, |row: T| {
        found.push(row);
        Ok(true)
    })?;
    Ok(found)
}

/// The row that `rest` selects, checked, if there is one.
pub(super) fn find<T: Stored>(conn: &Connection, rest: &str, params: impl Params) -> Step<Option<T>> {
    let mut found = None;
    each(conn, rest, params, |row: T| {
        found = Some(row);
        Ok(false)
    })?;
    Ok(found)
}

/// Calls `visit` with each selected row, checked, until it returns false. It must not write to the same table.
pub(super) fn each<T: Stored>(
    conn: &Connection,
    rest: &str,
    params: impl Params,
    mut visit: impl FnMut(T) -> Step<bool>,
) -> Step<()> {
    let sql = format!("SELECT {}, sum FROM {} {rest}", T::COLUMNS, T::TABLE);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        if !visit(checked(row)?)? {
            break;
        }
    }
    Ok(())
}

fn checked<T: Stored>(row: &Row<'_>) -> Step<T> {
    let wrong = |e| match e {
        e @ rusqlite::Error::SqliteFailure(..) => Fault::Engine(e),
        e => corrupt(format!("table {}, row {}: {e}", T::TABLE, key(row))),
    };
    let value = T::read(row).map_err(wrong)?;
    if value.sum() != u32_at(row, T::WIDTH).map_err(wrong)? {
        return Err(corrupt(format!("table {}, {}: checksum", T::TABLE, value.place())));
    }
    Ok(value)
}

/// The first two columns, for a row that cannot be read as what it should be.
fn key(row: &Row<'_>) -> String {
    let number = |at| match row.get_ref(at) {
        Ok(ValueRef::Integer(n)) => n.to_string(),
        _ => "?".into(),
    };
    format!("({}, {})", number(0), number(1))
}

/// A number's bits for SQLite.
pub(super) fn int(n: u64) -> i64 {
    n as i64
}

/// A number in column `at`.
pub(super) fn u64_at(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(at).map(|n| n as u64)
}

/// A number in column `at`, if there is one.
pub(super) fn option_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(at)?.map(|n| n as u64))
}

/// A small number in column `at`.
pub(super) fn u32_at(row: &Row<'_>, at: usize) -> rusqlite::Result<u32> {
    let n: i64 = row.get(at)?;
    u32::try_from(n).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, n))
}

/// A truth in column `at`.
pub(super) fn bool_at(row: &Row<'_>, at: usize) -> rusqlite::Result<bool> {
    match row.get::<_, i64>(at)? {
        0 => Ok(false),
        1 => Ok(true),
        n => Err(rusqlite::Error::IntegralValueOutOfRange(at, n)),
    }
}
