//! The exact partition: whatever workers, thieves and cuts do, every task ends up in exactly one hand.

#![allow(clippy::single_range_in_vec_init, reason = "a list of one range is meant")]

use super::*;
use crate::Config;
use crate::chunk::Grain;
use std::sync::Barrier;

/// A feed whose chunks these tests size themselves.
fn feed_of(tag: u64, base: u64, len: u32, order: Order, workers: usize) -> Feed {
    Feed::new(tag, base, len, order, Limits::of(Grain::of(&Config::default()), workers), workers)
}

/// splitmix64: a seed replays a failure.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

const BASE: u64 = 1 << 40;

/// Panics unless the ranges hold each task of `BASE..BASE + len` exactly once.
fn assert_partition(mut parts: Vec<Range<u64>>, len: u32, seed: u64) {
    parts.sort_by_key(|part| part.start);
    let mut next = BASE;
    for part in parts {
        assert_eq!(part.start, next, "seed {seed}: a task twice or never");
        assert!(part.start < part.end, "seed {seed}: an empty part");
        next = part.end;
    }
    assert_eq!(next, BASE + u64::from(len), "seed {seed}: the end is missing");
}

#[test]
fn the_range_is_split_evenly() {
    let feed = feed_of(1, BASE, 11, Order::Spread, 4);
    let lens: Vec<u32> = feed.words.iter().map(|word| word.span().len()).collect();
    assert_eq!(lens, [2, 3, 3, 3]);
    assert_eq!((feed.unstarted(), feed.absolute(3..5)), (11, BASE + 3..BASE + 5));
    assert_eq!(feed_of(1, 0, u32::MAX, Order::Spread, 3).unstarted(), u64::from(u32::MAX));
}

#[test]
fn a_thief_takes_the_upper_half_of_the_largest_word() {
    let feed = feed_of(1, 0, 30, Order::Spread, 3); // 0..10, 10..20, 20..30
    assert_eq!(feed.take(0, |len| len), Some(0..10));
    assert_eq!(feed.take(1, |_| 4), Some(10..14));
    assert_eq!(feed.steal(0, |len| len.min(2)), Found::Chunk(25..27));
    let spans: Vec<_> = feed.words.iter().map(|word| word.span()).collect();
    assert_eq!(spans, [Span { lo: 27, hi: 30 }, Span { lo: 14, hi: 20 }, Span { lo: 20, hi: 25 }]);
}

#[test]
fn a_feed_in_order_has_one_word_and_no_thieves() {
    let feed = feed_of(1, 0, 4, Order::InOrder, 8);
    for worker in 0..4 {
        assert_eq!(feed.take(worker, |_| 1), Some(worker as u32..worker as u32 + 1));
    }
    assert_eq!(feed.take(7, |_| 1), None);
    assert_eq!(feed.steal(7, |_| 1), Found::Drained);
}

#[test]
fn a_cut_takes_the_highest_numbers_and_joins_neighbours() {
    let feed = feed_of(1, 100, 30, Order::Spread, 3);
    assert_eq!(feed.cut(15), [115..130]);
    assert_eq!(feed.take(0, |_| 1), Some(0..1));
    assert_eq!(feed.take(1, |_| 1), Some(10..11));
    assert_eq!(feed.cut(u64::MAX), [101..110, 111..115]);
    assert_eq!((feed.cut(u64::MAX), feed.is_drained(), feed.unstarted()), (vec![], true, 0));
    assert_eq!(feed.cut(0), []);
}

/// Freezes a steal in its middle, where its tasks are in no word.
#[test]
fn nothing_is_certain_while_a_steal_is_under_way() {
    let feed = feed_of(1, 0, 2, Order::Spread, 2);
    feed.moving.0.fetch_add(STEAL_BEGINS, Ordering::AcqRel);
    assert!(feed.words[1].cut(Span { lo: 1, hi: 2 }, 1));
    assert_eq!(feed.take(0, |_| 1), Some(0..1));
    assert_eq!(feed.steal(0, |_| 1), Found::Nothing, "task 1 is on its way: not drained");
    feed.words[1].fill(Span { lo: 1, hi: 2 });
    feed.moving.0.fetch_sub(STEAL_ENDS, Ordering::AcqRel);
    assert!(!feed.is_drained());
    assert_eq!(feed.steal(0, |_| 1), Found::Chunk(1..2));
    assert_eq!(feed.steal(0, |_| 1), Found::Drained);
}

#[test]
fn the_count_of_steals_may_wrap() {
    let feed = feed_of(1, 0, 8, Order::Spread, 2);
    feed.moving.0.store(u64::MAX << 32, Ordering::Relaxed);
    assert_eq!(feed.take(0, |len| len), Some(0..4));
    assert_eq!(feed.steal(0, |_| 1), Found::Chunk(6..7));
    assert_eq!(feed.moving.0.load(Ordering::Relaxed), 0);
    assert_eq!(feed.unstarted(), 3);
}

/// One thread plays all parts in an order drawn from the seed, against a plain count.
#[test]
fn any_sequence_of_takes_steals_and_cuts_is_a_partition() {
    for seed in 0..2_000 {
        let mut rng = Rng(seed);
        let (workers, len) = (1 + rng.below(6) as usize, rng.below(300) as u32);
        let order = if rng.below(4) == 0 { Order::InOrder } else { Order::Spread };
        let feed = feed_of(seed, BASE, len, order, workers);
        let mut parts = Vec::new();
        let mut left = u64::from(len);
        while left > 0 {
            let (worker, most) = (rng.below(workers as u64) as usize, 1 + rng.below(20) as u32);
            let size = |remaining: u32| most.min(remaining);
            let before = parts.len();
            if rng.below(8) == 0 {
                let n_max = rng.below(30);
                let cut = feed.cut(n_max);
                let n: u64 = cut.iter().map(|part| part.end - part.start).sum();
                assert_eq!(n, n_max.min(left), "seed {seed}: a cut gives all it is asked for");
                parts.extend(cut);
            } else if let Some(chunk) = feed.take(worker, size) {
                parts.push(feed.absolute(chunk));
            } else if let Found::Chunk(chunk) = feed.steal(worker, size) {
                parts.push(feed.absolute(chunk));
            }
            left -= parts[before..].iter().map(|part| part.end - part.start).sum::<u64>();
            assert_eq!(feed.unstarted(), left, "seed {seed}");
            assert_eq!(feed.is_drained(), left == 0, "seed {seed}");
        }
        assert_partition(parts, len, seed);
    }
}

/// Real threads, chunks of random size, cuts in between, and a final cut that must be complete.
#[test]
fn racing_workers_thieves_and_cuts_are_a_partition() {
    for seed in 0..200 {
        let (workers, len) = (4, 20_000);
        let feed = feed_of(seed, BASE, len, Order::Spread, workers);
        let start = Barrier::new(workers + 1);
        let parts = std::thread::scope(|scope| {
            let (feed, start) = (&feed, &start);
            let threads: Vec<_> = (0..workers)
                .map(|worker| {
                    scope.spawn(move || {
                        let mut rng = Rng(seed << 8 | worker as u64);
                        let mut parts = Vec::new();
                        start.wait();
                        loop {
                            let most = 1 + rng.below(40) as u32;
                            let size = |remaining: u32| most.min(remaining);
                            match feed
                                .take(worker, size)
                                .map_or_else(|| feed.steal(worker, size), Found::Chunk)
                            {
                                Found::Chunk(chunk) => parts.push(feed.absolute(chunk)),
                                Found::Nothing => {}
                                Found::Drained => return parts,
                            }
                            if rng.below(50) == 0 {
                                std::thread::yield_now();
                            }
                        }
                    })
                })
                .collect();
            start.wait();
            let mut rng = Rng(seed);
            let mut parts: Vec<_> = (0..rng.below(20)).flat_map(|_| feed.cut(rng.below(200))).collect();
            if seed % 2 == 0 {
                parts.extend(feed.cut(u64::MAX));
                assert!(feed.is_drained(), "seed {seed}: nothing appears after a complete cut");
            }
            parts.extend(threads.into_iter().flat_map(|thread| thread.join().expect("no worker panics")));
            parts
        });
        assert_partition(parts, len, seed);
    }
}
