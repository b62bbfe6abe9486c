//! A directory that goes away with the test, and what tests put into stores.

use divvy_core::{Intervals, JobId, NodeId};
use divvy_store::sqlite::{Durability, Options, Sqlite};
use divvy_store::{
    Array, Block, Claim, Exchange, Failed, Input, JobSpec, Lease, NewJob, NodeInfo, Policy, Reply, Report,
    Store,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A new directory below the system's temporary one.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Dir {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("divvy-store-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Dir(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The store's file.
    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The store, without fsyncs: no test here cuts the power.
    pub(crate) fn open(&self) -> Sqlite {
        Sqlite::open(self.file(), &quick()).unwrap()
    }

    /// The file, past the store.
    pub(crate) fn raw(&self) -> rusqlite::Connection {
        let conn = rusqlite::Connection::open(self.file()).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
        conn
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn quick() -> Options {
    Options { durability: Durability::Process, ..Options::default() }
}

fn spec(array: Option<Array>) -> JobSpec {
    let policy = Policy { max_attempts: 2, ..Policy::default() };
    JobSpec { name: "job".into(), detail: vec![7; 20], policy, array, ..JobSpec::new("run") }
}

/// An array job of `n` tasks.
pub(crate) fn array(store: &dyn Store, n: u64) -> JobId {
    let spec = spec(Some(Array { first: 1, step: 1 }));
    store.submit(1, &NewJob { spec, input: Input::Array(n), paused: false }).unwrap()
}

/// A job without records that stays open.
pub(crate) fn open_job(store: &dyn Store) -> JobId {
    store.submit(1, &NewJob { spec: spec(None), input: Input::Open(vec![], None), paused: false }).unwrap()
}

/// One block of records.
pub(crate) fn block<R: AsRef<[u8]>>(records: impl IntoIterator<Item = R>) -> Block {
    let mut blocks = Block::pack_all(records);
    assert_eq!(blocks.len(), 1);
    blocks.remove(0)
}

pub(crate) fn node(store: &dyn Store) -> NodeId {
    let info = NodeInfo { name: "node".into(), pid: std::process::id(), workers: 1 };
    store.register(1, &info).unwrap()
}

/// A claim for one job.
pub(crate) fn claim(job: JobId, tasks: u64) -> Claim {
    Claim {
        only: Some(job),
        handlers: vec!["run".into()],
        capacity: divvy_core::Demand::new(),
        wants: vec![],
        want_new: tasks,
        bytes_max: u64::MAX,
        leases_max: 8,
        isolated_max: 8,
        below: None,
        backups: Vec::new(),
    }
}

/// Reports, lists the leases it reports on, and claims if asked to.
pub(crate) fn exchange(store: &dyn Store, node: NodeId, reports: Vec<Report>, claim: Option<Claim>) -> Reply {
    let held = reports.iter().map(|r| (r.job, r.fence)).collect();
    store.exchange(10, node, &Exchange { held, reports, claim }).unwrap()
}

pub(crate) fn done(lease: &Lease, tasks: Intervals) -> Report {
    Report { job: lease.job, fence: lease.fence, done: tasks, ..Report::default() }
}

pub(crate) fn failed(lease: &Lease, seq: u64) -> Report {
    let failed = Failed { seq, error: "no".into(), retry_ms: 1_000, outgrown: false };
    Report { job: lease.job, fence: lease.fence, failed: vec![failed], ..Report::default() }
}
