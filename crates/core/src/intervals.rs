//! A set of seqs kept as sorted, disjoint, non-touching ranges.
//!
//! What is unfinished of a lease, what was canceled, what a node finished since its last report: all are a few
//! intervals, however many tasks they hold. Because a worker takes tasks from the low end of its slot, a lease
//! has at most two intervals a worker, so linear walks over the list are the fast way.

use crate::codec::{self, Truncated};
use crate::{Range, Seq};

/// A set of seqs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Intervals {
    list: Vec<Range>,
}

impl Intervals {
    /// The empty set.
    #[must_use]
    pub fn new() -> Intervals {
        Intervals::default()
    }

    /// How many seqs are in the set.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.list.iter().map(|r| r.len()).sum()
    }

    /// Whether the set holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[Range] {
        &self.list
    }

    /// The least seq of the set.
    #[must_use]
    pub fn first(&self) -> Option<Seq> {
        self.list.first().map(|r| r.lo)
    }

    /// The smallest range that covers the set.
    #[must_use]
    pub fn hull(&self) -> Option<Range> {
        Some(Range::new(self.list.first()?.lo, self.list.last()?.hi))
    }

    /// Every seq, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Seq> + '_ {
        self.list.iter().flat_map(|r| r.lo..r.hi)
    }

    /// Whether `seq` is in the set.
    #[must_use]
    pub fn contains(&self, seq: Seq) -> bool {
        let at = self.list.partition_point(|r| r.hi <= seq);
        self.list.get(at).is_some_and(|r| r.contains(seq))
    }

    /// Adds a range. What is in the set already stays once.
    pub fn insert(&mut self, add: Range) {
        if add.is_empty() {
            return;
        }
        // Ranges that touch `add` are merged with it, so that the list stays as short as it can be.
        let from = self.list.partition_point(|r| r.hi < add.lo);
        let to = self.list.partition_point(|r| r.lo <= add.hi);
        let merged = self.list[from..to].iter().fold(add, |m, r| Range::new(m.lo.min(r.lo), m.hi.max(r.hi)));
        self.list.splice(from..to, [merged]);
    }

    /// Removes a range. What is not in the set is ignored.
    pub fn remove(&mut self, cut: Range) {
        if cut.is_empty() {
            return;
        }
        let from = self.list.partition_point(|r| r.hi <= cut.lo);
        let to = self.list.partition_point(|r| r.lo < cut.hi);
        if from >= to {
            return;
        }
        let (first, last) = (self.list[from], self.list[to - 1]);
        let left = (first.lo < cut.lo).then(|| Range::new(first.lo, cut.lo));
        let right = (cut.hi < last.hi).then(|| Range::new(cut.hi, last.hi));
        self.list.splice(from..to, left.into_iter().chain(right));
    }

    /// Adds all of `other`.
    pub fn insert_all(&mut self, other: &Intervals) {
        other.list.iter().for_each(|r| self.insert(*r));
    }

    /// Removes all of `other`.
    pub fn remove_all(&mut self, other: &Intervals) {
        other.list.iter().for_each(|r| self.remove(*r));
    }

    /// The seqs that are in both.
    #[must_use]
    pub fn intersect(&self, other: &Intervals) -> Intervals {
        let (mut list, mut a, mut b) = (Vec::new(), 0, 0);
        while let (Some(x), Some(y)) = (self.list.get(a), other.list.get(b)) {
            list.extend(x.intersect(*y));
            if x.hi < y.hi { a += 1 } else { b += 1 }
        }
        Intervals { list }
    }

    /// The seqs that are here and not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Intervals) -> Intervals {
        let mut rest = self.clone();
        rest.remove_all(other);
        rest
    }

    /// Whether all of `other` is here.
    #[must_use]
    pub fn covers(&self, other: &Intervals) -> bool {
        other.list.iter().all(|r| {
            let at = self.list.partition_point(|x| x.hi <= r.lo);
            self.list.get(at).is_some_and(|x| x.lo <= r.lo && r.hi <= x.hi)
        })
    }

    /// Keeps the `n` lowest seqs and returns the others.
    pub fn split_off(&mut self, n: u64) -> Intervals {
        let mut left = n;
        for at in 0..self.list.len() {
            let r = self.list[at];
            if r.len() > left {
                let mut tail = self.list.split_off(at);
                tail[0].lo = r.lo + left;
                if left > 0 {
                    self.list.push(Range::new(r.lo, r.lo + left));
                }
                return Intervals { list: tail };
            }
            left -= r.len();
        }
        Intervals::new()
    }

    /// Bytes for a store: the number of ranges, then gap and length of each, as varints.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + self.list.len() * 4);
        codec::put_u64(&mut out, self.list.len() as u64);
        let mut at = 0;
        for r in &self.list {
            codec::put_u64(&mut out, r.lo - at);
            codec::put_u64(&mut out, r.len());
            at = r.hi;
        }
        out
    }

    /// Reads what [`Intervals::encode`] wrote.
    ///
    /// # Errors
    /// [`Truncated`] if the bytes end early, go on afterwards, or do not describe ascending ranges.
    pub fn decode(mut bytes: &[u8]) -> Result<Intervals, Truncated> {
        let (mut list, mut at) = (Vec::new(), 0u64);
        for nth in 0..codec::take_u64(&mut bytes)? {
            let lo = at.checked_add(codec::take_u64(&mut bytes)?).ok_or(Truncated)?;
            let hi = lo.checked_add(codec::take_u64(&mut bytes)?).ok_or(Truncated)?;
            let touches = nth > 0 && lo == at;
            if hi == lo || touches {
                return Err(Truncated);
            }
            list.push(Range::new(lo, hi));
            at = hi;
        }
        if bytes.is_empty() { Ok(Intervals { list }) } else { Err(Truncated) }
    }
}

impl From<Range> for Intervals {
    fn from(r: Range) -> Intervals {
        Intervals { list: if r.is_empty() { vec![] } else { vec![r] } }
    }
}

impl FromIterator<Range> for Intervals {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Intervals {
        let mut set = Intervals::new();
        ranges.into_iter().for_each(|r| set.insert(r));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use std::collections::BTreeSet;

    fn random_range(rng: &mut Rng) -> Range {
        let lo = rng.below(60);
        Range::new(lo, lo + rng.below(12))
    }

    fn set_of(set: &Intervals) -> BTreeSet<Seq> {
        set.iter().collect()
    }

    /// Every operation against the same one on a plain set of numbers.
    #[test]
    fn behaves_as_a_set_of_numbers() {
        let mut rng = Rng::new(7);
        for _ in 0..2_000 {
            let (mut set, mut plain) = (Intervals::new(), BTreeSet::new());
            let mut other = Intervals::new();
            for _ in 0..8 {
                let r = random_range(&mut rng);
                if rng.below(3) > 0 {
                    set.insert(r);
                    plain.extend(r.lo..r.hi);
                } else {
                    set.remove(r);
                    plain.retain(|s| !r.contains(*s));
                }
                other.insert(random_range(&mut rng));
            }
            let plain_other = set_of(&other);
            assert_eq!(set_of(&set), plain);
            assert!(set.ranges().windows(2).all(|w| w[0].hi < w[1].lo), "touching: {set:?}");
            assert_eq!(set_of(&set.minus(&other)), &plain - &plain_other);
            assert_eq!(set_of(&set.intersect(&other)), &plain & &plain_other);
            assert_eq!(set.covers(&other), plain.is_superset(&plain_other));
            assert_eq!(Intervals::decode(&set.encode()), Ok(set.clone()));
            let n = rng.below(40);
            let tail = set.split_off(n);
            assert_eq!(set.len(), n.min(plain.len() as u64));
            assert_eq!(&set_of(&set) | &set_of(&tail), plain);
            assert!(set.iter().max().is_none_or(|m| tail.first().is_none_or(|t| m < t)));
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = Intervals::from_iter([Range::new(3, 5), Range::new(9, 20)]).encode();
        assert_eq!(Intervals::decode(&bytes[..bytes.len() - 1]), Err(Truncated));
        assert_eq!(Intervals::decode(&[bytes.as_slice(), &[0]].concat()), Err(Truncated));
        assert_eq!(Intervals::decode(&[2, 3, 2, 0, 4]), Err(Truncated), "touching ranges");
        assert_eq!(Intervals::decode(&[1, 3, 0]), Err(Truncated), "an empty range");
    }
}
