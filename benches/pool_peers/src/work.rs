//! The tasks: every contestant runs the same body, whose result the optimiser must take for used.

use std::hint::black_box;
use std::time::Instant;

/// Which tasks are a thousand times longer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// None.
    Even,
    /// One in a hundred, scattered.
    Scattered,
    /// The last hundredth.
    AtEnd,
}

/// A batch of `n` tasks. A plain value: contestants copy it into their closures.
#[derive(Clone, Copy)]
pub struct Job {
    pub n: u64,
    pub pattern: Pattern,
    /// Turns of the spinning loop.
    pub short: u64,
    pub long: u64,
}

impl Job {
    /// Never inlined: of a body of ten nanoseconds, the compiler made loops that differed by half between contestants.
    #[inline(never)]
    pub fn task(&self, i: u64) {
        let is_long = match self.pattern {
            Pattern::Even => false,
            Pattern::Scattered => scramble(i).is_multiple_of(100),
            Pattern::AtEnd => i >= self.n - self.n / 100,
        };
        spin(i, if is_long { self.long } else { self.short });
    }
}

#[inline(always)]
fn spin(seed: u64, turns: u64) {
    let mut x = seed;
    for _ in 0..turns {
        // One dependent multiplication a turn, opaque, so that it can be neither vectorised nor skipped.
        x = black_box(x.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1));
    }
    black_box(x);
}

fn scramble(i: u64) -> u64 {
    let z = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (z ^ (z >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32
}

/// Turns of the spinning loop in a nanosecond: the fastest of several, since whatever disturbs only slows down.
pub fn turns_per_ns() -> f64 {
    const TURNS: u64 = 2_000_000;
    let ns = (0..20)
        .map(|seed| {
            let begun = Instant::now();
            spin(black_box(seed), TURNS);
            begun.elapsed().as_nanos()
        })
        .min();
    TURNS as f64 / ns.unwrap_or(1).max(1) as f64
}

/// The numbers below `n` in an order that depends on the seed.
pub fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| scramble(seed << 16 | i as u64));
    order
}
