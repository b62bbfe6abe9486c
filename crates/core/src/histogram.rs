//! How long things took, in buckets that keep every magnitude to within two percent.
//!
//! Values are nanoseconds. Below 64 each has a bucket of its own; above, every power of two is divided into 2^5 equal
//! buckets, so a quantile is wrong by at most half of a 32nd. Only buckets that were hit are kept: what varies
//! little takes a few entries, and what varies without bounds at most 1 920.

/// Buckets to a power of two.
const SUB: u64 = 32;
/// Their logarithm.
const SUB_BITS: u32 = 5;

/// Counts by bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Bucket and count, ascending by bucket, no count 0.
    buckets: Vec<(u16, u64)>,
}

impl Histogram {
    /// Adds `n` values of `nanos` each.
    pub fn record(&mut self, nanos: u64, n: u64) {
        self.add(bucket(nanos), n);
    }

    fn add(&mut self, bucket: u16, n: u64) {
        if n == 0 {
            return;
        }
        match self.buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(at) => self.buckets[at].1 = self.buckets[at].1.saturating_add(n),
            Err(at) => self.buckets.insert(at, (bucket, n)),
        }
    }

    /// Adds all values of another one.
    pub fn merge(&mut self, other: &Histogram) {
        other.buckets.iter().for_each(|(bucket, n)| self.add(*bucket, *n));
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// The value that a share `q` of all values does not exceed, as the middle of its bucket. `None` without values.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = (q * self.count() as f64).ceil().max(1.0) as u64;
        let mut below = 0u64;
        for (bucket, n) in &self.buckets {
            below = below.saturating_add(*n);
            if below >= rank {
                return Some(middle(*bucket));
            }
        }
        self.buckets.last().map(|(bucket, _)| middle(*bucket))
    }

    /// The mean and the coefficient of variation (standard deviation over mean). `None` without values.
    #[must_use]
    pub fn mean_and_cv(&self) -> Option<(f64, f64)> {
        let count = self.count() as f64;
        let values = || self.buckets.iter().map(|(bucket, n)| (middle(*bucket) as f64, *n as f64));
        let mean = values().map(|(value, n)| value * n).sum::<f64>() / count;
        let variance = values().map(|(value, n)| (value - mean).powi(2) * n).sum::<f64>() / count;
        (mean > 0.0).then(|| (mean, variance.sqrt() / mean))
    }

    /// Bucket numbers and counts, ascending: what a store keeps.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        self.buckets.iter().copied()
    }

    /// What [`Histogram::buckets`] told. A number that is no bucket's is left out.
    #[must_use]
    pub fn from_buckets(buckets: impl IntoIterator<Item = (u64, u64)>) -> Histogram {
        let mut histogram = Histogram::default();
        let last = bucket(u64::MAX);
        for (bucket, n) in buckets {
            if let Some(bucket) = u16::try_from(bucket).ok().filter(|bucket| *bucket <= last) {
                histogram.add(bucket, n);
            }
        }
        histogram
    }
}

/// The bucket of a value.
fn bucket(nanos: u64) -> u16 {
    let magnitude = (u64::BITS - 1).saturating_sub(nanos.leading_zeros());
    let shift = magnitude.saturating_sub(SUB_BITS);
    // The leading bit of what is left counts as one more power of two, so that the buckets follow without a gap.
    (u64::from(shift) * SUB + (nanos >> shift)) as u16
}

/// The middle of a bucket's values.
fn middle(bucket: u16) -> u64 {
    let bucket = u64::from(bucket);
    if bucket < 2 * SUB {
        return bucket;
    }
    let shift = bucket / SUB - 1;
    ((SUB + bucket % SUB) << shift) + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_without_a_gap_and_hold_what_is_in_them() {
        assert!((0..100_000u64).all(|n| bucket(n + 1) - bucket(n) <= 1));
        assert_eq!(bucket(u64::MAX), 1919);
        for n in [0, 1, 31, 63, 64, 65, 1_000, 123_456_789, u64::MAX / 3, u64::MAX] {
            let middle = middle(bucket(n)) as f64;
            assert!((middle - n as f64).abs() <= n as f64 / 64.0, "{n} is shown as {middle}");
            assert_eq!(bucket(middle as u64), bucket(n));
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut all = Histogram::default();
        (1..=1_000).for_each(|ms| all.record(ms * 1_000_000, 1));
        for (q, ms) in [(0.0, 1.0), (0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = all.quantile(q).unwrap() as f64 / 1e6;
            assert!((found / ms - 1.0).abs() < 0.02, "{q}: {found}");
        }
        let (mean, cv) = all.mean_and_cv().unwrap();
        assert!((mean / 500.5e6 - 1.0).abs() < 0.01 && (cv - 0.577).abs() < 0.01, "{mean} {cv}");
        assert_eq!((Histogram::default().quantile(0.5), Histogram::default().mean_and_cv()), (None, None));
    }

    #[test]
    fn it_survives_being_kept_and_merged() {
        let (mut a, mut b) = (Histogram::default(), Histogram::default());
        a.record(5, 2);
        a.record(1_000_000, 1);
        b.record(5, 1);
        b.record(u64::MAX, u64::MAX);
        let kept = |h: &Histogram| Histogram::from_buckets(h.buckets().map(|(at, n)| (at.into(), n)));
        assert_eq!((kept(&a), kept(&b)), (a.clone(), b.clone()));
        a.merge(&b);
        assert_eq!(
            (a.buckets().next(), a.count()),
            (Some((5, 3)), u64::MAX),
            "counts end at the largest number"
        );
        assert_eq!(Histogram::from_buckets([(1_920, 1), (u64::MAX, 1)]), Histogram::default());
    }
}
