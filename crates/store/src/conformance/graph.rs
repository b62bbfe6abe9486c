//! Graphs: tasks that wait for other tasks of their job.

use super::Case;
use super::given::*;
use crate::job::BLOCKERS_SHOWN;
use crate::{
    Claim, Class, Error, Graph, Input, Lease, Needs, NewJob, Policy, Progress, Report, Store, TaskState,
};
use divvy_core::{Demand, Intervals, JobId, Seq};

pub(super) const CASES: &[Case] = super::cases!["graph":
    only_tasks_without_parents_are_granted,
    a_task_waits_for_the_last_of_its_parents,
    parents_may_be_done_in_one_report_or_in_many,
    a_chain_ends_link_by_link,
    what_is_woken_waits_for_a_clock_behind,
    all_that_waits_uncharged_gives_one_lease,
    a_lease_with_holes_keeps_to_the_bounds,
    what_is_charged_has_a_lease_of_its_own,
    a_lost_lease_with_holes_comes_back_in_its_intervals,
    a_woken_task_waits_in_the_class_of_its_run,
    a_view_says_what_is_blocked,
    a_report_twice_wakes_once,
    a_stale_report_wakes_nobody,
    a_blocked_task_names_its_parents_that_are_not_done,
    only_the_first_blockers_are_named,
    a_dead_parent_blocks_and_the_job_finishes,
    a_retried_parent_wakes_its_children,
    a_canceled_parent_blocks,
    a_canceled_child_is_not_woken,
    canceling_a_job_takes_the_blocked,
    a_finished_job_keeps_its_blocked,
    max_fails_cancels_the_blocked,
    a_job_with_blocked_tasks_is_no_success,
    a_graph_needs_as_many_records,
    a_graph_without_tasks_is_finished_at_once,
    records_of_a_graph_are_read_as_any,
    many_tasks_in_layers_all_end,
    a_task_may_have_many_children_and_many_parents,
];

fn graph_with(store: &dyn Store, parents: &[&[Seq]], policy: Policy) -> JobId {
    let graph = Graph::new(parents.iter().map(|list| list.to_vec()).collect()).unwrap();
    let input = Input::Graph(vec![block(graph.len(), 1)], graph);
    store.submit(NOW, &NewJob { spec: spec(policy), input, paused: false }).unwrap()
}

/// A job whose task `n` waits for `parents[n]`.
fn graph(store: &dyn Store, parents: &[&[Seq]]) -> JobId {
    graph_with(store, parents, Policy::default())
}

/// 1 and 2 wait for 0, 3 for both.
const DIAMOND: &[&[Seq]] = &[&[], &[0], &[0], &[1, 2]];

fn all_done(node: &mut Node<'_>, lease: &Lease) -> crate::Reply {
    node.done(lease, lease.open.clone())
}

fn state(store: &dyn Store, job: JobId, seq: Seq) -> TaskState {
    store.task(job, seq).unwrap().unwrap().state
}

fn only_tasks_without_parents_are_granted(store: &dyn Store) {
    let job = graph(store, &[&[2], &[], &[], &[1]]);
    let c = counts(store, job);
    assert_eq!((c.blocked, c.ready), (2, 2));
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    assert_eq!((lease.open.clone(), lease.attempts, lease.crashes), (set(&[(1, 3)]), 0, 0));
    assert_eq!(node.claim(9), []);
    assert_eq!(store.job(job).unwrap().progress, Progress::Closed);
}

fn a_task_waits_for_the_last_of_its_parents(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    all_done(&mut node, &lease);
    let lease = node.claim_one(9);
    assert_eq!(lease.open, set(&[(1, 3)]));
    node.done(&lease, one(2));
    assert_eq!(node.claim(9), [], "1 is not done");
    node.done(&lease, one(1));
    let lease = node.claim_one(9);
    assert_eq!(lease.open, one(3));
    assert!(view(&all_done(&mut node, &lease), job).finished);
}

fn parents_may_be_done_in_one_report_or_in_many(store: &dyn Store) {
    let parents: &[&[Seq]] = &[&[], &[], &[], &[0, 1, 2]];
    let job = graph(store, parents);
    let (mut a, mut b) = (Node::new(store), Node::new(store));
    let (first, second) = (a.claim_one(2), b.claim_one(2));
    assert_eq!((&first.open, &second.open), (&set(&[(0, 2)]), &one(2)));
    all_done(&mut b, &second);
    assert_eq!(counts(store, job).blocked, 1);
    let reports = [0, 1].map(|seq| Report { done: one(seq), ..about(&first) }).to_vec();
    let reply = a.exchange(NOW, reports, Some(any(9)));
    assert_eq!(opens(&reply.leases), [one(3)], "woken by the reports, and granted by the claim after them");
}

fn a_chain_ends_link_by_link(store: &dyn Store) {
    let job = graph(store, &[&[], &[0], &[1], &[2], &[3]]);
    let mut node = Node::new(store);
    for seq in 0..5 {
        let lease = node.claim_one(9);
        assert_eq!(lease.open, one(seq));
        all_done(&mut node, &lease);
    }
    let c = counts(store, job);
    assert_eq!((c.done, c.blocked), (5, 0));
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn what_is_woken_waits_for_a_clock_behind(store: &dyn Store) {
    graph(store, DIAMOND);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    all_done(&mut node, &lease);
    assert_eq!(opens(&node.claim_at(1, any(9))), [set(&[(1, 3)])]);
}

fn all_that_waits_uncharged_gives_one_lease(store: &dyn Store) {
    // The odd ones wait for 0.
    graph(store, &[&[], &[0], &[], &[0], &[], &[0], &[], &[0]]);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    assert_eq!(lease.open, set(&[(0, 1), (2, 3), (4, 5), (6, 7)]));
    node.give_back(&lease, set(&[(2, 3), (6, 7)]));
    node.done(&lease, one(0));
    assert_eq!(node.claim_one(9).open, set(&[(1, 4), (5, 8)]), "what came back, and what was woken");
}

fn a_lease_with_holes_keeps_to_the_bounds(store: &dyn Store) {
    let parents: &[&[Seq]] = &[&[], &[0], &[], &[0], &[], &[0], &[], &[0]];
    let job = graph_with(store, parents, Policy { range_max: 3, ..Policy::default() });
    let mut node = Node::new(store);
    assert_eq!(node.claim_one(9).open, set(&[(0, 1), (2, 3), (4, 5)]), "range_max, and one lease");
    store.leave(NOW, node.id).unwrap();
    let mut node = Node::new(store);
    assert_eq!(node.claim_one(2).open, set(&[(0, 1), (2, 3)]), "tasks");
    assert_eq!(opens(&node.claim_at(NOW, Claim { bytes_max: 1, ..any(9) })), [one(4)], "bytes");
    assert_eq!(node.claim_at(NOW, Claim { leases_max: 0, ..any(9) }), []);
    assert_eq!(node.claim_one(9).open, one(6), "and the rest waits on");
    assert_eq!(counts(store, job).running, 4);
}

fn what_is_charged_has_a_lease_of_its_own(store: &dyn Store) {
    let parents: &[&[Seq]] = &[&[], &[], &[], &[], &[], &[]];
    graph_with(store, parents, Policy { max_attempts: 3, ..Policy::default() });
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.fail(&lease, 2, 0);
    node.give_back(&lease, set(&[(1, 2), (3, 5)]));
    let leases = node.claim(9);
    assert_eq!(opens(&leases), [set(&[(1, 2), (3, 5)]), one(2)], "all others in the place of the first");
    assert_eq!(leases.iter().map(|lease| lease.attempts).collect::<Vec<_>>(), [0, 1]);
}

fn a_lost_lease_with_holes_comes_back_in_its_intervals(store: &dyn Store) {
    let parents: &[&[Seq]] = &[&[], &[], &[], &[4], &[], &[]];
    let job = graph(store, parents);
    let mut node = Node::new(store);
    assert_eq!(node.claim_one(9).open, set(&[(0, 3), (4, 6)]));
    let expired = node.die();
    assert_eq!((expired.leases, expired.waiting, expired.dead), (1, 5, 0));
    let mut node = Node::new(store);
    assert_eq!(opens(&node.claim(9)), [one(0), one(4)], "an eighth of five from each");
    assert_eq!(opens(&node.claim(9)), [one(1), one(5)]);
    assert_eq!(counts(store, job).ready, 1);
}

fn a_woken_task_waits_in_the_class_of_its_run(store: &dyn Store) {
    let gpu = Demand::new().with("gpu", 1_000);
    let classes = vec![Class::default(), Class { demand: gpu.clone(), more: None }];
    let needs = Needs { classes, starts: vec![(0, 0), (2, 1), (4, 0)] };
    let parents = vec![vec![], vec![0], vec![0], vec![0], vec![0]];
    let input = Input::Graph(vec![block(5, 1)], Graph::new(parents).unwrap());
    let spec = crate::JobSpec { needs, ..spec(Policy::default()) };
    let job = store.submit(NOW, &NewJob { spec, input, paused: false }).unwrap();
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    let reply = all_done(&mut node, &lease);
    let claimable: Vec<u64> = view(&reply, job).classes.iter().map(|class| class.claimable).collect();
    assert_eq!(claimable, [2, 2]);
    let lease = node.claim_one(9);
    assert_eq!((lease.class, lease.open), (0, set(&[(1, 2), (4, 5)])));
    assert_eq!(node.claim(9), [], "the node has no gpu");
    let leases = node.claim_at(NOW, Claim { capacity: gpu.clone(), ..any(9) });
    assert_eq!((leases[0].class, leases[0].open.clone()), (1, set(&[(2, 4)])));
    assert_eq!((&leases[0].demand, leases.len()), (&gpu, 1));
}

fn a_view_says_what_is_blocked(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let mut node = Node::new(store);
    let reply = node.exchange(NOW, vec![], Some(any(1)));
    let first = view(&reply, job);
    assert_eq!((first.claimable, first.unfinished, first.blocked), (0, 1, 3));
    let then = view(&all_done(&mut node, &reply.leases[0]), job);
    assert_eq!((then.claimable, then.unfinished, then.blocked, then.finished), (2, 2, 1, false));
}

fn a_report_twice_wakes_once(store: &dyn Store) {
    let job = graph(store, &[&[], &[], &[0, 1]]);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    (0..2).for_each(|_| drop(node.done(&lease, one(0))));
    assert_eq!(counts(store, job).blocked, 1, "1 is not done, however often 0 is");
    node.done(&lease, one(1));
    assert_eq!(node.claim_one(9).open, one(2));
}

fn a_stale_report_wakes_nobody(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.give_back(&lease, one(0));
    node.done(&lease, one(0));
    assert_eq!((counts(store, job).blocked, store.job(job).unwrap().stale), (3, 1));
}

fn a_blocked_task_names_its_parents_that_are_not_done(store: &dyn Store) {
    let job = graph_with(store, &[&[], &[], &[], &[5], &[0, 1, 2, 3, 5], &[0]], Policy::default());
    let blockers = |seq| match state(store, job, seq) {
        TaskState::Blocked { by } => by,
        other => panic!("{seq} is {other:?}"),
    };
    assert_eq!((blockers(4), blockers(5)), (vec![0, 1, 2, 3, 5], vec![0]));
    let mut node = Node::new(store);
    let lease = node.claim_one(3);
    node.report(Report { done: one(1), failed: vec![failed(2, 0)], ..about(&lease) });
    assert_eq!(blockers(4), [0, 2, 3, 5], "a dead one is not done");
    assert_eq!(state(store, job, 0), TaskState::Running { node: node.id, fence: lease.fence });
    node.done(&lease, one(0));
    assert_eq!((blockers(3), state(store, job, 5)), (vec![5], TaskState::Ready));
    assert_eq!((state(store, job, 1), state(store, job, 2)), (TaskState::Done, TaskState::Dead));
}

fn only_the_first_blockers_are_named(store: &dyn Store) {
    let n = 3 * BLOCKERS_SHOWN as u64;
    let mut parents = vec![vec![]; n as usize];
    parents.push((0..n).collect());
    let input = Input::Graph(vec![block(n + 1, 1)], Graph::new(parents).unwrap());
    let job = store.submit(NOW, &NewJob { spec: spec(Policy::default()), input, paused: false }).unwrap();
    let mut node = Node::new(store);
    let lease = node.claim_one(5);
    all_done(&mut node, &lease);
    let by = (5..5 + BLOCKERS_SHOWN as u64).collect();
    assert_eq!(state(store, job, n), TaskState::Blocked { by });
}

fn a_dead_parent_blocks_and_the_job_finishes(store: &dyn Store) {
    let job = graph(store, &[&[], &[], &[0], &[1], &[2, 3]]);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.report(Report { done: one(1), failed: vec![failed(0, 0)], ..about(&lease) });
    let lease = node.claim_one(9);
    assert_eq!(lease.open, one(3), "what does not depend on the dead one goes on");
    let reply = all_done(&mut node, &lease);
    let view = view(&reply, job);
    assert_eq!((view.finished, view.claimable, view.unfinished, view.blocked), (true, 0, 0, 2));
    let c = counts(store, job);
    assert_eq!((c.done, c.dead, c.blocked, c.canceled), (2, 1, 2, 0));
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn a_retried_parent_wakes_its_children(store: &dyn Store) {
    let job = graph(store, &[&[], &[0], &[1]]);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.fail(&lease, 0, 0);
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
    assert_eq!(store.retry(NOW, job, None).unwrap(), 1);
    assert_eq!(store.job(job).unwrap().progress, Progress::Closed);
    for seq in 0..3 {
        let lease = node.claim_one(9);
        assert_eq!(lease.open, one(seq));
        all_done(&mut node, &lease);
    }
    assert_eq!(counts(store, job).done, 3);
}

fn a_canceled_parent_blocks(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    all_done(&mut node, &lease);
    assert_eq!(store.cancel(NOW, job, Some(&one(1))).unwrap(), 1);
    let lease = node.claim_one(9);
    assert_eq!(lease.open, one(2));
    assert!(view(&all_done(&mut node, &lease), job).finished);
    assert_eq!(state(store, job, 3), TaskState::Blocked { by: vec![1] });
}

fn a_canceled_child_is_not_woken(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    assert_eq!(store.cancel(NOW, job, Some(&set(&[(1, 2), (3, 4)]))).unwrap(), 2);
    let c = counts(store, job);
    assert_eq!((c.blocked, c.ready, c.canceled), (1, 1, 2));
    assert_eq!(store.cancel(NOW, job, Some(&one(3))).unwrap(), 0, "it was before");
    let mut node = Node::new(store);
    for seq in [0, 2] {
        let lease = node.claim_one(9);
        assert_eq!(lease.open, one(seq));
        all_done(&mut node, &lease);
    }
    assert_eq!([1, 3].map(|seq| state(store, job, seq)), [TaskState::Canceled, TaskState::Canceled]);
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn canceling_a_job_takes_the_blocked(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    assert_eq!(store.cancel(NOW, job, None).unwrap(), 4);
    let c = counts(store, job);
    assert_eq!((c.blocked, c.running, c.canceled), (0, 0, 4));
    node.done(&lease, one(0));
    assert_eq!(counts(store, job), c, "and nothing wakes them");
}

fn a_finished_job_keeps_its_blocked(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.fail(&lease, 0, 0);
    assert_eq!(store.cancel(NOW, job, None).unwrap(), 0, "a finished job stays as it is");
    let info = store.job(job).unwrap();
    assert_eq!((info.counts.blocked, info.counts.canceled, info.canceled), (3, 0, false));
}

fn max_fails_cancels_the_blocked(store: &dyn Store) {
    let parents: &[&[Seq]] = &[&[], &[], &[], &[0], &[1], &[3]];
    let job = graph_with(store, parents, Policy { max_fails: Some(0), ..Policy::default() });
    let mut node = Node::new(store);
    let lease = node.claim_one(2);
    let reply = node.report(Report { done: one(1), failed: vec![failed(0, 0)], ..about(&lease) });
    assert!(view(&reply, job).finished);
    let c = counts(store, job);
    assert_eq!((c.done, c.dead, c.canceled, c.blocked), (1, 1, 4, 0), "also what was woken by that report");
    assert!(store.job(job).unwrap().canceled);
}

fn a_job_with_blocked_tasks_is_no_success(store: &dyn Store) {
    let policy = Policy { retention_ms: 0, ..Policy::default() };
    let job = graph_with(store, DIAMOND, policy.clone());
    let good = graph_with(store, &[&[]], policy);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.fail(&lease, 0, 0);
    let lease = node.claim_one(9);
    all_done(&mut node, &lease);
    assert_eq!(store.sweep(NOW + HOUR).unwrap(), [good]);
    store.forget(job).unwrap();
    assert_eq!(store.jobs().unwrap(), []);
}

fn a_graph_needs_as_many_records(store: &dyn Store) {
    let graph = Graph::new(vec![vec![], vec![0]]).unwrap();
    for blocks in [vec![], vec![block(1, 1)], vec![block(2, 1), block(1, 1)]] {
        let input = Input::Graph(blocks, graph.clone());
        let refused = store.submit(NOW, &NewJob { spec: spec(Policy::default()), input, paused: false });
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(store.jobs().unwrap(), []);
}

fn a_graph_without_tasks_is_finished_at_once(store: &dyn Store) {
    let input = Input::Graph(vec![], Graph::default());
    let job = store.submit(NOW, &NewJob { spec: spec(Policy::default()), input, paused: false }).unwrap();
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn records_of_a_graph_are_read_as_any(store: &dyn Store) {
    let job = graph(store, DIAMOND);
    let refused = store.append(NOW, job, &[block(1, 1)], true);
    assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    let info = store.job(job).unwrap();
    assert_eq!((info.tail, info.bytes), (4, 4));
    assert_eq!(store.read(job, divvy_core::Range::new(0, 4)).unwrap().get(3), b"x");
}

fn many_tasks_in_layers_all_end(store: &dyn Store) {
    const WIDTH: u64 = 90;
    let parents = (0..10 * WIDTH).map(|task| match task / WIDTH {
        0 => vec![],
        layer => [7, 31].map(|step| (layer - 1) * WIDTH + (task * step) % WIDTH).to_vec(),
    });
    let graph = Graph::new(parents.collect()).unwrap();
    let input = Input::Graph(vec![block(10 * WIDTH, 1)], graph.clone());
    let job = store.submit(NOW, &NewJob { spec: spec(Policy::default()), input, paused: false }).unwrap();
    let (mut node, mut done) = (Node::new(store), Intervals::new());
    while done.len() < 10 * WIDTH {
        let lease = node.claim_one(37);
        for seq in lease.open.iter() {
            assert!(graph.parents(seq).iter().all(|parent| done.contains(*parent)), "{seq} came too early");
        }
        done.insert_all(&lease.open);
        all_done(&mut node, &lease);
        sound(store);
    }
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn a_task_may_have_many_children_and_many_parents(store: &dyn Store) {
    const MANY: u64 = 1_500;
    let mut parents = vec![vec![]];
    parents.extend((0..MANY).map(|_| vec![0]));
    parents.push((1..=MANY).collect());
    let input = Input::Graph(vec![block(MANY + 2, 1)], Graph::new(parents).unwrap());
    let job = store.submit(NOW, &NewJob { spec: spec(Policy::default()), input, paused: false }).unwrap();
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    let woken = view(&all_done(&mut node, &lease), job);
    assert_eq!((woken.claimable, woken.blocked), (MANY, 1));
    let lease = node.claim_one(MANY);
    assert_eq!(lease.open, set(&[(1, MANY + 1)]));
    node.done(&lease, set(&[(2, MANY + 1)]));
    assert_eq!(state(store, job, MANY + 1), TaskState::Blocked { by: vec![1] });
    node.done(&lease, one(1));
    assert_eq!(node.claim_one(9).open, one(MANY + 1));
}
