//! Group commit, seen from inside.

use super::super::{Sqlite, open};
use super::*;
use crate::{Block, Input, JobSpec, NewJob, Store};
use std::sync::atomic::{AtomicBool, Ordering};

fn job() -> NewJob {
    NewJob { spec: JobSpec::new(""), input: Input::Open(vec![], None), paused: false }
}

fn one(text: &str) -> Vec<Block> {
    Block::pack_all([text])
}

/// Waits until so many operations are in the queue.
fn queued(writer: &Writer, n: usize) {
    while lock(&writer.seat).queue.len() < n {
        std::thread::yield_now();
    }
}

#[test]
fn those_who_wait_share_a_commit_in_the_order_in_which_they_came() {
    let store = Sqlite::in_memory().unwrap();
    let (first, other) = (store.submit(1, &job()).unwrap(), store.submit(1, &job()).unwrap());
    let ranges = std::thread::scope(|scope| {
        let conn = store.writer.conn();
        let append = |job| {
            scope.spawn({
                let store = &store;
                move || store.append(1, job, &one("x"), false).unwrap()
            })
        };
        let mut threads = vec![append(first)];
        // The first one leads and waits for the connection; its group is taken.
        while !lock(&store.writer.seat).led || !lock(&store.writer.seat).queue.is_empty() {
            std::thread::yield_now();
        }
        for n in 0..6 {
            queued(&store.writer, n);
            threads.push(append(if n == 3 { other } else { first }));
        }
        queued(&store.writer, 6);
        drop(conn);
        threads.into_iter().map(|thread| thread.join().unwrap().lo).collect::<Vec<_>>()
    });
    assert_eq!(ranges, [0, 1, 2, 3, 0, 4, 5]);
    let blocks: Vec<(u64, u64)> = {
        let conn = store.writer.conn();
        let mut statement = conn.prepare("SELECT job, count FROM block ORDER BY id").unwrap();
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64)));
        rows.unwrap().map(|row| row.unwrap()).collect()
    };
    assert_eq!(blocks, [(first.0, 1), (first.0, 3), (other.0, 1), (first.0, 2)], "neighbours share a block");
    store.verify(true).unwrap();
}

/// A bug in one operation stops neither the others nor what comes after it, and leaves nothing behind.
#[test]
fn a_panic_is_told_to_the_group_and_the_seat_goes_on() {
    let store = Sqlite::in_memory().unwrap();
    let id = store.submit(1, &job()).unwrap();
    let told = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let conn = store.writer.conn();
        let leader = scope.spawn(|| store.append(1, id, &one("a"), false));
        while !lock(&store.writer.seat).led || !lock(&store.writer.seat).queue.is_empty() {
            std::thread::yield_now();
        }
        let panics = scope.spawn(|| store.call(Op::Panics(job())));
        queued(&store.writer, 1);
        scope.spawn(|| {
            let error = store.append(1, id, &one("b"), false).unwrap_err();
            told.store(matches!(error, Error::Unreachable { .. }), Ordering::Relaxed);
        });
        queued(&store.writer, 2);
        drop(conn);
        assert!(leader.join().unwrap().is_ok());
        assert!(panics.join().is_err());
    });
    assert!(told.into_inner());
    assert_eq!(store.append(1, id, &one("c"), false).unwrap().lo, 1);
    assert_eq!(store.jobs().unwrap().len(), 1, "the half of the operation was rolled back");
    store.verify(true).unwrap();
}

/// While another connection writes, an operation waits for `busy_ms`, and is then refused.
#[test]
fn a_store_that_others_hold_is_busy() {
    let dir = std::env::temp_dir().join(format!("divvy-busy-{}", std::process::id()));
    let options = open::Options { busy_ms: 50, ..open::Options::default() };
    let (store, other) = (
        Sqlite::open(dir.join("store"), &options).unwrap(),
        Sqlite::open(dir.join("store"), &options).unwrap(),
    );
    other.writer.conn().execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = store.submit(1, &job()).unwrap_err();
    assert!(matches!(error, Error::Busy(_)) && error.is_retryable(), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(store.jobs().unwrap().is_empty(), "who only reads does not wait");
    // With dozens of nodes somebody always does, and whoever joined them was refused after ten seconds.
    Sqlite::open(dir.join("store"), &options).expect("nor does who opens a store that is there");
    other.writer.conn().execute_batch("ROLLBACK").unwrap();
    store.submit(1, &job()).unwrap();
    drop((store, other));
    std::fs::remove_dir_all(dir).unwrap();
}
