//! Classes: which tasks are granted to whom when tasks take different things, and those that outgrow their class.

use super::Case;
use super::given::*;
use crate::rules::AHEAD_MAX;
use crate::{
    Claim, Class, Error, Failed, Input, JobSpec, Needs, NewJob, Policy, Report, Store, TaskState, Want,
};
use divvy_core::demand::MEM;
use divvy_core::{Demand, Intervals, JobId, Seq};

pub(super) const CASES: &[Case] = super::cases!["classes":
    needs_that_cannot_be_are_refused,
    a_lease_says_what_its_tasks_take,
    a_task_is_never_granted_where_it_has_no_room,
    every_resource_has_to_be_there,
    the_first_class_that_fits_and_grants_serves_all,
    a_claim_is_not_of_two_jobs_if_the_first_fits_nowhere,
    a_lease_from_the_head_ends_with_its_run,
    the_head_waits_for_who_has_room,
    what_waits_does_not_wait_for_the_head,
    a_canceled_run_keeps_no_class_waiting,
    a_run_that_is_canceled_in_part_is_not_passed_over,
    wants_are_by_class,
    the_class_that_is_named_first_is_served_first,
    what_is_set_aside_is_granted_to_all,
    nothing_of_an_exclusive_job_is_set_aside,
    so_many_ranges_are_set_aside,
    next_due_is_of_a_job_of_which_any_class_is_wanted,
    what_is_given_back_waits_in_its_class,
    what_is_lost_waits_in_its_class,
    what_a_leaving_node_had_waits_in_its_class,
    a_retry_waits_in_its_class,
    an_outgrown_task_waits_in_the_next_class,
    an_outgrown_attempt_does_not_count,
    an_outgrown_task_keeps_its_charges,
    an_outgrown_task_without_a_next_class_has_failed,
    the_dead_begin_again_in_their_first_class,
    retried_tasks_wait_by_runs,
    a_canceled_part_of_a_waiting_range_leaves_its_class,
    views_count_by_class,
];

/// Two classes: tasks of one core, and tasks of four.
fn small_and_large(starts: &[(Seq, u32)]) -> Needs {
    let class = |n| Class { demand: cpus(n), more: None };
    Needs { classes: vec![class(1), class(4)], starts: starts.to_vec() }
}

/// Three classes, each with more than the one before.
fn growing() -> Needs {
    let class = |n, more| Class { demand: cpus(n), more };
    Needs { classes: vec![class(1, Some(1)), class(2, Some(2)), class(4, None)], starts: vec![] }
}

/// A claim of a node with so many cores.
fn with_cpus(n: u64, tasks: u64) -> Claim {
    Claim { capacity: cpus(n), ..any(tasks) }
}

fn wants(job: JobId, by_class: &[(u32, u64)]) -> Vec<Want> {
    by_class.iter().map(|(class, tasks)| Want { job, class: *class, tasks: *tasks }).collect()
}

fn outgrown(seq: Seq) -> Failed {
    Failed { outgrown: true, ..failed(seq, HOUR) }
}

fn needs_that_cannot_be_are_refused(store: &dyn Store) {
    let kept = array(store, 1, Policy::default());
    let circle = Needs { classes: vec![Class { more: Some(0), ..Class::default() }], starts: vec![] };
    for needs in [small_and_large(&[(0, 2)]), small_and_large(&[(3, 1)]), circle] {
        let spec = JobSpec { needs, ..spec(Policy::default()) };
        let refused =
            store.submit(NOW, &NewJob { spec, input: Input::Closed(vec![block(2, 1)]), paused: false });
        assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(store.jobs().unwrap().len(), 1);
    let next = needing(store, 1, small_and_large(&[(0, 1)]), Policy::default());
    assert_eq!(next, JobId(kept.0 + 1), "what was refused has no id");
}

fn a_lease_says_what_its_tasks_take(store: &dyn Store) {
    let needs = small_and_large(&[(0, 1)]);
    let job = needing(store, 3, needs.clone(), Policy::default());
    assert_eq!(store.job(job).unwrap().spec.needs, needs);
    let lease = Node::new(store).claim_at(NOW, with_cpus(4, 1)).remove(0);
    assert_eq!((lease.class, lease.demand), (1, cpus(4)));
    store.cancel(NOW, job, None).unwrap();
    array(store, 3, Policy::default());
    let lease = Node::new(store).claim_one(1);
    assert_eq!((lease.class, lease.demand), (0, Demand::new()), "of a job that says nothing");
}

fn a_task_is_never_granted_where_it_has_no_room(store: &dyn Store) {
    needing(store, 3, small_and_large(&[(0, 1)]), Policy::default());
    let mut node = Node::new(store);
    assert_eq!(node.claim_at(NOW, with_cpus(3, 9)), []);
    assert_eq!(node.claim(9), [], "it has nothing at all");
    let lease = node.claim_at(NOW, with_cpus(4, 2)).remove(0);
    node.give_back(&lease, lease.open.clone());
    assert_eq!(node.claim_at(NOW, with_cpus(3, 9)), [], "nor when it waits");
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(5, 9))), [set(&[(0, 2)]), one(2)]);
}

fn every_resource_has_to_be_there(store: &dyn Store) {
    let demand = cpus(1).with(MEM, 100).with("gpu", 500);
    let needs = Needs { classes: vec![Class { demand: demand.clone(), more: None }], starts: vec![] };
    needing(store, 1, needs, Policy::default());
    let mut node = Node::new(store);
    for lacking in [demand.clone().with(MEM, 99), demand.clone().with("gpu", 0), cpus(64)] {
        assert_eq!(node.claim_at(NOW, Claim { capacity: lacking, ..any(1) }), []);
    }
    let granted = node.claim_at(NOW, Claim { capacity: demand.clone().with("disk", 1), ..any(1) });
    assert_eq!(granted[0].demand, demand);
}

fn the_first_class_that_fits_and_grants_serves_all(store: &dyn Store) {
    let job = needing(store, 8, small_and_large(&[(0, 1), (4, 0)]), Policy::default());
    let mut node = Node::new(store);
    let large = node.claim_at(NOW, with_cpus(4, 4)).remove(0);
    let small = node.claim_at(NOW, with_cpus(4, 4)).remove(0);
    assert_eq!((large.class, small.class), (1, 0));
    node.give_back(&large, set(&[(1, 3)]));
    node.give_back(&small, one(5));
    let granted = node.claim_at(NOW, with_cpus(4, 9));
    assert_eq!((opens(&granted), granted[0].class), (vec![one(5)], 0), "class 0 comes first");
    let granted = node.claim_at(NOW, with_cpus(4, 9));
    assert_eq!((opens(&granted), granted[0].class), (vec![set(&[(1, 3)])], 1));
    assert_eq!(counts(store, job).running, 8);
}

fn a_claim_is_not_of_two_jobs_if_the_first_fits_nowhere(store: &dyn Store) {
    let large = needing(store, 2, small_and_large(&[(0, 1)]), Policy::default());
    let small = needing(store, 2, small_and_large(&[]), Policy::default());
    let mut node = Node::new(store);
    assert_eq!(node.claim_at(NOW, with_cpus(1, 9))[0].job, small, "the next job is served");
    let granted = node.claim_at(NOW, with_cpus(4, 9));
    assert_eq!((granted[0].job, granted.len()), (large, 1));
}

fn a_lease_from_the_head_ends_with_its_run(store: &dyn Store) {
    needing(store, 9, small_and_large(&[(0, 0), (3, 1), (5, 0), (7, 0)]), Policy::default());
    let mut node = Node::new(store);
    for open in [set(&[(0, 3)]), set(&[(3, 5)]), set(&[(5, 7)]), set(&[(7, 9)])] {
        assert_eq!(opens(&node.claim_at(NOW, with_cpus(4, 99))), [open]);
    }
    assert_eq!(node.claim_at(NOW, with_cpus(4, 99)), []);
}

fn the_head_waits_for_who_has_room(store: &dyn Store) {
    needing(store, 4, small_and_large(&[(0, 1), (1, 0)]), Policy::default());
    let mut node = Node::new(store);
    assert_eq!(node.claim_at(NOW, with_cpus(1, 9)), [], "tasks are leased in their order");
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(4, 9))), [one(0)]);
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(1, 9))), [set(&[(1, 4)])]);
}

fn what_waits_does_not_wait_for_the_head(store: &dyn Store) {
    needing(store, 4, small_and_large(&[(0, 0), (2, 1)]), Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(1, 9)).remove(0);
    node.give_back(&lease, one(1));
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(1, 9))), [one(1)]);
    assert_eq!(node.claim_at(NOW, with_cpus(1, 9)), []);
}

fn a_canceled_run_keeps_no_class_waiting(store: &dyn Store) {
    let job = needing(store, 9, small_and_large(&[(0, 1), (3, 0), (5, 1), (7, 0)]), Policy::default());
    store.cancel(NOW, job, Some(&set(&[(0, 3), (5, 7)]))).unwrap();
    let mut node = Node::new(store);
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(1, 9))), [set(&[(3, 5)])]);
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(1, 9))), [set(&[(7, 9)])]);
}

fn a_run_that_is_canceled_in_part_is_not_passed_over(store: &dyn Store) {
    let job = needing(store, 9, small_and_large(&[(0, 1), (4, 0)]), Policy::default());
    store.cancel(NOW, job, Some(&set(&[(0, 3)]))).unwrap();
    let mut node = Node::new(store);
    assert_eq!(node.claim_at(NOW, with_cpus(1, 9)), []);
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(4, 2))), [one(3)], "after [0, 2), which is canceled");
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(4, 2))), [set(&[(4, 6)])]);
}

fn wants_are_by_class(store: &dyn Store) {
    let job = needing(store, 20, small_and_large(&[(0, 0), (10, 1)]), Policy::default());
    let mut node = Node::new(store);
    let wanting = |by_class: &[(u32, u64)]| Claim { wants: wants(job, by_class), ..with_cpus(4, 99) };
    let lease = node.claim_at(NOW, wanting(&[(0, 2), (1, 7), (0, 9)])).remove(0);
    assert_eq!(lease.open, set(&[(0, 2)]), "the first that counts of two wants of a class");
    assert_eq!(node.claim_at(NOW, wanting(&[(7, 7), (0, 0)])), [], "what is not named is not wanted");
    assert_eq!(opens(&node.claim_at(NOW, wanting(&[(0, 8), (1, 7)]))), [set(&[(2, 10)])]);
    assert_eq!(opens(&node.claim_at(NOW, wanting(&[(0, 0), (1, 3)]))), [set(&[(10, 13)])]);
    node.give_back(&lease, one(0));
    let other = Claim { wants: wants(JobId(job.0 + 9), &[(0, 0)]), ..with_cpus(1, 5) };
    assert_eq!(
        opens(&node.claim_at(NOW, other)),
        [one(0)],
        "a job that is not named has the size for new ones"
    );
}

/// Twelve tasks, in turns small and large.
fn in_turns(store: &dyn Store, policy: Policy) -> JobId {
    let starts: Vec<_> = (0..12).map(|seq| (seq, (seq % 2) as u32)).collect();
    needing(store, 12, small_and_large(&starts), policy)
}

fn claim_of(node: &mut Node<'_>, job: JobId, by_class: &[(u32, u64)]) -> Vec<crate::Lease> {
    node.claim_at(NOW, Claim { wants: wants(job, by_class), ..with_cpus(4, 99) })
}

fn the_class_that_is_named_first_is_served_first(store: &dyn Store) {
    let job = in_turns(store, Policy::default());
    let mut node = Node::new(store);
    assert_eq!(opens(&claim_of(&mut node, job, &[(1, 3), (0, 3)])), [one(1)], "behind a run of another");
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.running), (11, 0, 1), "what was set aside is as ready as before");
    assert_eq!(store.task(job, 0).unwrap().unwrap().state, TaskState::Ready);
    assert_eq!(opens(&claim_of(&mut node, job, &[(1, 3), (0, 3)])), [one(3)]);
    let small = claim_of(&mut node, job, &[(0, 3), (1, 3)]);
    assert_eq!(opens(&small), [set(&[(0, 1), (2, 3)]), one(4)], "what was set aside, then from the head");
    assert_eq!(opens(&claim_of(&mut node, job, &[(0, 0), (2, 9), (1, 1)])), [one(5)]);
    store.verify(true).unwrap();
}

fn what_is_set_aside_is_granted_to_all(store: &dyn Store) {
    let job = in_turns(store, Policy::default());
    let mut first = Node::new(store);
    store.cancel(NOW, job, Some(&set(&[(2, 3), (4, 5), (5, 6)]))).unwrap();
    for open in [one(1), one(3), one(7)] {
        assert_eq!(opens(&claim_of(&mut first, job, &[(1, 1)])), [open]);
    }
    let mut other = Node::new(store);
    assert_eq!(opens(&other.claim_at(NOW, with_cpus(1, 9))), [set(&[(0, 1), (6, 7)]), one(8)]);
    first.die();
    assert_eq!(opens(&other.claim_at(NOW, with_cpus(4, 9))), [set(&[(1, 2)]), one(3), one(7), one(9)]);
    assert_eq!(counts(store, job).canceled, 3);
    store.verify(true).unwrap();
}

fn nothing_of_an_exclusive_job_is_set_aside(store: &dyn Store) {
    let job = in_turns(store, Policy { exclusive: true, ..Policy::default() });
    let mut node = Node::new(store);
    assert_eq!(claim_of(&mut node, job, &[(1, 3)]), [], "it is to go on in order");
    assert_eq!(opens(&claim_of(&mut node, job, &[(1, 3), (0, 3)])), [one(0)]);
    assert_eq!(opens(&claim_of(&mut node, job, &[(1, 3), (0, 3)])), [one(1)]);
}

fn so_many_ranges_are_set_aside(store: &dyn Store) {
    let last = AHEAD_MAX + 1;
    let starts: Vec<_> = (0..last).map(|seq| (seq, (seq % 2) as u32)).chain([(last, 2)]).collect();
    let class = |n| Class { demand: cpus(n), more: None };
    let needs = Needs { classes: [1, 2, 3].map(class).to_vec(), starts };
    let job = needing(store, last + 1, needs, Policy::default());
    let mut node = Node::new(store);
    assert_eq!(claim_of(&mut node, job, &[(2, 1)]), [], "too far away");
    assert_eq!(
        opens(&claim_of(&mut node, job, &[(2, 1), (0, 1)])),
        [one(0)],
        "and nothing set aside in vain"
    );
    assert_eq!(
        opens(&claim_of(&mut node, job, &[(2, 1), (0, 1)])),
        [one(last)],
        "as many as may wait before it"
    );
    assert_eq!(counts(store, job).ready, AHEAD_MAX);
    assert_eq!(opens(&claim_of(&mut node, job, &[(1, 3)])), [set(&[(1, 2), (3, 4), (5, 6)])]);
    store.verify(true).unwrap();
}

fn next_due_is_of_a_job_of_which_any_class_is_wanted(store: &dyn Store) {
    let policy = Policy { max_attempts: 2, ..Policy::default() };
    let job = needing(store, 2, small_and_large(&[]), policy);
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(1, 1)).remove(0);
    node.fail(&lease, 0, 50);
    let mut due = |by_class: &[(u32, u64)]| {
        let claim = Claim { wants: wants(job, by_class), leases_max: 0, ..with_cpus(1, 1) };
        node.exchange(NOW, vec![], Some(claim)).next_due
    };
    assert_eq!(due(&[(0, 0), (1, 0)]), None);
    assert_eq!(due(&[(0, 0), (1, 1)]), Some(NOW + 50));
    assert_eq!(due(&[(0, 1)]), Some(NOW + 50));
}

/// A job of four large tasks, its node and a lease of two of them.
fn two_large(store: &dyn Store, policy: Policy) -> (JobId, Node<'_>, crate::Lease) {
    let job = needing(store, 4, small_and_large(&[(0, 1)]), policy);
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(4, 2)).remove(0);
    (job, node, lease)
}

/// That nobody without room is granted anything, and who has room is granted these tasks, in this class.
fn in_class(store: &dyn Store, now: u64, class: u32, cores: u64, tasks: &[(Seq, Seq)]) {
    let mut node = Node::new(store);
    assert_eq!(node.claim_at(now, with_cpus(cores - 1, 9)), []);
    let granted = node.claim_at(now, with_cpus(cores, 9));
    let mut all = Intervals::new();
    granted.iter().for_each(|lease| all.insert_all(&lease.open));
    assert_eq!(all, set(tasks));
    assert!(granted.iter().all(|l| l.class == class && l.demand == cpus(cores)), "{granted:?}");
}

fn what_is_given_back_waits_in_its_class(store: &dyn Store) {
    let (_, mut node, lease) = two_large(store, Policy::default());
    node.give_back(&lease, lease.open.clone());
    in_class(store, NOW, 1, 4, &[(0, 2), (2, 4)]);
}

fn what_is_lost_waits_in_its_class(store: &dyn Store) {
    let (_, node, _) = two_large(store, Policy::default());
    node.die();
    in_class(store, NOW, 1, 4, &[(0, 1), (2, 4)]);
}

fn what_a_leaving_node_had_waits_in_its_class(store: &dyn Store) {
    let (_, node, _) = two_large(store, Policy::default());
    store.leave(NOW, node.id).unwrap();
    in_class(store, NOW, 1, 4, &[(0, 2), (2, 4)]);
}

fn a_retry_waits_in_its_class(store: &dyn Store) {
    let (_, mut node, lease) = two_large(store, Policy { max_attempts: 2, ..Policy::default() });
    node.fail(&lease, 1, 10);
    in_class(store, NOW + 10, 1, 4, &[(1, 2), (2, 4)]);
}

fn an_outgrown_task_waits_in_the_next_class(store: &dyn Store) {
    let job = needing(store, 3, growing(), Policy { max_attempts: 2, ..Policy::default() });
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(1, 3)).remove(0);
    node.report(Report { failed: vec![outgrown(1), outgrown(1), outgrown(2)], ..about(&lease) });
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.running), (2, 0, 1), "it is no retry");
    assert_eq!(store.task(job, 1).unwrap().unwrap().state, TaskState::Ready);
    in_class(store, NOW, 1, 2, &[(1, 2), (2, 3)]);
}

fn an_outgrown_attempt_does_not_count(store: &dyn Store) {
    let job = needing(store, 1, growing(), Policy::default());
    let mut node = Node::new(store);
    for class in 0..3 {
        let lease = node.claim_at(NOW, with_cpus(4, 1)).remove(0);
        assert_eq!((lease.class, lease.attempts), (class, 0), "with the only attempt it has");
        node.report(Report { failed: vec![outgrown(0)], ..about(&lease) });
    }
    assert_eq!(counts(store, job).dead, 1, "no class has more than the last");
    assert_eq!(store.dead(job, 0, 9).unwrap()[0].attempts, 1);
}

fn an_outgrown_task_keeps_its_charges(store: &dyn Store) {
    let policy = Policy { max_attempts: 3, crash_limit: 9, ..Policy::default() };
    let job = needing(store, 1, growing(), policy);
    let mut node = Node::new(store);
    node.claim_at(NOW, with_cpus(1, 1));
    node.die();
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(1, 1)).remove(0);
    node.fail(&lease, 0, 0);
    let lease = node.claim_at(NOW, with_cpus(1, 1)).remove(0);
    node.report(Report { failed: vec![outgrown(0)], ..about(&lease) });
    let state = store.task(job, 0).unwrap().unwrap().state;
    assert_eq!(state, TaskState::Retrying { due: 0, attempts: 1 }, "due at once");
    let lease = node.claim_at(0, with_cpus(2, 1)).remove(0);
    assert_eq!((lease.class, lease.attempts, lease.crashes), (1, 1, 1));
}

fn an_outgrown_task_without_a_next_class_has_failed(store: &dyn Store) {
    let (job, mut node, lease) = two_large(store, Policy { max_attempts: 2, ..Policy::default() });
    node.report(Report { failed: vec![outgrown(0)], ..about(&lease) });
    let state = store.task(job, 0).unwrap().unwrap().state;
    assert_eq!(state, TaskState::Retrying { due: NOW + HOUR, attempts: 1 });
    in_class(store, NOW + HOUR, 1, 4, &[(0, 1), (2, 4)]);
}

fn the_dead_begin_again_in_their_first_class(store: &dyn Store) {
    let job = needing(store, 1, growing(), Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(1, 1)).remove(0);
    node.report(Report { failed: vec![outgrown(0)], ..about(&lease) });
    let lease = node.claim_at(NOW, with_cpus(2, 1)).remove(0);
    node.fail(&lease, 0, 0);
    assert_eq!(store.retry(NOW, job, None).unwrap(), 1);
    let lease = node.claim_at(NOW, with_cpus(4, 1)).remove(0);
    assert_eq!((lease.class, lease.attempts), (0, 0));
}

fn retried_tasks_wait_by_runs(store: &dyn Store) {
    let job = needing(store, 8, small_and_large(&[(0, 0), (3, 1), (6, 0)]), Policy::default());
    let mut node = Node::new(store);
    for _ in 0..3 {
        let lease = node.claim_at(NOW, with_cpus(4, 9)).remove(0);
        let failed = lease.open.iter().filter(|seq| *seq > 0).map(|seq| failed(seq, 0)).collect();
        node.report(Report { failed, ..about(&lease) });
    }
    assert_eq!(store.retry(NOW, job, Some(&set(&[(0, 7)]))).unwrap(), 6);
    let both = set(&[(1, 3), (6, 7)]);
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(1, 9))), [both], "of several classes, as one lease");
    assert_eq!(opens(&node.claim_at(NOW, with_cpus(4, 9))), [set(&[(3, 6)])]);
}

fn a_canceled_part_of_a_waiting_range_leaves_its_class(store: &dyn Store) {
    let job = needing(store, 5, small_and_large(&[(0, 1)]), Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(4, 5)).remove(0);
    node.give_back(&lease, lease.open.clone());
    store.cancel(NOW, job, Some(&one(2))).unwrap();
    in_class(store, NOW, 1, 4, &[(0, 2), (3, 5)]);
}

fn views_count_by_class(store: &dyn Store) {
    let policy = Policy { max_attempts: 2, ..Policy::default() };
    let job = needing(store, 20, small_and_large(&[(0, 0), (6, 1), (10, 0)]), policy);
    let mut node = Node::new(store);
    let lease = node.claim_at(NOW, with_cpus(4, 9)).remove(0);
    let large = node.claim_at(NOW, with_cpus(4, 3)).remove(0);
    let failed = vec![failed(0, HOUR), failed(1, 0)];
    node.report(Report { failed, back: one(5), ..about(&lease) });
    let reply = node.give_back(&large, one(7));
    let by_class = |now, node: &mut Node<'_>| {
        let view = view(&node.exchange(now, vec![], None), job);
        assert_eq!(view.classes.iter().map(|class| class.claimable).sum::<u64>(), view.claimable);
        let empty = |class: &crate::ClassView| class.claimable == 0 && class.oldest.is_none();
        assert!(view.classes.iter().all(|class| empty(class) || class.oldest.is_some()), "{view:?}");
        view.classes.iter().map(|class| class.claimable).collect::<Vec<_>>()
    };
    assert_eq!(view(&reply, job).classes[1].demand, cpus(4));
    assert_eq!(by_class(NOW, &mut node), [10 + 2, 1 + 1], "above the head, due, given back");
    assert_eq!(by_class(NOW + HOUR, &mut node), [13, 2]);
    let shown = view(&node.exchange(NOW, vec![], None), job);
    let oldest: Vec<_> = shown.classes.iter().map(|class| class.oldest).collect();
    assert_eq!(oldest, [Some(1), Some(7)], "of those that could be leased now");
    store.cancel(NOW, job, Some(&set(&[(9, 12)]))).unwrap();
    assert_eq!(by_class(NOW + HOUR, &mut node), [11, 1]);
    let plain = array(store, 3, Policy::default());
    let reply = node.exchange(NOW, vec![], Some(Claim { only: Some(plain), ..any(0) }));
    assert_eq!((view(&reply, plain).classes, view(&reply, plain).claimable), (vec![], 3));
}
