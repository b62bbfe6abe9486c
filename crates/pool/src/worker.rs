//! What a thread does: find a chunk, run chunks from the same word until it is empty, look elsewhere, rest.

use crate::chunk::Sizer;
use crate::feed::{Feed, Found};
use crate::live::Live;
use crate::sleep::Sleep;
use crate::sync::{Arc, spin_loop, thread};
use std::ops::Range;
use std::time::Duration;

/// What the caller gives each thread: state of its own, touched by that thread alone, so it needs no locks.
///
/// A thread begins in the state that [`on_steal`](Worker::on_steal) announces.
pub trait Worker: Send {
    /// Runs the tasks of `chunk` (absolute numbers, at least one) of the feed `tag`, and says how long that took.
    ///
    /// The time decides the size of the next chunk; it may include what passed since the worker's last clock read, so
    /// one read per chunk suffices. The pool holds no lock meanwhile, and every method of [`Pool`](crate::Pool) may be
    /// called, except that waiting for this very worker would wait for ever.
    ///
    /// # Panics
    /// A panic ends this thread and loses the chunk; the other workers go on with the rest. Catch panics of user code.
    fn run(&mut self, tag: u64, chunk: Range<u64>) -> Duration;

    /// The worker's own word is empty, and it begins to look for work in other places. Next comes
    /// [`run`](Worker::run), [`on_wait`](Worker::on_wait), or the thread's end.
    fn on_steal(&mut self) {}

    /// The worker has found nothing anywhere and is about to sleep. [`Pool::idle_workers`](crate::Pool::idle_workers)
    /// counts it already, so this is the place to tell a coordinator that more work is wanted. Must not block.
    fn on_wait(&mut self) {}

    /// The worker was woken, and looks for work again as after [`on_steal`](Worker::on_steal).
    fn on_wake(&mut self) {}
}

/// How often a worker looks again before it sleeps. The first looks follow each other closely, the others let
/// other threads run: on a machine with more threads than cores a spinning worker stands in the way of the very
/// thread it waits for.
#[cfg(not(loom))]
const LOOKS: u32 = 16;
#[cfg(loom)]
const LOOKS: u32 = 1;
/// Looks that are followed by spinning, twice as long each time.
const LOOKS_SPINNING: u32 = 6;

/// What all threads of a pool share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) live: Live,
    pub(crate) sleep: Sleep,
}

/// A feed as one worker sees it.
struct Lane {
    feed: Arc<Feed>,
    sizer: Sizer,
}

/// One thread: its number, the caller's part, and its copy of the list of feeds.
pub(crate) struct Thread<W> {
    me: usize,
    worker: W,
    shared: Arc<Shared>,
    /// Oldest first; feeds known to be drained are left out.
    lanes: Vec<Lane>,
    generation: u64,
}

impl<W: Worker> Thread<W> {
    pub(crate) fn new(me: usize, worker: W, shared: Arc<Shared>) -> Thread<W> {
        Thread { me, worker, shared, lanes: Vec::new(), generation: 0 }
    }

    /// Until the pool is stopped.
    pub(crate) fn live(mut self) {
        let _gone = Gone { me: self.me, shared: self.shared.clone() };
        self.worker.on_steal();
        while let Some((lane, chunk)) = self.next() {
            self.work(lane, chunk);
        }
    }

    /// Runs the chunk, and then chunks from the worker's own word until that is empty.
    fn work(&mut self, lane: usize, mut chunk: Range<u32>) {
        let Lane { feed, sizer } = &mut self.lanes[lane];
        let (limits, live) = (feed.limits, &self.shared.live);
        loop {
            let n = chunk.end - chunk.start;
            let took = self.worker.run(feed.tag, feed.absolute(chunk));
            sizer.learn(limits, n, took);
            if live.is_stopped() {
                return;
            }
            match feed.take(self.me, |remaining| sizer.size(limits, remaining)) {
                Some(next) => chunk = next,
                None => break,
            }
        }
        self.worker.on_steal();
    }

    /// The next chunk from anywhere, having slept if need be; `None` when the pool is stopped.
    fn next(&mut self) -> Option<(usize, Range<u32>)> {
        loop {
            for look in 0..LOOKS {
                if self.shared.live.is_stopped() {
                    return None;
                }
                if let Some(found) = self.find() {
                    return Some(found);
                }
                pause(look);
            }
            self.shared.sleep.announce(self.me);
            let found = self.find();
            if found.is_some() || self.shared.live.is_stopped() {
                self.shared.sleep.cancel(self.me);
                return found;
            }
            self.worker.on_wait();
            self.shared.sleep.sleep(self.me);
            self.worker.on_wake();
        }
    }

    /// Looks everywhere once: the oldest feed first, in each feed the own word first.
    fn find(&mut self) -> Option<(usize, Range<u32>)> {
        self.refresh();
        let mut at = 0;
        while let Some(Lane { feed, sizer }) = self.lanes.get(at) {
            let size = |remaining| sizer.size(feed.limits, remaining);
            match feed.take(self.me, size).map_or_else(|| feed.steal(self.me, size), Found::Chunk) {
                Found::Chunk(chunk) => {
                    self.wake_next(at);
                    return Some((at, chunk));
                }
                Found::Nothing => at += 1,
                Found::Drained => drop(self.lanes.remove(at)),
            }
        }
        None
    }

    /// Having found work: if some is left and somebody sleeps, passes the call on.
    fn wake_next(&self, at: usize) {
        let sleep = &self.shared.sleep;
        if sleep.sleepers() > 0 {
            sleep.wake(self.lanes[at..].iter().map(|lane| lane.feed.visible()).sum());
        }
    }

    /// Copies the list of feeds if it has changed, keeping what was learned about those that stay.
    fn refresh(&mut self) {
        let generation = self.shared.live.generation();
        if generation == self.generation {
            return;
        }
        self.generation = generation;
        let old = std::mem::take(&mut self.lanes);
        self.shared.live.for_each(|feed| {
            let known = old.iter().find(|lane| Arc::ptr_eq(&lane.feed, feed));
            let sizer = known.map_or_else(Sizer::new, |lane| lane.sizer);
            self.lanes.push(Lane { feed: feed.clone(), sizer });
        });
    }
}

/// Between two looks.
fn pause(look: u32) {
    if cfg!(loom) || look >= LOOKS_SPINNING {
        thread::yield_now();
    } else {
        for _ in 0..1 << look {
            spin_loop();
        }
    }
}

/// Says that the thread has ended, however it did, so that nobody waits for it, and passes on a call to wake that it
/// may have been about to pass on.
struct Gone {
    me: usize,
    shared: Arc<Shared>,
}

impl Drop for Gone {
    fn drop(&mut self) {
        self.shared.sleep.gone(self.me);
        self.shared.sleep.wake(u64::MAX);
    }
}
