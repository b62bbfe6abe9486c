//! The feeds that are live, oldest first, and a number that changes whenever they do.
//!
//! Workers keep a copy of the list and compare one number to know that it is still right: the lock is taken per feed,
//! never per chunk.

use crate::Error;
use crate::feed::Feed;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering, lock};

/// The generation that says: start nothing more. No pool lives long enough to count there.
const STOPPED: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Live {
    feeds: Mutex<Vec<Arc<Feed>>>,
    feeds_max: usize,
    generation: AtomicU64,
}

impl Live {
    pub(crate) fn new(feeds_max: usize) -> Live {
        Live { feeds: Mutex::new(Vec::new()), feeds_max, generation: AtomicU64::new(0) }
    }

    /// Adds the feed as the youngest. An empty one (`None`) is only checked.
    pub(crate) fn add(&self, tag: u64, feed: impl FnOnce() -> Option<Feed>) -> Result<(), Error> {
        let mut feeds = lock(&self.feeds);
        if self.is_stopped() {
            return Err(Error::Stopped);
        }
        if feeds.iter().any(|live| live.tag == tag) {
            return Err(Error::TagLive(tag));
        }
        if feeds.len() >= self.feeds_max {
            return Err(Error::Full);
        }
        if let Some(feed) = feed() {
            feeds.push(Arc::new(feed));
            self.changed();
        }
        Ok(())
    }

    /// Forgets the feed if all of its tasks have been taken; false if some have not.
    pub(crate) fn retire(&self, tag: u64) -> bool {
        let Some(feed) = self.get(tag) else { return true };
        if !feed.is_drained() {
            return false;
        }
        // Drained is for good, so the look above needs no lock.
        let mut feeds = lock(&self.feeds);
        feeds.retain(|live| !Arc::ptr_eq(live, &feed));
        self.changed();
        true
    }

    pub(crate) fn get(&self, tag: u64) -> Option<Arc<Feed>> {
        lock(&self.feeds).iter().find(|live| live.tag == tag).cloned()
    }

    /// Calls `each` on every feed, oldest first.
    pub(crate) fn for_each(&self, each: impl FnMut(&Arc<Feed>)) {
        lock(&self.feeds).iter().for_each(each);
    }

    /// Changes with the list. Read it before the list: a list newer than its number is only read once too often.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// From here on workers start no further chunk, and no feed is added.
    pub(crate) fn stop(&self) {
        let _feeds = lock(&self.feeds);
        self.generation.store(STOPPED, Ordering::Release);
    }

    /// Relaxed: it carries no data, and who is about to sleep learns of it through the fence in `Sleep::announce`.
    pub(crate) fn is_stopped(&self) -> bool {
        self.generation.load(Ordering::Relaxed) == STOPPED
    }

    /// Under the lock of `feeds`, so it needs no read-modify-write.
    fn changed(&self) {
        let generation = self.generation.load(Ordering::Relaxed);
        if generation != STOPPED {
            self.generation.store(generation + 1, Ordering::Release);
        }
    }
}
