//! Results: each at least once, in order where asked for, never more than the bound.

use crate::place::{Place, two_workers, until};
use divvy::{Divvy, Error, Job, State, Task};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[test]
fn every_result_comes_once() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let mut results =
        divvy.submit(Job::array(1..=200_000)).unwrap().results(|task| divvy::ok(task.id * 2)).unwrap();
    let mut seen: Vec<u64> = results.by_ref().map(|done| done.unwrap().output).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq((1..=200_000).map(|n| n * 2)));
    let summary = results.summary().unwrap();
    assert!(summary.is_success() && results.next().is_none());
}

#[test]
fn in_order_is_in_order() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let job = Job::array(1..=100_000).in_order();
    // Far fewer than what is under way at once would like.
    let results = divvy.submit(job).unwrap().results_max(10).results(|task| {
        // Uneven, so that batches arrive in every order.
        if task.id % 1_000 == 0 {
            std::thread::yield_now();
        }
        divvy::ok(())
    });
    assert!(results.unwrap().map(|done| done.unwrap().task).eq(1..=100_000));
}

/// The first task waits for a reader who waits for the first task's result: what is behind it may not fill the way.
#[test]
fn in_order_the_first_always_comes_through() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let others = Arc::new(AtomicU64::new(0));
    let run = divvy.submit(Job::array(1..=64).in_order()).unwrap().results_max(1);
    let results = run.results(move |task| {
        if task.id == 1 {
            // The other worker has run one task, and stands with the next at the bound.
            until("others", || (others.load(Relaxed) >= 1).then_some(()));
        }
        others.fetch_add(1, Relaxed);
        divvy::ok(())
    });
    assert!(results.unwrap().map(|done| done.unwrap().task).eq(1..=64));
}

#[test]
fn a_reader_who_does_not_take_holds_the_workers_back() {
    let place = Place::new();
    let ran = Arc::new(AtomicU64::new(0));
    let runs = ran.clone();
    let run = place.divvy().submit(Job::array(1..=1_000_000)).unwrap().results_max(100);
    let (id, handle) = (run.job(), run.handle());
    let mut results = run
        .results(move |task| {
            runs.fetch_add(1, Relaxed);
            divvy::ok(task.id)
        })
        .unwrap();
    assert!(results.next().unwrap().is_ok());
    // Both workers stand at the bound when nothing moves any more; nobody can run more than that.
    let mut before = u64::MAX;
    let stands = until("the workers to stand", || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        let now = ran.load(Relaxed);
        let stands = now == before;
        before = now;
        stands.then_some(now)
    });
    // The bound or one batch beyond, the batch in hand, and one batch for each worker.
    assert!(stands <= 100 + 4 * 4_096, "{stands} tasks ran ahead");
    // The first result is not taken before the next one is asked for.
    assert_eq!(handle.progress().unwrap().done, 0);
    handle.cancel().unwrap();
    let last = results.by_ref().last().unwrap();
    assert!(matches!(last, Err(Error::Canceled(job)) if job == id));
    let account = results.summary().unwrap().usage.account;
    assert!(account.get(State::HeldBack) > account.get(State::Run), "{account:?}");
}

/// What was given last does not count as taken: whoever leaves the loop may have failed to keep it.
#[test]
fn results_that_were_not_taken_come_again() {
    let place = Place::new();
    let run = place.divvy().submit(Job::array(1..=1_000).in_order()).unwrap();
    let id = run.job();
    let mut results = run.results(|task| divvy::ok(task.id)).unwrap();
    let first: Vec<u64> = results.by_ref().take(10).map(|done| done.unwrap().output).collect();
    assert!(first.into_iter().eq(1..=10));
    drop(results);
    let again = place.divvy().resume(id).unwrap().results(|task: Task<u64>| divvy::ok(task.id)).unwrap();
    assert!(again.map(|done| done.unwrap().output).eq(10..=1_000));
}

#[test]
fn a_stop_lets_the_reader_have_what_is_there_and_says_that_it_was_one() {
    let place = Place::new();
    let run = place.divvy().submit(Job::array(1..=100_000)).unwrap();
    let (id, handle) = (run.job(), run.handle());
    let results = run.results(|task| divvy::ok(task.id)).unwrap();
    let (mut seen, mut last) = (Vec::new(), None);
    for result in results {
        match result {
            Ok(done) => seen.push(done.output),
            Err(error) => last = Some(error),
        }
        handle.stop();
    }
    assert!(matches!(last, Some(Error::Stopped(job)) if job == id), "{last:?}");
    let rest = place.divvy().resume(id).unwrap().results(|task: Task<u64>| divvy::ok(task.id)).unwrap();
    seen.extend(rest.map(|done| done.unwrap().output));
    seen.sort_unstable();
    assert!(seen.into_iter().eq(1..=100_000), "each once: a stop in peace repeats nothing");
}
