//! Several nodes on one store: exclusive jobs, and threads that call at once.

use super::Case;
use super::given::*;
use crate::{Claim, Exchange, Policy, Progress, Report, Store};
use divvy_core::{Intervals, JobId, Range, Rng};
use std::thread;

pub(super) const CASES: &[Case] = super::cases!["sharing":
    an_exclusive_job_is_leased_by_one_node_at_a_time,
    an_exclusive_job_is_free_again_after_its_holder,
    an_exclusive_job_that_is_taken_is_passed_over,
    tasks_are_partitioned_among_threads,
    sessions_that_end_beside_others_lose_nothing,
    appends_and_claims_at_once_lose_nothing,
];

fn exclusive(store: &dyn Store, n: u64) -> JobId {
    array(store, n, Policy { exclusive: true, ..Policy::default() })
}

fn an_exclusive_job_is_leased_by_one_node_at_a_time(store: &dyn Store) {
    let job = exclusive(store, 9);
    let (mut a, mut b) = (Node::new(store), Node::new(store));
    let [first, second] = [2, 2].map(|n| a.claim_one(n));
    assert_eq!((first.job, second.open.clone()), (job, set(&[(2, 4)])), "its holder may have more");
    assert_eq!(b.claim(9), []);
    a.done(&first, first.open.clone());
    assert_eq!(b.claim(9), [], "it still holds one");
    a.give_back(&second, second.open.clone());
    assert_eq!(opens(&b.claim(9)), [set(&[(2, 4)]), set(&[(4, 9)])]);
    assert_eq!(a.claim(9), []);
}

fn an_exclusive_job_is_free_again_after_its_holder(store: &dyn Store) {
    exclusive(store, 9);
    let [mut a, mut b, mut c] = [(); 3].map(|()| Node::new(store));
    a.claim_one(2);
    assert_eq!(b.claim(2), []);
    a.die();
    assert_eq!(opens(&b.claim(1)), [one(0)]);
    assert_eq!(c.claim(2), []);
    store.leave(NOW, b.id).unwrap();
    assert_eq!(opens(&c.claim(2)).len(), 2);
}

fn an_exclusive_job_that_is_taken_is_passed_over(store: &dyn Store) {
    let (taken, next) = (exclusive(store, 9), array(store, 9, Policy::default()));
    let (mut a, mut b) = (Node::new(store), Node::new(store));
    assert_eq!(a.claim_one(1).job, taken);
    assert_eq!(b.claim_one(1).job, next);
    assert_eq!(b.claim_at(NOW, Claim { only: Some(taken), ..any(1) }), []);
}

const THREADS: u64 = 4;
/// More rounds than any thread needs, so that a broken store fails and does not hang.
const ROUNDS_MAX: u32 = 5_000;

/// Claims and reports until the jobs are finished, in random portions, and says which tasks it completed.
fn work(store: &dyn Store, seed: u64, dies: bool) -> Vec<(JobId, Intervals)> {
    let (mut rng, mut node, mut completed) = (Rng::new(seed), Node::new(store), Vec::new());
    for _ in 0..ROUNDS_MAX {
        let leases = node.claim(1 + rng.below(40));
        if leases.is_empty() && node.held.is_empty() {
            let jobs = store.jobs().unwrap();
            if jobs.iter().all(|job| matches!(job.progress, Progress::Finished(_))) {
                break;
            }
            thread::yield_now();
        }
        for lease in leases {
            let mut rest = lease.open.clone();
            let mut done = rest.clone();
            rest = done.split_off(rng.below(rest.len() + 1));
            let reply = node.done(&lease, done.clone());
            let ended = rest.is_empty();
            assert_eq!(reply.lost.contains(&name(&lease)), ended, "nobody else ends it");
            completed.push((lease.job, done));
            match rng.below(4) {
                0 if dies => {
                    node.die();
                    node = Node::new(store);
                    break;
                }
                1 => drop(node.give_back(&lease, rest)),
                _ => {
                    node.done(&lease, rest.clone());
                    completed.push((lease.job, rest));
                }
            }
        }
    }
    store.leave(NOW, node.id).unwrap();
    completed
}

/// Lets threads work until all jobs are finished; every task is then completed by exactly one of them.
fn share(store: &dyn Store, dies: bool, beside: impl FnOnce()) {
    let completed: Vec<(JobId, Intervals)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(move || work(store, seed, dies))).collect();
        beside();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread found a fault")).collect()
    });
    for job in store.jobs().unwrap() {
        let mut once = Intervals::new();
        for (_, tasks) in completed.iter().filter(|(id, _)| *id == job.id) {
            assert_eq!(once.intersect(tasks), Intervals::new(), "completed twice");
            once.insert_all(tasks);
        }
        assert_eq!(once, Intervals::from(Range::new(0, job.tail)), "job {}", job.id);
        assert_eq!((job.counts.done, job.stale), (job.tail, 0));
    }
}

fn tasks_are_partitioned_among_threads(store: &dyn Store) {
    for _ in 0..3 {
        array(store, 700, Policy::default());
    }
    share(store, false, || {});
}

fn sessions_that_end_beside_others_lose_nothing(store: &dyn Store) {
    let policy = Policy { crash_limit: u32::MAX, ..Policy::default() };
    for _ in 0..2 {
        array(store, 700, policy.clone());
    }
    share(store, true, || {});
}

fn appends_and_claims_at_once_lose_nothing(store: &dyn Store) {
    let job = open(store, vec![], None);
    share(store, false, || {
        for n in 1..40 {
            store.append(NOW, job, &[block(n, 3)], n == 39).unwrap();
        }
    });
    assert_eq!(store.job(job).unwrap().tail, 39 * 40 / 2);
    let late =
        Exchange { reports: vec![Report { job, done: one(0), ..Report::default() }], ..Exchange::default() };
    let node = store.register(NOW, &info(1)).unwrap();
    store.exchange(NOW, node, &late).unwrap();
    assert_eq!(store.job(job).unwrap().stale, 1, "no lease has the fence 0");
}
