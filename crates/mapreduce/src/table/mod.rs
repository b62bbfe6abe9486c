//! Equal keys become one in memory: a hash table of byte strings with a small value each.
//!
//! | file | idea |
//! |---|---|
//! | `key.rs` | a key in sixteen bytes, and its hash |
//! | `arena.rs` | the bytes of keys that are longer |
//! | `slots.rs` | open addressing |
//! | `words.rs` | many words at a time: all are asked for before the first is looked up |
//! | `waiting.rs` | the same for pairs that come one at a time |
//! | `sorted.rs` | what is in the table in order of the keys, by partition, without more memory |
//! | `combine.rs` | what becomes of two values of one key |
//!
//! The table keeps a budget: [`Table::bytes`] never exceeds it, also while it grows, and what does not fit is answered
//! with [`Full`]. Then the caller writes out what [`Table::sorted`] gives, which empties the table, and goes on.

mod arena;
mod combine;
mod key;
mod slots;
mod sorted;
mod waiting;
mod words;

pub use combine::{Combine, Max, Min};
pub use key::INLINE_MAX;
pub use sorted::{Bytes, Sorted};
pub(crate) use waiting::Waiting;

use arena::Arena;
use key::{Key, hash_long};
use slots::{Slot, Slots, most};

/// Slots of the first growth.
const SLOTS_MIN: usize = 1 << 10;

/// Bytes by which the arena grows at least.
const ARENA_MIN: usize = 16 << 10;

/// What was to be added does not fit into the budget. Nothing was changed.
///
/// If the table is empty, the key alone is too large; otherwise it fits once the table was emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the table is full")]
pub struct Full;

/// Keys and their values, combined.
#[derive(Debug)]
pub struct Table<V> {
    slots: Slots<V>,
    arena: Arena,
    budget: usize,
    /// Whether something did not fit since the table was last empty.
    full: bool,
}

impl<V: Combine> Table<V> {
    /// An empty table that never uses more than `budget` bytes. It takes memory as it grows.
    #[must_use]
    pub fn new(budget: usize) -> Table<V> {
        Table { slots: Slots::default(), arena: Arena::default(), budget, full: false }
    }

    /// Adds a value to that of the key.
    ///
    /// # Errors
    /// [`Full`], and nothing was changed.
    #[inline]
    pub fn add(&mut self, key: &[u8], value: V) -> Result<(), Full> {
        if key.len() <= INLINE_MAX {
            self.make_room(1, 0)?;
            let key = Key::inline(key);
            self.slots.add_inline(key, self.slots.home(key.hash_inline()), value);
        } else {
            self.make_room(1, Arena::cost(key.len()))?;
            let hash = hash_long(key);
            self.slots.add_long(key, hash, self.slots.home(hash), &mut self.arena, value);
        }
        Ok(())
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<V> {
        if key.len() <= INLINE_MAX {
            let key = Key::inline(key);
            self.slots.find(key.hash_inline(), |slot| slot == key)
        } else {
            let hash = hash_long(key);
            let same = |slot: Key| slot.is_long() && slot.hi == hash && self.arena.get(slot.offset()) == key;
            self.slots.find(hash, same)
        }
    }

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

    /// Bytes of memory in use, counted as they were asked for: pages that were not touched yet included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots.count() * size_of::<Slot<V>>() + self.arena.capacity()
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Room for so many keys more, of which the long ones take so many bytes in the arena.
    #[inline(always)]
    fn make_room(&mut self, keys: usize, long: usize) -> Result<(), Full> {
        if self.slots.has_room(keys) && long <= self.arena.spare() {
            return Ok(());
        }
        self.grow(keys, long)
    }

    #[cold]
    fn grow(&mut self, keys: usize, long: usize) -> Result<(), Full> {
        let mut grown = self.grow_slots(keys).and_then(|()| self.grow_arena(long));
        if grown.is_err() && self.is_empty() {
            grown = self.fit_empty(keys, long);
        }
        self.full |= grown.is_err();
        grown
    }

    /// An empty table shares its budget out anew, when the keys that come are longer than those that were there.
    fn fit_empty(&mut self, keys: usize, long: usize) -> Result<(), Full> {
        let possible = self.budget.saturating_sub(long) / size_of::<Slot<V>>();
        if most(possible) < keys {
            return Err(Full);
        }
        self.share_out(possible.min(SLOTS_MIN), long);
        Ok(())
    }

    fn grow_slots(&mut self, keys: usize) -> Result<(), Full> {
        if self.slots.has_room(keys) {
            return Ok(());
        }
        // For a moment there are the old slots and the new ones.
        let possible = (self.budget - self.bytes()) / size_of::<Slot<V>>();
        let count = (2 * self.slots.count()).max(SLOTS_MIN).min(possible);
        // A growth by little would soon be followed by the next.
        let too_little = count < self.slots.count() / 4 * 5;
        if too_little || most(count) < self.len() + keys {
            return Err(Full);
        }
        self.slots.resize(count);
        Ok(())
    }

    fn grow_arena(&mut self, long: usize) -> Result<(), Full> {
        let missing = long.saturating_sub(self.arena.spare());
        if missing == 0 {
            return Ok(());
        }
        // For a moment there are the old bytes and the new ones.
        let possible = (self.budget - self.bytes()).saturating_sub(self.arena.capacity());
        if missing > possible {
            return Err(Full);
        }
        self.arena.grow((self.arena.capacity() / 2).max(ARENA_MIN).max(missing).min(possible));
        Ok(())
    }

    /// After it was emptied because it was full: shares the budget out between slots and arena as it was needed, and no
    /// old slots stand beside the new ones. What a table has learned lets it hold up to half as many keys again.
    fn reshape(&mut self, keys: usize, long: usize) {
        if !std::mem::take(&mut self.full) || keys == 0 {
            return;
        }
        // Three quarters of the slots hold a key, each of which has its share of the arena.
        let count = self.budget * 4 / (size_of::<Slot<V>>() * 4 + long.div_ceil(keys) * 3);
        if count.abs_diff(self.slots.count()) > count / 8 {
            self.share_out(count, self.budget - count * size_of::<Slot<V>>());
        }
    }

    /// Replaces the memory of an empty table.
    fn share_out(&mut self, count: usize, long: usize) {
        (self.slots, self.arena) = Default::default();
        self.slots = Slots::new(count);
        self.arena.grow(long);
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
