//! Sixteen bytes for a record, and how they are sorted.

use crate::partition::prefix;

/// Where a key is in a buffer, led by its first eight bytes.
///
/// One number: the prefix, where the key begins, how long it is. Sorting plain numbers is branchless, and as what comes
/// first in the buffer is the smaller number, equal prefixes stay in the order of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry(u128);

impl Entry {
    #[inline]
    pub(super) fn new(key: &[u8], at: u32) -> Entry {
        Entry(u128::from(prefix(key)) << 64 | u128::from(at) << 32 | key.len() as u128)
    }

    /// With the eight bytes from `depth` on in front.
    #[inline]
    fn deeper(self, buf: &[u8], depth: usize) -> Entry {
        let prefix = prefix(&self.key(buf)[depth..]);
        Entry(u128::from(prefix) << 64 | self.0 & u128::from(u64::MAX))
    }

    #[inline]
    fn prefix(self) -> u64 {
        (self.0 >> 64) as u64
    }

    #[inline]
    pub(super) fn at(self) -> usize {
        (self.0 >> 32) as u32 as usize
    }

    #[inline]
    pub(super) fn len(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline]
    pub(super) fn key(self, buf: &[u8]) -> &[u8] {
        &buf[self.at()..self.at() + self.len()]
    }
}

/// Fewer entries than this with equal prefixes are compared as a whole.
const FEW: usize = 12;
/// Keys that agree in so many bytes are compared as a whole: eight at a time is fast for the first few times only.
const DEEP: usize = 64;

/// Sorts by key; equal keys by where they are.
pub(super) fn sort(entries: &mut [Entry], buf: &[u8]) {
    entries.sort_unstable();
    sort_equal_prefixes(entries, buf, 0);
}

/// Entries that are sorted by the eight bytes from `depth` on become sorted by all that follow.
fn sort_equal_prefixes(entries: &mut [Entry], buf: &[u8], depth: usize) {
    let equals = entries.chunk_by_mut(|a, b| a.prefix() == b.prefix());
    equals.filter(|equal| equal.len() > 1).for_each(|equal| sort_on(equal, buf, depth + 8));
}

/// Entries whose eight bytes before `depth` are alike, where keys that ended count as filled up with zeros.
fn sort_on(entries: &mut [Entry], buf: &[u8], depth: usize) {
    // A key that has ended is the begin of all that go on, and of the longer ones among those that ended.
    if entries.iter().any(|entry| entry.len() <= depth) {
        entries.sort_unstable_by_key(|entry| (entry.len().min(depth + 1), entry.at()));
    }
    let ended = entries.partition_point(|entry| entry.len() <= depth);
    let longer = &mut entries[ended..];
    if longer.len() < FEW || depth >= DEEP {
        let order =
            |a: &Entry, b: &Entry| a.key(buf)[depth..].cmp(&b.key(buf)[depth..]).then(a.at().cmp(&b.at()));
        longer.sort_unstable_by(order);
        return;
    }
    longer.iter_mut().for_each(|entry| *entry = entry.deeper(buf, depth));
    longer.sort_unstable();
    sort_equal_prefixes(longer, buf, depth);
}
