//! Tasks that fail, panic, are canceled or stopped.

use crate::place::{Place, two_workers, until};
use divvy::{Divvy, End, Error, Job};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[test]
fn failures_and_panics_fail_the_attempt_and_nothing_else() {
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let run = divvy.submit(Job::array(1..=1_000).attempts(3)).unwrap();
    let id = run.job();
    let summary = run
        .run(|task| match (task.id, task.attempt) {
            (7, _) => Err("seven always fails".to_owned()),
            (8, _) => panic!("eight panics"),
            (9, 1 | 2) => Err("nine fails twice".to_owned()),
            _ => Ok(()),
        })
        .unwrap();
    assert_eq!((summary.end, summary.done, summary.dead), (End::Finished, 998, 2));
    let dead: Vec<_> = divvy.dead(id).unwrap().map(Result::unwrap).collect();
    let shown: Vec<_> = dead.iter().map(|d| (d.task, d.attempts, d.error.as_str())).collect();
    assert_eq!(shown, [(7, 3, "seven always fails"), (8, 3, "panicked: eight panics")]);
    assert_eq!(divvy.retry(id).unwrap(), 2);
    assert!(divvy.resume::<u64>(id).unwrap().run(|task| divvy::ok(task.id)).unwrap().is_success());
}

#[test]
fn the_dead_are_among_the_results_once_and_only_they() {
    for in_order in [false, true] {
        let divvy = Divvy::in_memory_with(two_workers()).unwrap();
        let job = Job::array(1..=500).attempts(2);
        let job = if in_order { job.in_order() } else { job };
        let run = divvy.submit(job).unwrap();
        let id = run.job();
        let results = run.results(|task| match (task.id % 50, task.attempt) {
            (0, _) => Err(format!("attempt {}", task.attempt)),
            (1, 1) => Err("only the first".to_owned()),
            _ => Ok(task.attempt),
        });
        let (mut seen, mut dead) = (Vec::new(), 0);
        for result in results.unwrap() {
            match result {
                Ok(done) => {
                    assert_eq!(done.output, done.attempt);
                    assert_eq!(done.attempt, if done.task % 50 == 1 { 2 } else { 1 });
                    seen.push(done.task);
                }
                Err(Error::Dead { task, attempts, error, .. }) => {
                    assert_eq!((attempts, error.as_str()), (2, "attempt 2"));
                    dead += 1;
                    seen.push(task);
                }
                Err(other) => panic!("{other}"),
            }
        }
        if !in_order {
            seen.sort_unstable();
        }
        assert!(seen.into_iter().eq(1..=500));
        assert_eq!((dead, divvy.job(id).unwrap().counts.dead), (10, 10));
    }
}

/// A result whose drop panics is the handler's trouble too.
#[test]
fn a_result_that_nobody_wants_may_panic_as_it_is_dropped() {
    struct Bomb(u64);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(self.0 != 3, "three explodes");
        }
    }
    let divvy = Divvy::in_memory_with(two_workers()).unwrap();
    let summary = divvy.submit(Job::array(1..=10)).unwrap().run(|task| divvy::ok(Bomb(task.id))).unwrap();
    assert_eq!((summary.done, summary.dead), (9, 1));
    #[cfg(feature = "tokio")]
    {
        let run = divvy.submit(Job::array(1..=10)).unwrap();
        let summary = run.run_async_blocking(|task| async move { divvy::ok(Bomb(task.id)) }).unwrap();
        assert_eq!((summary.done, summary.dead), (9, 1));
    }
}

#[test]
fn a_canceled_job_ends_its_runs_and_its_tasks_hear_of_it() {
    let place = Place::new();
    let run = place.divvy().submit(Job::array(1..=1_000_000)).unwrap();
    let (handle, begun) = (run.handle(), Arc::new(AtomicU64::new(0)));
    let begins = begun.clone();
    let canceler = std::thread::spawn(move || {
        until("both workers", || (begun.load(Relaxed) == 2).then_some(()));
        handle.cancel().unwrap()
    });
    let summary = run
        .run(move |task| {
            begins.fetch_add(1, Relaxed);
            until("the cancel", || task.is_canceled().then_some(()));
            Err::<(), _>("canceled")
        })
        .unwrap();
    assert_eq!(canceler.join().unwrap(), 1_000_000);
    assert_eq!((summary.end, summary.canceled, summary.dead), (End::Canceled, 1_000_000, 0));
    assert!(matches!(summary.into_result(), Err(Error::Canceled(_))));
}

#[test]
fn a_stop_keeps_the_job_and_charges_nothing() {
    let place = Place::new();
    let run = place.divvy().submit(Job::array(1..=1_000)).unwrap();
    let (id, handle) = (run.job(), run.handle());
    let summary = run
        .run(move |task| {
            if task.id == 1 {
                handle.stop_now();
                until("the stop", || task.is_canceled().then_some(()));
                return Err("stopped");
            }
            Ok(())
        })
        .unwrap();
    assert_eq!((summary.end, summary.dead), (End::Stopped, 0));
    assert!(summary.done < 1_000);
    let seen =
        place.divvy().resume(id).unwrap().results(|task: divvy::Task<u64>| divvy::ok(task.attempt)).unwrap();
    let mut rest = 0;
    for done in seen {
        assert_eq!(done.unwrap().attempt, 1, "nothing was charged");
        rest += 1;
    }
    assert_eq!(rest + summary.done, 1_000);
}
