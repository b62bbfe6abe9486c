//! What is in a table, in order of the keys, without more memory than the table has.
//!
//! The slots are moved to the front and sorted where they are. A slot has room for eight bytes of a long key in place of
//! its hash, which is no longer needed; keys that agree in those are sorted by the next ones, so that the arena is read
//! once per key and level and not once per comparison.

use super::arena::Arena;
use super::combine::Combine;
use super::slots::{Slot, Slots};
use super::{Key, Table};
use crate::partition::{Splitters, prefix};
use std::ops::{Deref, Range};

/// So many keys that begin alike are compared byte by byte at once.
const FEW: usize = 12;

/// So many levels of eight bytes, then byte by byte: keys that are alike for longer are too few to matter, and the depth
/// of the calls needs a bound.
const LEVELS: usize = 16;

/// Keys ahead that are asked for while keys are given out.
const AHEAD: usize = 16;

/// The keys of a table in byte order. Once it is dropped the table is empty, and keeps its memory.
#[derive(Debug)]
pub struct Sorted<'a, V: Combine> {
    table: &'a mut Table<V>,
    /// Taken out of the table, so that it stays in order even if this is never dropped.
    slots: Slots<V>,
}

/// The bytes of a key.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a>(Place<'a>);

#[derive(Debug, Clone, Copy)]
enum Place<'a> {
    Here([u8; 16], usize),
    There(&'a [u8]),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Here(bytes, len) => &bytes[..*len],
            Place::There(bytes) => bytes,
        }
    }
}

impl<V: Combine> Table<V> {
    /// Sorts the keys; the table is empty once the answer is dropped.
    pub fn sorted(&mut self) -> Sorted<'_, V> {
        let mut slots = std::mem::take(&mut self.slots);
        sort(slots.compact(), &self.arena);
        Sorted { table: self, slots }
    }

    /// Gives out all keys by ascending partition, in byte order, and leaves the table empty.
    pub fn drain_by_partition(&mut self, splitters: &Splitters, mut with: impl FnMut(u32, &[u8], V)) {
        let sorted = self.sorted();
        for (range, partition) in sorted.partitions(splitters).zip(0..) {
            sorted.for_each(range, |key, value| with(partition, key, value));
        }
    }
}

impl<V: Combine> Sorted<'_, V> {
    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Key and value at a place of the order.
    ///
    /// # Panics
    /// If there are not so many.
    #[must_use]
    #[inline]
    pub fn get(&self, at: usize) -> (Bytes<'_>, V) {
        let slot = &self.slots.compacted()[at];
        if let Some(ahead) = self.slots.compacted().get(at + AHEAD).filter(|slot| slot.key.is_long()) {
            self.table.arena.prefetch(ahead.key.offset());
        }
        (bytes(slot.key, &self.table.arena), slot.value)
    }

    /// Calls `with` with the keys and values in a range of the order.
    ///
    /// # Panics
    /// If there are not so many.
    #[inline]
    pub fn for_each(&self, range: Range<usize>, mut with: impl FnMut(&[u8], V)) {
        for at in range {
            let (key, value) = self.get(at);
            with(&key, value);
        }
    }

    /// How many keys are less than this one.
    #[must_use]
    pub fn before(&self, key: &[u8]) -> usize {
        self.slots.compacted().partition_point(|slot| *bytes(slot.key, &self.table.arena) < *key)
    }

    /// Where in the order the keys of each partition are, ascending.
    pub fn partitions(&self, splitters: &Splitters) -> impl Iterator<Item = Range<usize>> {
        let ends = splitters.edges().map(|edge| self.before(edge)).chain([self.len()]);
        ends.scan(0, |begin, end| Some(std::mem::replace(begin, end)..end))
    }
}

impl<V: Combine> Drop for Sorted<'_, V> {
    fn drop(&mut self) {
        let (keys, long) = (self.len(), self.table.arena.len());
        self.slots.clear_compacted();
        self.table.slots = std::mem::take(&mut self.slots);
        self.table.arena.clear();
        self.table.reshape(keys, long);
    }
}

#[inline]
fn bytes(key: Key, arena: &Arena) -> Bytes<'_> {
    if key.is_long() {
        return Bytes(Place::There(arena.get(key.offset())));
    }
    let (bytes, len) = key.to_bytes();
    Bytes(Place::Here(bytes, len))
}

fn sort<V: Copy>(slots: &mut [Slot<V>], arena: &Arena) {
    load(slots, arena, prefix);
    slots.sort_unstable_by_key(|slot| slot.key.hi);
    for run in slots.chunk_by_mut(|a, b| a.key.hi == b.key.hi).filter(|run| run.len() > 1) {
        sort_from_8(run, arena);
    }
}

/// Puts some bytes of each long key into its slot.
fn load<V: Copy>(slots: &mut [Slot<V>], arena: &Arena, some: impl Fn(&[u8]) -> u64) {
    for at in 0..slots.len() {
        if let Some(ahead) = slots.get(at + AHEAD).filter(|slot| slot.key.is_long()) {
            arena.prefetch(ahead.key.offset());
        }
        let key = &mut slots[at].key;
        if key.is_long() {
            key.hi = some(arena.get(key.offset()));
        }
    }
}

/// Sorts keys whose first eight bytes agree. Inline keys have the other seven and their length in `lo`; long ones get
/// the same seven, and a length that is larger than any inline one.
fn sort_from_8<V: Copy>(run: &mut [Slot<V>], arena: &Arena) {
    let next = |key: &Key| if key.is_long() { key.hi } else { key.lo };
    load(run, arena, |key| prefix(&key[8..]) | 0xff);
    run.sort_unstable_by_key(|slot| next(&slot.key));
    let alike = |a: &Slot<V>, b: &Slot<V>| next(&a.key) == next(&b.key);
    for run in run.chunk_by_mut(alike).filter(|run| run.len() > 1) {
        sort_long(run, arena, 15, LEVELS);
    }
}

/// Sorts long keys whose first `depth` bytes agree.
fn sort_long<V: Copy>(run: &mut [Slot<V>], arena: &Arena, depth: usize, levels: usize) {
    let rest = |slot: &Slot<V>| &arena.get(slot.key.offset())[depth..];
    // A key that ends within the next eight bytes would look like one that has zeros there.
    if run.len() <= FEW || levels == 0 || run.iter().any(|slot| rest(slot).len() < 8) {
        return run.sort_unstable_by(|a, b| rest(a).cmp(rest(b)));
    }
    load(run, arena, |key| prefix(&key[depth..]));
    run.sort_unstable_by_key(|slot| slot.key.hi);
    for run in run.chunk_by_mut(|a, b| a.key.hi == b.key.hi).filter(|run| run.len() > 1) {
        sort_long(run, arena, depth + 8, levels - 1);
    }
}
