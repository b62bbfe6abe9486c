//! A flipped bit is named: in which table, of which job and tasks.

use crate::dir::{Dir, array, block, claim, done, exchange, failed, node, open_job};
use divvy_core::{Intervals, JobId, NodeId, Range};
use divvy_store::sqlite::Sqlite;
use divvy_store::{Error, Exchange, Store};

/// A store with a row in every table. Of job 2, tasks 0 and 1 are leased, 2 failed once and waits, 3 is dead, 4 is
/// canceled, 5 is done.
fn filled(dir: &Dir) -> (Sqlite, NodeId) {
    let store = dir.open();
    let (other, job) = (open_job(&store), array(&store, 10));
    store.append(1, other, &[block(["one", "two"]), block(["three"])], false).unwrap();
    let node = node(&store);
    let lease = exchange(&store, node, vec![], Some(claim(job, 6))).leases.remove(0);
    exchange(&store, node, vec![failed(&lease, 3), done(&lease, Range::new(5, 6).into())], None);
    let held = vec![(job, lease.fence)];
    let ask = Exchange { held, claim: Some(claim(job, 1)), ..Exchange::default() };
    let again = store.exchange(5_000, node, &ask).unwrap().leases.remove(0);
    exchange(&store, node, vec![failed(&again, 3), failed(&lease, 2)], None);
    store.cancel(1, job, Some(&Range::new(4, 5).into())).unwrap();
    store.verify(true).unwrap();
    (store, node)
}

fn what<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Corrupt { what }) => what,
        other => panic!("not found out: {other:?}"),
    }
}

fn ask(store: &Sqlite, node: NodeId) -> Result<divvy_store::Reply, Error> {
    store.exchange(9_000, node, &Exchange { claim: Some(claim(JobId(2), 1)), ..Exchange::default() })
}

/// Damages a row and expects that verify and an operation name it.
fn damaged(sql: &str, named: &[&str], look: impl Fn(&Sqlite, NodeId) -> String) {
    let dir = Dir::new();
    let (store, node) = filled(&dir);
    assert_eq!(dir.raw().execute(sql, []).unwrap(), 1, "{sql}");
    for what in [look(&store, node), what(store.verify(true))] {
        assert!(named.iter().all(|part| what.contains(part)), "{sql}: {what:?} does not name {named:?}");
    }
}

#[test]
fn in_a_block() {
    let flip = "UPDATE block SET payload = CAST(replace(CAST(payload AS TEXT), 'two', 'twn') AS BLOB) WHERE first_seq = 0";
    let read = |store: &Sqlite, _| what(store.read(JobId(1), Range::new(1, 2)));
    damaged(flip, &["block", "job 1", "[0, 2)", "checksum"], read);
    damaged("UPDATE block SET count = 3 WHERE first_seq = 0", &["block", "job 1", "checksum"], read);
}

#[test]
fn a_block_that_is_missing() {
    let read = |store: &Sqlite, _| what(store.read(JobId(1), Range::new(0, 3)));
    damaged("DELETE FROM block WHERE first_seq = 2", &["job 1", "task 2", "missing"], read);
    damaged("DELETE FROM block WHERE first_seq = 0", &["job 1", "task 0", "missing"], read);
}

#[test]
fn in_a_lease() {
    let named = ["lease", "job 2", "fence 1", "checksum"];
    for set in ["node = node + 256", "attempts = 1", "cut = 1 - cut", "sum = sum + 1", "open = x'010001'"] {
        damaged(&format!("UPDATE lease SET {set}"), &named, |store, node| {
            let held = vec![(JobId(2), divvy_core::Fence(1))];
            what(store.exchange(9_000, node, &Exchange { held, ..Exchange::default() }))
        });
    }
    damaged("UPDATE lease SET open = x'0200'", &["lease", "(2, 1)"], |store, node| what(ask(store, node)));
}

#[test]
fn in_a_log() {
    for set in ["head = head + 1", "tail = tail + 64", "fence = 0", "finished = 5", "sum = 0"] {
        let sql = format!("UPDATE log SET {set} WHERE job = 2");
        damaged(&sql, &["log", "job 2", "checksum"], |store, node| what(ask(store, node)));
    }
    damaged("DELETE FROM log WHERE job = 2", &["job 2"], |store, _| what(store.job(JobId(2))));
}

#[test]
fn in_a_waiting_range() {
    for set in ["part = 3", "crashes = 2", "attempts = 4", "due = 1", "error = 'yes'", "hi = hi + 1"] {
        damaged(&format!("UPDATE waiting SET {set}"), &["waiting", "job 2", "checksum"], |store, node| {
            what(ask(store, node))
        });
    }
}

#[test]
fn in_the_other_tables() {
    damaged("UPDATE dead SET error = 'yes'", &["dead", "job 2", "task 3"], |store, _| {
        what(store.dead(JobId(2), 0, 9))
    });
    damaged("UPDATE canceled SET hi = 7", &["canceled", "job 2", "[4, 7)"], |store, _| {
        what(store.task(JobId(2), 4))
    });
    damaged("UPDATE node SET workers = 99", &["node 1"], |store, node| what(ask(store, node)));
    damaged("UPDATE meta SET jobs = 1", &["meta", "last ids"], |store, _| {
        let new = divvy_store::NewJob {
            spec: store.job(JobId(1)).unwrap().spec,
            input: divvy_store::Input::Open(vec![], None),
        };
        what(store.submit(1, &new))
    });
    damaged("UPDATE job SET max_attempts = 9 WHERE job = 2", &["job 2", "checksum"], |store, node| {
        what(ask(store, node))
    });
}

/// Rows whose own sums are right, but which do not fit together.
#[test]
fn between_rows() {
    for table in ["lease", "waiting", "dead", "canceled", "node", "job"] {
        let dir = Dir::new();
        let (store, _) = filled(&dir);
        let one = "SELECT max(rowid) FROM";
        let sql = match table {
            "job" | "node" => format!("DELETE FROM {table} WHERE rowid = ({one} {table})"),
            _ => format!("DELETE FROM {table}"),
        };
        assert_eq!(dir.raw().execute(&sql, []).unwrap(), 1, "{table}");
        let what = what(store.verify(false));
        assert!(what.contains("job 2"), "{table}: {what}");
    }
}

/// A refused exchange leaves nothing behind, although its report was applied before the damage was met.
#[test]
fn nothing_of_a_refused_operation_has_happened() {
    let dir = Dir::new();
    let (store, node) = filled(&dir);
    dir.raw().execute("UPDATE waiting SET part = 3", []).unwrap();
    let before = store.job(JobId(2)).unwrap();
    let report = divvy_store::Report {
        job: JobId(2),
        fence: divvy_core::Fence(1),
        done: Intervals::from(Range::new(0, 1)),
        ..Default::default()
    };
    let ask = Exchange { reports: vec![report], claim: Some(claim(JobId(2), 1)), ..Exchange::default() };
    what(store.exchange(9_000, node, &ask));
    assert_eq!(store.job(JobId(2)).unwrap(), before);
}
