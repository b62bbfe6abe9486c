//! What can be opened, and what is refused.

use crate::dir::{Dir, array, block, exchange, node, open_job, quick};
use divvy_core::JobId;
use divvy_store::sqlite::{Options, Sqlite};
use divvy_store::{Error, Observation, Store};
use std::os::unix::fs::PermissionsExt;

fn refused(dir: &Dir) -> Error {
    Sqlite::open(dir.file(), &quick()).expect_err("it is refused")
}

#[test]
fn the_directory_is_made_for_the_owner_alone() {
    let dir = Dir::new();
    let file = dir.path().join("a/b/store");
    let store = Sqlite::open(&file, &quick()).unwrap();
    let mode = std::fs::metadata(dir.path().join("a/b")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(store.path().ends_with("a/b/store"));
}

#[test]
fn all_is_there_after_reopening_and_the_log_is_gone_after_closing() {
    let dir = Dir::new();
    let store = dir.open();
    let job = open_job(&store);
    store.append(1, job, &[block(["a", "b"]), block(["c"])], false).unwrap();
    let before = store.jobs().unwrap();
    drop(store);
    assert_eq!(dir.names(), ["store"], "the write-ahead log was emptied and removed");
    let store = dir.open();
    assert_eq!(store.jobs().unwrap(), before);
    let records = store.read(job, divvy_core::Range::new(1, 3)).unwrap();
    assert_eq!((records.get(1), records.get(2)), (&b"b"[..], &b"c"[..]));
    assert_eq!(array(&store, 1).0, 2, "ids go on");
    store.verify(true).unwrap();
}

#[test]
fn an_id_is_not_given_out_again_after_its_job_was_forgotten() {
    let dir = Dir::new();
    let (job, gone) = (array(&dir.open(), 0), node(&dir.open()));
    dir.open().forget(job).unwrap();
    dir.open().expire(1, gone).unwrap();
    assert!(array(&dir.open(), 0) > job);
    assert!(node(&dir.open()) > gone);
}

#[test]
fn a_newer_format_is_refused() {
    let dir = Dir::new();
    drop(dir.open());
    dir.raw().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(refused(&dir), Error::Newer { found: 9, known: 3 }));
}

#[test]
fn an_older_format_is_refused_and_left_alone() {
    let dir = Dir::new();
    drop(dir.open());
    dir.raw().pragma_update(None, "user_version", 1).unwrap();
    let error = refused(&dir);
    assert!(matches!(&error, Error::Unreachable { why, .. } if why.contains("old format 1")), "{error}");
    let found: i64 = dir.raw().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(found, 1);
}

#[test]
fn a_store_from_before_observations_gets_them() {
    let dir = Dir::new();
    let job = array(&dir.open(), 3).0;
    let raw = dir.raw();
    raw.execute_batch("DROP TABLE observation; PRAGMA user_version = 2").unwrap();
    drop(raw);
    let stores = [dir.open(), dir.open()];
    assert_eq!(stores[0].jobs().unwrap()[0].id.0, job, "what was in it stays");
    let seen = Observation { job: JobId(job), tasks: 3, ..Observation::default() };
    stores[0].observe(std::slice::from_ref(&seen));
    assert_eq!(stores[0].observations(JobId(job)).unwrap(), [seen]);
    stores[1].verify(true).unwrap();
    let found: i64 = dir.raw().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(found, 3);
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let dir = Dir::new();
    let text = "no database at all, but a text of some length. ".repeat(300);
    std::fs::write(dir.file(), &text).unwrap();
    let error = refused(&dir);
    assert!(matches!(&error, Error::Unreachable { why, .. } if why.contains("no divvy store")), "{error}");
    assert_eq!(std::fs::read_to_string(dir.file()).unwrap(), text);
    std::fs::remove_file(dir.file()).unwrap();

    dir.raw().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let before = std::fs::read(dir.file()).unwrap();
    let error = refused(&dir);
    assert!(matches!(&error, Error::Unreachable { why, .. } if why.contains("another program")), "{error}");
    assert_eq!(std::fs::read(dir.file()).unwrap(), before);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let dir = Dir::new();
    std::fs::write(dir.path().join("plain"), "a file").unwrap();
    let file = dir.path().join("plain/store");
    let error = Sqlite::open(&file, &quick()).err().unwrap();
    assert!(matches!(&error, Error::ReadOnly { path, .. } if *path == file), "{error}");
    // A directory in the place of the file.
    let error = Sqlite::open(dir.path(), &quick()).err().unwrap();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
}

#[test]
fn all_that_is_wrong_with_options_is_said_at_once() {
    let options = Options { queue_max: 0, group_max: 0, ..quick() };
    assert_eq!(options.validate().unwrap_err().len(), 2);
    assert!(Sqlite::open(Dir::new().file(), &options).is_err());
}

#[test]
fn many_may_open_a_new_file_at_once() {
    let dir = Dir::new();
    let jobs: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| array(&dir.open(), 1))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(jobs.iter().map(|job| job.0).sum::<u64>(), (1..=8).sum::<u64>());
}

#[test]
fn what_changes_nothing_is_no_commit() {
    let dir = Dir::new();
    let (store, other) = (dir.open(), dir.open());
    let (node, job) = (node(&store), open_job(&store));
    let claim = || Some(crate::dir::claim(job, 5));
    exchange(&store, node, vec![], claim());
    let seen = || [store.version().unwrap(), other.version().unwrap()];
    let before = seen();
    exchange(&store, node, vec![], claim());
    exchange(&store, node, vec![], None);
    store.leave(1, divvy_core::NodeId(99)).unwrap();
    store.expire(1, divvy_core::NodeId(99)).unwrap();
    store.cancel(1, job, Some(&divvy_core::Intervals::new())).unwrap();
    store.append(1, job, &[], false).unwrap();
    assert_eq!(seen(), before, "no one sees a change");
    store.append(1, job, &[block(["x"])], false).unwrap();
    let after = seen();
    assert!(after[0] != before[0] && after[1] != before[1], "everyone sees one");
}

#[test]
fn what_was_seen_waits_for_another_commit() {
    let dir = Dir::new();
    let (store, other) = (dir.open(), dir.open());
    let (node, job) = (node(&store), open_job(&store));
    other.observations(job).unwrap();
    let before = other.version().unwrap();
    store.observe(&[Observation { job, node, ..Observation::default() }]);
    assert_eq!((other.version().unwrap(), other.observations(job).unwrap().len()), (before, 0));
    store.leave(1, node).unwrap();
    assert_ne!(other.version().unwrap(), before);
    assert_eq!(other.observations(job).unwrap().len(), 1);
}
