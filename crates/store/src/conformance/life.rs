//! Jobs: submitted, appended to, finished, looked at, forgotten. Sessions: registered and listed.

use super::Case;
use super::given::*;
use crate::{
    Array, Block, Error, Holding, Input, JobSpec, NewJob, Policy, Progress, Report, Store, TaskState,
};
use divvy_core::{JobId, NodeId, Range};

pub(super) const CASES: &[Case] = super::cases!["life":
    job_ids_rise_and_are_not_used_again,
    a_job_is_shown_as_it_was_submitted,
    a_job_shows_what_was_stored_of_it,
    records_come_back_byte_for_byte,
    a_closed_job_without_tasks_is_finished_at_once,
    an_open_job_without_tasks_is_not_finished,
    append_returns_the_range,
    an_empty_append_with_close_only_closes,
    an_empty_append_without_close_changes_nothing,
    append_needs_an_open_job,
    appended_tasks_can_be_leased,
    closing_finishes_a_job_whose_tasks_have_ended,
    a_job_finishes_with_its_last_task,
    an_open_job_does_not_finish_with_its_last_task,
    what_is_not_there_is_no_job,
    forget_needs_a_finished_job,
    forget_removes_the_job,
    sweep_forgets_successes_after_their_retention,
    sweep_keeps_what_has_dead_or_canceled_tasks,
    jobs_are_listed_in_ascending_order,
    sessions_are_listed_and_their_ids_not_used_again,
    what_nodes_hold_is_counted,
    a_session_that_ended_can_do_nothing,
    a_producer_needs_a_session,
    a_producer_is_shown_while_the_job_is_open,
    a_live_session_is_not_gone,
    version_moves_when_the_store_changes,
    a_task_is_looked_up_in_every_state,
];

fn job_ids_rise_and_are_not_used_again(store: &dyn Store) {
    let first = array(store, 0, Policy::default());
    let second = array(store, 0, Policy::default());
    assert_eq!((first, second), (JobId(1), JobId(2)), "they count from 1");
    store.forget(second).unwrap();
    assert!(array(store, 0, Policy::default()) > second);
}

fn a_job_is_shown_as_it_was_submitted(store: &dyn Store) {
    let policy = Policy {
        max_attempts: 7,
        crash_limit: 3,
        max_fails: Some(9),
        range_max: 11,
        exclusive: true,
        retention_ms: u64::from(u32::MAX),
        backups: true,
    };
    let spec = JobSpec {
        name: "näme 'quoted' \"twice\"".into(),
        detail: (0..=255).collect(),
        policy,
        array: Some(Array { first: 5, step: 3 }),
        ..JobSpec::new("a handler")
    };
    let id =
        store.submit(NOW, &NewJob { spec: spec.clone(), input: Input::Array(10), paused: false }).unwrap();
    let job = store.job(id).unwrap();
    assert_eq!(job.spec, spec);
    assert_eq!((job.id, job.created, job.stale, job.producer), (id, NOW, 0, None));
    assert_eq!((job.progress, job.canceled, job.tail, job.bytes), (Progress::Closed, false, 10, 0));
    assert_eq!((job.counts.ready, store.jobs().unwrap()), (10, vec![job]));
}

fn a_job_shows_what_was_stored_of_it(store: &dyn Store) {
    let id = open(store, vec![block(3, 10), block(2, 100)], None);
    let job = store.job(id).unwrap();
    assert_eq!((job.progress, job.tail, job.bytes, job.counts.ready), (Progress::Open, 5, 230, 5));
    store.append(NOW, id, &[block(1, 7)], true).unwrap();
    let job = store.job(id).unwrap();
    assert_eq!((job.progress, job.tail, job.bytes, job.counts.ready), (Progress::Closed, 6, 237, 6));
}

fn records_come_back_byte_for_byte(store: &dyn Store) {
    let records: Vec<Vec<u8>> = (0..300u32).map(|n| vec![n as u8; (n % 7) as usize]).collect();
    let chunk = |lo: usize, hi: usize| Block::pack_all(&records[lo..hi]);
    let id = open(store, [chunk(0, 100), chunk(100, 101)].concat(), None);
    store.append(NOW, id, &chunk(101, 300), true).unwrap();
    for (lo, hi) in [(0, 300), (0, 1), (99, 102), (100, 101), (150, 299)] {
        let read = store.read(id, Range::new(lo, hi)).unwrap();
        assert!(
            read.range().lo <= lo && hi <= read.range().hi,
            "{:?} does not hold [{lo}, {hi})",
            read.range()
        );
        (lo..hi).for_each(|seq| assert_eq!(read.get(seq), records[seq as usize], "record {seq}"));
    }
}

fn a_closed_job_without_tasks_is_finished_at_once(store: &dyn Store) {
    for id in [array(store, 0, Policy::default()), closed(store, vec![])] {
        assert_eq!(store.job(id).unwrap().progress, Progress::Finished(NOW));
    }
}

fn an_open_job_without_tasks_is_not_finished(store: &dyn Store) {
    let id = open(store, vec![], None);
    assert_eq!(store.job(id).unwrap().progress, Progress::Open);
    assert_eq!(Node::new(store).claim(5), []);
}

fn append_returns_the_range(store: &dyn Store) {
    let id = open(store, vec![block(3, 1)], None);
    assert_eq!(store.append(NOW, id, &[block(2, 1), block(5, 1)], false).unwrap(), Range::new(3, 10));
    assert_eq!(store.append(NOW, id, &[block(1, 1)], false).unwrap(), Range::new(10, 11));
}

fn an_empty_append_with_close_only_closes(store: &dyn Store) {
    let id = open(store, vec![block(3, 1)], None);
    assert!(store.append(NOW, id, &[], true).unwrap().is_empty());
    let job = store.job(id).unwrap();
    assert_eq!((job.progress, job.tail), (Progress::Closed, 3));
}

fn an_empty_append_without_close_changes_nothing(store: &dyn Store) {
    let id = open(store, vec![block(3, 1)], None);
    let before = store.job(id).unwrap();
    assert!(store.append(NOW, id, &[], false).unwrap().is_empty());
    assert_eq!(store.job(id).unwrap(), before);
}

fn append_needs_an_open_job(store: &dyn Store) {
    let canceled = open(store, vec![block(3, 1)], None);
    store.cancel(NOW, canceled, None).unwrap();
    let ended = open(store, vec![block(3, 1)], None);
    store.append(NOW, ended, &[], true).unwrap();
    for id in [array(store, 3, Policy::default()), closed(store, vec![block(1, 1)]), canceled, ended] {
        let before = store.job(id).unwrap();
        for (blocks, close) in [(vec![block(1, 1)], false), (vec![], true)] {
            let refused = store.append(NOW, id, &blocks, close);
            assert!(matches!(refused, Err(Error::Conflict { job, .. }) if job == id), "{refused:?}");
        }
        assert_eq!(store.job(id).unwrap(), before, "nothing of a refused operation has happened");
    }
}

fn appended_tasks_can_be_leased(store: &dyn Store) {
    let id = open(store, vec![block(2, 1)], None);
    let mut node = Node::new(store);
    assert_eq!(node.claim_one(9).open, set(&[(0, 2)]));
    store.append(NOW, id, &[block(3, 1)], false).unwrap();
    assert_eq!(node.claim_one(9).open, set(&[(2, 5)]));
}

fn closing_finishes_a_job_whose_tasks_have_ended(store: &dyn Store) {
    let id = open(store, vec![block(2, 1)], None);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.done(&lease, set(&[(0, 2)]));
    store.append(NOW + 5, id, &[], true).unwrap();
    assert_eq!(store.job(id).unwrap().progress, Progress::Finished(NOW + 5));
}

fn a_job_finishes_with_its_last_task(store: &dyn Store) {
    let id = array(store, 4, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    let reply = node.report(Report { done: set(&[(0, 2)]), failed: vec![failed(2, 0)], ..about(&lease) });
    assert!(!view(&reply, id).finished);
    assert_eq!(store.job(id).unwrap().progress, Progress::Closed);
    let last = Report { done: one(3), ..about(&lease) };
    let reply = node.exchange(NOW + 9, vec![last], None);
    assert!(view(&reply, id).finished, "one that is dead has ended too");
    assert_eq!(store.job(id).unwrap().progress, Progress::Finished(NOW + 9));
    store.leave(NOW + 20, node.id).unwrap();
    assert_eq!(store.job(id).unwrap().progress, Progress::Finished(NOW + 9), "it finishes once");
}

fn an_open_job_does_not_finish_with_its_last_task(store: &dyn Store) {
    let id = open(store, vec![block(2, 1)], None);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    let reply = node.done(&lease, lease.open.clone());
    assert!(view(&reply, id).open && !view(&reply, id).finished);
    assert_eq!(view(&reply, id).unfinished, 0);
    assert_eq!(store.job(id).unwrap().progress, Progress::Open);
}

fn what_is_not_there_is_no_job(store: &dyn Store) {
    let forgotten = array(store, 0, Policy::default());
    store.forget(forgotten).unwrap();
    for id in [forgotten, JobId(77)] {
        let errors = [
            store.append(NOW, id, &[], true).err(),
            store.cancel(NOW, id, None).err(),
            store.retry(NOW, id, None).err(),
            store.forget(id).err(),
            store.job(id).err(),
            store.task(id, 0).err(),
            store.dead(id, 0, 1).err(),
            store.read(id, Range::new(0, 1)).err(),
        ];
        for (nth, error) in errors.iter().enumerate() {
            assert!(matches!(error, Some(Error::NoJob(job)) if *job == id), "operation {nth}: {error:?}");
        }
    }
}

fn forget_needs_a_finished_job(store: &dyn Store) {
    for id in [array(store, 1, Policy::default()), open(store, vec![], None)] {
        let refused = store.forget(id);
        assert!(matches!(refused, Err(Error::Conflict { job, .. }) if job == id), "{refused:?}");
        assert!(store.job(id).is_ok());
    }
}

fn forget_removes_the_job(store: &dyn Store) {
    let id = closed(store, vec![block(2, 1)]);
    let mut node = Node::new(store);
    let lease = node.claim_one(9);
    node.report(Report { done: one(0), failed: vec![failed(1, 0)], ..about(&lease) });
    store.forget(id).unwrap();
    assert_eq!(store.jobs().unwrap(), []);
    let late = node.report(Report { done: one(0), ..about(&lease) });
    assert_eq!(late.jobs, [], "a report for a forgotten job is nobody's, and the job has no view");
}

fn sweep_forgets_successes_after_their_retention(store: &dyn Store) {
    let kept = |ms| Policy { retention_ms: ms, ..Policy::default() };
    let (short, long) = (array(store, 0, kept(1_000)), array(store, 0, kept(5_000)));
    let (unfinished, grows) = (array(store, 1, kept(0)), open(store, vec![], None));
    assert_eq!(store.sweep(NOW + 1_000).unwrap(), [], "longer ago than the retention");
    assert_eq!(store.sweep(NOW + 1_001).unwrap(), [short]);
    assert_eq!(store.sweep(NOW + HOUR).unwrap(), [long]);
    let left: Vec<JobId> = store.jobs().unwrap().iter().map(|job| job.id).collect();
    assert_eq!(left, [unfinished, grows]);
}

fn sweep_keeps_what_has_dead_or_canceled_tasks(store: &dyn Store) {
    let policy = Policy { retention_ms: 0, ..Policy::default() };
    let jobs = [array(store, 2, policy.clone()), array(store, 2, policy)];
    let mut node = Node::new(store);
    let lease = node.claim_one(2);
    node.report(Report { done: one(0), failed: vec![failed(1, 0)], ..about(&lease) });
    let lease = node.claim_one(1);
    node.done(&lease, one(0));
    store.cancel(NOW, jobs[1], Some(&one(1))).unwrap();
    assert!(store.jobs().unwrap().iter().all(|job| job.progress == Progress::Finished(NOW)));
    assert_eq!(store.sweep(NOW + HOUR).unwrap(), []);
}

fn jobs_are_listed_in_ascending_order(store: &dyn Store) {
    let submitted: Vec<JobId> = (0..12).map(|n| array(store, n, Policy::default())).collect();
    let listed: Vec<JobId> = store.jobs().unwrap().iter().map(|job| job.id).collect();
    assert_eq!(listed, submitted);
}

fn sessions_are_listed_and_their_ids_not_used_again(store: &dyn Store) {
    let first = store.register(NOW, &info(3)).unwrap();
    let second = store.register(NOW, &info(4)).unwrap();
    assert_eq!(store.nodes().unwrap(), [(first, info(3)), (second, info(4))]);
    store.leave(NOW, second).unwrap();
    store.expire(NOW, first).unwrap();
    assert_eq!(store.nodes().unwrap(), []);
    let third = store.register(NOW, &info(1)).unwrap();
    assert!(third != first && third != second, "{third} was used before");
}

fn what_nodes_hold_is_counted(store: &dyn Store) {
    let jobs = [array(store, 9, Policy::default()), array(store, 9, Policy::default())];
    let (mut first, mut second) = (Node::new(store), Node::new(store));
    assert_eq!(store.holdings().unwrap(), []);
    second.claim_one(4);
    let lease = first.claim_one(3);
    first.claim_one(1);
    second.claim_one(9);
    second.claim_one(5);
    let holding = |node: &Node<'_>, job: usize, leases, tasks| {
        let (node, job) = (node.id, jobs[job]);
        Holding { node, job, leases, tasks }
    };
    let of_second = [holding(&second, 0, 2, 5), holding(&second, 1, 1, 5)];
    assert_eq!(store.holdings().unwrap(), [&[holding(&first, 0, 2, 4)], &of_second[..]].concat());
    first.done(&lease, one(5));
    store.cancel(NOW, jobs[0], Some(&one(6))).unwrap();
    assert_eq!(store.holdings().unwrap(), [&[holding(&first, 0, 2, 2)], &of_second[..]].concat());
    first.done(&lease, one(4));
    assert_eq!(store.holdings().unwrap(), [&[holding(&first, 0, 1, 1)], &of_second[..]].concat());
    second.die();
    assert_eq!(store.holdings().unwrap(), [holding(&first, 0, 1, 1)]);
}

fn a_session_that_ended_can_do_nothing(store: &dyn Store) {
    let job = array(store, 4, Policy::default());
    let (mut left, mut lost) = (Node::new(store), Node::new(store));
    let leases = [left.claim_one(2), lost.claim_one(2)];
    store.leave(NOW, left.id).unwrap();
    store.expire(NOW, lost.id).unwrap();
    let before = store.job(job).unwrap();
    for (id, lease) in [left.id, lost.id].into_iter().zip(&leases) {
        let reports = vec![Report { done: lease.open.clone(), ..about(lease) }];
        let exchange = crate::Exchange { held: vec![name(lease)], reports, claim: Some(any(1)) };
        let refused = store.exchange(NOW, id, &exchange);
        assert!(matches!(refused, Err(Error::NodeGone(node)) if node == id), "{refused:?}");
    }
    assert_eq!(store.job(job).unwrap(), before, "nothing of a refused operation has happened");
    let unknown = store.exchange(NOW, NodeId(999), &crate::Exchange::default());
    assert!(matches!(unknown, Err(Error::NodeGone(NodeId(999)))), "{unknown:?}");
}

fn a_producer_needs_a_session(store: &dyn Store) {
    let node = Node::new(store);
    store.leave(NOW, node.id).unwrap();
    let new =
        NewJob { spec: spec(Policy::default()), input: Input::Open(vec![], Some(node.id)), paused: false };
    let refused = store.submit(NOW, &new);
    assert!(matches!(refused, Err(Error::NodeGone(id)) if id == node.id), "{refused:?}");
    assert_eq!(store.jobs().unwrap(), []);
}

fn a_producer_is_shown_while_the_job_is_open(store: &dyn Store) {
    let node = Node::new(store);
    let job = open(store, vec![], Some(node.id));
    assert_eq!(store.job(job).unwrap().producer, Some(node.id));
    store.append(NOW, job, &[block(1, 1)], true).unwrap();
    assert_eq!(store.job(job).unwrap().producer, None);
}

fn a_live_session_is_not_gone(store: &dyn Store) {
    let node = Node::new(store);
    assert!(!store.gone().unwrap().contains(&node.id));
    store.leave(NOW, node.id).unwrap();
    assert!(!store.gone().unwrap().contains(&node.id), "nor is one that left in peace");
}

fn version_moves_when_the_store_changes(store: &dyn Store) {
    let mut last = store.version().unwrap();
    let mut moved = |what: &str| {
        let version = store.version().unwrap();
        assert_ne!(version, last, "after {what}");
        last = version;
    };
    let job = open(store, vec![block(4, 1)], None);
    moved("a submission");
    let mut node = Node::new(store);
    moved("a registration");
    let lease = node.claim_one(2);
    moved("a lease");
    node.done(&lease, one(0));
    moved("a report");
    store.append(NOW, job, &[block(1, 1)], false).unwrap();
    moved("an append");
    store.cancel(NOW, job, Some(&one(3))).unwrap();
    moved("a cancellation");
    node.die();
    moved("the end of a session");
}

fn a_task_is_looked_up_in_every_state(store: &dyn Store) {
    let job = array_with_attempts(store, 10, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(5);
    let failures = vec![failed(1, HOUR), failed(2, 0)];
    node.report(Report { done: one(0), failed: failures, back: one(4), ..about(&lease) });
    let again = node.claim_one(1);
    assert_eq!(again.open, one(2));
    node.fail(&again, 2, 0);
    store.cancel(NOW, job, Some(&set(&[(7, 9)]))).unwrap();
    let state = |seq| store.task(job, seq).unwrap().map(|task| task.state);
    assert_eq!(state(0), Some(TaskState::Done));
    assert_eq!(state(1), Some(TaskState::Retrying { due: NOW + HOUR, attempts: 1 }));
    assert_eq!(state(2), Some(TaskState::Dead));
    assert_eq!(state(3), Some(TaskState::Running { node: node.id, fence: lease.fence }));
    assert_eq!(state(4), Some(TaskState::Ready), "given back");
    assert_eq!([5, 6, 9].map(state), [5, 6, 9].map(|_| Some(TaskState::Ready)), "never leased");
    assert_eq!([7, 8].map(state), [7, 8].map(|_| Some(TaskState::Canceled)));
    assert_eq!([10, u64::from(u32::MAX)].map(state), [None, None]);
    let dead = store.task(job, 2).unwrap().unwrap();
    assert_eq!((dead.seq, dead.error.as_deref()), (2, Some("error of 2")));
    let c = counts(store, job);
    assert_eq!((c.ready, c.retrying, c.running, c.done, c.dead, c.canceled), (4, 1, 1, 1, 1, 2));
}
