//! How long to wait before trying again.

use divvy_core::Rng;

/// Full jitter: uniform in `0 ..= min(cap, base * 2^n)` for the `n`-th repetition, counting from 0.
///
/// Of the jittered schedules it makes the fewest calls when many clients fail at once (Brooker, "Exponential
/// Backoff And Jitter", AWS Architecture Blog, 2015). The unit is the caller's.
pub fn full_jitter(base: u64, cap: u64, n: u32, rng: &mut Rng) -> u64 {
    let top = base.saturating_mul(1u64.checked_shl(n).unwrap_or(u64::MAX)).min(cap);
    rng.below(top.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_its_bounds_and_no_more() {
        let mut rng = Rng::new(5);
        for (n, top) in [(0, 100), (3, 800), (10, 5_000), (64, 5_000), (200, 5_000)] {
            let most = (0..2_000).map(|_| full_jitter(100, 5_000, n, &mut rng)).max();
            assert!(most.is_some_and(|m| m <= top && m > top * 9 / 10), "{n}: {most:?}");
        }
    }
}
