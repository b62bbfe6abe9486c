//! Claims: which tasks are granted, in which order, and what bounds them.

use super::Case;
use super::given::*;
use crate::{Claim, Exchange, Input, JobSpec, NewJob, Policy, Report, Store, Want};
use divvy_core::{Intervals, JobId};

pub(super) const CASES: &[Case] = super::cases!["claims":
    tasks_come_from_the_head_in_order,
    a_lease_from_the_head_carries_no_charge,
    a_claim_is_served_from_the_first_job_that_grants,
    a_claim_for_one_job_gets_no_other,
    only_listed_handlers_are_served,
    a_want_sizes_its_job_and_zero_means_none,
    range_max_bounds_each_lease,
    leases_max_bounds_their_number,
    isolated_max_bounds_what_is_being_isolated,
    below_grants_what_waits_in_front_and_nothing_else,
    tasks_bounds_the_sum_of_the_leases,
    waiting_ranges_come_before_the_head,
    waiting_ranges_come_in_order_and_never_merged,
    the_rest_of_a_waiting_range_waits_on,
    a_retry_is_not_granted_before_it_is_due,
    what_is_due_at_once_is_due_for_a_clock_behind,
    fences_rise,
    bytes_are_counted_by_whole_blocks,
    one_record_is_granted_however_large,
    waiting_ranges_count_their_mean_bytes,
    bytes_are_shared_by_all_leases_of_a_claim,
    arrays_have_no_bytes,
    a_lease_from_the_head_leaves_out_the_canceled,
    a_canceled_head_is_passed_over,
    a_head_with_nothing_to_grant_above_it_stays,
    a_finished_job_grants_nothing,
    a_node_that_does_not_list_all_it_holds_is_granted_nothing,
];

fn tasks_come_from_the_head_in_order(store: &dyn Store) {
    array(store, 10, Policy::default());
    let (mut a, mut b) = (Node::new(store), Node::new(store));
    assert_eq!(a.claim_one(3).open, set(&[(0, 3)]));
    assert_eq!(b.claim_one(4).open, set(&[(3, 7)]));
    assert_eq!(a.claim_one(9).open, set(&[(7, 10)]));
    assert_eq!(b.claim(1), []);
}

fn a_lease_from_the_head_carries_no_charge(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let lease = Node::new(store).claim_one(3);
    assert_eq!((lease.job, lease.attempts, lease.crashes, lease.quarantined), (job, 0, 0, false));
}

fn a_claim_is_served_from_the_first_job_that_grants(store: &dyn Store) {
    let jobs: Vec<JobId> = [2, 0, 3].iter().map(|n| array(store, *n, Policy::default())).collect();
    let mut node = Node::new(store);
    let (first, second) = (node.claim(9), node.claim(9));
    assert_eq!((first[0].job, opens(&first)), (jobs[0], vec![set(&[(0, 2)])]), "and not of the next ones");
    assert_eq!((second[0].job, opens(&second)), (jobs[2], vec![set(&[(0, 3)])]));
    assert_eq!(node.claim(9), []);
}

fn a_claim_for_one_job_gets_no_other(store: &dyn Store) {
    let [_, second] = [5, 5].map(|n| array(store, n, Policy::default()));
    let mut node = Node::new(store);
    let leases = node.claim_at(NOW, Claim { only: Some(second), ..any(9) });
    assert_eq!((leases[0].job, opens(&leases)), (second, vec![set(&[(0, 5)])]));
    assert_eq!(node.claim_at(NOW, Claim { only: Some(second), ..any(9) }), []);
    assert_eq!(node.claim_at(NOW, Claim { only: Some(JobId(77)), ..any(9) }), [], "a job that is not there");
    let other_handler = Claim { only: Some(JobId(1)), handlers: vec!["other".into()], ..any(9) };
    assert_eq!(node.claim_at(NOW, other_handler), [], "the handler has to be listed all the same");
}

fn only_listed_handlers_are_served(store: &dyn Store) {
    for handler in ["a", "b", "c"] {
        let spec = JobSpec { handler: handler.into(), ..spec(Policy::default()) };
        store.submit(NOW, &NewJob { spec, input: Input::Closed(vec![block(1, 1)]), paused: false }).unwrap();
    }
    let mut node = Node::new(store);
    let with =
        |handlers: &[&str]| Claim { handlers: handlers.iter().map(|h| (*h).into()).collect(), ..any(9) };
    assert_eq!(node.claim_at(NOW, with(&[])), []);
    assert_eq!(node.claim_at(NOW, with(&["d", "", "A"])), []);
    assert_eq!(node.claim_at(NOW, with(&["c", "b"]))[0].job, JobId(2));
    assert_eq!(node.claim_at(NOW, with(&["c", "b"]))[0].job, JobId(3));
    assert_eq!(node.claim_at(NOW, with(&["c", "b"])), []);
}

fn a_want_sizes_its_job_and_zero_means_none(store: &dyn Store) {
    let [a, b, c] = [9, 9, 9].map(|n| array(store, n, Policy::default()));
    let mut node = Node::new(store);
    let wants = vec![Want { job: a, class: 0, tasks: 0 }, Want { job: b, class: 0, tasks: 2 }];
    let leases = node.claim_at(NOW, Claim { wants, ..any(5) });
    assert_eq!((leases[0].job, opens(&leases)), (b, vec![set(&[(0, 2)])]));
    let wants = vec![Want { job: a, class: 0, tasks: 0 }, Want { job: b, class: 0, tasks: 0 }];
    let leases = node.claim_at(NOW, Claim { wants: wants.clone(), ..any(5) });
    assert_eq!(
        (leases[0].job, opens(&leases)),
        (c, vec![set(&[(0, 5)])]),
        "a new job has the size for new ones"
    );
    assert_eq!(node.claim_at(NOW, Claim { wants, ..any(0) }), []);
}

fn range_max_bounds_each_lease(store: &dyn Store) {
    let job = array(store, 9, Policy { range_max: 3, ..Policy::default() });
    let mut node = Node::new(store);
    let lease = node.claim_one(8);
    assert_eq!(lease.open, set(&[(0, 3)]));
    let more = node.claim_one(2);
    assert_eq!(more.open, set(&[(3, 5)]));
    node.give_back(&more, more.open.clone());
    node.give_back(&lease, lease.open.clone());
    let leases = node.claim(9);
    assert_eq!(opens(&leases), [set(&[(0, 3)]), set(&[(3, 5)]), set(&[(5, 8)])], "each, and not their sum");
    assert_eq!(counts(store, job).running, 8);
}

/// Makes the tasks 0, 2, 4, ... below `n` wait, each alone, and all others done.
fn scattered(store: &dyn Store, n: u64) -> JobId {
    let job = array(store, n + 10, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(n);
    let back: Intervals = (0..n).step_by(2).map(|seq| divvy_core::Range::new(seq, seq + 1)).collect();
    node.report(Report { done: lease.open.minus(&back), back, ..about(&lease) });
    store.leave(NOW, node.id).unwrap();
    job
}

fn leases_max_bounds_their_number(store: &dyn Store) {
    scattered(store, 8);
    let mut node = Node::new(store);
    let at_most = |leases_max| Claim { leases_max, ..any(100) };
    assert_eq!(node.claim_at(NOW, at_most(0)), []);
    assert_eq!(opens(&node.claim_at(NOW, at_most(3))), [one(0), one(2), one(4)]);
    assert_eq!(opens(&node.claim_at(NOW, at_most(2))), [one(6), set(&[(8, 18)])]);
}

fn isolated_max_bounds_what_is_being_isolated(store: &dyn Store) {
    array(store, 20, Policy::default());
    let (mut range, mut single) = (Node::new(store), Node::new(store));
    range.claim_one(8);
    single.claim_one(1);
    range.die();
    single.die();
    let mut node = Node::new(store);
    let at_most = |isolated_max| Claim { isolated_max, ..any(100) };
    assert_eq!(opens(&node.claim_at(NOW, at_most(0))), [set(&[(9, 20)])], "others are not held up");
    assert_eq!(opens(&node.claim_at(NOW, at_most(1))), [one(0)]);
    assert_eq!(opens(&node.claim_at(NOW, at_most(9))), [one(1), one(8)]);
}

fn below_grants_what_waits_in_front_and_nothing_else(store: &dyn Store) {
    scattered(store, 8);
    let mut node = Node::new(store);
    let below = |seq| Claim { below: Some(seq), ..any(100) };
    assert_eq!(node.claim_at(NOW, below(0)), []);
    assert_eq!(opens(&node.claim_at(NOW, below(4))), [one(0), one(2)]);
    assert_eq!(node.claim_at(NOW, below(4)), [], "nothing from the head");
    assert_eq!(opens(&node.claim_at(NOW, below(5))), [one(4)]);
    assert_eq!(opens(&node.claim_at(NOW, any(100))), [one(6), set(&[(8, 18)])]);
}

fn tasks_bounds_the_sum_of_the_leases(store: &dyn Store) {
    scattered(store, 8);
    let mut node = Node::new(store);
    assert_eq!(opens(&node.claim(2)), [one(0), one(2)]);
    assert_eq!(opens(&node.claim(5)), [one(4), one(6), set(&[(8, 11)])]);
}

fn waiting_ranges_come_before_the_head(store: &dyn Store) {
    array(store, 20, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(5);
    node.give_back(&lease, set(&[(2, 5)]));
    assert_eq!(opens(&node.claim(10)), [set(&[(2, 5)]), set(&[(5, 12)])]);
}

fn waiting_ranges_come_in_order_and_never_merged(store: &dyn Store) {
    array(store, 12, Policy::default());
    let mut node = Node::new(store);
    let leases = [4, 4, 4].map(|n| node.claim_one(n));
    for nth in [2, 0, 1] {
        node.give_back(&leases[nth], leases[nth].open.clone());
    }
    assert_eq!(opens(&node.claim(99)), [set(&[(0, 4)]), set(&[(4, 8)]), set(&[(8, 12)])]);
}

fn the_rest_of_a_waiting_range_waits_on(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(10);
    node.give_back(&lease, lease.open.clone());
    assert_eq!(node.claim_one(3).open, set(&[(0, 3)]));
    assert_eq!(counts(store, job).ready, 7);
    assert_eq!(node.claim_one(99).open, set(&[(3, 10)]));
}

fn a_retry_is_not_granted_before_it_is_due(store: &dyn Store) {
    array_with_attempts(store, 3, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(2);
    let failures = vec![failed(0, HOUR), failed(1, 2 * HOUR)];
    node.report(Report { failed: failures, ..about(&lease) });
    assert_eq!(opens(&node.claim_at(NOW + HOUR - 1, any(9))), [one(2)]);
    assert_eq!(node.claim_at(NOW + HOUR - 1, any(9)), []);
    assert_eq!(opens(&node.claim_at(NOW + HOUR, any(9))), [one(0)], "due from its time on");
    assert_eq!(opens(&node.claim_at(NOW + 3 * HOUR, any(9))), [one(1)]);
}

fn what_is_due_at_once_is_due_for_a_clock_behind(store: &dyn Store) {
    let job = array(store, 3, Policy::default());
    let [mut a, mut b, mut c, mut behind] = [(); 4].map(|()| Node::new(store));
    let [back, _, dead] = [a.claim_one(1), b.claim_one(1), c.claim_one(1)];
    a.exchange(NOW + HOUR, vec![Report { back: back.open.clone(), ..about(&back) }], None);
    c.exchange(NOW + HOUR, vec![Report { failed: vec![failed(2, 0)], ..about(&dead) }], None);
    store.expire(NOW + HOUR, b.id).unwrap();
    store.retry(NOW + HOUR, job, None).unwrap();
    assert_eq!(opens(&behind.claim_at(NOW, any(9))), [one(0), one(1), one(2)]);
}

fn fences_rise(store: &dyn Store) {
    let job = array(store, 40, Policy::default());
    let (mut a, mut b, mut last) = (Node::new(store), Node::new(store), None);
    for n in 0..10 {
        let node = if n % 3 == 0 { &mut b } else { &mut a };
        for lease in node.claim(1 + n) {
            assert!(last < Some(lease.fence), "{} after {last:?}", lease.fence);
            assert_eq!(lease.job, job);
            last = Some(lease.fence);
            match n % 4 {
                0 => drop(node.done(&lease, lease.open.clone())),
                1 => drop(node.give_back(&lease, lease.open.clone())),
                _ => {}
            }
        }
    }
}

/// Three blocks, each of four records of 100 bytes.
fn three_blocks(store: &dyn Store) -> JobId {
    closed(store, vec![block(4, 100), block(4, 100), block(4, 100)])
}

fn bytes(bytes_max: u64) -> Claim {
    Claim { bytes_max, ..any(100) }
}

fn bytes_are_counted_by_whole_blocks(store: &dyn Store) {
    three_blocks(store);
    let mut node = Node::new(store);
    assert_eq!(opens(&node.claim_at(NOW, bytes(1_199))), [set(&[(0, 8)])]);
    assert_eq!(opens(&node.claim_at(NOW, Claim { want_new: 1, ..bytes(400) })), [one(8)]);
    assert_eq!(
        opens(&node.claim_at(NOW, bytes(400))),
        [set(&[(9, 12)])],
        "the rest of a block counts as all of it"
    );
}

fn one_record_is_granted_however_large(store: &dyn Store) {
    three_blocks(store);
    let mut node = Node::new(store);
    assert_eq!(
        opens(&node.claim_at(NOW, bytes(399))),
        [one(0)],
        "the block does not fit, one record does not have to"
    );
    assert_eq!(opens(&node.claim_at(NOW, bytes(0))), [one(1)]);
    store.leave(NOW, node.id).unwrap();
    let mut node = Node::new(store);
    assert_eq!(opens(&node.claim_at(NOW, bytes(0))), [one(0)], "nor does one that waits");
}

fn waiting_ranges_count_their_mean_bytes(store: &dyn Store) {
    let job = closed(store, vec![block(6, 50), block(6, 150)]);
    let mut node = Node::new(store);
    let lease = node.claim_one(12);
    let reply = node.give_back(&lease, lease.open.clone());
    assert_eq!(view(&reply, job).record_bytes, 100);
    assert_eq!(opens(&node.claim_at(NOW, bytes(399))), [set(&[(0, 3)])]);
    assert_eq!(opens(&node.claim_at(NOW, bytes(400))), [set(&[(3, 7)])]);
    assert_eq!(opens(&node.claim_at(NOW, bytes(10_000))), [set(&[(7, 12)])]);
}

fn bytes_are_shared_by_all_leases_of_a_claim(store: &dyn Store) {
    let (first, second, head, next) = (one(0), one(1), set(&[(2, 4)]), set(&[(2, 8)]));
    for (bytes_max, granted) in [
        (199, vec![&first]),
        (200, vec![&first, &second]),
        (599, vec![&first, &second]),
        (600, vec![&first, &second, &head]),
        (1_000, vec![&first, &second, &next]),
    ] {
        let job = three_blocks(store);
        let only = |tasks| Claim { only: Some(job), ..any(tasks) };
        let mut node = Node::new(store);
        (0..2).for_each(|_| drop(node.claim_at(NOW, only(1))));
        store.leave(NOW, node.id).unwrap();
        let leases = Node::new(store).claim_at(NOW, Claim { bytes_max, ..only(100) });
        assert_eq!(opens(&leases).iter().collect::<Vec<_>>(), granted, "with {bytes_max} bytes");
    }
}

fn arrays_have_no_bytes(store: &dyn Store) {
    let job = array(store, 1_000_000, Policy::default());
    let mut node = Node::new(store);
    let reply = node.exchange(NOW, vec![], Some(Claim { bytes_max: 0, ..any(1_000) }));
    assert_eq!(opens(&reply.leases), [set(&[(0, 1_000)])]);
    assert_eq!(view(&reply, job).record_bytes, 0);
    node.give_back(&reply.leases[0], reply.leases[0].open.clone());
    let again = node.claim_at(NOW, Claim { bytes_max: 0, ..any(1_010) });
    assert_eq!(opens(&again), [set(&[(0, 1_000)]), set(&[(1_000, 1_010)])]);
}

fn a_lease_from_the_head_leaves_out_the_canceled(store: &dyn Store) {
    let job = array(store, 20, Policy::default());
    store.cancel(NOW, job, Some(&set(&[(2, 4), (9, 12)]))).unwrap();
    let mut node = Node::new(store);
    assert_eq!(node.claim_one(10).open, set(&[(0, 2), (4, 9)]), "the range counts, not what is left of it");
    assert_eq!(node.claim_one(10).open, set(&[(12, 20)]));
    assert_eq!(node.claim(10), []);
}

fn a_canceled_head_is_passed_over(store: &dyn Store) {
    let job = array(store, 30, Policy::default());
    store.cancel(NOW, job, Some(&set(&[(0, 20), (25, 30)]))).unwrap();
    let mut node = Node::new(store);
    assert_eq!(node.claim_one(3).open, one(20), "[18, 21) without what is canceled");
    assert_eq!(node.claim_one(4).open, set(&[(21, 25)]));
    assert_eq!(node.claim(4), []);
    let all = array(store, 30, Policy::default());
    store.cancel(NOW, all, Some(&set(&[(0, 29)]))).unwrap();
    assert_eq!(node.claim_one(1).open, one(29));
}

fn a_head_with_nothing_to_grant_above_it_stays(store: &dyn Store) {
    let job = open(store, vec![block(2, 1)], None);
    store.cancel(NOW, job, Some(&set(&[(0, 2)]))).unwrap();
    let mut node = Node::new(store);
    assert_eq!(node.claim(4), []);
    store.append(NOW, job, &[block(6, 1)], false).unwrap();
    assert_eq!(node.claim_one(4).open, set(&[(2, 4)]), "[0, 4) without what is canceled");
}

fn a_finished_job_grants_nothing(store: &dyn Store) {
    let job = array(store, 3, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(3);
    node.done(&lease, lease.open.clone());
    let reply = node.exchange(NOW, vec![], Some(Claim { only: Some(job), ..any(9) }));
    assert_eq!(reply.leases, []);
    let view = view(&reply, job);
    assert_eq!((view.finished, view.claimable, view.unfinished), (true, 0, 0));
}

fn a_node_that_does_not_list_all_it_holds_is_granted_nothing(store: &dyn Store) {
    let jobs = [9, 9].map(|n| array(store, n, Policy::default()));
    let mut node = Node::new(store);
    let heard = node.claim_one(2);
    let ask = |job, reports| {
        let claim = Some(Claim { only: Some(job), ..any(2) });
        let exchange = Exchange { held: vec![name(&heard)], reports, claim };
        store.exchange(NOW, node.id, &exchange).unwrap().leases
    };
    let unheard = ask(jobs[0], vec![]);
    assert_eq!(opens(&unheard), [set(&[(2, 4)])]);
    assert_eq!(ask(jobs[1], vec![]), unheard, "and of the other job nothing");
    assert_eq!(counts(store, jobs[1]).running, 0);
    let done = Report { done: unheard[0].open.clone(), ..about(&unheard[0]) };
    let leases = ask(jobs[1], vec![done]);
    assert_eq!((leases[0].job, leases.len()), (jobs[1], 1), "what has ended by a report is not held");
}
