//! The slots: open addressing, one slot after the other from where the hash says.
//!
//! A slot of 24 bytes (a key of 16, a sum of 8) is most often one cache line, and so is the next slot. Where a search
//! begins rises with the hash, so that growing is one pass in order through the old slots and the new ones, and any number
//! of slots will do: the budget need not be a power of two.

use super::arena::Arena;
use super::combine::Combine;
use super::key::Key;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot<V> {
    pub(super) key: Key,
    pub(super) value: V,
}

#[derive(Debug)]
pub(super) struct Slots<V> {
    slots: Vec<Slot<V>>,
    /// How many hold a key.
    len: usize,
}

impl<V> Default for Slots<V> {
    fn default() -> Slots<V> {
        Slots { slots: Vec::new(), len: 0 }
    }
}

/// Keys that so many slots take: three quarters, so that a key is found in two and a half steps even then.
pub(super) const fn most(slots: usize) -> usize {
    slots / 4 * 3
}

impl<V: Combine> Slots<V> {
    pub(super) fn new(count: usize) -> Slots<V> {
        let mut slots = Vec::with_capacity(count);
        divvy_scan::large_pages(&mut slots);
        slots.resize(count, Slot::default());
        Slots { slots, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn count(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn has_room(&self, keys: usize) -> bool {
        self.len + keys <= most(self.slots.len())
    }

    /// Where the search for a hash begins.
    #[inline(always)]
    pub(super) fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.slots.len() as u128) >> 64) as usize
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, at: usize) {
        divvy_scan::prefetch(&self.slots, at);
    }

    /// Asks for the bytes that a long key will be compared with.
    #[inline(always)]
    pub(super) fn prefetch_long(&self, hash: u64, home: usize, arena: &Arena) {
        let key = self.slots[home].key;
        if key.is_long() && key.hi == hash {
            arena.prefetch(key.offset());
        }
    }

    #[inline(always)]
    fn after(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    /// Adds to an inline key. The caller has made sure that there is room for one more.
    #[inline(always)]
    pub(super) fn add_inline(&mut self, key: Key, home: usize, value: V) {
        let mut at = home;
        loop {
            let slot = &mut self.slots[at];
            if slot.key == key {
                return slot.value.combine(value);
            }
            if slot.key.is_none() {
                *slot = Slot { key, value };
                self.len += 1;
                return;
            }
            at = self.after(at);
        }
    }

    /// Adds to a long key. The caller has made sure that there is room for one more, here and in the arena.
    #[inline]
    pub(super) fn add_long(&mut self, bytes: &[u8], hash: u64, home: usize, arena: &mut Arena, value: V) {
        let mut at = home;
        loop {
            let slot = &mut self.slots[at];
            let key = slot.key;
            if key.is_long() && key.hi == hash && arena.get(key.offset()) == bytes {
                return slot.value.combine(value);
            }
            if key.is_none() {
                *slot = Slot { key: Key::long(hash, arena.push(bytes)), value };
                self.len += 1;
                return;
            }
            at = self.after(at);
        }
    }

    /// The value of the key for which `same` holds, if there is one.
    pub(super) fn find(&self, hash: u64, same: impl Fn(Key) -> bool) -> Option<V> {
        let mut at = self.home(hash);
        while !self.slots.get(at)?.key.is_none() {
            if same(self.slots[at].key) {
                return Some(self.slots[at].value);
            }
            at = self.after(at);
        }
        None
    }

    /// Moves all to as many slots.
    pub(super) fn resize(&mut self, count: usize) {
        assert!(self.len <= most(count), "all keys fit");
        let old = std::mem::replace(self, Slots::new(count));
        for slot in old.slots.into_iter().filter(|slot| !slot.key.is_none()) {
            let mut at = self.home(slot.key.hash());
            while !self.slots[at].key.is_none() {
                at = self.after(at);
            }
            self.slots[at] = slot;
        }
        self.len = old.len;
    }

    /// Moves the keys to the front, where their order is the caller's; searches find nothing from then on.
    pub(super) fn compact(&mut self) -> &mut [Slot<V>] {
        let mut front = 0;
        for at in 0..self.slots.len() {
            if !self.slots[at].key.is_none() {
                self.slots.swap(front, at);
                front += 1;
            }
        }
        assert_eq!(front, self.len, "each key was counted once");
        &mut self.slots[..front]
    }

    /// What [`Slots::compact`] gave.
    pub(super) fn compacted(&self) -> &[Slot<V>] {
        &self.slots[..self.len]
    }

    /// Forgets the keys after [`Slots::compact`], and keeps the memory.
    pub(super) fn clear_compacted(&mut self) {
        self.slots[..self.len].fill(Slot::default());
        self.len = 0;
    }
}
