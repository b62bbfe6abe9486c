//! Jobs from their submission to their summary.

use crate::place::{Place, two_workers};
use divvy::{Divvy, End, Error, Job};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

#[test]
fn an_array_is_run_once_for_each_number() {
    let place = Place::new();
    let sum = Arc::new(AtomicU64::new(0));
    let added = sum.clone();
    let summary = place
        .divvy()
        .submit(Job::array(5..=100_000))
        .unwrap()
        .run(move |task| {
            assert_eq!((task.input, task.attempt), (task.id, 1));
            added.fetch_add(task.input, Relaxed);
            divvy::ok(())
        })
        .unwrap();
    assert!(summary.is_success() && summary.tasks == 99_996, "{summary:?}");
    assert_eq!(sum.load(Relaxed), (5..=100_000).sum::<u64>());
    assert_eq!(summary.usage.workers, 2);
}

#[test]
fn records_of_every_kind_arrive_as_they_are() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let texts: Vec<String> = (0..50_000).map(|n| format!("{n}:{}", "x".repeat(n % 90))).collect();
    let given = texts.clone();
    let mut seen: Vec<(u64, String)> = divvy
        .submit(Job::records(given))
        .unwrap()
        .results(|task| divvy::ok(task.input))
        .unwrap()
        .map(|done| done.map(|done| (done.task, done.output)).unwrap())
        .collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq((1..).zip(texts)));

    let pairs = vec![(PathBuf::from("a b"), -1i64), (PathBuf::from(""), i64::MIN)];
    let run = divvy.submit(Job::records(pairs.clone()).in_order()).unwrap();
    let seen: Vec<_> =
        run.results(|task| divvy::ok(task.input)).unwrap().map(|done| done.unwrap().output).collect();
    assert_eq!(seen, pairs);

    let run = divvy.submit(Job::records([&b"\xff\0"[..], b""]).in_order()).unwrap();
    let seen: Vec<_> =
        run.results(|task| divvy::ok(task.input)).unwrap().map(|done| done.unwrap().output).collect();
    assert_eq!(seen, [b"\xff\0".to_vec(), vec![]]);
}

#[test]
fn nothing_to_do_ends_at_once() {
    let divvy = Divvy::in_memory().unwrap();
    let empty = std::ops::RangeInclusive::new(2, 1);
    assert!(divvy.submit(Job::array(empty)).unwrap().run(|task| divvy::ok(task.id)).unwrap().is_success());
    let none: Vec<String> = Vec::new();
    assert_eq!(
        divvy.submit(Job::records(none)).unwrap().results(|task| divvy::ok(task.id)).unwrap().count(),
        0
    );
}

/// More than all buffers hold, from an iterator that counts how far it was asked.
#[test]
fn records_are_held_back_when_nobody_runs_them() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let (asked, ran) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (asks, runs) = (asked.clone(), ran.clone());
    let records = (0..700).map(move |_| {
        asks.fetch_add(1, Relaxed);
        // Half the bound on what may wait in the store is some hundred of these.
        vec![7u8; 1 << 20]
    });
    let most_ahead = Arc::new(AtomicU64::new(0));
    let ahead = most_ahead.clone();
    let summary = divvy
        .submit(Job::records(records))
        .unwrap()
        .run(move |task| {
            let ran = runs.fetch_add(1, Relaxed);
            ahead.fetch_max(asked.load(Relaxed).saturating_sub(ran), Relaxed);
            assert_eq!(task.input.len(), 1 << 20);
            std::thread::sleep(Duration::from_millis(2));
            divvy::ok(())
        })
        .unwrap();
    assert_eq!((summary.done, ran.load(Relaxed)), (700, 700));
    assert!(most_ahead.load(Relaxed) < 400, "{most_ahead:?} records were read ahead");
}

#[test]
fn a_name_stands_for_one_job_until_it_is_forgotten() {
    let place = Place::new();
    let divvy = place.divvy();
    let job = || Job::array(1..=100).name("once");
    let first = divvy.submit_or_resume(job()).unwrap();
    let id = first.job();
    assert_eq!(first.run(|task| divvy::ok(task.id)).unwrap().done, 100);
    let again = divvy.submit_or_resume(job()).unwrap();
    assert_eq!(again.job(), id);
    let results = again.results(|task| divvy::ok(task.id)).unwrap();
    assert_eq!(results.count(), 0, "it has finished");
    let other = divvy.submit_or_resume(Job::array(1..=101).name("once")).map(drop).unwrap_err();
    assert!(matches!(&other, Error::Differs { job, .. } if *job == id), "{other}");
    let other = divvy.submit_or_resume(Job::records(["a"]).name("once")).map(drop).unwrap_err();
    assert!(other.to_string().contains("`u64`"), "{other}");
    divvy.forget("once").unwrap();
    assert_ne!(divvy.submit_or_resume(job()).unwrap().job(), id);
    assert!(matches!(divvy.forget("never"), Err(Error::NoName(_))));
}

#[test]
fn a_run_that_was_dropped_leaves_its_job_behind() {
    let place = Place::new();
    let id = place.divvy().submit(Job::array(1..=10)).unwrap().job();
    let divvy = place.divvy();
    let wrong = divvy.resume::<String>(id).map(drop).unwrap_err();
    assert!(matches!(wrong, Error::Differs { .. }), "{wrong}");
    assert_eq!(divvy.resume(id).unwrap().run(|task: divvy::Task<u64>| divvy::ok(task.id)).unwrap().done, 10);

    let id = divvy.submit(Job::records(["never", "read"])).unwrap().job();
    let cut = divvy.resume::<String>(id).map(drop).unwrap_err();
    assert!(matches!(cut, Error::Cut { records: 0, .. }), "{cut}");
    divvy.close(id).unwrap();
    let summary = divvy.resume::<String>(id).unwrap().run(|task| divvy::ok(task.id)).unwrap();
    assert_eq!((summary.end, summary.tasks), (End::Finished, 0));
}

/// The record behind the error is missing, not the job: a second try reads on.
#[test]
fn an_error_of_the_records_stops_the_run_and_keeps_the_job_open() {
    let place = Place::new();
    let divvy = place.divvy();
    let job = |fails: bool| {
        let records =
            (0..100).map(move |n| if fails && n == 60 { Err("the tape tore") } else { Ok(n.to_string()) });
        Job::try_records(records).name("tape")
    };
    let torn = divvy.submit_or_resume(job(true)).unwrap().run(|task| divvy::ok(task.id)).unwrap_err();
    assert!(matches!(&torn, Error::Input { why, .. } if why == "the tape tore"), "{torn}");
    assert_eq!(divvy.job("tape").unwrap().tail, 60);
    let results = divvy.submit_or_resume(job(false)).unwrap().results(|task| divvy::ok(task.input)).unwrap();
    assert!(results.map(|done| done.unwrap()).all(|done| done.output == (done.task - 1).to_string()));
    assert_eq!(divvy.job("tape").unwrap().counts.done, 100);

    let panics = Job::records((0..10u32).inspect(|n| assert!(*n < 5, "no more than five")));
    let panicked = divvy.submit(panics).unwrap().run(|task| divvy::ok(task.id)).unwrap_err();
    assert!(panicked.to_string().contains("panicked: no more than five"), "{panicked}");
}

#[test]
fn progress_is_told_and_ends_with_the_end() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sees = seen.clone();
    let run = divvy.submit(Job::array(1..=1_000)).unwrap();
    let handle = run.handle();
    assert_eq!(handle.progress().unwrap().tasks, 1_000);
    let run = run.on_progress(Duration::ZERO, move |progress| sees.lock().unwrap().push(*progress));
    assert!(run.run(|task| divvy::ok(task.id)).unwrap().is_success());
    let seen = seen.lock().unwrap();
    assert!(seen.is_sorted_by_key(|progress| progress.ended()));
    let last = seen.last().unwrap();
    assert!(last.finished && last.done == 1_000 && !last.open, "{last:?}");
}
