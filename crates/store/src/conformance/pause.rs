//! Pause: a job that rests until a person lets it go on.

use super::Case;
use super::given::*;
use crate::{Claim, Error, Input, NewJob, Policy, Progress, Store, Want};
use divvy_core::JobId;

pub(super) const CASES: &[Case] = super::cases!["pause":
    nothing_of_a_paused_job_is_granted,
    a_paused_job_goes_on_where_it_was,
    what_runs_goes_on,
    a_view_shows_the_pause,
    a_paused_job_is_not_waited_for,
    other_jobs_go_on,
    pausing_twice_does_nothing,
    a_node_that_waits_notices_a_pause,
    a_paused_job_can_finish,
    a_finished_job_stays_as_it_is,
    a_job_may_be_paused_from_the_beginning,
    a_paused_job_can_be_canceled,
    a_paused_job_grows,
    pausing_needs_a_job,
];

fn pause(store: &dyn Store, job: JobId, paused: bool) {
    store.pause(NOW, job, paused).unwrap();
    assert_eq!(store.job(job).unwrap().paused, paused);
}

fn nothing_of_a_paused_job_is_granted(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    node.give_back(&lease, one(2));
    pause(store, job, true);
    assert_eq!(node.claim(9), [], "neither what waits nor what is above the head");
    let wants = vec![Want { job, class: 0, tasks: 3 }];
    assert_eq!(node.claim_at(NOW, Claim { only: Some(job), wants, ..any(0) }), [], "whoever asks");
}

fn a_paused_job_goes_on_where_it_was(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    node.give_back(&lease, one(2));
    let before = store.job(job).unwrap();
    pause(store, job, true);
    pause(store, job, false);
    assert_eq!(store.job(job).unwrap(), before);
    assert_eq!(opens(&node.claim(9)), [one(2), set(&[(4, 9)])]);
}

fn what_runs_goes_on(store: &dyn Store) {
    let job = array_with_attempts(store, 9, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    pause(store, job, true);
    assert_eq!(node.exchange(NOW, vec![], None).lost, [], "its lease stays");
    node.done(&lease, one(0));
    node.fail(&lease, 1, 0);
    node.give_back(&lease, set(&[(2, 4)]));
    let c = counts(store, job);
    assert_eq!((c.done, c.retrying, c.ready, c.running), (1, 1, 7, 0));
}

fn a_view_shows_the_pause(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(4);
    pause(store, job, true);
    let paused = view(&node.done(&lease, one(0)), job);
    assert_eq!((paused.paused, paused.claimable, paused.unfinished, paused.stuck), (true, 0, 8, false));
    pause(store, job, false);
    let again = view(&node.exchange(NOW, vec![], None), job);
    assert_eq!((again.paused, again.claimable), (false, 5));
}

fn a_paused_job_is_not_waited_for(store: &dyn Store) {
    let job = array_with_attempts(store, 1, 2);
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    node.fail(&lease, 0, HOUR);
    let mut next = || node.exchange(NOW, vec![], Some(any(9))).next_due;
    assert_eq!(next(), Some(NOW + HOUR));
    pause(store, job, true);
    assert_eq!(next(), None);
    pause(store, job, false);
    assert_eq!(next(), Some(NOW + HOUR));
}

fn other_jobs_go_on(store: &dyn Store) {
    let [a, b] = [9, 9].map(|n| array(store, n, Policy::default()));
    pause(store, a, true);
    assert_eq!(Node::new(store).claim_one(3).job, b);
    pause(store, a, false);
    assert_eq!(Node::new(store).claim_one(3).job, a);
}

fn pausing_twice_does_nothing(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    for paused in [true, false] {
        pause(store, job, paused);
        let before = store.job(job).unwrap();
        pause(store, job, paused);
        assert_eq!(store.job(job).unwrap(), before);
    }
}

fn a_node_that_waits_notices_a_pause(store: &dyn Store) {
    let job = array(store, 9, Policy::default());
    let mut last = store.version().unwrap();
    for paused in [true, false] {
        pause(store, job, paused);
        let version = store.version().unwrap();
        assert_ne!(version, last);
        last = version;
    }
}

fn a_paused_job_can_finish(store: &dyn Store) {
    let job = array(store, 3, Policy::default());
    let mut node = Node::new(store);
    let lease = node.claim_one(3);
    pause(store, job, true);
    assert!(view(&node.done(&lease, lease.open.clone()), job).finished);
}

fn a_finished_job_stays_as_it_is(store: &dyn Store) {
    let job = array(store, 0, Policy::default());
    let before = store.job(job).unwrap();
    store.pause(NOW, job, true).unwrap();
    assert_eq!(store.job(job).unwrap(), before);
}

fn a_job_may_be_paused_from_the_beginning(store: &dyn Store) {
    let submit = |input| {
        let new = NewJob { spec: spec(Policy::default()), input, paused: true };
        store.submit(NOW, &new).unwrap()
    };
    let job = submit(Input::Closed(vec![block(3, 1)]));
    let (open, empty) = (submit(Input::Open(vec![block(2, 1)], None)), submit(Input::Closed(vec![])));
    assert!(store.job(job).unwrap().paused && store.job(open).unwrap().paused);
    let ended = store.job(empty).unwrap();
    assert_eq!((ended.paused, ended.progress), (false, Progress::Finished(NOW)), "nothing is left to pause");
    let mut node = Node::new(store);
    assert_eq!(node.claim(9), []);
    pause(store, job, false);
    assert_eq!(node.claim_one(9).open, set(&[(0, 3)]));
    assert_eq!(node.claim(9), [], "the other one rests");
}

fn a_paused_job_can_be_canceled(store: &dyn Store) {
    let job = array(store, 3, Policy::default());
    pause(store, job, true);
    assert_eq!(store.cancel(NOW, job, Some(&one(1))).unwrap(), 1);
    assert_eq!(store.cancel(NOW, job, None).unwrap(), 2);
    assert_eq!(store.job(job).unwrap().progress, Progress::Finished(NOW));
}

fn a_paused_job_grows(store: &dyn Store) {
    let job = open(store, vec![block(2, 1)], None);
    pause(store, job, true);
    store.append(NOW, job, &[block(3, 1)], true).unwrap();
    let mut node = Node::new(store);
    assert_eq!(node.claim(9), []);
    pause(store, job, false);
    assert_eq!(node.claim_one(9).open, set(&[(0, 5)]));
}

fn pausing_needs_a_job(store: &dyn Store) {
    for paused in [true, false] {
        let refused = store.pause(NOW, JobId(7), paused);
        assert!(matches!(refused, Err(Error::NoJob(JobId(7)))), "{refused:?}");
    }
}
