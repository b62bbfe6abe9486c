//! One range of tasks on its way to the workers: its words, and what may be done to them.
//!
//! A steal moves tasks from one word to another in two steps, so for a moment they are in no word. `moving` counts
//! the steals that have begun and those under way; a reader that sees it at rest and unchanged around its look at the
//! words has seen every unstarted task. [`Feed::is_drained`] and [`Feed::cut`] are certain because of it.

use crate::chunk::Limits;
use crate::sync::{AtomicU64, Ordering, thread};
use crate::word::{Span, Word};
use std::ops::Range;

/// How a feed's tasks reach the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The range is split evenly over the workers, and idle workers steal. The fastest.
    Spread,
    /// All workers take from one low end, so tasks are *taken* in strict order. A chunk of several tasks starts them
    /// one after the other, next to other workers' chunks: with `W` workers at most `W` intervals are unfinished.
    InOrder,
}

/// One more steal has begun (upper half of `moving`) and is under way (lower half).
const STEAL_BEGINS: u64 = (1 << 32) + 1;
const STEAL_ENDS: u64 = 1;
const UNDER_WAY: u64 = u32::MAX as u64;

/// How often [`Feed::unstarted`] looks again before it settles for a count that a steal may have blurred.
const COUNT_TRIES: usize = 8;

/// What a look at the feed gave to a worker whose own word is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// These tasks are the worker's to run now.
    Chunk(Range<u32>),
    /// Nothing in any word, but a steal may have been under way: more may appear.
    Nothing,
    /// Every task of the feed has been taken, for good.
    Drained,
}

/// On a cache line pair of its own: it is written at each steal, its neighbours in [`Feed`] are read at each chunk.
#[derive(Debug)]
#[repr(align(128))]
struct Moving(AtomicU64);

#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) tag: u64,
    pub(crate) order: Order,
    pub(crate) limits: Limits,
    base: u64,
    words: Box<[Word]>,
    moving: Moving,
}

impl Feed {
    /// A feed of `base..base + len`, divided for `workers` workers.
    pub(crate) fn new(tag: u64, base: u64, len: u32, order: Order, limits: Limits, workers: usize) -> Feed {
        let count = match order {
            Order::Spread => workers as u64,
            Order::InOrder => 1,
        };
        let edge = |i: u64| (u128::from(len) * u128::from(i) / u128::from(count)) as u32;
        let words = (0..count).map(|i| Word::new(Span { lo: edge(i), hi: edge(i + 1) })).collect();
        Feed { tag, order, limits, base, words, moving: Moving(AtomicU64::new(0)) }
    }

    /// The task numbers that a part of this feed stands for.
    pub(crate) fn absolute(&self, part: Range<u32>) -> Range<u64> {
        self.base + u64::from(part.start)..self.base + u64::from(part.end)
    }

    /// Takes a chunk from the low end of the worker's word.
    pub(crate) fn take(&self, worker: usize, size: impl Fn(u32) -> u32) -> Option<Range<u32>> {
        self.words[self.slot(worker)].take(size)
    }

    /// Takes the upper half of the largest word. Only `thief`'s thread may ask, and only after [`take`](Self::take)
    /// gave it nothing: its own word must be empty.
    ///
    /// The thief keeps its first chunk and fills its word with the rest. Were it to store all of the loot first, two
    /// thieves could pass a single task back and forth for ever; this way every steal starts a task.
    pub(crate) fn steal(&self, thief: usize, size: impl Fn(u32) -> u32) -> Found {
        if self.order == Order::InOrder {
            // The one word was found empty, and nobody ever fills it.
            return Found::Drained;
        }
        loop {
            let (victim, seen) = match self.largest() {
                Ok(victim) => victim,
                Err(certain) => return if certain { Found::Drained } else { Found::Nothing },
            };
            let middle = seen.middle();
            // Release, before the exchange: who sees the victim's loss also sees that a steal has begun.
            self.moving.0.fetch_add(STEAL_BEGINS, Ordering::AcqRel);
            let chunk = self.words[victim].cut(seen, middle).then(|| {
                let n = size(seen.hi - middle);
                assert!(0 < n && n <= seen.hi - middle, "a chunk lies within the loot");
                let rest = Span { lo: middle + n, hi: seen.hi };
                if !rest.is_empty() {
                    self.words[self.slot(thief)].fill(rest);
                }
                middle..rest.lo
            });
            // Release, after the store: who sees that the steal is over also sees where its tasks are.
            self.moving.0.fetch_sub(STEAL_ENDS, Ordering::AcqRel);
            if let Some(chunk) = chunk {
                return Found::Chunk(chunk);
            }
        }
    }

    /// Takes up to `n_max` unstarted tasks back, the highest numbers first; fewer only if no more are unstarted.
    ///
    /// The highest numbers rather than the largest word, because the caller gives back the tail of a lease: few
    /// intervals matter more there than balance here, which stealing restores. Waits out steals under way, which
    /// take some ten instructions. Ascending, adjacent ranges joined.
    pub(crate) fn cut(&self, n_max: u64) -> Vec<Range<u64>> {
        let mut parts: Vec<Range<u32>> = Vec::new();
        let mut left = n_max;
        while left > 0 {
            match self.highest() {
                Ok((victim, seen)) => {
                    let n = left.min(u64::from(seen.len())) as u32;
                    if self.words[victim].cut(seen, seen.hi - n) {
                        parts.push(seen.hi - n..seen.hi);
                        left -= u64::from(n);
                    }
                }
                Err(certain) if certain => break,
                Err(_) => thread::yield_now(),
            }
        }
        joined(parts).into_iter().map(|part| self.absolute(part)).collect()
    }

    /// How many tasks are unstarted: exact unless steals were under way at every one of a few looks.
    pub(crate) fn unstarted(&self) -> u64 {
        let mut sum = 0;
        for _ in 0..COUNT_TRIES {
            let before = self.moving.0.load(Ordering::Acquire);
            sum = self.visible();
            if self.was_at_rest(before) {
                break;
            }
        }
        sum
    }

    /// How many tasks the words hold in passing: those on their way between words are their thief's business.
    pub(crate) fn visible(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.span().len())).sum()
    }

    /// True if every task has been taken, which then stays so. Waits out steals under way.
    pub(crate) fn is_drained(&self) -> bool {
        loop {
            match self.largest() {
                Ok(_) => return false,
                Err(certain) if certain => return true,
                Err(_) => thread::yield_now(),
            }
        }
    }

    fn largest(&self) -> Result<(usize, Span), bool> {
        self.foremost(|span| span.len())
    }

    fn highest(&self) -> Result<(usize, Span), bool> {
        self.foremost(|span| span.hi)
    }

    /// The non-empty word with the greatest `key`. If there is none: whether that is certain (README, "Drained").
    fn foremost(&self, key: impl Fn(Span) -> u32) -> Result<(usize, Span), bool> {
        let before = self.moving.0.load(Ordering::Acquire);
        let mut best: Option<(usize, Span)> = None;
        for (i, word) in self.words.iter().enumerate() {
            let span = word.span();
            if !span.is_empty() && best.is_none_or(|(_, b)| key(span) > key(b)) {
                best = Some((i, span));
            }
        }
        best.ok_or_else(|| self.was_at_rest(before))
    }

    /// True if no steal was under way from the moment `moving` was read as `before` until now.
    fn was_at_rest(&self, before: u64) -> bool {
        before & UNDER_WAY == 0 && self.moving.0.load(Ordering::Acquire) == before
    }

    fn slot(&self, worker: usize) -> usize {
        match self.order {
            Order::Spread => worker,
            Order::InOrder => 0,
        }
    }
}

/// Sorts the parts and joins neighbours.
fn joined(mut parts: Vec<Range<u32>>) -> Vec<Range<u32>> {
    parts.sort_by_key(|part| part.start);
    parts.dedup_by(|next, kept| {
        let adjacent = kept.end == next.start;
        if adjacent {
            kept.end = next.end;
        }
        adjacent
    });
    parts
}

#[cfg(all(test, not(loom)))]
#[path = "feed_tests.rs"]
mod tests;
