//! No room: nothing is lost, nothing half done, and work goes on once there is room again.

use crate::dir::{Dir, block, claim, done, exchange, node, open_job, quick};
use divvy_core::{Intervals, Range};
use divvy_store::sqlite::{Options, Sqlite};
use divvy_store::{Error, Observation, Report, Store};

fn bounded(dir: &Dir, pages: u32) -> Sqlite {
    Sqlite::open(dir.file(), &Options { pages_max: Some(pages), ..quick() }).unwrap()
}

#[test]
fn a_full_store_keeps_what_it_has_and_goes_on_later() {
    let dir = Dir::new();
    let store = bounded(&dir, 60);
    let (job, node) = (open_job(&store), node(&store));
    let large = block([vec![b'x'; 20_000]]);
    let refused = loop {
        if let Err(error) = store.append(1, job, std::slice::from_ref(&large), false) {
            break error;
        }
    };
    assert!(matches!(&refused, Error::Full(path) if path.ends_with("store")), "{refused}");
    let tail = store.job(job).unwrap().tail;
    assert!(tail > 3);
    store.verify(true).unwrap();
    let lease = exchange(&store, node, vec![], Some(claim(job, 2))).leases.remove(0);
    exchange(&store, node, vec![done(&lease, lease.open.clone())], None);
    drop(store);

    let store = bounded(&dir, 200);
    let range = store.append(1, job, &[large], true).unwrap();
    assert_eq!(range, Range::new(tail, tail + 1), "the refused one left no gap");
    assert_eq!(store.job(job).unwrap().counts.done, 2);
    store.verify(true).unwrap();
}

/// What was seen is written last, and is given up before an operation is.
#[test]
fn what_was_seen_finds_no_room_and_does_no_harm() {
    let dir = Dir::new();
    let store = bounded(&dir, 60);
    let (job, node) = (open_job(&store), node(&store));
    store.append(1, job, &[block(["a", "b", "c"])], false).unwrap();
    let large = block([vec![b'x'; 20_000]]);
    while store.append(1, job, std::slice::from_ref(&large), false).is_ok() {}
    let mut seen = Observation { job, ..Observation::default() };
    (0..5_000).for_each(|n| seen.run.record(n * n * n * n, 1));
    for from in 0..100 {
        seen.from = from;
        store.observe(std::slice::from_ref(&seen));
        let lease = exchange(&store, node, vec![], Some(claim(job, 1))).leases.remove(0);
        exchange(
            &store,
            node,
            vec![Report { back: lease.open.clone(), ..done(&lease, Intervals::new()) }],
            None,
        );
    }
    let kept = store.observations(job).unwrap();
    assert!((1..100).contains(&kept.len()), "there was room for {}", kept.len());
    store.verify(true).unwrap();
}

/// In one group a small append may fit where a large one does not: each is told its own fate.
#[test]
fn the_others_of_the_group_are_served() {
    let dir = Dir::new();
    let store = bounded(&dir, 60);
    let (a, b) = (open_job(&store), open_job(&store));
    let large = block([vec![b'x'; 600_000]]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let error = store.append(1, a, std::slice::from_ref(&large), false).unwrap_err();
                    assert!(matches!(error, Error::Full(_)), "{error}");
                }
            });
            scope.spawn(|| (0..20).for_each(|_| assert!(store.append(1, b, &[block(["y"])], false).is_ok())));
        }
    });
    assert_eq!((store.job(a).unwrap().tail, store.job(b).unwrap().tail), (0, 80));
    store.verify(true).unwrap();
}

/// The pages of a forgotten job are used again, and the file gets smaller.
#[test]
fn forgetting_makes_room() {
    let dir = Dir::new();
    let store = bounded(&dir, 300);
    for _ in 0..5 {
        let job = open_job(&store);
        store.append(1, job, &[block([vec![b'x'; 1_500_000]])], false).unwrap();
        store.cancel(2, job, None).unwrap();
        store.forget(job).unwrap();
    }
    drop(store);
    let size = std::fs::metadata(dir.file()).unwrap().len();
    assert!(size < 400_000, "{size} bytes of an empty store");
}
