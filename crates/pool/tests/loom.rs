//! The pool under the model checker: every interleaving of small cases, within a bound on preemptions where said.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p divvy-pool --release --test loom`
//!
//! The sources are compiled into this test once more, since the protocol's parts are private to the crate.
#![cfg(loom)]
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "../src/chunk.rs"]
mod chunk;
#[path = "../src/config.rs"]
mod config;
#[path = "../src/error.rs"]
mod error;
#[path = "../src/feed.rs"]
mod feed;
#[path = "../src/live.rs"]
mod live;
#[path = "../src/pool.rs"]
mod pool;
#[path = "../src/sleep.rs"]
mod sleep;
#[path = "../src/sync.rs"]
mod sync;
#[path = "../src/word.rs"]
mod word;
#[path = "../src/worker.rs"]
mod worker;

use chunk::{Grain, Limits};
use config::Config;
use error::Error;
use feed::{Feed, Found, Order};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use pool::Pool;
use std::ops::Range;
use std::time::Duration;
use worker::Worker;

fn model(preemptions: Option<usize>, case: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(case);
}

/// Panics unless the parts hold each task of `0..len` exactly once.
fn assert_partition(mut parts: Vec<Range<u64>>, len: u64) {
    parts.sort_by_key(|part| part.start);
    let end = parts.iter().fold(0, |next, part| {
        assert_eq!(part.start, next, "a task twice or never");
        part.end
    });
    assert_eq!(end, len, "the end is missing");
}

/// Takes and steals, one task at a time, until the feed says that it is drained.
fn drain(feed: &Feed, worker: usize) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    loop {
        match feed.take(worker, |_| 1).map_or_else(|| feed.steal(worker, |_| 1), Found::Chunk) {
            Found::Chunk(chunk) => parts.push(feed.absolute(chunk)),
            Found::Nothing => thread::yield_now(),
            Found::Drained => return parts,
        }
    }
}

/// A feed whose chunks these cases size themselves.
fn feed_of(base: u64, len: u32, order: Order, workers: usize) -> Feed {
    Feed::new(
        1,
        base,
        len,
        order,
        Limits::of(Grain { target: Duration::MAX, least: 1, most: 1 }, workers),
        workers,
    )
}

/// A feed whose words are all empty but the first, which holds `0..len`.
fn feed_of_first(len: u32, workers: usize) -> Feed {
    let feed = feed_of(0, len * workers as u32, Order::Spread, workers);
    assert_eq!(feed.cut(u64::from(len) * (workers as u64 - 1)).len(), 1);
    feed
}

#[test]
fn an_owner_and_a_thief_share_out_a_word() {
    model(Some(3), || {
        let feed = Arc::new(feed_of_first(3, 2));
        let owner = feed.clone();
        let owner = thread::spawn(move || drain(&owner, 0));
        let mut parts = drain(&feed, 1);
        parts.extend(owner.join().unwrap());
        assert_partition(parts, 3);
    });
}

#[test]
fn an_owner_a_thief_and_a_cut_race_for_a_word() {
    model(Some(3), || {
        let feed = Arc::new(feed_of_first(3, 2));
        let (owner, thief) = (feed.clone(), feed.clone());
        let owner = thread::spawn(move || owner.take(0, |_| 1).map(|chunk| owner.absolute(chunk)));
        let thief = thread::spawn(move || match thief.steal(1, |_| 1) {
            Found::Chunk(chunk) => Some(thief.absolute(chunk)),
            _ => None,
        });
        let mut parts = feed.cut(1);
        parts.extend(owner.join().unwrap());
        parts.extend(thief.join().unwrap());
        parts.extend(feed.cut(u64::MAX));
        assert_partition(parts, 3);
    });
}

#[test]
fn two_thieves_race_for_a_word() {
    model(Some(3), || {
        let feed = Arc::new(feed_of_first(4, 3));
        let thieves = [1, 2].map(|worker| {
            let feed = feed.clone();
            thread::spawn(move || match feed.steal(worker, |_| 1) {
                Found::Chunk(chunk) => Some(feed.absolute(chunk)),
                _ => None,
            })
        });
        let mut parts = Vec::new();
        parts.extend(feed.take(0, |_| 1).map(|chunk| feed.absolute(chunk)));
        parts.extend(thieves.into_iter().filter_map(|thief| thief.join().unwrap()));
        parts.extend(feed.cut(u64::MAX));
        assert_partition(parts, 4);
    });
}

/// The loot is stored by a thief that then does nothing more: only a look that knows of the steal can find it.
#[test]
fn a_cut_of_all_leaves_nothing_behind_although_a_steal_is_under_way() {
    model(None, || {
        let feed = Arc::new(feed_of_first(4, 2));
        let thief = feed.clone();
        let thief = thread::spawn(move || match thief.steal(1, |_| 1) {
            Found::Chunk(chunk) => Some(thief.absolute(chunk)),
            _ => None,
        });
        let mut parts = feed.cut(u64::MAX);
        parts.extend(thief.join().unwrap());
        assert_eq!(feed.unstarted(), 0, "it was missed");
        assert_partition(parts, 4);
    });
}

/// Loot that moves twice, and a third that asks whether all is taken.
#[test]
fn drained_is_for_good() {
    model(Some(2), || {
        let feed = Arc::new(feed_of_first(3, 3));
        let thieves = [1, 2].map(|worker| {
            let feed = feed.clone();
            thread::spawn(move || feed.steal(worker, |_| 1))
        });
        while feed.take(0, |_| 1).is_some() {}
        // Owner's word empty: the rest is in thieves' words or on its way there.
        if feed.steal(0, |_| 1) == Found::Drained {
            assert_eq!(feed.unstarted(), 0, "drained, and yet there is more");
            let _ = thieves.map(|thief| thief.join().unwrap());
            assert_eq!(feed.unstarted(), 0, "drained, and then there was more");
        } else {
            let _ = thieves.map(|thief| thief.join().unwrap());
        }
    });
}

/// Two ask and an owner takes. Who is told "drained" has changed nothing itself, so all it knows comes from looks: they
/// must acquire. Whole steals fit between its looks at a thief's word and at the victim's.
#[test]
fn who_only_looks_may_trust_drained() {
    model(Some(3), || {
        let feed = Arc::new(feed_of(0, 12, Order::Spread, 3));
        for emptied in [0, 1] {
            feed.take(emptied, |len| len);
        }
        let (thief, owner) = (feed.clone(), feed.clone());
        let thief = thread::spawn(move || thief.steal(0, |_| 1));
        let owner = thread::spawn(move || owner.take(2, |len| len));
        let told = [feed.steal(1, |_| 1), thief.join().unwrap()];
        owner.join().unwrap();
        if told.contains(&Found::Drained) {
            assert_eq!(feed.unstarted(), 0, "drained, and yet there is more");
        }
    });
}

/// Counts what ran. With `meet`, each task waits until that many tasks are inside at once.
#[derive(Default)]
struct Ran {
    count: Mutex<usize>,
    changed: Condvar,
}

struct Meeter {
    ran: Arc<Ran>,
    meet: usize,
}

impl Worker for Meeter {
    fn run(&mut self, _tag: u64, chunk: Range<u64>) -> Duration {
        let mut count = self.ran.count.lock().unwrap();
        *count += (chunk.end - chunk.start) as usize;
        self.ran.changed.notify_all();
        while *count < self.meet {
            count = self.ran.changed.wait(count).unwrap();
        }
        Duration::from_secs(1) // keeps chunks at one task
    }
}

fn pool(workers: usize, meet: usize) -> (Pool, Arc<Ran>) {
    let ran = Arc::new(Ran::default());
    let config = Config { workers, ..Config::default() };
    let pool = Pool::start(config, |_| Meeter { ran: ran.clone(), meet }).unwrap();
    (pool, ran)
}

/// The bare bargain: work is published and sleepers looked for; announced, and looked for work. A lost wake-up is a
/// deadlock, which the checker reports.
#[test]
fn a_wake_up_is_never_lost() {
    model(None, || {
        let (sleep, feed) =
            (Arc::new(sleep::Sleep::new(1)), Arc::new(word::Word::new(word::Span { lo: 0, hi: 0 })));
        let (sleeper, work) = (sleep.clone(), feed.clone());
        let sleeper = thread::spawn(move || {
            loop {
                if work.take(|_| 1).is_some() {
                    return;
                }
                sleeper.announce(0);
                if work.take(|_| 1).is_some() {
                    return sleeper.cancel(0);
                }
                sleeper.sleep(0);
            }
        });
        feed.fill(word::Span { lo: 0, hi: 1 });
        sleep.wake(1);
        sleeper.join().unwrap();
        assert_eq!(sleep.sleepers(), 0);
    });
}

#[test]
fn a_feed_reaches_a_worker_that_falls_asleep_and_idle_means_all_ran() {
    model(Some(3), || {
        let (pool, ran) = pool(1, 0);
        pool.feed(1, 0..1, Order::Spread).unwrap();
        pool.wait_idle();
        assert_eq!(*ran.count.lock().unwrap(), 1);
        drop(pool); // stop, and join: a worker that sleeps on is a deadlock
    });
}

/// Two tasks that wait for each other, two workers: if a worker sleeps on while a task waits, that is a deadlock.
#[test]
fn no_worker_sleeps_while_a_task_waits() {
    for order in [Order::Spread, Order::InOrder] {
        model(Some(2), move || {
            let (pool, ran) = pool(2, 2);
            pool.feed(1, 0..2, order).unwrap();
            pool.wait_idle();
            assert_eq!(*ran.count.lock().unwrap(), 2);
        });
    }
}

/// The same, but the second task becomes visible only when a thief stores its loot.
#[test]
fn a_thief_that_leaves_loot_wakes_a_sleeper() {
    model(Some(2), || {
        let shared = Arc::new((sleep::Sleep::new(3), feed_of_first(3, 3)));
        let sleeper = shared.clone();
        let sleeper = thread::spawn(move || {
            let (sleep, feed) = &*sleeper;
            let look = || feed.take(2, |_| 1).map_or_else(|| feed.steal(2, |_| 1), Found::Chunk);
            loop {
                sleep.announce(2);
                match look() {
                    Found::Chunk(_) => return sleep.cancel(2),
                    Found::Drained => return sleep.cancel(2),
                    Found::Nothing => sleep.sleep(2),
                }
            }
        });
        let (sleep, feed) = &*shared;
        // As `Thread::find` does: one chunk found, and if more is left, the call goes on to a sleeper.
        if let Found::Chunk(_) = feed.steal(1, |_| 1)
            && sleep.sleepers() > 0
        {
            sleep.wake(feed.visible());
        }
        while feed.take(0, |_| 1).is_some() {}
        sleeper.join().unwrap();
    });
}

#[test]
fn stop_ends_every_thread_and_the_rest_can_be_cut() {
    model(Some(2), || {
        let (pool, ran) = pool(2, 0);
        pool.feed(1, 0..3, Order::Spread).unwrap();
        pool.stop();
        pool.join().unwrap();
        let cut: u64 = pool.cut(1, u64::MAX).iter().map(|part| part.end - part.start).sum();
        assert_eq!(*ran.count.lock().unwrap() as u64 + cut, 3);
    });
}
