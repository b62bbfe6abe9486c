//! Sessions, and how the end of one is known on a single machine.
//!
//! A node holds an exclusive lock on a file beside the store for as long as it lives. The system releases the lock
//! when the process ends, however it ends, so nobody has to wait for a deadline. The file is locked before the
//! node's row is committed: a row whose file is missing or free belongs to a node that is gone.

use super::books::{Books, leases_of};
use super::cancel::give_up;
use super::errors::{Fault, Step};
use super::lifecycle::meta;
use super::rows::{Stored, find, int};
use super::tables::{DeadRow, NodeRow};
use crate::rules::{AfterLoss, after_loss};
use crate::{Dead, Error, Expired, NodeInfo};
use divvy_core::{Millis, NodeId};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The sessions of this handle: their files, open and locked.
#[derive(Debug)]
pub(super) struct Sessions {
    /// The store's file; `None` in memory, where a session has no file and ends by `leave` or `expire` only.
    store: Option<PathBuf>,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    /// Of committed rows.
    held: BTreeMap<NodeId, File>,
    /// Of rows that are about to be committed.
    pending: BTreeMap<NodeId, File>,
}

impl Sessions {
    pub(super) fn new(store: Option<PathBuf>) -> Sessions {
        Sessions { store, files: Mutex::default() }
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file of a session, whosever it is.
    pub(super) fn path(&self, node: NodeId) -> Option<PathBuf> {
        let mut name = OsString::from(self.store.as_ref()?);
        name.push(format!(".node-{node}"));
        Some(PathBuf::from(name))
    }

    /// Makes and locks a session's file. False if somebody else holds it, so that the id cannot be used.
    fn take(&self, node: NodeId) -> Step<bool> {
        let Some(path) = self.path(node) else { return Ok(true) };
        let told = |e: std::io::Error| unreachable(&path, &e);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(told)?;
        match file.try_lock() {
            Ok(()) => {
                self.files().pending.insert(node, file);
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(told(e)),
        }
    }

    /// The rows of the sessions that were taken are committed.
    pub(super) fn confirm(&self) {
        let files = &mut *self.files();
        files.held.append(&mut files.pending);
    }

    /// The rows of the sessions that were taken will not be committed. To be called while the write lock is still
    /// held: the next to register may get the same id, and must not lock a file that is just being removed.
    pub(super) fn abandon(&self) {
        let pending = std::mem::take(&mut self.files().pending);
        pending.keys().for_each(|node| self.unlink(*node));
    }

    /// A session's row is gone for good.
    pub(super) fn end(&self, node: NodeId) {
        let file = self.files().held.remove(&node);
        self.unlink(node);
        drop(file);
    }

    fn unlink(&self, node: NodeId) {
        if let Some(path) = self.path(node) {
            // A file that stays behind does no harm: its row is gone, and ids are never used twice.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Whether the node is known to have ended.
    pub(super) fn is_gone(&self, node: NodeId) -> crate::Result<bool> {
        let Some(path) = self.path(node) else { return Ok(false) };
        if self.files().held.contains_key(&node) {
            return Ok(false);
        }
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(true),
            Err(e) => return Err(unreachable(&path, &e).told(&path)),
        };
        // Shared, so that two who look at the same time do not take each other for the node.
        match file.try_lock_shared() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(unreachable(&path, &e).told(&path)),
        }
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.abandon();
        let held = std::mem::take(&mut self.files().held);
        held.keys().for_each(|node| self.unlink(*node));
    }
}

fn unreachable(path: &Path, e: &std::io::Error) -> Fault {
    let path = path.to_path_buf();
    Fault::Store(match e.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::Full(path),
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            Error::ReadOnly { path, why: e.to_string() }
        }
        _ => Error::Unreachable { path, why: e.to_string() },
    })
}

pub(super) fn register(conn: &Connection, sessions: &Sessions, info: &NodeInfo) -> Step<NodeId> {
    /// Ids in a row whose files somebody holds: only a store that was restored from a copy has any.
    const TAKEN_MAX: u32 = 1_000;
    let mut meta = meta(conn)?;
    for _ in 0..TAKEN_MAX {
        meta.nodes += 1;
        let node = NodeId(meta.nodes);
        if sessions.take(node)? {
            meta.insert(conn)?;
            NodeRow { node, info: info.clone(), hungry: false }.insert(conn)?;
            return Ok(node);
        }
    }
    Err(Fault::Store(Error::Busy("the session files of the next nodes are all locked".into())))
}

pub(super) fn leave(conn: &Connection, now: Millis, node: NodeId) -> Step<()> {
    let mut books = Books::new(conn, now);
    if !remove(conn, node)? {
        return Ok(());
    }
    for mut lease in leases_of(conn, node)?.into_values() {
        let open = std::mem::take(&mut lease.open);
        books.shrink_lease(&lease, open.len())?;
        books.put_back(&lease, &open, 0, lease.crashes)?;
    }
    books.settle()
}

pub(super) fn expire(conn: &Connection, now: Millis, node: NodeId) -> Step<Expired> {
    let mut books = Books::new(conn, now);
    let mut expired = Expired::default();
    if !remove(conn, node)? {
        return Ok(expired);
    }
    for mut lease in leases_of(conn, node)?.into_values() {
        let open = std::mem::take(&mut lease.open);
        books.shrink_lease(&lease, open.len())?;
        expired.leases += 1;
        let job = books.job(lease.job)?;
        match after_loss(&job.spec.policy, open.len(), lease.crashes, lease.quarantined) {
            AfterLoss::Waits { part, crashes } => {
                books.put_back(&lease, &open, part, crashes)?;
                expired.waiting += open.len();
            }
            AfterLoss::Dies { crashes } => {
                for seq in open.iter() {
                    let times = if crashes == 1 { "once".to_owned() } else { format!("{crashes} times") };
                    let error = format!("took its node down {times}");
                    let dead = Dead { seq, attempts: lease.attempts, crashes, error, at: books.now };
                    books.put_dead(&DeadRow { job: lease.job, dead })?;
                    expired.dead += 1;
                }
            }
        }
    }
    give_up(&mut books)?;
    books.settle()?;
    Ok(expired)
}

/// Removes a node's row; false if there is none.
fn remove(conn: &Connection, node: NodeId) -> Step<bool> {
    let row: Option<NodeRow> = find(conn, "WHERE node = ?1", [int(node.0)])?;
    if row.is_some() {
        conn.prepare_cached("DELETE FROM node WHERE node = ?1")?.execute([int(node.0)])?;
    }
    Ok(row.is_some())
}
