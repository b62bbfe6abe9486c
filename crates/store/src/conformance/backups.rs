//! Backups: what a node without work may take from another, and what becomes of it.

use super::Case;
use super::given::*;
use crate::{Backup, Claim, Policy, Report, Store};
use divvy_core::JobId;

pub(super) const CASES: &[Case] = super::cases!["backups":
    nothing_is_taken_where_the_policy_does_not_say_so,
    the_upper_half_is_taken_and_the_holder_is_told,
    the_last_task_is_taken_and_its_lease_ends,
    who_holds_more_than_asked_for_is_left_alone,
    it_is_taken_from_who_was_granted_nothing_for_longest,
    nothing_is_taken_while_anything_else_can_be_granted,
    nobody_takes_from_itself,
    the_first_outcome_counts,
    what_was_taken_comes_back_from_the_taker_alone,
    attempts_go_along_and_crashes_are_left_alone,
    bounds_hold_for_what_is_taken,
    a_job_that_rests_is_left_alone,
    views_tell_what_might_be_taken,
];

fn job(store: &dyn Store, tasks: u64) -> JobId {
    array(store, tasks, Policy { backups: true, max_attempts: 3, ..Policy::default() })
}

/// A claim that would take as much of the job as others hold.
fn taking(job: JobId, tasks: u64) -> Claim {
    Claim { backups: vec![Backup { job, tasks }], ..any(9) }
}

fn nothing_is_taken_where_the_policy_does_not_say_so(store: &dyn Store) {
    let [plain, exclusive] = [false, true].map(|exclusive| {
        let job = array(store, 2, Policy { backups: exclusive, exclusive, ..Policy::default() });
        Node::new(store).claim_one(9);
        job
    });
    let mut idle = Node::new(store);
    for job in [plain, exclusive, JobId(99)] {
        assert_eq!(idle.claim_at(NOW, taking(job, 9)), []);
    }
}

fn the_upper_half_is_taken_and_the_holder_is_told(store: &dyn Store) {
    let job = job(store, 5);
    let (mut slow, mut idle) = (Node::new(store), Node::new(store));
    let held = slow.claim_one(9);
    assert_eq!(held.taken, 0);
    let taken = idle.claim_at(NOW, taking(job, 5)).remove(0);
    assert_eq!(taken.open, set(&[(2, 5)]), "rounded up");
    assert!(taken.taken == 1 && taken.fence > held.fence);
    let reply = slow.exchange(NOW, vec![], None);
    assert_eq!((reply.lost, reply.open), (vec![], vec![(name(&held), set(&[(0, 2)]))]));
    assert_eq!(counts(store, job).running, 5);
}

fn the_last_task_is_taken_and_its_lease_ends(store: &dyn Store) {
    let job = job(store, 1);
    let (mut slow, mut idle) = (Node::new(store), Node::new(store));
    let held = slow.claim_one(9);
    assert_eq!(idle.claim_at(NOW, taking(job, 1)).remove(0).open, one(0));
    let reply = slow.exchange(NOW, vec![], Some(any(9)));
    assert_eq!((reply.lost, reply.leases), (vec![name(&held)], vec![]));
    // And from there it may be taken again, if that node is slow as well, but each time only by who has waited longer.
    assert_eq!(slow.claim_at(NOW, taking(job, 3)), []);
    let again = slow.claim_at(NOW, taking(job, 4)).remove(0);
    assert_eq!((again.open, again.taken), (one(0), 2));
    assert_eq!(idle.claim_at(NOW, taking(job, 15)), []);
    assert_eq!(idle.claim_at(NOW, taking(job, 16)).len(), 1);
}

fn who_holds_more_than_asked_for_is_left_alone(store: &dyn Store) {
    let job = job(store, 7);
    let mut slow = Node::new(store);
    let (first, _) = (slow.claim_one(3), slow.claim_one(4));
    let mut idle = Node::new(store);
    assert_eq!(idle.claim_at(NOW, taking(job, 6)), [], "all that it holds of the job counts");
    slow.done(&first, one(0));
    assert_eq!(idle.claim_at(NOW, taking(job, 6)).remove(0).open, set(&[(5, 7)]), "of the newest lease");
}

fn it_is_taken_from_who_was_granted_nothing_for_longest(store: &dyn Store) {
    let job = job(store, 6);
    let (mut busy, mut slow) = (Node::new(store), Node::new(store));
    let first = busy.claim_one(1);
    slow.claim_one(2);
    busy.claim_one(3);
    let mut idle = Node::new(store);
    assert_eq!(idle.claim_at(NOW, taking(job, 9)).remove(0).open, one(2));
    assert_eq!(idle.claim_at(NOW, taking(job, 9)).remove(0).open, one(1));
    // The older lease of the other one does not make it slow.
    assert_eq!(idle.claim_at(NOW, taking(job, 9)).remove(0).open, set(&[(4, 6)]));
    assert_eq!(busy.exchange(NOW, vec![], None).open, [(busy.held[1], one(3))]);
    assert_eq!(busy.held[0], name(&first));
}

fn nothing_is_taken_while_anything_else_can_be_granted(store: &dyn Store) {
    let (first, second) = (job(store, 2), array(store, 1, Policy::default()));
    Node::new(store).claim_one(2);
    let mut idle = Node::new(store);
    let lease = idle.claim_at(NOW, taking(first, 9)).remove(0);
    assert_eq!((lease.job, lease.taken), (second, 0));
    assert_eq!(idle.claim_at(NOW, taking(first, 9)).remove(0).job, first);
}

fn nobody_takes_from_itself(store: &dyn Store) {
    let job = job(store, 4);
    let mut node = Node::new(store);
    node.claim_one(4);
    assert_eq!(node.claim_at(NOW, taking(job, 9)), []);
}

fn the_first_outcome_counts(store: &dyn Store) {
    let job = job(store, 2);
    let (mut slow, mut idle) = (Node::new(store), Node::new(store));
    let held = slow.claim_one(2);
    let taken = idle.claim_at(NOW, taking(job, 2)).remove(0);
    slow.done(&held, held.open.clone());
    assert_eq!(
        (counts(store, job).done, counts(store, job).running),
        (1, 1),
        "under a fence that has it no more"
    );
    slow.fail(&held, 1, 0);
    assert_eq!(counts(store, job).running, 1, "a late failure does not count either");
    idle.done(&taken, one(1));
    assert_eq!(counts(store, job).done, 2);
}

fn what_was_taken_comes_back_from_the_taker_alone(store: &dyn Store) {
    let job = job(store, 4);
    let (mut slow, mut idle) = (Node::new(store), Node::new(store));
    let held = slow.claim_one(4);
    let taken = idle.claim_at(NOW, taking(job, 4)).remove(0);
    slow.report(Report { back: held.open.clone(), ..about(&held) });
    assert_eq!((counts(store, job).ready, counts(store, job).running), (2, 2));
    idle.give_back(&taken, taken.open.clone());
    let again = Node::new(store).claim(9);
    assert_eq!(opens(&again), [set(&[(0, 2)]), set(&[(2, 4)])]);
    assert!(again.iter().all(|lease| lease.taken == 0), "nobody else has them");
}

fn attempts_go_along_and_crashes_are_left_alone(store: &dyn Store) {
    let job = job(store, 1);
    let (mut slow, mut idle) = (Node::new(store), Node::new(store));
    let held = slow.claim_one(1);
    slow.fail(&held, 0, 0);
    slow.claim_one(1);
    let taken = idle.claim_at(NOW, taking(job, 1)).remove(0);
    assert_eq!((taken.attempts, taken.crashes), (1, 0));
    // Lost alone in its lease it is charged with a crash, as any other.
    assert_eq!(idle.die().waiting, 1);
    let suspected = slow.claim_one(1);
    assert_eq!((suspected.attempts, suspected.crashes), (1, 1));
    assert_eq!(Node::new(store).claim_at(NOW, taking(job, 9)), []);
}

fn bounds_hold_for_what_is_taken(store: &dyn Store) {
    let policy = Policy { backups: true, range_max: 8, ..Policy::default() };
    let job = array(store, 8, policy);
    Node::new(store).claim_one(8);
    let mut idle = Node::new(store);
    let only = |claim: Claim| Claim { only: Some(JobId(job.0 + 9)), ..claim };
    assert_eq!(idle.claim_at(NOW, only(taking(job, 9))), []);
    assert_eq!(idle.claim_at(NOW, Claim { handlers: vec![], ..taking(job, 9) }), []);
    assert_eq!(idle.claim_at(NOW, Claim { leases_max: 0, ..taking(job, 9) }), []);
    assert_eq!(idle.claim_at(NOW, Claim { below: Some(9), ..taking(job, 9) }), []);
    assert_eq!(idle.claim_at(NOW, taking(job, 0)), []);
    let taken = idle.claim_at(NOW, taking(job, 9)).remove(0);
    assert_eq!(taken.open.len(), 4);
    // Who does not list what it holds is granted nothing new, of this kind neither.
    idle.held.clear();
    assert_eq!(idle.claim_at(NOW, taking(job, 9)), [taken]);
}

fn a_job_that_rests_is_left_alone(store: &dyn Store) {
    let job = job(store, 4);
    Node::new(store).claim_one(4);
    store.pause(NOW, job, true).unwrap();
    let mut idle = Node::new(store);
    assert_eq!(idle.claim_at(NOW, taking(job, 9)), []);
    store.pause(NOW, job, false).unwrap();
    assert_eq!(idle.claim_at(NOW, taking(job, 9)).remove(0).open, set(&[(2, 4)]));
}

fn views_tell_what_might_be_taken(store: &dyn Store) {
    let (job, plain) = (job(store, 5), array(store, 1, Policy::default()));
    let (mut slow, mut idle) = (Node::new(store), Node::new(store));
    let held = slow.claim_one(2);
    Node::new(store).claim_at(NOW, Claim { only: Some(plain), ..any(1) });
    let only = |tasks| Some(Claim { only: Some(job), ..any(tasks) });
    assert_eq!(view(&idle.exchange(NOW, vec![], only(0)), job).backups, 0, "there is something to claim");
    slow.claim_one(3);
    assert_eq!(
        view(&slow.exchange(NOW, vec![], None), job).backups,
        0,
        "by others, not by the holder itself"
    );
    // Told to whoever finds nothing, also if it has never heard of the job.
    let reply = idle.exchange(NOW, vec![], Some(any(9)));
    let shown: Vec<(JobId, u64)> = reply.jobs.iter().map(|view| (view.job, view.backups)).collect();
    assert_eq!(shown, [(job, 5)]);
    slow.done(&held, held.open.clone());
    assert_eq!(view(&idle.exchange(NOW, vec![], only(0)), job).backups, 3);
    idle.claim_at(NOW, taking(job, 3));
    let weighed = view(&slow.exchange(NOW, vec![], None), job).backups;
    assert_eq!(weighed, 4 * 2, "what the other has taken counts four times");
}
