//! A flipped bit is named: in which table, of which job and tasks.

use crate::dir::{Dir, array, block, claim, done, exchange, failed, node, open_job};
use divvy_core::{Fence, Intervals, JobId, NodeId, Range};
use divvy_store::sqlite::Sqlite;
use divvy_store::{Error, Exchange, Graph, Input, JobSpec, NewJob, Observation, Report, Store};

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
    store.observe(&[Observation { job, node, from: 7, tasks: 3, ..Observation::default() }]);
    store.observations(job).unwrap();
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
    let held = vec![(JobId(2), Fence(1))];
    store.exchange(9_000, node, &Exchange { held, claim: Some(claim(JobId(2), 1)), ..Exchange::default() })
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
    for set in [
        "node = node + 256",
        "attempts = 1",
        "class = 1",
        "cut = 1 - cut",
        "sum = sum + 1",
        "open = x'010001'",
    ] {
        damaged(&format!("UPDATE lease SET {set}"), &named, |store, node| {
            let held = vec![(JobId(2), Fence(1))];
            what(store.exchange(9_000, node, &Exchange { held, ..Exchange::default() }))
        });
    }
    damaged("UPDATE lease SET open = x'0200'", &["lease", "(2, 1)"], |store, node| what(ask(store, node)));
}

#[test]
fn in_a_log() {
    for set in [
        "head = head + 1",
        "tail = tail + 64",
        "fence = 0",
        "finished = 5",
        "blocked = 1",
        "paused = 1",
        "waits = 1",
        "classed = 1",
        "sum = 0",
    ] {
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
        let input = Input::Open(vec![], None);
        let new = NewJob { spec: store.job(JobId(1)).unwrap().spec, input, paused: false };
        what(store.submit(1, &new))
    });
    for set in ["since = 8", "data = x'0101ff01'", "node = 5"] {
        let sql = format!("UPDATE observation SET {set}");
        damaged(&sql, &["observation", "job 2", "checksum"], |store, _| what(store.observations(JobId(2))));
    }
    damaged("UPDATE observation SET data = x'0102'", &["observation", "(2, 1)"], |store, _| {
        what(store.observations(JobId(2)))
    });
    for set in ["max_attempts = 9", "max_fails = 9", "graph = 1", "needs = x'000100'", "after = x'0101'"] {
        let sql = format!("UPDATE job SET {set} WHERE job = 2");
        damaged(&sql, &["job"], |store, node| what(ask(store, node)));
    }
}

/// A job with a graph in which 300 tasks wait for task 0, which is leased.
fn graph(dir: &Dir) -> (Sqlite, NodeId, Report) {
    let store = dir.open();
    let parents = (0..301).map(|task| if task == 0 { vec![] } else { vec![0] }).collect();
    let input = Input::Graph(vec![block((0..301).map(|_| ""))], Graph::new(parents).unwrap());
    let job = store.submit(1, &NewJob { spec: JobSpec::new("run"), input, paused: false }).unwrap();
    let node = node(&store);
    let lease = exchange(&store, node, vec![], Some(claim(job, 6))).leases.remove(0);
    store.verify(true).unwrap();
    (store, node, done(&lease, lease.open.clone()))
}

#[test]
fn in_a_graph() {
    for (sql, named) in [
        ("UPDATE edge SET children = x'00' WHERE first = 0", ["edge", "[0, 256)", "checksum"]),
        ("UPDATE edge SET first = 512 WHERE first = 0", ["edge", "", ""]),
        ("DELETE FROM edge WHERE first = 0", ["edge", "task 0", "missing"]),
        (
            "UPDATE blocked SET missing = zeroblob(45) WHERE first = 256",
            ["blocked", "[256, 301)", "checksum"],
        ),
        ("UPDATE blocked SET count = 44 WHERE first = 256", ["blocked", "(1, 256)", ""]),
        ("DELETE FROM blocked WHERE first = 256", ["blocked", "task 256", "missing"]),
    ] {
        let dir = Dir::new();
        let (store, node, report) = graph(&dir);
        assert_eq!(dir.raw().execute(sql, []).unwrap(), 1, "{sql}");
        let before = store.job(JobId(1)).unwrap();
        let held = vec![(JobId(1), Fence(1))];
        let told = what(store.exchange(10, node, &Exchange { held, reports: vec![report], claim: None }));
        assert!(named.iter().all(|part| told.contains(part)), "{sql}: {told:?} does not name {named:?}");
        assert!(what(store.verify(false)).contains(if sql.contains("edge") { "edge" } else { "" }), "{sql}");
        assert_eq!(store.job(JobId(1)).unwrap(), before, "nothing of a refused operation has happened");
    }
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
    let report = Report {
        job: JobId(2),
        fence: Fence(1),
        done: Intervals::from(Range::new(0, 1)),
        ..Default::default()
    };
    let held = vec![(JobId(2), Fence(1))];
    let ask = Exchange { held, reports: vec![report], claim: Some(claim(JobId(2), 1)) };
    what(store.exchange(9_000, node, &ask));
    assert_eq!(store.job(JobId(2)).unwrap(), before);
}
