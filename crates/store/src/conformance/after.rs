//! Jobs that come after other jobs.

use super::Case;
use super::given::*;
use crate::{Claim, Error, Input, JobSpec, NewJob, Policy, Report, Store};
use divvy_core::JobId;

pub(super) const CASES: &[Case] = super::cases!["after":
    a_job_comes_after_one_that_is_there,
    nothing_is_granted_before_its_forerunner_succeeded,
    all_forerunners_have_to_succeed,
    a_job_is_let_go_by_the_report_that_ends_its_forerunner,
    a_forerunner_without_tasks_has_succeeded,
    a_claim_for_a_job_is_for_its_forerunners_too,
    a_view_of_a_job_that_waits_has_nothing_claimable,
    a_job_whose_forerunner_failed_is_stuck,
    a_job_behind_a_stuck_one_is_stuck,
    a_canceled_forerunner_has_not_succeeded,
    a_job_is_free_when_its_forerunner_succeeds_after_all,
    a_stuck_job_can_be_canceled,
    an_unsuccessful_job_that_others_wait_for_is_not_forgotten,
    a_forgotten_job_has_succeeded,
    a_swept_job_has_succeeded,
];

/// Runs a job to its end; `fails` of its tasks die.
fn run(node: &mut Node<'_>, job: JobId, fails: u64) -> crate::Reply {
    let lease = node.claim_at(NOW, Claim { only: Some(job), ..any(99) }).remove(0);
    assert_eq!(lease.job, job);
    let failed = lease.open.iter().take(fails as usize).map(|seq| failed(seq, 0)).collect();
    // Done tasks leave the lease first: the failed ones are not among them.
    let mut done = lease.open.clone();
    let done = done.split_off(fails);
    node.report(Report { done, failed, ..about(&lease) })
}

fn waits_for(store: &dyn Store, job: JobId) -> Vec<JobId> {
    store.job(job).unwrap().waits_for
}

/// Whether a node that asks for this job is told that it is stuck.
fn is_stuck(store: &dyn Store, job: JobId) -> bool {
    let claim = Claim { only: Some(job), ..any(0) };
    view(&Node::new(store).exchange(NOW, vec![], Some(claim)), job).stuck
}

fn a_job_comes_after_one_that_is_there(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    for missing in [JobId(first.0 + 1), JobId(first.0 + 7)] {
        let spec = JobSpec { after: vec![first, missing], ..spec(Policy::default()) };
        let refused = store.submit(NOW, &NewJob { spec, input: Input::Closed(vec![]), paused: false });
        assert!(matches!(refused, Err(Error::NoJob(_))), "{refused:?}");
    }
    let second = after(store, 1, &[first]);
    assert_eq!((second, waits_for(store, second)), (JobId(first.0 + 1), vec![first]));
    assert_eq!(store.job(second).unwrap().spec.after, [first]);
}

fn nothing_is_granted_before_its_forerunner_succeeded(store: &dyn Store) {
    let first = array(store, 2, Policy::default());
    let second = after(store, 3, &[first]);
    let third = array(store, 1, Policy::default());
    let (mut a, mut b) = (Node::new(store), Node::new(store));
    let lease = a.claim_one(9);
    assert_eq!(b.claim_one(9).job, third, "others are not held up");
    assert_eq!(b.claim(9), []);
    a.done(&lease, one(0));
    assert_eq!(b.claim(9), []);
    a.done(&lease, one(1));
    assert_eq!((b.claim_one(9).job, waits_for(store, second)), (second, vec![]));
}

fn all_forerunners_have_to_succeed(store: &dyn Store) {
    let [a, b] = [1, 1].map(|n| array(store, n, Policy::default()));
    let last = after(store, 1, &[b, a]);
    let mut node = Node::new(store);
    assert_eq!(waits_for(store, last), [b, a], "as it names them");
    run(&mut node, b, 0);
    assert_eq!((node.claim_one(9).job, waits_for(store, last)), (a, vec![a]));
    assert_eq!(node.claim(9), []);
}

fn a_job_is_let_go_by_the_report_that_ends_its_forerunner(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    let second = after(store, 1, &[first]);
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    let report = Report { done: one(0), ..about(&lease) };
    assert_eq!(node.exchange(NOW, vec![report], Some(any(1))).leases[0].job, second);
}

fn a_forerunner_without_tasks_has_succeeded(store: &dyn Store) {
    let first = array(store, 0, Policy::default());
    let second = after(store, 1, &[first]);
    assert_eq!(waits_for(store, second), []);
    assert_eq!(Node::new(store).claim_one(1).job, second);
}

fn a_claim_for_a_job_is_for_its_forerunners_too(store: &dyn Store) {
    let other = array(store, 1, Policy::default());
    let first = array(store, 1, Policy::default());
    let second = after(store, 1, &[first]);
    let third = after(store, 1, &[second]);
    let mut node = Node::new(store);
    for expected in [first, second, third] {
        let lease = node.claim_at(NOW, Claim { only: Some(third), ..any(1) }).remove(0);
        assert_eq!(lease.job, expected);
        node.done(&lease, one(0));
    }
    assert_eq!(node.claim_at(NOW, Claim { only: Some(third), ..any(1) }), []);
    assert_eq!(counts(store, other).ready, 1);
}

fn a_view_of_a_job_that_waits_has_nothing_claimable(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    let second = after(store, 5, &[first]);
    let mut node = Node::new(store);
    let lease = node.claim_one(1);
    let claim = Claim { only: Some(second), ..any(0) };
    let seen = view(&node.exchange(NOW, vec![], Some(claim.clone())), second);
    assert_eq!((seen.claimable, seen.unfinished, seen.stuck), (0, 5, false));
    assert_eq!(counts(store, second).ready, 5);
    node.done(&lease, one(0));
    let seen = view(&node.exchange(NOW, vec![], Some(claim)), second);
    assert_eq!((seen.claimable, seen.stuck), (5, false));
}

fn a_job_whose_forerunner_failed_is_stuck(store: &dyn Store) {
    let [good, bad] = [2, 2].map(|n| array(store, n, Policy::default()));
    let last = after(store, 1, &[good, bad]);
    let mut node = Node::new(store);
    assert!(!is_stuck(store, last), "nothing has failed yet");
    run(&mut node, bad, 1);
    assert!(is_stuck(store, last));
    run(&mut node, good, 0);
    assert_eq!((node.claim(9), waits_for(store, last)), (vec![], vec![bad]));
    assert!(!is_stuck(store, bad) && !is_stuck(store, good));
}

fn a_job_behind_a_stuck_one_is_stuck(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    let second = after(store, 1, &[first]);
    let third = after(store, 1, &[second]);
    assert!(!is_stuck(store, third));
    run(&mut Node::new(store), first, 1);
    assert!(is_stuck(store, second) && is_stuck(store, third));
    store.cancel(NOW, second, None).unwrap();
    assert!(!is_stuck(store, second), "it has finished");
    assert!(is_stuck(store, third));
}

fn a_canceled_forerunner_has_not_succeeded(store: &dyn Store) {
    let first = array(store, 2, Policy::default());
    let second = after(store, 1, &[first]);
    let mut node = Node::new(store);
    store.cancel(NOW, first, Some(&one(0))).unwrap();
    assert!(!is_stuck(store, second), "it has not finished");
    run(&mut node, first, 0);
    assert_eq!(node.claim(9), []);
    assert!(is_stuck(store, second));
}

fn a_job_is_free_when_its_forerunner_succeeds_after_all(store: &dyn Store) {
    let first = array(store, 2, Policy::default());
    let second = after(store, 1, &[first]);
    let mut node = Node::new(store);
    run(&mut node, first, 1);
    assert!(is_stuck(store, second));
    assert_eq!(store.retry(NOW, first, None).unwrap(), 1);
    assert!(!is_stuck(store, second), "it goes on");
    assert_eq!(node.claim_at(NOW, Claim { only: Some(second), ..any(9) })[0].job, first);
    let lease = store.jobs().unwrap()[0].counts.running;
    assert_eq!(lease, 1);
    let held = *node.held.last().unwrap();
    node.report(Report { job: held.0, fence: held.1, done: one(0), ..Report::default() });
    assert_eq!(node.claim_one(9).job, second);
}

fn a_stuck_job_can_be_canceled(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    let second = after(store, 3, &[first]);
    run(&mut Node::new(store), first, 1);
    assert_eq!(store.cancel(NOW, second, None).unwrap(), 3);
    assert!(matches!(store.job(second).unwrap().progress, crate::Progress::Finished(_)));
}

fn an_unsuccessful_job_that_others_wait_for_is_not_forgotten(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    let second = after(store, 1, &[first]);
    let mut node = Node::new(store);
    assert!(matches!(store.forget(first), Err(Error::Conflict { .. })), "it has not finished");
    run(&mut node, first, 1);
    assert!(matches!(store.forget(first), Err(Error::Conflict { .. })));
    assert!(is_stuck(store, second));
    store.cancel(NOW, second, None).unwrap();
    store.forget(first).unwrap();
    assert!(matches!(store.job(first), Err(Error::NoJob(_))));
}

fn a_forgotten_job_has_succeeded(store: &dyn Store) {
    let first = array(store, 1, Policy::default());
    let second = after(store, 1, &[first]);
    let mut node = Node::new(store);
    run(&mut node, first, 0);
    store.forget(first).unwrap();
    assert_eq!(waits_for(store, second), []);
    assert!(!is_stuck(store, second));
    assert_eq!(node.claim_at(NOW, Claim { only: Some(second), ..any(9) })[0].job, second);
}

fn a_swept_job_has_succeeded(store: &dyn Store) {
    let first = array(store, 1, Policy { retention_ms: 10, ..Policy::default() });
    let second = after(store, 1, &[first]);
    let mut node = Node::new(store);
    run(&mut node, first, 0);
    assert_eq!(store.sweep(NOW + 11).unwrap(), [first]);
    assert_eq!(waits_for(store, second), []);
    assert_eq!(node.claim_one(9).job, second);
}
