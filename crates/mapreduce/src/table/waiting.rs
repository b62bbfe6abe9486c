//! Pairs that come one at a time and are added many at a time, for the reason that `words.rs` gives: looked up alone, each
//! waits for memory by itself. Half of what a typed count of words took was that wait.

use super::arena::Arena;
use super::combine::Combine;
use super::key::{INLINE_MAX, Key, hash_long};
use super::{Full, Table};

/// Pairs that wait, at most.
const PAIRS: usize = 64;
/// Bytes of keys that wait, but for the last one: long ones must not add up.
const TEXT: usize = 16 << 10;

/// Pairs that are not in their table yet. There is room for them in it.
#[derive(Debug)]
pub(crate) struct Waiting<V> {
    /// Their keys, one after the other.
    text: Vec<u8>,
    pairs: Vec<Pair<V>>,
    /// What the long ones take of the arena.
    long: usize,
}

#[derive(Debug, Clone, Copy)]
struct Pair<V> {
    begin: usize,
    end: usize,
    value: V,
}

impl<V> Default for Waiting<V> {
    fn default() -> Waiting<V> {
        Waiting { text: Vec::new(), pairs: Vec::with_capacity(PAIRS), long: 0 }
    }
}

impl<V> Waiting<V> {
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.pairs.clear();
        self.long = 0;
    }
}

impl<V: Combine> Table<V> {
    /// Adds a pair to those that wait, and them to the table if they are many. Only with one table.
    ///
    /// # Errors
    /// [`Full`], and nothing was changed: those that wait still fit.
    #[inline]
    pub(crate) fn add_later(&mut self, waiting: &mut Waiting<V>, key: &[u8], value: V) -> Result<(), Full> {
        let long = if key.len() <= INLINE_MAX { 0 } else { Arena::cost(key.len()) };
        self.make_room(waiting.pairs.len() + 1, waiting.long + long)?;
        let begin = waiting.text.len();
        waiting.text.extend_from_slice(key);
        waiting.pairs.push(Pair { begin, end: waiting.text.len(), value });
        waiting.long += long;
        if waiting.pairs.len() == PAIRS || waiting.text.len() > TEXT {
            self.add_waiting(waiting);
        }
        Ok(())
    }

    /// Adds those that wait.
    pub(crate) fn add_waiting(&mut self, waiting: &mut Waiting<V>) {
        let mut found = [(Key::default(), 0); PAIRS];
        // Keys are loaded sixteen bytes at a time.
        waiting.text.extend_from_slice(&[0; 16]);
        for (pair, found) in waiting.pairs.iter().zip(&mut found) {
            let (key, hash) = if pair.end - pair.begin <= INLINE_MAX {
                let key = Key::inline_in(&waiting.text, pair.begin, pair.end);
                (key, key.hash_inline())
            } else {
                let hash = hash_long(&waiting.text[pair.begin..pair.end]);
                (Key::long(hash, 0), hash)
            };
            *found = (key, self.slots.home(hash));
            self.slots.prefetch(found.1);
        }
        for (pair, (key, home)) in waiting.pairs.iter().zip(found) {
            if key.is_long() {
                let bytes = &waiting.text[pair.begin..pair.end];
                self.slots.add_long(bytes, key.hi, home, &mut self.arena, pair.value);
            } else {
                self.slots.add_inline(key, home, pair.value);
            }
        }
        waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::Rng;
    use std::collections::BTreeMap;

    #[test]
    fn what_waited_is_as_if_it_had_been_added_at_once() {
        let mut rng = Rng::new(5);
        let (mut table, mut waiting) = (Table::<u64>::new(40 << 10), Waiting::default());
        let (mut expected, mut spilled) = (BTreeMap::<Vec<u8>, u64>::new(), BTreeMap::<Vec<u8>, u64>::new());
        let mut spills = 0;
        for _ in 0..20_000 {
            // Also with zeros at their end, which are what keys are filled up with.
            let most = if rng.below(50) == 0 { 600 } else { 20 };
            let len = rng.below(most) as usize;
            let key: Vec<u8> = (0..len).map(|_| rng.below(3) as u8).collect();
            let value = rng.below(9);
            *expected.entry(key.clone()).or_default() += value;
            if table.add_later(&mut waiting, &key, value) == Err(Full) {
                assert!(table.bytes() <= table.budget());
                drain(&mut table, &mut waiting, &mut spilled);
                spills += 1;
                table.add_later(&mut waiting, &key, value).expect("an empty table has room");
            }
        }
        assert!(spills > 1, "what waits has to fit when the table is full");
        drain(&mut table, &mut waiting, &mut spilled);
        assert_eq!(spilled, expected);
    }

    fn drain(table: &mut Table<u64>, waiting: &mut Waiting<u64>, to: &mut BTreeMap<Vec<u8>, u64>) {
        table.add_waiting(waiting);
        assert!(waiting.is_empty());
        let sorted = table.sorted();
        sorted.for_each(0..sorted.len(), |key, value| *to.entry(key.to_vec()).or_default() += value);
    }
}
