//! Many callers, several handles: each task once, each append in one piece.

use crate::dir::{Dir, array, block, claim, done, exchange, node, open_job, quick};
use divvy_core::{Intervals, Range};
use divvy_store::sqlite::{Options, Sqlite};
use divvy_store::{Progress, Store};
use std::sync::Mutex;

/// Claims and completes until the job has finished; what it got is added to `got`.
fn drain(store: &Sqlite, job: divvy_core::JobId, tasks: u64, got: &Mutex<(Intervals, u64)>) {
    let node = node(store);
    let mut reports = vec![];
    loop {
        let reply = exchange(store, node, reports, Some(claim(job, tasks)));
        reports = reply.leases.iter().map(|lease| done(lease, lease.open.clone())).collect();
        {
            let mut got = got.lock().unwrap();
            got.1 += reply.leases.iter().map(|lease| lease.open.len()).sum::<u64>();
            reply.leases.iter().for_each(|lease| got.0.insert_all(&lease.open));
        }
        if reply.leases.is_empty() {
            return store.leave(11, node).unwrap();
        }
    }
}

#[test]
fn claims_from_many_threads_and_handles_are_a_partition() {
    const TASKS: u64 = 20_000;
    let dir = Dir::new();
    let stores = [dir.open(), dir.open(), dir.open()];
    let job = array(&stores[0], TASKS);
    let got = Mutex::default();
    std::thread::scope(|scope| {
        for nth in 0..9 {
            let (stores, got) = (&stores, &got);
            scope.spawn(move || drain(&stores[nth % 3], job, 37 + nth as u64, got));
        }
    });
    let (set, sum) = got.into_inner().unwrap();
    assert_eq!((set, sum), (Intervals::from(Range::new(0, TASKS)), TASKS), "no gap, nothing twice");
    let info = stores[1].job(job).unwrap();
    assert_eq!((info.counts.done, info.progress), (TASKS, Progress::Finished(10)));
    stores[2].verify(true).unwrap();
}

/// Appends that were merged into one block, too: each range holds what its caller gave.
#[test]
fn every_append_gets_a_range_of_its_own_records() {
    let dir = Dir::new();
    let store = Sqlite::open(dir.file(), &Options { queue_max: 5, group_max: 4, ..quick() }).unwrap();
    let other = dir.open();
    let (job, closed) = (open_job(&store), open_job(&store));
    store.append(1, closed, &[], true).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let store = if thread == 7 { &other } else { &store };
            scope.spawn(move || {
                for nth in 0..60u64 {
                    let records: Vec<String> = (0..nth % 4).map(|k| format!("{thread}-{nth}-{k}")).collect();
                    let blocks = if records.is_empty() { vec![] } else { vec![block(&records)] };
                    let range = store.append(1, job, &blocks, false).unwrap();
                    assert_eq!(range.len(), nth % 4);
                    let read = store.read(job, range).unwrap();
                    (range.lo..range.hi).for_each(|seq| {
                        assert_eq!(read.get(seq), records[(seq - range.lo) as usize].as_bytes());
                    });
                    assert!(
                        store.append(1, closed, &blocks, false).is_err(),
                        "others in the group are refused"
                    );
                }
            });
        }
    });
    assert_eq!(store.job(job).unwrap().tail, 8 * 90);
    store.verify(true).unwrap();
}

#[test]
fn handles_see_what_others_did() {
    let dir = Dir::new();
    let (a, b) = (dir.open(), dir.open());
    let job = open_job(&a);
    b.append(1, job, &[block(["x"])], true).unwrap();
    let node = node(&b);
    let lease = exchange(&b, node, vec![], Some(claim(job, 1))).leases.remove(0);
    assert_eq!(a.job(job).unwrap().counts.running, 1);
    assert_eq!(a.cancel(2, job, None).unwrap(), 1);
    let reply = exchange(&b, node, vec![done(&lease, lease.open.clone())], None);
    assert_eq!(reply.lost, [(job, lease.fence)]);
    assert_eq!(a.job(job).unwrap().stale, 1);
}
