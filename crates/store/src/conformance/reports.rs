//! Reports: what became of leased tasks, and which reports count.

use super::Case;
use super::given::*;
use crate::{Exchange, Failed, Policy, Report, Store, TaskState};
use divvy_core::{Fence, JobId};

pub(super) const CASES: &[Case] = super::cases!["reports":
    done_tasks_leave_the_lease,
    an_empty_report_changes_nothing,
    done_comes_before_failed_before_back,
    tasks_that_are_not_in_the_lease_are_ignored,
    a_report_may_be_sent_twice,
    a_report_of_an_ended_lease_is_stale,
    a_report_under_an_older_fence_is_stale,
    a_report_of_another_nodes_lease_is_stale,
    a_stale_report_changes_nothing_else,
    stale_counts_the_tasks_called_done,
    reports_are_applied_in_their_order,
    reports_come_before_the_claim,
    a_failed_task_waits_alone_with_its_attempt,
    a_task_is_dead_after_its_last_attempt,
    attempts_are_counted_per_task,
    a_failure_keeps_the_crashes,
    the_dead_are_listed_in_order,
    what_is_given_back_is_charged_with_nothing,
    what_is_given_back_waits_interval_by_interval,
    what_is_given_back_forgets_its_eighths,
    a_retry_that_is_given_back_keeps_its_attempts,
    too_many_dead_cancel_their_job,
    an_open_job_with_too_many_dead_is_closed,
    reports_count_before_too_many_dead_cancel_their_job,
    a_job_is_canceled_for_its_dead_before_the_claim,
    a_job_that_finishes_with_too_many_dead_is_not_canceled,
    the_dead_that_a_retry_leaves_cancel_nothing,
];

fn done_tasks_leave_the_lease(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(6);
    node.done(&lease, set(&[(0, 1), (3, 5)]));
    let c = counts(store, job);
    assert_eq!((c.ready, c.running, c.done), (4, 3, 3));
    node.done(&lease, set(&[(1, 3), (5, 6)]));
    let c = counts(store, job);
    assert_eq!((c.ready, c.running, c.done), (4, 0, 6));
}

fn an_empty_report_changes_nothing(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(6);
    let before = store.job(job).unwrap();
    assert_eq!(node.report(about(&lease)).lost, []);
    assert_eq!(store.job(job).unwrap(), before);
}

fn done_comes_before_failed_before_back(store: &dyn Store) {
    let job = array_with_attempts(store, 4, 1);
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    let failures = vec![failed(1, 0), failed(2, 0), failed(2, 0)];
    let report = Report { done: set(&[(0, 2)]), failed: failures, back: set(&[(0, 4)]), ..about(&lease) };
    assert_eq!(node.report(report).lost, [name(&lease)]);
    let c = counts(store, job);
    assert_eq!((c.done, c.dead, c.ready), (2, 1, 1));
    assert_eq!(store.task(job, 2).unwrap().unwrap().state, TaskState::Dead);
    assert_eq!(store.task(job, 3).unwrap().unwrap().state, TaskState::Ready);
}

fn tasks_that_are_not_in_the_lease_are_ignored(store: &dyn Store) {
    let job = array_with_attempts(store, 12, 2);
    let (mut node, mut other) = (Node::new(store), Node::new(store));
    let (before, lease, after) = (node.claim_one(3), node.claim_one(3), other.claim_one(3));
    node.done(&lease, one(4));
    let report = Report {
        done: set(&[(0, 4), (6, 100)]),
        failed: vec![failed(1, 0), failed(4, 0), failed(7, 0), failed(11, 0), failed(500, 0)],
        back: set(&[(0, 5), (6, 12)]),
        ..about(&lease)
    };
    assert_eq!(node.report(report).lost, []);
    let c = counts(store, job);
    assert_eq!((c.running, c.done, c.ready, c.retrying, c.dead), (3 + 1 + 3, 2, 3, 0, 0));
    assert_eq!(node.done(&before, before.open.clone()).lost, [name(&before)]);
    assert_eq!(other.done(&after, after.open.clone()).lost, [name(&after)]);
    assert_eq!(counts(store, job).done, 8);
}

fn a_report_may_be_sent_twice(store: &dyn Store) {
    let job = array_with_attempts(store, 10, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(8);
    let failures = vec![failed(2, HOUR), failed(3, HOUR)];
    let report = Report { done: set(&[(0, 2)]), failed: failures, back: one(4), ..about(&lease) };
    node.report(report.clone());
    let first = store.job(job).unwrap();
    node.report(report.clone());
    assert_eq!(store.job(job).unwrap(), first, "while the lease lives");
    assert_eq!(first.counts.retrying, 2, "and the failures are charged once");
    node.done(&lease, set(&[(5, 8)]));
    let first = store.job(job).unwrap();
    node.report(report);
    let second = store.job(job).unwrap();
    assert_eq!(second.counts, first.counts, "and when it has ended");
}

fn a_report_of_an_ended_lease_is_stale(store: &dyn Store) {
    let job = array(store, 4, Policy::default());
    let (mut node, mut other) = (Node::new(store), Node::new(store));
    let lease = node.claim_one(4);
    node.give_back(&lease, lease.open.clone());
    let again = other.claim_one(4);
    node.done(&lease, lease.open.clone());
    let shown = store.job(job).unwrap();
    assert_eq!((shown.counts.done, shown.counts.running, shown.stale), (0, 4, 4));
    other.done(&again, again.open.clone());
    let shown = store.job(job).unwrap();
    assert_eq!((shown.counts.done, shown.stale), (4, 4));
}

fn a_report_under_an_older_fence_is_stale(store: &dyn Store) {
    let job = array(store, 4, Policy::default());
    let mut node = Node::new(store);
    let old = node.claim_one(4);
    node.give_back(&old, old.open.clone());
    let new = node.claim_one(4);
    assert!(new.fence > old.fence);
    node.done(&old, one(0));
    let future = Report { fence: Fence(new.fence.0 + 1), done: one(1), ..about(&new) };
    node.report(future);
    let shown = store.job(job).unwrap();
    assert_eq!((shown.counts.done, shown.counts.running, shown.stale), (0, 4, 2));
}

fn a_report_of_another_nodes_lease_is_stale(store: &dyn Store) {
    let job = array_with_attempts(store, 4, 3);
    let (mut node, mut other) = (Node::new(store), Node::new(store));
    let lease = node.claim_one(4);
    let report = Report { done: one(0), failed: vec![failed(1, 0)], back: one(2), ..about(&lease) };
    other.report(report);
    let shown = store.job(job).unwrap();
    assert_eq!((shown.counts.running, shown.stale), (4, 1));
    assert_eq!(node.done(&lease, lease.open.clone()).lost, [name(&lease)], "the holder's lease is whole");
}

fn a_stale_report_changes_nothing_else(store: &dyn Store) {
    let job = array_with_attempts(store, 9, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    node.give_back(&lease, lease.open.clone());
    let before = store.job(job).unwrap();
    let report = Report { failed: vec![failed(0, 0), failed(5, 0)], back: set(&[(0, 9)]), ..about(&lease) };
    node.report(Report { done: set(&[(0, 9)]), ..report.clone() });
    let after = store.job(job).unwrap();
    assert_eq!(after, crate::JobInfo { stale: after.stale, ..before });
    node.report(report);
    assert_eq!(store.job(job).unwrap(), after, "nothing was called done");
}

fn stale_counts_the_tasks_called_done(store: &dyn Store) {
    let (job, other) = (array(store, 9, Policy::default()), array(store, 9, Policy::default()));
    let mut node = Node::new(store);
    let stale = |job, done| Report { job, fence: Fence(7), done, ..Report::default() };
    let reports = vec![stale(job, set(&[(0, 3), (5, 7)])), stale(JobId(99), one(0)), stale(job, one(1))];
    node.exchange(NOW, reports, None);
    assert_eq!((store.job(job).unwrap().stale, store.job(other).unwrap().stale), (6, 0));
}

fn reports_are_applied_in_their_order(store: &dyn Store) {
    let job = array(store, 6, Policy::default());
    let mut node = Node::new(store);
    let [a, b] = [3, 3].map(|n| node.claim_one(n));
    let reports = vec![
        Report { failed: vec![failed(0, 0)], ..about(&a) },
        Report { done: set(&[(3, 5)]), ..about(&b) },
        Report { done: set(&[(0, 3)]), ..about(&a) },
    ];
    assert_eq!(node.exchange(NOW, reports, None).lost, [name(&a)]);
    let c = counts(store, job);
    assert_eq!((c.done, c.dead, c.running), (4, 1, 1));
}

fn reports_come_before_the_claim(store: &dyn Store) {
    array_with_attempts(store, 6, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(6);
    let report = Report { done: one(0), failed: vec![failed(1, 0)], back: set(&[(2, 4)]), ..about(&lease) };
    let reply = node.exchange(NOW, vec![report], Some(any(9)));
    assert_eq!(opens(&reply.leases), [one(1), set(&[(2, 4)])]);
    let rest = Exchange {
        held: node.held.clone(),
        reports: vec![Report { done: set(&[(4, 6)]), ..about(&lease) }],
        claim: None,
    };
    assert_eq!(store.exchange(NOW, node.id, &rest).unwrap().lost, [name(&lease)]);
}

fn a_failed_task_waits_alone_with_its_attempt(store: &dyn Store) {
    let job = array_with_attempts(store, 6, 3);
    let mut node = Node::new(store);
    let lease = node.claim_one(6);
    assert_eq!(lease.attempts, 0);
    node.report(Report { failed: vec![failed(2, HOUR), failed(1, HOUR), failed(3, HOUR)], ..about(&lease) });
    assert_eq!(counts(store, job).retrying, 3);
    let leases = node.claim_at(NOW + HOUR, any(9));
    assert_eq!(opens(&leases), [one(1), one(2), one(3)]);
    assert!(leases.iter().all(|l| (l.attempts, l.crashes, l.quarantined) == (1, 0, false)), "{leases:?}");
}

fn a_task_is_dead_after_its_last_attempt(store: &dyn Store) {
    let job = array_with_attempts(store, 3, 3);
    let mut node = Node::new(store);
    let lease = node.claim_one(3);
    node.fail(&lease, 1, 0);
    for attempts in 1..3 {
        let again = node.claim_one(1);
        assert_eq!((again.open.clone(), again.attempts), (one(1), attempts));
        node.fail(&again, 1, 0);
    }
    assert_eq!(counts(store, job).dead, 1);
    let dead = store.dead(job, 0, 10).unwrap().remove(0);
    assert_eq!((dead.seq, dead.attempts, dead.crashes, dead.at), (1, 3, 0, NOW));
    assert_eq!(dead.error, "error of 1");
    assert_eq!(node.claim(9), []);
}

fn attempts_are_counted_per_task(store: &dyn Store) {
    let job = array_with_attempts(store, 2, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(2);
    node.fail(&lease, 0, 0);
    let again = node.claim_one(1);
    node.fail(&again, 0, 0);
    node.fail(&lease, 1, 0);
    let c = counts(store, job);
    assert_eq!((c.dead, c.retrying), (1, 1), "the second has failed once");
    let again = node.claim_one(1);
    assert_eq!((again.open.clone(), again.attempts), (one(1), 1));
    node.done(&again, one(1));
    assert_eq!(counts(store, job).done, 1);
}

fn a_failure_keeps_the_crashes(store: &dyn Store) {
    array(store, 1, Policy { max_attempts: 5, crash_limit: 9, ..Policy::default() });
    let mut node = Node::new(store);
    node.claim_one(1);
    node.die();
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    assert_eq!((lease.attempts, lease.crashes), (0, 1));
    node.fail(&lease, 0, 0);
    let lease = node.claim_one(1);
    assert_eq!((lease.attempts, lease.crashes), (1, 1));
}

fn the_dead_are_listed_in_order(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(10);
    let fail = |seq| Failed { seq, error: format!("é{seq}\n"), retry_ms: 0, outgrown: false };
    node.report(Report { failed: [7, 1, 4, 9].map(fail).to_vec(), ..about(&lease) });
    let seqs = |from, limit| store.dead(job, from, limit).unwrap().iter().map(|d| d.seq).collect::<Vec<_>>();
    assert_eq!(seqs(0, 100), [1, 4, 7, 9]);
    assert_eq!(seqs(4, 2), [4, 7]);
    assert_eq!(seqs(5, 1), [7]);
    assert_eq!((seqs(10, 5), seqs(0, 0)), (vec![], vec![]));
    assert_eq!(store.dead(job, 9, 1).unwrap()[0].error, "é9\n");
}

fn what_is_given_back_is_charged_with_nothing(store: &dyn Store) {
    let job = array(store, 5, Policy { max_attempts: 1, crash_limit: 1, ..Policy::default() });
    let mut node = Node::new(store);
    for _ in 0..4 {
        let lease = node.claim_one(5);
        assert_eq!((lease.attempts, lease.crashes, lease.open.clone()), (0, 0, set(&[(0, 5)])));
        node.give_back(&lease, lease.open.clone());
    }
    assert_eq!(counts(store, job).ready, 5);
}

fn what_is_given_back_waits_interval_by_interval(store: &dyn Store) {
    array(store, 10, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(10);
    node.give_back(&lease, set(&[(1, 3), (4, 5), (8, 10)]));
    assert_eq!(opens(&node.claim(99)), [set(&[(1, 3)]), one(4), set(&[(8, 10)])]);
}

fn what_is_given_back_forgets_its_eighths(store: &dyn Store) {
    array(store, 80, Policy::default());
    let mut node = Node::new(store);
    node.claim_one(80);
    node.die();
    let mut node = Node::new(store);
    let eighth = node.claim_one(80);
    assert_eq!(eighth.open, set(&[(0, 10)]));
    node.give_back(&eighth, eighth.open.clone());
    assert_eq!(opens(&node.claim(80)), [set(&[(0, 10)]), set(&[(10, 20)])]);
}

fn a_retry_that_is_given_back_keeps_its_attempts(store: &dyn Store) {
    let job = array(store, 1, Policy { max_attempts: 3, crash_limit: 9, ..Policy::default() });
    let mut node = Node::new(store);
    node.claim_one(1);
    node.die();
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, 0);
    let lease = node.claim_one(1);
    node.give_back(&lease, one(0));
    let c = counts(store, job);
    assert_eq!((c.retrying, c.ready), (1, 0), "a failed attempt is behind it");
    let lease = node.claim_one(1);
    assert_eq!((lease.attempts, lease.crashes), (1, 1));
}

fn with_max_fails(store: &dyn Store, n: u64, max_fails: u64) -> JobId {
    array(store, n, Policy { max_fails: Some(max_fails), ..Policy::default() })
}

fn is_canceled(store: &dyn Store, job: JobId) -> bool {
    store.job(job).unwrap().canceled
}

fn too_many_dead_cancel_their_job(store: &dyn Store) {
    let job = with_max_fails(store, 20, 1);
    let (mut node, mut other) = (Node::new(store), Node::new(store));
    let (lease, elsewhere) = (node.claim_one(6), other.claim_one(6));
    node.give_back(&lease, one(5));
    node.fail(&lease, 0, 0);
    assert!(!is_canceled(store, job), "so many may fail");
    let reply = node.fail(&lease, 1, 0);
    assert_eq!((reply.lost, reply.leases), (vec![name(&lease)], vec![]));
    let claim = crate::Claim { only: Some(job), ..any(9) };
    let seen = view(&other.exchange(NOW, vec![], Some(claim)), job);
    assert_eq!((seen.finished, seen.dead, other.held.len()), (true, 2, 0));
    assert_eq!(node.done(&elsewhere, one(6)).leases, []);
    let c = counts(store, job);
    assert_eq!((c.ready, c.running, c.done, c.dead, c.canceled), (0, 0, 0, 2, 18));
    assert!(is_canceled(store, job));
}

fn an_open_job_with_too_many_dead_is_closed(store: &dyn Store) {
    let policy = Policy { max_fails: Some(0), ..Policy::default() };
    let input = crate::Input::Open(vec![block(3, 1)], None);
    let job = store.submit(NOW, &crate::NewJob { spec: spec(policy), input, paused: false }).unwrap();
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, 0);
    assert!(matches!(store.append(NOW, job, &[block(1, 1)], false), Err(crate::Error::Conflict { .. })));
    let info = store.job(job).unwrap();
    assert_eq!((info.progress, info.producer, info.canceled), (crate::Progress::Finished(NOW), None, true));
}

fn reports_count_before_too_many_dead_cancel_their_job(store: &dyn Store) {
    let job = with_max_fails(store, 20, 0);
    let mut node = Node::new(store);
    let [a, b] = [4, 4].map(|n| node.claim_one(n));
    let first = Report { done: one(0), failed: vec![failed(1, 0), failed(2, 0)], ..about(&a) };
    let second = Report { done: set(&[(4, 6)]), back: one(6), ..about(&b) };
    node.exchange(NOW, vec![first, second], None);
    let c = counts(store, job);
    assert_eq!((c.done, c.dead, c.canceled), (3, 2, 15));
}

fn a_job_is_canceled_for_its_dead_before_the_claim(store: &dyn Store) {
    let job = with_max_fails(store, 20, 0);
    let next = array(store, 1, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    assert_eq!(lease.job, job);
    let report = Report { failed: vec![failed(0, 0)], ..about(&lease) };
    assert_eq!(node.exchange(NOW, vec![report], Some(any(9))).leases[0].job, next);
}

fn a_job_that_finishes_with_too_many_dead_is_not_canceled(store: &dyn Store) {
    let job = with_max_fails(store, 1, 0);
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, 0);
    assert!(!is_canceled(store, job), "nothing was left to cancel");
    assert!(matches!(store.job(job).unwrap().progress, crate::Progress::Finished(_)));
}

fn the_dead_that_a_retry_leaves_cancel_nothing(store: &dyn Store) {
    let job = with_max_fails(store, 5, 0);
    let mut node = Node::new(store);
    let lease = node.claim_one(5);
    let report = Report { failed: (0..4).map(|seq| failed(seq, 0)).collect(), ..about(&lease) };
    node.report(report);
    assert_eq!(store.retry(NOW, job, Some(&set(&[(0, 3)]))).unwrap(), 3);
    let lease = node.claim_one(5);
    assert_eq!(lease.open, set(&[(0, 3)]));
    node.done(&lease, one(0));
    let c = counts(store, job);
    assert_eq!((c.running, c.done, c.dead, c.canceled), (2, 1, 1, 1), "3 stays dead, 4 was canceled");
    node.fail(&lease, 1, 0);
    let c = counts(store, job);
    assert_eq!((c.running, c.done, c.dead, c.canceled), (0, 1, 2, 2), "with the next death it is canceled");
}
