//! How many pairs there are among n workers: the reason that "everyone tells everyone" does not grow.

/// Pairs among `n` workers, `n (n - 1)/2`: 45 for ten, not "n squared over two".
#[must_use]
pub fn paths(n: u64) -> u128 {
    let n = u128::from(n);
    n * n.saturating_sub(1) / 2
}

/// Paths as a share of paths and workers, `(n - 1)/(n + 1)`: 81.8 % for ten, 98.0 % for a hundred, 0 for none.
///
/// It says how much of a drawing is lines, not how much of the time is lost: that takes what one message costs.
#[must_use]
pub fn path_share(n: u64) -> f64 {
    let paths = paths(n) as f64;
    if n == 0 { 0.0 } else { paths / (paths + n as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_huge() {
        assert_eq!([0, 1, 2, 3, 10, 1_000].map(paths), [0, 0, 1, 3, 45, 499_500]);
        assert_eq!(paths(u64::MAX), (u128::from(u64::MAX) * (u128::from(u64::MAX) - 1)) / 2);
        assert_eq!([0, 1].map(path_share), [0.0, 0.0]);
    }
}
