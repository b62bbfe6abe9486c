//! What people do to a job: cancel tasks or all of it, give the dead another chance.

use super::Case;
use super::given::*;
use crate::{Policy, Progress, Report, Store, TaskState};
use divvy_core::{Intervals, JobId};

pub(super) const CASES: &[Case] = super::cases!["cancel_retry":
    canceling_takes_tasks_wherever_they_are,
    canceling_leaves_out_what_has_ended,
    canceling_twice_takes_nothing_more,
    canceling_some_leaves_a_job_open,
    what_is_not_there_yet_cannot_be_canceled,
    a_canceled_part_of_a_waiting_range_leaves_the_others,
    a_canceled_retry_does_not_come_back,
    a_lease_that_is_canceled_as_a_whole_is_lost,
    a_completion_of_a_canceled_task_does_not_count,
    a_canceled_task_does_not_come_back,
    canceling_a_job_closes_and_finishes_it,
    canceling_the_last_tasks_finishes_the_job,
    canceling_a_finished_job_changes_nothing,
    retrying_gives_new_attempts,
    retrying_charges_nothing,
    retried_tasks_wait_as_one_range_per_interval,
    retrying_takes_only_the_chosen_dead,
    a_finished_job_goes_on_after_a_retry,
    a_retry_of_nothing_changes_nothing,
    a_canceled_job_goes_on_with_its_dead,
];

/// A job of 20 with 0 done, 1 dead, 2 retrying, [3, 5) waiting, [5, 8) in a lease and the rest above the head.
fn mixed<'a>(store: &'a dyn Store) -> (JobId, Node<'a>, crate::Lease) {
    let job = array_with_attempts(store, 20, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(8);
    node.fail(&lease, 1, 0);
    let again = node.claim_one(1);
    node.fail(&again, 1, 0);
    let report =
        Report { done: one(0), failed: vec![failed(2, HOUR)], back: set(&[(3, 5)]), ..about(&lease) };
    node.report(report);
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.running, c.done, c.dead, c.canceled), (14, 1, 3, 1, 1, 0));
    (job, node, lease)
}

fn canceling_takes_tasks_wherever_they_are(store: &dyn Store) {
    let (job, mut node, lease) = mixed(store);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(2, 4), (7, 10)]))).unwrap(), 5);
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.running, c.done, c.dead, c.canceled), (11, 0, 2, 1, 1, 5));
    for seq in [2, 3, 7, 8, 9] {
        assert_eq!(store.task(job, seq).unwrap().unwrap().state, TaskState::Canceled);
    }
    assert_eq!(node.exchange(NOW, vec![], None).open, [(name(&lease), set(&[(5, 7)]))]);
    assert_eq!(opens(&node.claim_at(NOW + HOUR, any(99))), [one(4), set(&[(10, 20)])]);
}

fn canceling_leaves_out_what_has_ended(store: &dyn Store) {
    let (job, ..) = mixed(store);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(0, 2)]))).unwrap(), 0);
    let c = counts(store, job);
    assert_eq!((c.done, c.dead, c.canceled), (1, 1, 0));
    assert_eq!(store.cancel(NOW, job, Some(&Intervals::new())).unwrap(), 0);
}

fn canceling_twice_takes_nothing_more(store: &dyn Store) {
    let (job, ..) = mixed(store);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(2, 12)]))).unwrap(), 10);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(0, 13)]))).unwrap(), 1);
    assert_eq!(counts(store, job).canceled, 11);
}

fn canceling_some_leaves_a_job_open(store: &dyn Store) {
    let job = open(store, vec![block(3, 1)], None);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(0, 3)]))).unwrap(), 3);
    let shown = store.job(job).unwrap();
    assert_eq!((shown.progress, shown.canceled), (Progress::Open, false));
    store.append(NOW, job, &[block(2, 1)], false).unwrap();
    assert_eq!(Node::new(store).claim_one(9).open, set(&[(3, 5)]));
}

fn what_is_not_there_yet_cannot_be_canceled(store: &dyn Store) {
    let job = open(store, vec![block(3, 1)], None);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(2, 100)]))).unwrap(), 1);
    store.append(NOW, job, &[block(3, 1)], true).unwrap();
    assert_eq!(Node::new(store).claim_one(9).open, set(&[(0, 2), (3, 6)]));
}

fn a_canceled_part_of_a_waiting_range_leaves_the_others(store: &dyn Store) {
    let job = array(store, 80, Policy::default());
    let mut node = Node::new(store);
    node.claim_one(80);
    node.die();
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(4, 6), (30, 40)]))).unwrap(), 12);
    let leases = Node::new(store).claim(99);
    assert_eq!(opens(&leases), [set(&[(0, 4)]), set(&[(6, 16)]), set(&[(40, 50)])], "in eighths as before");
}

fn a_canceled_retry_does_not_come_back(store: &dyn Store) {
    let (job, mut node, _) = mixed(store);
    store.cancel(NOW, job, Some(&one(2))).unwrap();
    let reply = node.exchange(NOW, vec![], Some(any(1)));
    assert_eq!(reply.next_due, None);
    assert!(node.claim_at(NOW + HOUR, any(99)).iter().all(|lease| !lease.open.contains(2)));
}

fn a_lease_that_is_canceled_as_a_whole_is_lost(store: &dyn Store) {
    let (job, mut node, lease) = mixed(store);
    store.cancel(NOW, job, Some(&set(&[(5, 9)]))).unwrap();
    let reply = node.exchange(NOW, vec![], None);
    assert_eq!((reply.lost, reply.open), (vec![name(&lease)], vec![]));
}

fn a_completion_of_a_canceled_task_does_not_count(store: &dyn Store) {
    let (job, mut node, lease) = mixed(store);
    store.cancel(NOW, job, Some(&set(&[(5, 7)]))).unwrap();
    node.done(&lease, set(&[(5, 8)]));
    let c = counts(store, job);
    assert_eq!((c.done, c.canceled, c.running), (2, 2, 0));
}

fn a_canceled_task_does_not_come_back(store: &dyn Store) {
    let (job, mut node, lease) = mixed(store);
    store.cancel(NOW, job, Some(&set(&[(5, 7)]))).unwrap();
    node.report(Report { failed: vec![failed(5, 0)], back: one(6), ..about(&lease) });
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.dead, c.canceled), (14, 1, 1, 2));
    assert_eq!(node.die().waiting, 1);
    assert_eq!(counts(store, job).canceled, 2);
}

fn canceling_a_job_closes_and_finishes_it(store: &dyn Store) {
    let job = open(store, vec![block(6, 1)], None);
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    node.done(&lease, one(0));
    assert_eq!(store.cancel(NOW + 3, job, None).unwrap(), 5);
    let shown = store.job(job).unwrap();
    assert_eq!((shown.progress, shown.canceled), (Progress::Finished(NOW + 3), true));
    assert_eq!((shown.counts.done, shown.counts.canceled), (1, 5));
    let reply = node.exchange(NOW, vec![], Some(any(9)));
    assert_eq!((reply.lost, reply.leases), (vec![name(&lease)], vec![]));
}

fn canceling_the_last_tasks_finishes_the_job(store: &dyn Store) {
    let job = array(store, 3, Policy::default());
    assert_eq!(store.cancel(NOW + 8, job, Some(&set(&[(0, 3)]))).unwrap(), 3);
    let shown = store.job(job).unwrap();
    assert_eq!((shown.progress, shown.canceled), (Progress::Finished(NOW + 8), false));
}

fn canceling_a_finished_job_changes_nothing(store: &dyn Store) {
    let job = array(store, 1, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, 0);
    let before = store.job(job).unwrap();
    assert_eq!(store.cancel(NOW + 5, job, None).unwrap(), 0);
    assert_eq!(store.cancel(NOW + 5, job, Some(&one(0))).unwrap(), 0);
    assert_eq!(store.job(job).unwrap(), before);
}

/// A job whose first `dead` tasks are dead, of failures, and whose others wait.
fn with_dead(store: &dyn Store, n: u64, dead: u64) -> JobId {
    let job = array(store, n, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(n);
    node.report(Report { failed: (0..dead).map(|seq| failed(seq, 0)).collect(), ..about(&lease) });
    store.leave(NOW, node.id).unwrap();
    assert_eq!(counts(store, job).dead, dead);
    job
}

fn retrying_gives_new_attempts(store: &dyn Store) {
    let job = with_dead(store, 1, 1);
    for _ in 0..3 {
        assert_eq!(store.retry(NOW, job, None).unwrap(), 1);
        let c = counts(store, job);
        assert_eq!((c.dead, c.ready, c.retrying), (0, 1, 0), "it has no failed attempt");
        let mut node = Node::new(store);
        let lease = node.claim_one(1);
        assert_eq!(lease.attempts, 0);
        node.fail(&lease, 0, 0);
        assert_eq!(store.dead(job, 0, 9).unwrap()[0].attempts, 1);
    }
}

fn retrying_charges_nothing(store: &dyn Store) {
    let job = array(store, 1, Policy { max_attempts: 2, crash_limit: 2, ..Policy::default() });
    for round in 0..3 {
        for crashes in 0..2 {
            let mut node = Node::new(store);
            let lease = node.claim_one(1);
            assert_eq!((lease.crashes, lease.quarantined), (crashes, crashes == 1), "round {round}");
            node.die();
        }
        assert_eq!(store.dead(job, 0, 9).unwrap()[0].crashes, 2);
        assert_eq!(store.retry(NOW, job, None).unwrap(), 1);
    }
}

fn retried_tasks_wait_as_one_range_per_interval(store: &dyn Store) {
    let job = with_dead(store, 12, 9);
    assert_eq!(store.retry(NOW, job, Some(&set(&[(0, 3), (5, 7)]))).unwrap(), 5);
    let leases = Node::new(store).claim(99);
    assert_eq!(opens(&leases), [set(&[(0, 3)]), set(&[(5, 7)]), set(&[(9, 12)])]);
}

fn retrying_takes_only_the_chosen_dead(store: &dyn Store) {
    let job = with_dead(store, 10, 4);
    store.cancel(NOW, job, Some(&one(8))).unwrap();
    assert_eq!(store.retry(NOW, job, Some(&set(&[(2, 10)]))).unwrap(), 2);
    let dead: Vec<u64> = store.dead(job, 0, 99).unwrap().iter().map(|d| d.seq).collect();
    assert_eq!((dead, counts(store, job).canceled), (vec![0, 1], 1));
    assert_eq!(store.retry(NOW, job, Some(&set(&[(2, 99)]))).unwrap(), 0, "no longer dead");
    assert_eq!(store.retry(NOW, job, None).unwrap(), 2);
}

fn a_finished_job_goes_on_after_a_retry(store: &dyn Store) {
    let job = with_dead(store, 2, 2);
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
    store.retry(NOW + 1, job, Some(&one(1))).unwrap();
    assert_eq!(store.job(job).unwrap().progress, Progress::Closed);
    assert!(store.forget(job).is_err());
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    let last = Report { done: one(1), ..about(&lease) };
    assert!(view(&node.exchange(NOW + 2, vec![last], None), job).finished);
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW + 2));
    let c = counts(store, job);
    assert_eq!((c.done, c.dead), (1, 1));
}

fn a_retry_of_nothing_changes_nothing(store: &dyn Store) {
    let job = with_dead(store, 2, 2);
    let before = store.job(job).unwrap();
    assert_eq!(store.retry(NOW + 1, job, Some(&set(&[(2, 9)]))).unwrap(), 0);
    assert_eq!(store.job(job).unwrap(), before, "it stays finished");
}

fn a_canceled_job_goes_on_with_its_dead(store: &dyn Store) {
    let job = with_dead(store, 5, 2);
    assert_eq!(store.cancel(NOW, job, None).unwrap(), 3);
    assert_eq!(store.retry(NOW, job, None).unwrap(), 2);
    let lease = Node::new(store).claim_one(9);
    assert_eq!(lease.open, set(&[(0, 2)]));
    let shown = store.job(job).unwrap();
    assert_eq!((shown.progress, shown.canceled, shown.counts.canceled), (Progress::Closed, true, 3));
}
