//! Jobs that are submitted here and run there.

use crate::place::{Place, two_workers};
use divvy::{Divvy, Error, Job, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[test]
fn a_worker_runs_what_others_enqueue() {
    let place = Place::new();
    let divvy = place.divvy();
    let lengths = divvy.enqueue(Job::records((0..5_000).map(|n| n.to_string())).handler("length")).unwrap();
    let numbers = divvy.enqueue(Job::array(1..=5_000).handler("number")).unwrap();
    let others = divvy.enqueue(Job::array(1..=3).handler("other")).unwrap();
    let sum = Arc::new(AtomicU64::new(0));
    let (sum_a, sum_b) = (sum.clone(), sum.clone());
    // As another program would: a handle of its own.
    let worker = place.divvy().worker();
    let worker = worker.handle("length", move |task| {
        let text: String = task.input;
        divvy::ok(sum_a.fetch_add(text.len() as u64, Relaxed))
    });
    let worker = worker.handle("number", move |task| divvy::ok(sum_b.fetch_add(task.input, Relaxed)));
    worker.run_until_empty().unwrap();
    assert_eq!(sum.load(Relaxed), 10 + 180 + 2_700 + 16_000 + (1..=5_000).sum::<u64>());
    assert_eq!(divvy.job(lengths).unwrap().counts.done, 5_000);
    assert_eq!(divvy.job(numbers).unwrap().counts.done, 5_000);
    assert_eq!(divvy.job(others).unwrap().counts.ready, 3, "nobody had a handler for it");
}

#[test]
fn a_worker_runs_until_it_is_stopped() {
    let place = Place::new();
    let divvy = place.divvy();
    let worker = place.divvy().worker();
    let stopper = worker.stopper();
    let worker = worker.handle("last", move |task: divvy::Task<u64>| {
        stopper.stop();
        divvy::ok(task.id)
    });
    let working = std::thread::spawn(move || worker.run());
    let job = divvy.enqueue(Job::array(1..=1).handler("last")).unwrap();
    working.join().unwrap().unwrap();
    assert_eq!(divvy.job(job).unwrap().counts.done, 1);
}

#[test]
fn a_handler_of_the_wrong_type_is_told_so() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    divvy.enqueue(Job::records(["a"]).handler("number")).unwrap();
    let worker = divvy.worker().handle("number", |task: divvy::Task<u64>| divvy::ok(task.input));
    let error = worker.run_until_empty().unwrap_err();
    assert!(
        matches!(&error, Error::Job { why, .. } if why.contains("`text`") && why.contains("`u64`")),
        "{error}"
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let options = Options { workers: 0, ..Options::default() };
    assert!(matches!(Divvy::in_memory_with(options), Err(Error::Options(problems)) if problems.len() == 1));
    assert!(matches!(Divvy::in_memory().unwrap().worker().run(), Err(Error::Options(_))));
    let place = Place::new();
    std::fs::write(place.file("notes.txt"), "not a store").unwrap();
    assert!(matches!(Divvy::open(place.file("notes.txt")), Err(Error::Store(_))));
}
