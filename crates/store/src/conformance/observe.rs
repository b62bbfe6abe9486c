//! Observations: kept beside the protocol, merged where they are too many, forgotten with their job.

use super::Case;
use super::given::*;
use crate::observation::{COUNTED_EVERY, OTHERS, Presence, ROWS_MAX, WINDOWS_MAX};
use crate::{Observation, Policy, Spread, Store};
use divvy_core::{Account, Histogram, JobId, NodeId, Rng, State};

pub(super) const CASES: &[Case] = super::cases!["observe":
    what_was_seen_is_kept_by_node_and_time,
    what_began_at_the_same_moment_is_one,
    too_many_become_half_as_many_and_lose_nothing,
    each_node_has_its_own_bound,
    nodes_come_and_go_and_what_is_kept_does_not_grow,
    who_comes_back_is_told_apart_again,
    of_a_job_that_is_not_there_nothing_is_kept,
    a_node_that_has_left_may_still_be_heard,
    they_are_forgotten_with_their_job,
    they_go_with_what_is_written_next,
    they_change_nothing_else,
];

fn seen(job: JobId, node: u64, from: u64) -> Observation {
    let mut seen = Observation { job, node: NodeId(node), from, until: from + 1, ..Observation::default() };
    (seen.workers, seen.offered_ns, seen.cpu_ns, seen.tasks, seen.exchanges, seen.queued) =
        (2, 9, 7, 5, 3, 8);
    seen.account.add(State::Run, 6);
    seen.account.add(State::Parked, 3);
    seen.spread.add(from as f64);
    seen.run.record(1_000 * from, 5);
    seen.wait.record(from, 5);
    seen
}

fn what_was_seen_is_kept_by_node_and_time(store: &dyn Store) {
    let [job, other] = [1, 1].map(|n| array(store, n, Policy::default()));
    store.observe(&[seen(job, 2, 20), seen(job, 1, 30)]);
    store.observe(&[]);
    store.observe(&[seen(job, 2, 10), seen(other, 1, 5)]);
    assert_eq!(store.observations(job).unwrap(), [seen(job, 1, 30), seen(job, 2, 10), seen(job, 2, 20)]);
    assert_eq!(store.observations(other).unwrap(), [seen(other, 1, 5)]);
}

fn what_began_at_the_same_moment_is_one(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    let second = Observation { until: 99, tasks: 1, ..seen(job, 1, 10) };
    store.observe(&[seen(job, 1, 10)]);
    store.observe(std::slice::from_ref(&second));
    let mut both = seen(job, 1, 10);
    both.merge(&second);
    assert_eq!(store.observations(job).unwrap(), [both]);
}

fn too_many_become_half_as_many_and_lose_nothing(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    let windows = WINDOWS_MAX as u64;
    (0..windows).for_each(|n| store.observe(&[seen(job, 1, n)]));
    assert_eq!(store.observations(job).unwrap().len(), WINDOWS_MAX);
    store.observe(&[seen(job, 1, windows)]);
    let kept = store.observations(job).unwrap();
    assert_eq!(kept.len(), WINDOWS_MAX / 2 + 1);
    let spans: Vec<_> = kept.iter().map(|seen| (seen.from, seen.until)).collect();
    assert_eq!((spans[0], spans[WINDOWS_MAX / 2]), ((0, 2), (windows, windows + 1)));
    assert_eq!(kept.iter().map(|seen| seen.tasks).sum::<u64>(), 5 * (windows + 1));
    let run = kept.iter().map(|seen| seen.account.get(State::Run)).sum::<u64>();
    assert_eq!(run, 6 * (windows + 1));
    assert_eq!(kept.iter().map(|seen| seen.wait.count()).sum::<u64>(), 5 * (windows + 1));
    (1..9 * windows).for_each(|n| store.observe(&[seen(job, 1, windows + n)]));
    let kept = store.observations(job).unwrap();
    assert!(kept.len() <= WINDOWS_MAX, "{}", kept.len());
    assert_eq!(kept.iter().map(|seen| seen.tasks).sum::<u64>(), 5 * 10 * windows);
}

fn each_node_has_its_own_bound(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    for node in [1, 2] {
        (0..WINDOWS_MAX as u64).for_each(|n| store.observe(&[seen(job, node, n)]));
    }
    assert_eq!(store.observations(job).unwrap().len(), 2 * WINDOWS_MAX);
}

/// What must stay the same whatever is merged.
#[derive(Debug, Default, PartialEq)]
struct Sums {
    counts: [u64; 8],
    spread: Spread,
    account: Account,
    run: Histogram,
}

impl Sums {
    fn add(&mut self, seen: &Observation) {
        let Presence { node_ms, worker_ms, .. } = seen.presence();
        let counts = [
            seen.nodes,
            seen.offered_ns,
            seen.cpu_ns,
            seen.tasks,
            seen.exchanges,
            seen.queued,
            node_ms,
            worker_ms,
        ];
        self.counts.iter_mut().zip(counts).for_each(|(sum, more)| *sum += more);
        self.spread.workers += seen.spread.workers;
        self.spread.sum += seen.spread.sum;
        self.spread.squares += seen.spread.squares;
        self.account.merge(&seen.account);
        self.run.merge(&seen.run);
    }

    fn of(seen: &[Observation]) -> Sums {
        let mut sums = Sums::default();
        seen.iter().for_each(|seen| sums.add(seen));
        sums
    }
}

fn nodes_come_and_go_and_what_is_kept_does_not_grow(store: &dyn Store) {
    let [job, other] = [1, 1].map(|n| array(store, n, Policy::default()));
    store.observe(&[seen(other, 1, 10)]);
    let mut rng = Rng::new(7);
    let (mut told, mut begin, mut node) = (Sums::default(), 1_000, 0);
    for nth in 1..=1_200 {
        // Most are there for a moment, some for long, and several at a time.
        node += 1 + rng.below(3);
        let stays = if rng.chance(0.02) { 200 } else { 1 + rng.below(3) };
        for window in 0..stays {
            let from = begin + window * 10;
            let until = from + 1 + rng.below(10);
            let (workers, nodes) = (node % 5 + 1, u64::from(window == 0));
            let one = Observation { workers, until, nodes, ..seen(job, node, from) };
            store.observe(std::slice::from_ref(&one));
            told.add(&one);
        }
        begin += rng.below(stays * 10);
        if nth % 200 == 0 {
            let kept = store.observations(job).unwrap();
            assert!(kept.len() <= ROWS_MAX + COUNTED_EVERY, "{}", kept.len());
            assert_eq!(Sums::of(&kept), told);
            let key = |seen: &Observation| (seen.node, seen.from);
            assert!(kept.is_sorted_by(|a, b| key(a) < key(b)));
        }
    }
    assert!(told.counts[3] / 5 > 2 * ROWS_MAX as u64, "{told:?}");
    assert_eq!(store.observations(job).unwrap()[0].node, OTHERS);
    assert_eq!(store.observations(other).unwrap(), [seen(other, 1, 10)]);
    store.verify(true).unwrap();
}

fn who_comes_back_is_told_apart_again(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    let rows = ROWS_MAX as u64;
    store.observe(&[seen(job, 1, 1)]);
    (2..=rows + 1).for_each(|node| store.observe(&[seen(job, node, node)]));
    assert!(store.observations(job).unwrap().iter().all(|seen| seen.node.0 != 1));
    store.observe(&[seen(job, 1, rows)]);
    let kept = store.observations(job).unwrap();
    assert_eq!(kept.iter().find(|seen| seen.node.0 == 1), Some(&seen(job, 1, rows)));
    assert_eq!(kept.iter().map(|seen| seen.tasks).sum::<u64>(), 5 * (rows + 2));
}

fn of_a_job_that_is_not_there_nothing_is_kept(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    store.observe(&[seen(JobId(7), 1, 10), seen(job, 1, 10)]);
    assert_eq!(store.observations(JobId(7)).unwrap(), []);
    assert_eq!(store.observations(job).unwrap(), [seen(job, 1, 10)], "others are");
}

fn a_node_that_has_left_may_still_be_heard(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    let node = store.register(NOW, &info(1)).unwrap();
    store.observe(&[seen(job, node.0, 10)]);
    store.leave(NOW, node).unwrap();
    store.observe(&[seen(job, node.0, 20)]);
    assert_eq!(store.observations(job).unwrap(), [seen(job, node.0, 10), seen(job, node.0, 20)]);
}

fn they_are_forgotten_with_their_job(store: &dyn Store) {
    let [forgotten, swept, kept] = [0, 0, 1].map(|n| array(store, n, Policy::default()));
    store.observe(&[forgotten, swept, kept].map(|job| seen(job, 1, 10)));
    store.forget(forgotten).unwrap();
    store.sweep(NOW + Policy::default().retention_ms + 1).unwrap();
    assert_eq!(store.observations(forgotten).unwrap(), []);
    assert_eq!(store.observations(swept).unwrap(), []);
    assert_eq!(store.observations(kept).unwrap().len(), 1);
    store.verify(true).unwrap();
}

fn they_go_with_what_is_written_next(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    let mut node = Node::new(store);
    store.observe(&[seen(job, 1, 10)]);
    let lease = node.claim_one(1);
    store.observe(&[seen(job, 1, 20)]);
    node.done(&lease, one(0));
    assert_eq!(store.observations(job).unwrap(), [seen(job, 1, 10), seen(job, 1, 20)]);
}

fn they_change_nothing_else(store: &dyn Store) {
    let job = array(store, 3, Policy::default());
    let mut node = Node::new(store);
    node.claim_one(1);
    let before = (store.job(job).unwrap(), store.nodes().unwrap(), store.holdings().unwrap());
    store.observe(&[seen(job, 1, 10)]);
    store.observations(job).unwrap();
    assert_eq!((store.job(job).unwrap(), store.nodes().unwrap(), store.holdings().unwrap()), before);
}
