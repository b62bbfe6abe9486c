//! The pool from outside, with real threads. Waiting is by signals; the one time limit only turns a hang into a failure.
#![cfg(not(loom))]
#![allow(clippy::single_range_in_vec_init, reason = "a list of one range is meant")]

use divvy_pool::{Config, Error, Order, Pool, Worker};
use std::ops::Range;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

/// What a worker tells the test.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Ran { worker: usize, tag: u64, chunk: Range<u64> },
    Steals,
    Waits,
    Wakes,
}

/// Runs `body` for each chunk and reports everything.
struct Probe<F> {
    worker: usize,
    events: Sender<Event>,
    body: F,
}

impl<F: FnMut(u64, &Range<u64>) -> Duration + Send> Worker for Probe<F> {
    fn run(&mut self, tag: u64, chunk: Range<u64>) -> Duration {
        let took = (self.body)(tag, &chunk);
        self.tell(Event::Ran { worker: self.worker, tag, chunk });
        took
    }

    fn on_steal(&mut self) {
        self.tell(Event::Steals);
    }

    fn on_wait(&mut self) {
        self.tell(Event::Waits);
    }

    fn on_wake(&mut self) {
        self.tell(Event::Wakes);
    }
}

impl<F> Probe<F> {
    fn tell(&self, event: Event) {
        let _ = self.events.send(event); // the test may have seen enough
    }
}

fn start<F>(workers: usize, body: F) -> (Pool, Receiver<Event>)
where
    F: FnMut(u64, &Range<u64>) -> Duration + Send + Clone + 'static,
{
    let (events, seen) = channel();
    let config = Config { workers, ..Config::default() };
    let pool = Pool::start(config, |worker| Probe { worker, events: events.clone(), body: body.clone() });
    (pool.expect("threads start"), seen)
}

/// The next event, or a failed test instead of a hang.
fn next(seen: &Receiver<Event>) -> Event {
    seen.recv_timeout(Duration::from_secs(60)).expect("a worker should have told something")
}

fn next_run(seen: &Receiver<Event>) -> (usize, u64, Range<u64>) {
    loop {
        if let Event::Ran { worker, tag, chunk } = next(seen) {
            return (worker, tag, chunk);
        }
    }
}

fn runs(seen: &Receiver<Event>) -> Vec<(usize, u64, Range<u64>)> {
    let ran = |event| match event {
        Event::Ran { worker, tag, chunk } => Some((worker, tag, chunk)),
        _ => None,
    };
    seen.try_iter().filter_map(ran).collect()
}

/// Panics unless the parts hold each task of `whole` exactly once.
fn assert_partition(mut parts: Vec<Range<u64>>, whole: Range<u64>) {
    parts.sort_by_key(|part| part.start);
    let end = parts.iter().fold(whole.start, |next, part| {
        assert_eq!(part.start, next, "a task twice or never");
        part.end
    });
    assert_eq!(end, whole.end, "the end is missing");
}

/// A gate that tests open.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn pass(&self) {
        let open = self.0.lock().unwrap();
        drop(self.1.wait_while(open, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

#[test]
fn every_task_of_every_feed_runs_once() {
    for order in [Order::Spread, Order::InOrder] {
        let (pool, seen) = start(3, |_, _| Duration::ZERO);
        let feeds = [(7, 0..100_000), (8, 5..6), (9, 1 << 50..(1 << 50) + 77), (10, 3..3)];
        for (tag, range) in feeds.clone() {
            pool.feed(tag, range, order).unwrap();
        }
        pool.wait_idle();
        assert_eq!(pool.unstarted(), 0);
        let runs = runs(&seen);
        for (tag, range) in feeds {
            let parts = runs.iter().filter(|run| run.1 == tag).map(|run| run.2.clone()).collect();
            assert_partition(parts, range);
        }
    }
}

/// Feeds come one after the other while workers fall asleep and wake: a lost wake-up hangs in `wait_idle`'s promise.
#[test]
fn no_feed_is_missed_by_workers_that_fall_asleep() {
    let (pool, seen) = start(3, |_, _| Duration::ZERO);
    for tag in 0..5_000 {
        pool.feed(tag, 0..3, Order::Spread).unwrap();
        if tag % 3 == 0 {
            pool.wait_idle();
            assert_eq!(pool.unstarted(), 0, "idle with work left, feed {tag}");
        } else {
            let mut left = 3;
            while left > 0 {
                let (_, ran, chunk) = next_run(&seen);
                left -= if ran == tag { chunk.end - chunk.start } else { 0 };
            }
        }
        assert!(pool.retire(tag));
        if tag % 3 == 0 {
            assert_eq!(runs(&seen).len(), 3);
        }
    }
}

#[test]
fn one_call_wakes_as_many_workers_as_there_are_tasks() {
    let all = Arc::new(Barrier::new(4));
    let (pool, seen) = start(4, move |_, _| {
        all.wait(); // passes only with four workers inside at once
        Duration::ZERO
    });
    for tag in 0..200 {
        if tag % 2 == 0 {
            pool.wait_idle();
        }
        pool.feed(tag, 0..4, Order::Spread).unwrap();
        let mut workers: Vec<usize> = (0..4).map(|_| next_run(&seen).0).collect();
        workers.sort_unstable();
        assert_eq!(workers, [0, 1, 2, 3]);
        assert!(pool.retire(tag));
    }
}

/// A word left behind by a worker in a long task is emptied by the others.
#[test]
fn nothing_waits_behind_a_long_task() {
    let gate = Arc::new(Gate::default());
    let long = gate.clone();
    let (pool, seen) = start(2, move |_, chunk| {
        if chunk.contains(&0) {
            long.pass();
        }
        Duration::from_secs(1)
    });
    pool.feed(1, 0..1_000, Order::Spread).unwrap();
    let mut parts: Vec<_> = (0..999).map(|_| next_run(&seen).2).collect();
    assert!(!parts.contains(&(0..1)), "all but the long task have run");
    gate.open();
    parts.push(next_run(&seen).2);
    assert_partition(parts, 0..1_000);
}

#[test]
fn in_order_means_taken_in_order() {
    let (pool, seen) = start(1, |_, _| Duration::ZERO);
    pool.feed(1, 10..5_000, Order::InOrder).unwrap();
    pool.wait_idle();
    let chunks: Vec<_> = runs(&seen).into_iter().map(|run| run.2).collect();
    assert!(chunks.is_sorted_by_key(|chunk| chunk.start));
    assert_partition(chunks, 10..5_000);
}

/// With four workers held inside a task each, exactly the four lowest tasks have been taken.
#[test]
fn in_order_workers_hold_the_lowest_tasks() {
    let (inside, gate) = (Arc::new(Barrier::new(5)), Arc::new(Gate::default()));
    let (entered, opened) = (inside.clone(), gate.clone());
    let (pool, _seen) = start(4, move |_, chunk| {
        if chunk.start < 4 {
            entered.wait();
            opened.pass();
        }
        Duration::from_secs(1)
    });
    pool.feed(1, 0..100, Order::InOrder).unwrap();
    inside.wait();
    assert_eq!(pool.unstarted_of(1), 96);
    assert_eq!(pool.cut(1, u64::MAX), vec![4..100]);
    gate.open();
}

#[test]
fn the_oldest_feed_comes_first() {
    let gate = Arc::new(Gate::default());
    let first = gate.clone();
    let (pool, seen) = start(1, move |tag, _| {
        if tag == 0 {
            first.pass();
        }
        Duration::ZERO
    });
    for tag in 0..5 {
        pool.feed(tag, 0..100, Order::Spread).unwrap();
    }
    gate.open();
    pool.wait_idle();
    let tags: Vec<u64> = runs(&seen).into_iter().map(|run| run.1).collect();
    assert!(tags.is_sorted(), "{tags:?}");
    assert_eq!(tags.last(), Some(&4));
}

#[test]
fn what_is_cut_does_not_run_and_what_runs_was_not_cut() {
    for seed in 0..300u64 {
        let (pool, seen) = start(2, |_, _| Duration::ZERO);
        pool.feed(1, 0..50_000, Order::Spread).unwrap();
        let mut parts = pool.cut(1, seed * 13);
        parts.extend(pool.cut(1, seed * 29));
        if seed % 2 == 0 {
            parts.extend(pool.cut(1, u64::MAX));
            assert!(pool.retire(1), "a complete cut leaves nothing behind");
        }
        pool.wait_idle();
        parts.extend(runs(&seen).into_iter().map(|run| run.2));
        assert_partition(parts, 0..50_000);
    }
}

#[test]
fn stop_leaves_the_rest_to_be_cut() {
    for workers in 1..4 {
        let (pool, seen) = start(workers, |_, _| Duration::ZERO);
        pool.feed(1, 0..10_000_000, Order::Spread).unwrap();
        let first = next_run(&seen).2;
        pool.stop();
        pool.join().expect("no worker panics");
        assert!(matches!(pool.feed(2, 0..1, Order::Spread), Err(Error::Stopped)));
        let mut parts = pool.cut(1, u64::MAX);
        parts.push(first);
        parts.extend(runs(&seen).into_iter().map(|run| run.2));
        assert_partition(parts, 0..10_000_000);
        pool.wait_idle(); // nobody is left to wait for
        assert_eq!(seen.try_iter().count(), 0, "threads that ended say nothing more");
    }
}

#[test]
fn refusals_say_why() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let (events, seen) = channel();
    let config = Config { workers: 1, feeds_max: 2, ..Config::default() };
    let pool = Pool::start(config, |worker| {
        let held = held.clone();
        let body = move |_: u64, _: &Range<u64>| {
            held.pass();
            Duration::ZERO
        };
        Probe { worker, events: events.clone(), body }
    })
    .unwrap();
    pool.feed(1, 0..2, Order::Spread).unwrap();
    assert!(matches!(pool.feed(1, 5..6, Order::Spread), Err(Error::TagLive(1))));
    assert!(matches!(pool.feed(2, 0..1 << 32, Order::Spread), Err(Error::TooLong(len)) if len == 1 << 32));
    pool.feed(2, 0..u64::from(u32::MAX), Order::InOrder).unwrap();
    assert!(matches!(pool.feed(3, 0..1, Order::Spread), Err(Error::Full)));
    assert!(!pool.retire(2), "it has unstarted tasks");
    assert_eq!(pool.cut(2, u64::MAX), vec![0..u64::from(u32::MAX)]);
    assert!(pool.retire(2) && pool.retire(2));
    pool.feed(3, 0..1, Order::Spread).unwrap();
    assert_eq!((pool.cut(99, 1), pool.unstarted_of(99)), (vec![], 0));
    gate.open();
    pool.wait_idle();
    assert_eq!(runs(&seen).len(), 3);
    assert!(pool.retire(1) && pool.retire(3));
    assert!(matches!(
        Pool::start(Config { workers: 0, ..Config::default() }, |_| Idler),
        Err(Error::Config(_))
    ));
}

struct Idler;
impl Worker for Idler {
    fn run(&mut self, _: u64, _: Range<u64>) -> Duration {
        Duration::ZERO
    }
}

/// The transitions an account is built on, in the order in which one worker goes through them.
#[test]
fn a_worker_says_when_it_looks_waits_and_wakes() {
    let (pool, seen) = start(1, |_, _| Duration::ZERO);
    assert_eq!((next(&seen), next(&seen)), (Event::Steals, Event::Waits));
    pool.wait_idle();
    assert_eq!(pool.idle_workers(), 1);
    pool.feed(5, 0..1, Order::Spread).unwrap();
    assert_eq!(next(&seen), Event::Wakes);
    assert_eq!(next(&seen), Event::Ran { worker: 0, tag: 5, chunk: 0..1 });
    assert_eq!((next(&seen), next(&seen)), (Event::Steals, Event::Waits));
    drop(pool);
    assert_eq!(next(&seen), Event::Wakes);
    assert!(seen.try_recv().is_err());
}

/// What a coordinator sees when it is told that a worker waits.
#[test]
fn who_says_that_it_waits_is_counted_as_idle() {
    struct Teller(Arc<Mutex<Option<Arc<Pool>>>>, Sender<usize>);
    impl Worker for Teller {
        fn run(&mut self, _: u64, _: Range<u64>) -> Duration {
            Duration::ZERO
        }
        fn on_wait(&mut self) {
            if let Some(pool) = &*self.0.lock().unwrap() {
                self.1.send(pool.idle_workers()).unwrap();
            }
        }
    }
    let (handle, (idle, seen)) = (Arc::new(Mutex::new(None)), channel());
    let config = Config { workers: 1, ..Config::default() };
    let pool = Arc::new(Pool::start(config, |_| Teller(handle.clone(), idle.clone())).unwrap());
    pool.wait_idle();
    *handle.lock().unwrap() = Some(pool.clone());
    pool.feed(1, 0..1, Order::Spread).unwrap();
    assert_eq!(seen.recv_timeout(Duration::from_secs(60)).expect("the worker waits"), 1);
    pool.wait_idle();
    handle.lock().unwrap().take();
}

#[test]
fn a_panic_ends_one_worker_and_blocks_nobody() {
    let (pool, seen) = start(3, |_, chunk| {
        assert!(!chunk.contains(&500), "this panic is part of the test");
        Duration::from_secs(1)
    });
    pool.feed(1, 0..1_000, Order::Spread).unwrap();
    pool.wait_idle();
    let mut parts: Vec<_> = runs(&seen).into_iter().map(|run| run.2).collect();
    assert_eq!(parts.len(), 999, "all but the chunk in hand");
    parts.push(500..501);
    assert_partition(parts, 0..1_000);
    pool.stop();
    assert!(matches!(pool.join(), Err(Error::Panicked(1))));
    assert!(pool.join().is_ok(), "told once");
}

/// The worker that was called for the only task dies on the way to it: the call must go on to the other.
#[test]
fn a_call_outlives_the_worker_that_was_called() {
    struct Mortal(Arc<Mutex<bool>>, Sender<u64>);
    impl Worker for Mortal {
        fn run(&mut self, tag: u64, _: Range<u64>) -> Duration {
            let _ = self.1.send(tag);
            Duration::ZERO
        }
        fn on_wake(&mut self) {
            let first = std::mem::take(&mut *self.0.lock().unwrap());
            assert!(!first, "this panic is part of the test");
        }
    }
    let (first, (ran, seen)) = (Arc::new(Mutex::new(true)), channel());
    let config = Config { workers: 2, ..Config::default() };
    let pool = Pool::start(config, |_| Mortal(first.clone(), ran.clone())).unwrap();
    pool.wait_idle();
    pool.feed(3, 0..1, Order::Spread).unwrap();
    assert_eq!(seen.recv_timeout(Duration::from_secs(60)).expect("the other worker runs it"), 3);
    pool.stop();
    assert!(matches!(pool.join(), Err(Error::Panicked(1))));
}

#[test]
fn even_when_all_workers_panic_nobody_hangs() {
    let (pool, _seen) = start(2, |_, _| panic!("this panic is part of the test"));
    pool.feed(1, 0..10, Order::Spread).unwrap();
    pool.wait_idle();
    assert_eq!(pool.cut(1, u64::MAX).iter().map(|part| part.end - part.start).sum::<u64>(), 8);
    drop(pool);
}

#[test]
fn threads_bear_the_name_they_were_given() {
    let (names, seen) = channel();
    let body = move |_: u64, _: &Range<u64>| {
        names.send(std::thread::current().name().map(String::from)).unwrap();
        Duration::ZERO
    };
    let (events, _) = channel();
    let config = Config { workers: 1, name: "cell".into(), ..Config::default() };
    let pool =
        Pool::start(config, |worker| Probe { worker, events: events.clone(), body: body.clone() }).unwrap();
    pool.feed(1, 0..1, Order::Spread).unwrap();
    assert_eq!(seen.recv().unwrap().as_deref(), Some("cell-0"));
}
