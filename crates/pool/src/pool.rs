//! The handle on a running pool.

use crate::chunk::{Grain, Limits};
use crate::feed::{Feed, Order};
use crate::live::Live;
use crate::sleep::Sleep;
use crate::sync::{Arc, Mutex, lock, thread};
use crate::worker::{Shared, Thread, Worker};
use crate::{Config, Error};
use std::ops::Range;

/// Threads that run the tasks of the ranges they are fed.
///
/// All methods may be called from any thread. Dropping the pool stops it and waits for its threads.
#[derive(Debug)]
pub struct Pool {
    workers: usize,
    grain: Grain,
    shared: Arc<Shared>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Pool {
    /// Starts the threads. `make` is called here, once for each worker, with its number from 0.
    ///
    /// # Errors
    /// [`Error::Config`], and [`Error::Thread`] if the system gives too few threads; then none is left running.
    pub fn start<W: Worker + 'static>(
        config: Config,
        mut make: impl FnMut(usize) -> W,
    ) -> Result<Pool, Error> {
        config.validate()?;
        let shared =
            Arc::new(Shared { live: Live::new(config.feeds_max), sleep: Sleep::new(config.workers) });
        let threads = Mutex::new(Vec::with_capacity(config.workers));
        let pool = Pool { workers: config.workers, grain: Grain::of(&config), shared, threads };
        for me in 0..config.workers {
            let thread = Thread::new(me, make(me), pool.shared.clone());
            let handle = thread::Builder::new()
                .name(format!("{}-{me}", config.name))
                .spawn(move || thread.live())
                .map_err(Error::Thread)?; // dropping `pool` stops the others
            lock(&pool.threads).push(handle);
        }
        Ok(pool)
    }

    /// Adds the tasks of `range` as the youngest feed, under a tag that no live feed has. An empty range leaves
    /// nothing behind.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::TagLive`], [`Error::TooLong`] for more than `u32::MAX` tasks, [`Error::Stopped`].
    pub fn feed(&self, tag: u64, range: Range<u64>, order: Order) -> Result<(), Error> {
        self.feed_in(self.grain, tag, range, order)
    }

    /// As [`feed`](Self::feed), in chunks of another size than the pool's own.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn feed_in(&self, grain: Grain, tag: u64, range: Range<u64>, order: Order) -> Result<(), Error> {
        let len = range.end.saturating_sub(range.start);
        let len = u32::try_from(len).map_err(|_| Error::TooLong(len))?;
        let limits = Limits::of(grain, self.workers);
        let feed = || Feed::new(tag, range.start, len, order, limits, self.workers);
        self.shared.live.add(tag, || (len > 0).then(feed))?;
        self.shared.sleep.wake(u64::from(len));
        Ok(())
    }

    /// Tasks that no worker has taken yet, over all live feeds. Approximate while workers steal: tasks on their way
    /// from one word to another may be missed or counted twice.
    pub fn unstarted(&self) -> u64 {
        let mut sum = 0;
        self.shared.live.for_each(|feed| sum += feed.unstarted());
        sum
    }

    /// The same for one feed; 0 if no live feed has this tag.
    pub fn unstarted_of(&self, tag: u64) -> u64 {
        self.shared.live.get(tag).map_or(0, |feed| feed.unstarted())
    }

    /// Takes up to `n_max` unstarted tasks of a feed back, those with the highest numbers first; `u64::MAX` takes all.
    ///
    /// The returned ranges ascend and do not touch, and their tasks will not run. They hold fewer than `n_max` tasks
    /// only if the feed is drained, and then it stays so: what is not in them has been taken by a worker.
    pub fn cut(&self, tag: u64, n_max: u64) -> Vec<Range<u64>> {
        self.shared.live.get(tag).map_or_else(Vec::new, |feed| feed.cut(n_max))
    }

    /// Forgets a feed whose tasks have all been taken (chunks in hand may still be running), which makes room for
    /// another. False, and nothing happens, if it has unstarted tasks; true also if no live feed has this tag.
    pub fn retire(&self, tag: u64) -> bool {
        self.shared.live.retire(tag)
    }

    /// Workers that sleep, or have just found nothing and are about to.
    pub fn idle_workers(&self) -> usize {
        self.shared.sleep.sleepers_about()
    }

    /// Blocks until every worker sleeps or has ended: then every task fed before this call has run, unless it was
    /// cut, or the pool was stopped, or every worker has panicked. Must not be called by a worker.
    pub fn wait_idle(&self) {
        self.shared.sleep.wait_idle();
    }

    /// Workers finish the chunk in hand (or the one they are just taking), start nothing more, and their threads end.
    /// Does not wait for that: see
    /// [`join`](Pool::join). What was not started stays where it was, for [`cut`](Pool::cut) to take back.
    pub fn stop(&self) {
        self.shared.live.stop();
        self.shared.sleep.wake_all();
    }

    /// Waits until all threads have ended, which somebody must have asked for by [`stop`](Pool::stop). A worker that
    /// calls it waits for the others only.
    ///
    /// # Errors
    /// [`Error::Panicked`] if [`Worker`] code panicked; told once.
    pub fn join(&self) -> Result<(), Error> {
        let threads = std::mem::take(&mut *lock(&self.threads));
        let me = thread::current().id();
        let others = threads.into_iter().filter(|thread| thread.thread().id() != me);
        match others.map(thread::JoinHandle::join).filter(Result::is_err).count() {
            0 => Ok(()),
            panicked => Err(Error::Panicked(panicked)),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
        // A panic has been reported by its own thread, loudly; nobody is here to be told again.
        let _ = self.join();
    }
}
