//! The end of sessions: in peace, or with what they held coming back in eighths.

use super::Case;
use super::given::*;
use crate::{Expired, Policy, Progress, Report, Store};
use divvy_core::{Intervals, NodeId};

pub(super) const CASES: &[Case] = super::cases!["loss":
    leaving_gives_everything_back_uncharged,
    leaving_keeps_what_was_charged_before,
    ending_a_session_twice_does_nothing,
    the_end_of_one_session_leaves_the_others_alone,
    a_lost_range_comes_back_in_eighths,
    only_what_was_unfinished_comes_back,
    each_interval_of_a_lost_lease_waits_for_itself,
    the_rest_of_a_range_in_eighths_stays_in_eighths,
    range_max_holds_for_eighths_too,
    all_leases_of_a_lost_node_come_back,
    a_range_is_charged_with_nothing,
    a_task_that_was_alone_is_charged,
    the_last_of_a_lease_was_alone,
    a_suspect_gets_a_node_for_itself,
    a_suspect_that_ends_well_is_done,
    the_crash_limit_condemns_in_quarantine,
    a_crash_limit_of_one_condemns_at_once,
    a_bystander_is_not_condemned,
    a_lost_retry_comes_back_with_its_attempts,
    a_deadly_task_is_isolated_and_dies_alone,
    the_last_task_dying_finishes_the_job,
    an_open_job_whose_producer_is_lost_stays_open,
    losses_that_kill_too_many_cancel_their_job_when_all_came_back,
];

fn leaving_gives_everything_back_uncharged(store: &dyn Store) {
    let job = array(store, 20, Policy { max_attempts: 1, crash_limit: 1, ..Policy::default() });
    let mut node = Node::new(store);
    let [a, _] = [8, 2].map(|n| node.claim_one(n));
    node.done(&a, one(3));
    store.leave(NOW, node.id).unwrap();
    assert_eq!((counts(store, job).ready, counts(store, job).done), (19, 1));
    let leases = Node::new(store).claim(99);
    assert_eq!(opens(&leases), [set(&[(0, 3)]), set(&[(4, 8)]), set(&[(8, 10)]), set(&[(10, 20)])]);
    assert!(leases.iter().all(|l| (l.attempts, l.crashes) == (0, 0)));
}

fn leaving_keeps_what_was_charged_before(store: &dyn Store) {
    array(store, 1, Policy { max_attempts: 3, crash_limit: 9, ..Policy::default() });
    let mut node = Node::new(store);
    node.claim_one(1);
    node.die();
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, 0);
    node.claim_one(1);
    store.leave(NOW, node.id).unwrap();
    let lease = Node::new(store).claim_one(1);
    assert_eq!((lease.attempts, lease.crashes), (1, 1));
}

fn ending_a_session_twice_does_nothing(store: &dyn Store) {
    let job = array(store, 4, Policy::default());
    let (mut left, mut lost) = (Node::new(store), Node::new(store));
    left.claim_one(2);
    lost.claim_one(2);
    store.leave(NOW, left.id).unwrap();
    assert_eq!(store.expire(NOW, lost.id).unwrap(), Expired { leases: 1, waiting: 2, dead: 0 });
    let mut heir = Node::new(store);
    heir.claim(9);
    let before = store.job(job).unwrap();
    for id in [left.id, lost.id, NodeId(999)] {
        store.leave(NOW, id).unwrap();
        assert_eq!(store.expire(NOW, id).unwrap(), Expired::default());
    }
    assert_eq!(store.job(job).unwrap(), before);
}

fn the_end_of_one_session_leaves_the_others_alone(store: &dyn Store) {
    let job = array(store, 6, Policy::default());
    let [mut a, mut b, mut c] = [(); 3].map(|()| Node::new(store));
    let (kept, _, _) = (a.claim_one(2), b.claim_one(2), c.claim_one(2));
    b.die();
    store.leave(NOW, c.id).unwrap();
    assert_eq!(a.exchange(NOW, vec![], None).lost, []);
    a.done(&kept, kept.open.clone());
    assert_eq!((counts(store, job).done, counts(store, job).ready), (2, 4));
}

fn a_lost_range_comes_back_in_eighths(store: &dyn Store) {
    let job = array(store, 100, Policy::default());
    let mut node = Node::new(store);
    node.claim_one(70);
    assert_eq!(node.die(), Expired { leases: 1, waiting: 70, dead: 0 });
    assert_eq!((counts(store, job).ready, counts(store, job).running), (100, 0));
    let mut node = Node::new(store);
    assert_eq!(
        opens(&node.claim(99)),
        [set(&[(0, 9)]), set(&[(70, 100)])],
        "an eighth of 70 is 9, rounded up"
    );
    let (second, third) = (node.claim_one(99), node.claim_one(5));
    assert_eq!((second.open, third.open), (set(&[(9, 18)]), set(&[(18, 23)])));
}

fn only_what_was_unfinished_comes_back(store: &dyn Store) {
    let job = array_with_attempts(store, 50, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(50);
    let report = Report { failed: vec![failed(8, HOUR)], back: one(9), ..about(&lease) };
    node.report(Report { done: set(&[(0, 8), (30, 40)]), ..report });
    store.cancel(NOW, job, Some(&set(&[(40, 44)]))).unwrap();
    assert_eq!(node.die(), Expired { leases: 1, waiting: 26, dead: 0 });
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.done, c.canceled), (27, 1, 18, 4));
    assert_eq!(opens(&Node::new(store).claim(99)), [one(9), set(&[(10, 14)]), set(&[(44, 48)])]);
}

fn each_interval_of_a_lost_lease_waits_for_itself(store: &dyn Store) {
    array(store, 32, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(32);
    node.done(&lease, set(&[(1, 10), (12, 18)]));
    node.die();
    let leases = Node::new(store).claim(99);
    assert_eq!(opens(&leases), [one(0), set(&[(10, 12)]), set(&[(18, 21)])], "an eighth of all 17 is 3");
}

fn the_rest_of_a_range_in_eighths_stays_in_eighths(store: &dyn Store) {
    array(store, 64, Policy::default());
    let mut node = Node::new(store);
    node.claim_one(64);
    node.die();
    let mut node = Node::new(store);
    for lo in (0..64).step_by(8) {
        assert_eq!(node.claim_one(99).open, set(&[(lo, lo + 8)]));
    }
    assert_eq!(node.claim(99), []);
}

fn range_max_holds_for_eighths_too(store: &dyn Store) {
    array(store, 64, Policy { range_max: 20, ..Policy::default() });
    let mut node = Node::new(store);
    node.claim_one(64);
    node.die();
    let leases = Node::new(store).claim(99);
    assert_eq!(opens(&leases), [set(&[(0, 3)]), set(&[(20, 40)])]);
}

fn all_leases_of_a_lost_node_come_back(store: &dyn Store) {
    let jobs = [9, 4].map(|n| array(store, n, Policy::default()));
    let mut node = Node::new(store);
    for n in [5, 1, 99, 99] {
        node.claim_one(n);
    }
    assert_eq!(node.die(), Expired { leases: 4, waiting: 13, dead: 0 });
    assert_eq!(jobs.map(|job| counts(store, job).ready), [9, 4]);
}

fn a_range_is_charged_with_nothing(store: &dyn Store) {
    array(store, 2, Policy { max_attempts: 1, crash_limit: 1, ..Policy::default() });
    let mut node = Node::new(store);
    node.claim_one(2);
    node.die();
    let lease = Node::new(store).claim_one(1);
    assert_eq!((lease.open.clone(), lease.attempts, lease.crashes), (one(0), 0, 0));
}

fn a_task_that_was_alone_is_charged(store: &dyn Store) {
    let job = array(store, 1, Policy { crash_limit: 9, ..Policy::default() });
    for crashes in 0..7 {
        let mut node = Node::new(store);
        let lease = node.claim_one(9);
        assert_eq!((lease.crashes, lease.attempts, lease.quarantined), (crashes, 0, false));
        assert_eq!(node.die(), Expired { leases: 1, waiting: 1, dead: 0 });
        assert_eq!(counts(store, job).ready, 1, "lost, and not failed");
    }
}

fn the_last_of_a_lease_was_alone(store: &dyn Store) {
    array(store, 5, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(5);
    node.done(&lease, set(&[(0, 3), (4, 5)]));
    node.die();
    let lease = Node::new(store).claim_one(5);
    assert_eq!((lease.open.clone(), lease.crashes), (one(3), 1));
}

/// Makes task 0 of a job of `n` tasks a suspect: with its next loss it has reached the limit of 3.
fn suspect(store: &dyn Store, n: u64) -> divvy_core::JobId {
    let job = array(store, n, Policy { crash_limit: 3, ..Policy::default() });
    for _ in 0..2 {
        let mut node = Node::new(store);
        assert_eq!(node.claim_one(1).open, one(0));
        node.die();
    }
    job
}

fn a_suspect_gets_a_node_for_itself(store: &dyn Store) {
    let other = array(store, 2, Policy::default());
    let mut busy = Node::new(store);
    let held = busy.claim_one(1);
    assert_eq!(held.job, other);
    let blocker = busy.claim_one(1);
    assert_eq!(blocker.job, other);
    let job = suspect(store, 4);
    let beside = busy.claim_one(1);
    assert_eq!(
        (beside.job, beside.open.clone()),
        (job, one(1)),
        "a node that holds something gets what comes after"
    );
    busy.give_back(&blocker, blocker.open.clone());

    let mut idle = Node::new(store);
    let leases = idle.claim(9);
    assert_eq!((leases[0].job, leases.len()), (other, 1), "an earlier job comes first");
    let reports = vec![Report { done: leases[0].open.clone(), ..about(&leases[0]) }];
    let reply = idle.exchange(NOW, reports, Some(any(9)));
    assert_eq!(opens(&reply.leases), [one(0)], "and nothing beside it");
    let lease = &reply.leases[0];
    assert_eq!((lease.job, lease.crashes, lease.quarantined), (job, 2, true));
    assert_eq!(idle.claim(9), [], "nor later, while it has the suspect");
    let claim = idle.exchange(NOW, vec![Report { back: one(0), ..about(lease) }], Some(any(9)));
    assert_eq!(opens(&claim.leases), [one(0)], "it has ended, and the suspect is again the first");
    let reports = vec![Report { done: one(0), ..about(&claim.leases[0]) }];
    let reply = idle.exchange(NOW, reports, Some(any(9)));
    assert_eq!(opens(&reply.leases), [set(&[(2, 4)])]);
    assert!(!reply.leases[0].quarantined);
    assert_eq!(busy.held.len(), 2);
}

fn a_suspect_that_ends_well_is_done(store: &dyn Store) {
    let job = suspect(store, 1);
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.done(&lease, one(0));
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn the_crash_limit_condemns_in_quarantine(store: &dyn Store) {
    let job = suspect(store, 2);
    let mut node = Node::new(store);
    assert!(node.claim_one(9).quarantined);
    assert_eq!(node.die(), Expired { leases: 1, waiting: 0, dead: 1 });
    let dead = store.dead(job, 0, 9).unwrap();
    assert_eq!((dead.len(), dead[0].seq, dead[0].attempts, dead[0].crashes), (1, 0, 0, 3));
    assert!(dead[0].error.contains('3'), "it says how often: {:?}", dead[0].error);
    let lease = Node::new(store).claim_one(9);
    assert_eq!((lease.open, lease.quarantined), (one(1), false), "the others go on");
}

fn a_crash_limit_of_one_condemns_at_once(store: &dyn Store) {
    let job = array(store, 3, Policy { crash_limit: 1, ..Policy::default() });
    let mut node = Node::new(store);
    let (alone, pair) = (node.claim_one(1), node.claim_one(2));
    assert!(!alone.quarantined && !pair.quarantined, "there is nothing to suspect before");
    assert_eq!(node.die(), Expired { leases: 2, waiting: 2, dead: 1 });
    assert_eq!(store.dead(job, 0, 9).unwrap()[0].crashes, 1);
}

/// A long task on a node where another task kills again and again: it is charged, but what it is condemned for
/// has to happen while it is the only one.
fn a_bystander_is_not_condemned(store: &dyn Store) {
    let job = array(store, 1, Policy { crash_limit: 3, ..Policy::default() });
    let deadly = array(store, 9, Policy { crash_limit: 100, ..Policy::default() });
    for crashes in 0..2 {
        let mut node = Node::new(store);
        assert_eq!(node.claim_one(1).crashes, crashes);
        assert_eq!(node.claim_one(1).job, deadly);
        node.die();
    }
    for _ in 0..5 {
        let mut node = Node::new(store);
        let claim = crate::Claim { only: Some(deadly), ..any(1) };
        assert_eq!(node.claim_at(NOW, claim)[0].job, deadly);
        assert_eq!(node.claim_one(1).job, deadly, "it is not leased beside anything else any more");
        node.die();
    }
    assert_eq!((counts(store, job).ready, counts(store, job).dead), (1, 0));
}

fn a_lost_retry_comes_back_with_its_attempts(store: &dyn Store) {
    let job = array(store, 1, Policy { max_attempts: 3, crash_limit: 9, ..Policy::default() });
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, 0);
    assert_eq!(node.claim_one(1).attempts, 1);
    assert_eq!(node.die(), Expired { leases: 1, waiting: 1, dead: 0 });
    assert_eq!((counts(store, job).retrying, counts(store, job).done), (1, 0));
    let lease = Node::new(store).claim_one(1);
    assert_eq!((lease.attempts, lease.crashes), (1, 1));
}

fn a_deadly_task_is_isolated_and_dies_alone(store: &dyn Store) {
    let (n, deadly) = (300, 137);
    let job = array(store, n, Policy::default());
    let (mut node, mut losses, mut done) = (Node::new(store), 0, Intervals::new());
    for _ in 0..2_000 {
        let leases = node.claim(n);
        if leases.is_empty() {
            break;
        }
        if leases.iter().any(|lease| lease.open.contains(deadly)) {
            losses += 1;
            node.die();
            node = Node::new(store);
            continue;
        }
        for lease in leases {
            assert_eq!(done.intersect(&lease.open), Intervals::new(), "done twice");
            done.insert_all(&lease.open);
            node.done(&lease, lease.open.clone());
        }
    }
    let dead: Vec<(u64, u32)> = store.dead(job, 0, 9).unwrap().iter().map(|d| (d.seq, d.crashes)).collect();
    assert_eq!(dead, [(deadly, 5)], "it and no other");
    assert_eq!(counts(store, job).done, n - 1);
    assert!(losses <= 3 + 5, "300, 38, 5, then 5 times alone; not {losses} losses");
}

fn the_last_task_dying_finishes_the_job(store: &dyn Store) {
    let job = array(store, 1, Policy { crash_limit: 1, ..Policy::default() });
    let mut node = Node::new(store);
    node.claim_one(1);
    store.expire(NOW + 7, node.id).unwrap();
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW + 7));
    assert_eq!(store.dead(job, 0, 1).unwrap()[0].at, NOW + 7);
}

fn an_open_job_whose_producer_is_lost_stays_open(store: &dyn Store) {
    let node = Node::new(store);
    let job = open(store, vec![block(1, 1)], Some(node.id));
    node.die();
    assert_eq!(store.job(job).unwrap().progress, Progress::Open);
    assert!(store.append(NOW, job, &[block(1, 1)], true).is_ok());
}

fn losses_that_kill_too_many_cancel_their_job_when_all_came_back(store: &dyn Store) {
    let policy = Policy { crash_limit: 1, max_fails: Some(0), ..Policy::default() };
    let job = array(store, 20, policy);
    let (mut node, mut other) = (Node::new(store), Node::new(store));
    for n in [1, 1, 5] {
        node.claim_one(n);
    }
    let elsewhere = other.claim_one(1);
    assert_eq!(node.die(), Expired { leases: 3, waiting: 5, dead: 2 });
    let c = counts(store, job);
    assert_eq!((c.ready, c.running, c.dead, c.canceled), (0, 0, 2, 18));
    assert!(store.job(job).unwrap().canceled);
    assert_eq!(other.exchange(NOW, vec![], None).lost, [name(&elsewhere)]);
}
