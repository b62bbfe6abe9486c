//! What is usual, so that the rest can be told apart.
//!
//! A disk that syncs in a millisecond takes a hundred now and then. One such stall is as much as a hundred ordinary round trips,
//! and falls on whatever level of workers happens to be there. So what a round trip costs is split in two: up to a
//! bound that follows what is usual, and beyond. How the usual part grows with workers shows within seconds, and stalls, which
//! do not ask how many workers there are, are averaged over all levels. The two parts always add up to the whole.

/// So many times what is usual, and more, is not.
const BOUND: u64 = 8;
/// The part that a new value has in what is usual.
const PART: u64 = 16;

/// What a series of times is usually like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Usual {
    /// A sliding mean of the usual parts; 0 before the first value.
    mean_ns: u64,
}

impl Usual {
    /// The usual part of a time, and what is beyond. After a lasting change everything is usual again within some
    /// dozen values.
    pub(super) fn split(&mut self, ns: u64) -> (u64, u64) {
        if self.mean_ns == 0 {
            self.mean_ns = ns;
        }
        let usual = ns.min(self.mean_ns.saturating_mul(BOUND));
        self.mean_ns = self.mean_ns - self.mean_ns / PART + usual / PART;
        (usual, ns - usual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_split_and_the_parts_add_up() {
        let mut usual = Usual::default();
        (0..100).for_each(|n| assert_eq!(usual.split(1_000 + n), (1_000 + n, 0)));
        let (part, beyond) = usual.split(100_000);
        assert_eq!(part + beyond, 100_000);
        assert!((7_000..9_000).contains(&part), "{part}");
        assert_eq!(usual.split(1_100), (1_100, 0));
    }

    #[test]
    fn what_lasts_becomes_usual() {
        let mut usual = Usual::default();
        usual.split(1_000);
        let beyond = (0..40).map(|_| usual.split(50_000).1).filter(|beyond| *beyond > 0).count();
        assert!((1..20).contains(&beyond), "{beyond} of 40");
        assert_eq!(usual.split(50_000), (50_000, 0));
    }

    #[test]
    fn nothing_is_usual_before_the_first() {
        let mut usual = Usual::default();
        assert_eq!((usual.split(0), usual.split(7)), ((0, 0), (7, 0)));
    }
}
