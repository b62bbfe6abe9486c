//! `async` handlers.

use crate::place::{Place, two_workers, until};
use divvy::{Async, Divvy, End, Error, Job, Task};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Barrier;

/// Tasks that wait for each other end only if as many are under way as are allowed, and the count shows that no more are.
#[test]
fn as_many_are_under_way_as_are_allowed() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let (all, now, most) =
        (Arc::new(Barrier::new(100)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let seen = most.clone();
    let run = divvy.submit(Job::array(1..=1_000)).unwrap().concurrency(100);
    let summary = run
        .run_async_blocking(move |_| {
            let (all, now, most) = (all.clone(), now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                all.wait().await;
                now.fetch_sub(1, SeqCst);
                divvy::ok(())
            }
        })
        .unwrap();
    assert!(summary.is_success(), "{summary:?}");
    assert_eq!(seen.load(Relaxed), 100);
}

#[test]
fn failures_panics_and_timeouts_fail_the_attempt() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let run = divvy.submit(Job::array(1..=2_000).attempts(2)).unwrap();
    let (id, run) = (run.job(), run.timeout(Duration::from_millis(50)));
    let summary = run
        .run_async_blocking(|task| {
            assert!(task.id != 1, "at once");
            async move {
                match (task.id, task.attempt) {
                    (2, _) => {
                        tokio::task::yield_now().await;
                        panic!("later");
                    }
                    (3, _) => pending().await,
                    (4, _) => Err("no".to_owned()),
                    (5, 1) => Err("only once".to_owned()),
                    _ => Ok(()),
                }
            }
        })
        .unwrap();
    assert_eq!((summary.done, summary.dead), (1_996, 4));
    let dead: Vec<_> = divvy.dead(id).unwrap().map(|dead| dead.unwrap()).collect();
    let shown: Vec<_> = dead.iter().map(|d| (d.task, d.attempts, d.error.as_str())).collect();
    let expected = [
        (1, 2, "panicked: at once"),
        (2, 2, "panicked: later"),
        (3, 2, "timed out after 0.05 s"),
        (4, 2, "no"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn results_come_once_and_in_order_where_asked_for() {
    for in_order in [false, true] {
        let divvy = Divvy::in_memory_with(two_workers()).unwrap();
        let job = Job::array(1..=20_000).attempts(3);
        let job = if in_order { job.in_order() } else { job };
        let run = divvy.submit(job).unwrap().results_max(50).concurrency(64);
        let results = run.results_async(|task| async move {
            for _ in 0..task.id % 4 {
                tokio::task::yield_now().await;
            }
            if task.id % 1_000 == 0 && task.attempt < 3 { Err("again") } else { Ok(task.attempt) }
        });
        let mut seen: Vec<u64> = results
            .unwrap()
            .map(|done| {
                let done = done.unwrap();
                assert_eq!(done.output, if done.task % 1_000 == 0 { 3 } else { 1 });
                done.task
            })
            .collect();
        if !in_order {
            seen.sort_unstable();
        }
        assert!(seen.into_iter().eq(1..=20_000));
    }
}

/// Everything on one thread: no part may block it.
#[tokio::test(flavor = "current_thread")]
async fn a_stream_needs_no_thread_of_the_runtime() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let run = divvy.submit(Job::records((0..5_000u32).map(|n| n * 2))).unwrap().results_max(10);
    let mut stream = run
        .results_async(|task| async move {
            tokio::time::sleep(Duration::from_micros(10)).await;
            divvy::ok(task.input)
        })
        .unwrap()
        .into_stream();
    let mut seen = Vec::new();
    while let Some(done) = stream.next().await {
        seen.push(done.unwrap().output);
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq((0..5_000).map(|n| n * 2)));
    assert!(stream.summary().unwrap().is_success());

    let summary =
        divvy.submit(Job::array(1..=100)).unwrap().run_async(|task| async move { divvy::ok(task.id) }).await;
    assert!(summary.unwrap().is_success());
}

/// Counts futures that were begun and are gone.
struct Alive(Arc<AtomicU64>);

impl Alive {
    fn new(count: &Arc<AtomicU64>) -> Alive {
        count.fetch_add(1, SeqCst);
        Alive(count.clone())
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[test]
fn a_cancel_drops_what_is_under_way() {
    let place = Place::new();
    let alive = Arc::new(AtomicU64::new(0));
    let lives = alive.clone();
    let run = place.divvy().submit(Job::array(1..=100_000)).unwrap().concurrency(500);
    let (handle, count) = (run.handle(), alive.clone());
    let canceler = std::thread::spawn(move || {
        until("five hundred", || (count.load(SeqCst) == 500).then_some(()));
        handle.cancel().unwrap()
    });
    let summary = run.run_async_blocking(move |_| {
        let alive = Alive::new(&lives);
        async move {
            let _alive = alive;
            pending::<Result<(), String>>().await
        }
    });
    assert_eq!(canceler.join().unwrap(), 100_000);
    assert_eq!(summary.unwrap().end, End::Canceled);
    until("all to be dropped", || (alive.load(SeqCst) == 0).then_some(()));
}

#[test]
fn a_stop_waits_for_what_is_under_way_and_a_stop_now_does_not() {
    let place = Place::new();
    let run = place.divvy().submit(Job::array(1..=10)).unwrap();
    let (id, handle) = (run.job(), run.handle());
    let begun = Arc::new(AtomicU64::new(0));
    let summary = run
        .run_async_blocking(move |_| {
            let (handle, begun) = (handle.clone(), begun.clone());
            async move {
                if begun.fetch_add(1, SeqCst) == 0 {
                    handle.stop();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                divvy::ok(())
            }
        })
        .unwrap();
    assert_eq!(summary.end, if summary.done == 10 { End::Finished } else { End::Stopped });
    assert!(summary.done > 0, "what was under way has ended well");

    let run = place.divvy().submit(Job::array(1..=10)).unwrap();
    let (other, handle) = (run.job(), run.handle());
    let summary = run.run_async_blocking(move |_| {
        let handle = handle.clone();
        async move {
            handle.stop_now();
            pending::<Result<(), String>>().await
        }
    });
    assert_eq!(summary.map(|summary| (summary.end, summary.done)).unwrap(), (End::Stopped, 0));
    for (job, left) in [(id, 10 - place.divvy().job(id).unwrap().counts.done), (other, 10)] {
        let run = place.divvy().resume::<u64>(job).unwrap();
        let attempts: Vec<u32> =
            run.results(|task| divvy::ok(task.attempt)).unwrap().map(|r| r.unwrap().output).collect();
        assert!(attempts.len() as u64 == left && attempts.iter().all(|attempt| *attempt == 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_future_is_dropped_stops() {
    let place = Place::new();
    let divvy = place.divvy();
    let run = divvy.submit(Job::array(1..=10)).unwrap();
    let (id, begun) = (run.job(), Arc::new(tokio::sync::Notify::new()));
    let begins = begun.clone();
    let run = run.run_async(move |_: Task<u64>| {
        begins.notify_one();
        pending::<Result<(), String>>()
    });
    tokio::select! {
        ended = run => panic!("{ended:?}"),
        () = begun.notified() => {}
    }
    until("the node to leave", || (divvy.job(id).unwrap().counts.ready == 10).then_some(()));
}

#[test]
fn a_runtime_that_ends_ends_the_run_and_not_the_job() {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let run = place.divvy().submit(Job::array(1..=10_000)).unwrap();
    let (id, run) = (run.job(), run.on_runtime(runtime.handle().clone()).concurrency(20));
    let begun = Arc::new(AtomicU64::new(0));
    let begins = begun.clone();
    let ender = std::thread::spawn(move || {
        until("twenty", || (begun.load(SeqCst) == 20).then_some(()));
        runtime.shutdown_background();
    });
    let ended = run.run_async_blocking(move |_| {
        begins.fetch_add(1, SeqCst);
        pending::<Result<(), String>>()
    });
    ender.join().unwrap();
    assert!(matches!(ended, Err(Error::RuntimeGone(job)) if job == id), "{ended:?}");
    let summary = place.divvy().resume::<u64>(id).unwrap().run(|task| divvy::ok(task.id)).unwrap();
    assert!(summary.is_success());
}

#[test]
fn a_worker_has_async_handlers_too() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let job = divvy.enqueue(Job::records(["a", "bc"]).handler("wait")).unwrap();
    let worker = divvy.worker().handle_async(
        "wait",
        Async::default().concurrency(10),
        |task: Task<String>| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if task.input.is_empty() { Err("empty") } else { Ok(()) }
        },
    );
    worker.unwrap().run_until_empty().unwrap();
    assert_eq!(divvy.job(job).unwrap().counts.done, 2);
}
