//! What a node learns from an exchange besides its new leases.

use super::Case;
use super::given::*;
use crate::{Claim, Exchange, JobView, Policy, Report, Store, Want};
use divvy_core::{Fence, JobId};

pub(super) const CASES: &[Case] = super::cases!["replies":
    a_lease_whose_grant_was_lost_is_granted_again,
    what_is_granted_again_is_as_it_stands,
    unheard_leases_come_by_job_then_fence,
    a_listed_lease_that_is_not_there_is_lost,
    a_lease_that_ends_by_its_report_is_lost,
    a_lease_of_another_node_is_lost,
    a_cut_lease_is_told_until_it_ends,
    an_untouched_lease_is_not_told,
    views_are_of_what_the_exchange_is_about,
    a_view_counts_what_could_be_leased_now,
    a_view_shows_how_the_job_stands,
    workers_are_those_of_all_nodes,
    a_node_is_hungry_until_a_claim_is_granted,
    a_node_that_holds_a_lease_is_not_hungry,
    the_hungry_are_other_nodes_with_a_session,
    next_due_is_the_earliest_time_to_come,
    next_due_is_about_the_jobs_of_the_claim,
];

fn exchange(store: &dyn Store, node: &Node<'_>, exchange: Exchange) -> crate::Reply {
    store.exchange(NOW, node.id, &exchange).unwrap()
}

fn a_lease_whose_grant_was_lost_is_granted_again(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let mut node = Node::new(store);
    let lost = exchange(store, &node, Exchange { claim: Some(any(4)), ..Exchange::default() }).leases;
    assert_eq!(opens(&lost), [set(&[(0, 4)])]);
    for _ in 0..2 {
        assert_eq!(exchange(store, &node, Exchange::default()).leases, lost, "until the node lists it");
    }
    assert_eq!(node.claim(3), lost, "and nothing new beside it, which the claim did not count with");
    assert_eq!(opens(&node.claim(3)), [set(&[(4, 7)])], "it is listed now");
    assert_eq!(node.exchange(NOW, vec![], None).leases, []);
    assert_eq!(counts(store, job).running, 7);
    node.held.pop();
    let report = Report { job, fence: Fence(2), done: set(&[(4, 7)]), ..Report::default() };
    let reply = node.exchange(NOW, vec![report], Some(any(1)));
    assert_eq!(opens(&reply.leases), [one(7)], "what ends by the report is not held any more");
}

fn what_is_granted_again_is_as_it_stands(store: &dyn Store) {
    let job = array(store, 10, Policy::default());
    let node = Node::new(store);
    let lease =
        exchange(store, &node, Exchange { claim: Some(any(6)), ..Exchange::default() }).leases.remove(0);
    store.cancel(NOW, job, Some(&one(5))).unwrap();
    let reports = vec![Report { done: set(&[(0, 2)]), back: one(3), ..about(&lease) }];
    let reply = exchange(store, &node, Exchange { reports, ..Exchange::default() });
    assert_eq!(opens(&reply.leases), [set(&[(2, 3), (4, 5)])]);
    assert_eq!((name(&reply.leases[0]), reply.open), (name(&lease), vec![]), "open is about what is listed");
}

fn unheard_leases_come_by_job_then_fence(store: &dyn Store) {
    let [a, b] = [9, 9].map(|n| array(store, n, Policy::default()));
    let mut node = Node::new(store);
    for (job, tasks) in [(b, 1), (a, 1), (b, 1), (a, 2)] {
        node.claim_at(NOW, Claim { only: Some(job), ..any(tasks) });
    }
    let all = exchange(store, &node, Exchange::default()).leases;
    let jobs: Vec<JobId> = all.iter().map(|lease| lease.job).collect();
    assert_eq!(jobs, [a, a, b, b]);
    assert_eq!(opens(&all), [one(0), set(&[(1, 3)]), one(0), one(1)]);
}

fn a_listed_lease_that_is_not_there_is_lost(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    let mut node = Node::new(store);
    let (kept, canceled) = (node.claim_one(2), node.claim_one(2));
    store.cancel(NOW, job, Some(&canceled.open)).unwrap();
    let unheard = (job, Fence(canceled.fence.0 + 50));
    let held = vec![unheard, name(&canceled), name(&kept), (JobId(99), Fence(1))];
    let reply = exchange(store, &node, Exchange { held, ..Exchange::default() });
    assert_eq!(reply.lost, [unheard, name(&canceled), (JobId(99), Fence(1))]);
    assert_eq!((reply.leases, reply.open), (vec![], vec![]));
}

fn a_lease_that_ends_by_its_report_is_lost(store: &dyn Store) {
    array(store, 9, Policy::default());
    let mut node = Node::new(store);
    let [a, b] = [2, 2].map(|n| node.claim_one(n));
    let part = node.done(&a, one(0));
    assert_eq!(part.lost, [], "something is open");
    let all = node.done(&a, one(1));
    assert_eq!(all.lost, [name(&a)]);
    assert_eq!(node.give_back(&b, b.open.clone()).lost, [name(&b)]);
}

fn a_lease_of_another_node_is_lost(store: &dyn Store) {
    array(store, 9, Policy::default());
    let (mut holder, mut other) = (Node::new(store), Node::new(store));
    let lease = holder.claim_one(3);
    let reply = exchange(store, &other, Exchange { held: vec![name(&lease)], ..Exchange::default() });
    assert_eq!((reply.lost, reply.leases), (vec![name(&lease)], vec![]));
    assert_eq!(other.claim_one(9).open, set(&[(3, 9)]));
    assert_eq!(holder.exchange(NOW, vec![], None).lost, []);
}

fn a_cut_lease_is_told_until_it_ends(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    let mut node = Node::new(store);
    let (cut, whole) = (node.claim_one(4), node.claim_one(4));
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(1, 3), (8, 9)]))).unwrap(), 3);
    let told = |open| vec![(name(&cut), open)];
    assert_eq!(node.exchange(NOW, vec![], None).open, told(set(&[(0, 1), (3, 4)])));
    assert_eq!(
        node.exchange(NOW, vec![], None).open,
        told(set(&[(0, 1), (3, 4)])),
        "the reply may have been lost"
    );
    assert_eq!(node.done(&cut, one(0)).open, told(one(3)), "after the reports");
    store.cancel(NOW, job, Some(&one(5))).unwrap();
    let both = node.exchange(NOW, vec![], None).open;
    assert_eq!(both, [told(one(3)), vec![(name(&whole), set(&[(4, 5), (6, 8)]))]].concat());
    let last = node.done(&cut, one(3));
    assert_eq!((last.open.len(), last.lost), (1, vec![name(&cut)]));
}

fn an_untouched_lease_is_not_told(store: &dyn Store) {
    let job = array_with_attempts(store, 9, 3);
    let mut node = Node::new(store);
    let lease = node.claim_one(6);
    store.cancel(NOW, job, Some(&one(7))).unwrap();
    let report = Report { done: one(0), failed: vec![failed(1, 0)], back: one(2), ..about(&lease) };
    assert_eq!(node.report(report).open, [], "what a node took itself it knows");
}

fn views_are_of_what_the_exchange_is_about(store: &dyn Store) {
    let jobs: Vec<JobId> = (0..7).map(|_| array(store, 9, Policy::default())).collect();
    let mut node = Node::new(store);
    let only = |job| Some(Claim { only: Some(job), ..any(1) });
    let ids = |reply: &crate::Reply| reply.jobs.iter().map(|view| view.job).collect::<Vec<_>>();
    assert_eq!(ids(&node.exchange(NOW, vec![], None)), []);
    node.exchange(NOW, vec![], only(jobs[4]));
    assert_eq!(ids(&node.exchange(NOW, vec![], None)), [jobs[4]], "its leases");
    let stale = Report { job: jobs[2], fence: Fence(9), done: one(1), ..Report::default() };
    let unknown = Report { job: JobId(99), ..stale.clone() };
    let wants = vec![jobs[6], jobs[0], jobs[4], JobId(98)];
    let wants = wants.into_iter().map(|job| Want { job, class: 0, tasks: 0 }).collect();
    store.cancel(NOW, jobs[5], None).unwrap();
    let claim = Some(Claim { wants, ..only(jobs[5]).unwrap() });
    let reply = node.exchange(NOW, vec![stale.clone(), unknown, stale], claim);
    assert_eq!(ids(&reply), [0, 2, 4, 5, 6].map(|nth: usize| jobs[nth]), "reports, wants, only; each once");
}

fn a_view_counts_what_could_be_leased_now(store: &dyn Store) {
    let job = array_with_attempts(store, 20, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(8);
    let report = Report {
        done: one(0),
        failed: vec![failed(1, HOUR), failed(2, 0)],
        back: set(&[(3, 5)]),
        ..about(&lease)
    };
    let reply = node.report(report);
    assert_eq!(view(&reply, job).claimable, 12 + 1 + 2);
    assert_eq!(view(&reply, job).unfinished, 19);
    store.cancel(NOW, job, Some(&set(&[(0, 1), (4, 6), (15, 20)]))).unwrap();
    let later = node.exchange(NOW + HOUR, vec![], None);
    assert_eq!(view(&later, job).claimable, 7 + 2 + 1, "above the head, due, given back");
    assert_eq!(view(&later, job).unfinished, 19 - 7);
}

fn a_view_shows_how_the_job_stands(store: &dyn Store) {
    let job = open(store, vec![block(3, 10), block(1, 35)], None);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    let reply = node.fail(&lease, 1, 0);
    let expected = JobView {
        job,
        claimable: 0,
        finished: false,
        open: true,
        record_bytes: 65 / 4,
        dead: 1,
        unfinished: 3,
        blocked: 0,
        paused: false,
        stuck: false,
        backups: 0,
        classes: vec![],
    };
    assert_eq!(view(&reply, job), expected);
    store.append(NOW, job, &[], true).unwrap();
    let reply = node.done(&lease, lease.open.clone());
    assert_eq!(view(&reply, job), JobView { finished: true, open: false, unfinished: 0, ..expected });
}

fn workers_are_those_of_all_nodes(store: &dyn Store) {
    let mut node = Node::new(store);
    let big = store.register(NOW, &info(64)).unwrap();
    assert_eq!(node.exchange(NOW, vec![], None).workers, 65);
    store.expire(NOW, big).unwrap();
    assert_eq!(node.exchange(NOW, vec![], None).workers, 1);
}

fn a_node_is_hungry_until_a_claim_is_granted(store: &dyn Store) {
    let (mut looks, mut other) = (Node::new(store), Node::new(store));
    let mut hungry = || looks.exchange(NOW, vec![], None).hungry;
    assert_eq!(hungry(), 0, "it has not asked");
    other.exchange(NOW, vec![], None);
    assert_eq!(hungry(), 0, "that was no claim");
    other.claim(1);
    other.exchange(NOW, vec![], None);
    assert_eq!(hungry(), 1);
    array(store, 1, Policy::default());
    assert_eq!(hungry(), 1, "until a claim is granted");
    let lease = other.claim_one(1);
    assert_eq!(hungry(), 0);
    other.done(&lease, one(0));
    assert_eq!(hungry(), 0, "it has not asked again");
}

fn a_node_that_holds_a_lease_is_not_hungry(store: &dyn Store) {
    array(store, 1, Policy::default());
    let (mut looks, mut other) = (Node::new(store), Node::new(store));
    let lease = other.claim_one(1);
    assert_eq!(other.claim(1), []);
    assert_eq!(looks.exchange(NOW, vec![], None).hungry, 0);
    let reply = other.exchange(NOW, vec![Report { done: one(0), ..about(&lease) }], Some(any(1)));
    assert_eq!(reply.hungry, 0, "nobody else is");
    assert_eq!(looks.exchange(NOW, vec![], None).hungry, 1, "the report came before the claim");
}

fn the_hungry_are_other_nodes_with_a_session(store: &dyn Store) {
    let mut nodes: Vec<Node<'_>> = (0..4).map(|_| Node::new(store)).collect();
    nodes.iter_mut().for_each(|node| drop(node.claim(1)));
    assert_eq!(nodes[0].exchange(NOW, vec![], None).hungry, 3);
    store.leave(NOW, nodes[1].id).unwrap();
    store.expire(NOW, nodes[2].id).unwrap();
    assert_eq!(nodes[0].exchange(NOW, vec![], None).hungry, 1);
}

fn next_due_is_the_earliest_time_to_come(store: &dyn Store) {
    array_with_attempts(store, 5, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    let next = |node: &mut Node<'_>, now, tasks| node.exchange(now, vec![], Some(any(tasks))).next_due;
    assert_eq!(next(&mut node, NOW, 1), None, "nothing waits");
    let failures = vec![failed(0, 3 * HOUR), failed(1, HOUR), failed(2, 2 * HOUR)];
    let reply = node.report(Report { failed: failures, ..about(&lease) });
    assert_eq!(reply.next_due, None, "that was no claim");
    assert_eq!(next(&mut node, NOW, 1), Some(NOW + HOUR));
    let nothing = Claim { leases_max: 0, ..any(1) };
    let reply = node.exchange(NOW + HOUR, vec![], Some(nothing));
    assert_eq!(reply.next_due, Some(NOW + 2 * HOUR), "what is due and was not granted does not hide it");
    assert_eq!(next(&mut node, NOW + HOUR, 1), Some(NOW + 2 * HOUR), "one was due and is leased");
    node.give_back(&lease, one(3));
    assert_eq!(node.claim_at(NOW + 5 * HOUR, any(9)).len(), 3);
    assert_eq!(next(&mut node, NOW + 5 * HOUR, 1), None);
}

fn next_due_is_about_the_jobs_of_the_claim(store: &dyn Store) {
    let jobs = [1, 1, 1].map(|n| array_with_attempts(store, n, 2));
    let mut node = Node::new(store);
    for wait in 1..=3 {
        let lease = node.claim_one(1);
        node.fail(&lease, 0, (4 - wait) * HOUR);
    }
    let mut next = |claim| node.exchange(NOW, vec![], Some(claim)).next_due;
    assert_eq!(next(any(1)), Some(NOW + HOUR));
    assert_eq!(next(Claim { only: Some(jobs[0]), ..any(1) }), Some(NOW + 3 * HOUR));
    let wants = vec![Want { job: jobs[2], class: 0, tasks: 0 }];
    assert_eq!(next(Claim { wants, ..any(1) }), Some(NOW + 2 * HOUR), "of that one it wanted none");
    assert_eq!(next(Claim { handlers: vec!["other".into()], ..any(1) }), None);
    assert_eq!(next(any(0)), None);
}
