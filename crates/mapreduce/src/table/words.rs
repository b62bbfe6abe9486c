//! Many words at a time: all are asked for before the first is looked up.
//!
//! A table of millions of keys is in DRAM, where a load takes as long as three hundred instructions. The processor can
//! wait for some ten of them at the same time, but it does not see that far ahead by itself. So the words are taken in
//! batches: make the keys and hashes of all, ask for the slots of all, then look them up one after the other.

use super::arena::Arena;
use super::combine::Combine;
use super::key::{INLINE_MAX, Key, hash_long};
use super::{Full, Table};

/// Words in a batch: enough that the first is there when the last was asked for, few enough that their slots are still
/// in the first-level cache.
const BATCH: usize = 64;

#[derive(Clone, Copy, Default)]
struct Short {
    key: Key,
    home: usize,
}

#[derive(Clone, Copy, Default)]
struct Long {
    begin: u32,
    end: u32,
    hash: u64,
    home: usize,
}

/// One batch on its way: words by how they are looked up.
struct Batch {
    short: [Short; BATCH],
    long: [Long; BATCH],
}

impl<V: Combine> Table<V> {
    /// Adds `value` to each word of a text (see [`divvy_scan`] for what a word is; the end of the text ends one), and
    /// answers how many bytes of the text that was: all of them, unless the table became full. Then the rest, which
    /// begins with a word, is to be added once the table was emptied. If it was empty already, the first word of the rest is too large for the budget.
    ///
    /// # Panics
    /// If the text is longer than [`divvy_scan::MAX_TEXT`].
    #[must_use = "what is left of the text has to be added once the table was emptied"]
    pub fn add_words(&mut self, text: &[u8], value: V) -> usize {
        let mut batch = Batch { short: [Short::default(); _], long: [Long::default(); _] };
        let mut words = divvy_scan::Words::new(text);
        while let Some(spans) = words.next_spans() {
            for spans in spans.chunks(BATCH) {
                if let Err(at) = self.add_spans(text, spans, value, &mut batch) {
                    return at;
                }
            }
        }
        text.len()
    }

    /// Adds some words, or answers where the first is that did not fit.
    #[inline(always)]
    fn add_spans(
        &mut self,
        text: &[u8],
        spans: &[[u32; 2]],
        value: V,
        batch: &mut Batch,
    ) -> Result<(), usize> {
        let (Some([begin, _]), Some([_, end])) = (spans.first(), spans.last()) else { return Ok(()) };
        // No more bytes than the words are apart can go to the arena.
        let long = (end - begin) as usize + spans.len() * Arena::cost(0);
        if self.make_room(spans.len(), long).is_err() {
            return self.add_one_by_one(text, spans, value);
        }
        let (mut shorts, mut longs) = (0, 0);
        for &[begin, end] in spans {
            let (from, to) = (begin as usize, end as usize);
            let home;
            if to - from <= INLINE_MAX {
                let key = Key::inline_in(text, from, to);
                home = self.slots.home(key.hash_inline());
                batch.short[shorts] = Short { key, home };
                shorts += 1;
            } else {
                let hash = hash_long(&text[from..to]);
                home = self.slots.home(hash);
                batch.long[longs] = Long { begin, end, hash, home };
                longs += 1;
            }
            self.slots.prefetch(home);
        }
        let (short, long) = (&batch.short[..shorts], &batch.long[..longs]);
        long.iter().for_each(|word| self.slots.prefetch_long(word.hash, word.home, &self.arena));
        short.iter().for_each(|word| self.slots.add_inline(word.key, word.home, value));
        for word in long {
            let bytes = &text[word.begin as usize..word.end as usize];
            self.slots.add_long(bytes, word.hash, word.home, &mut self.arena, value);
        }
        Ok(())
    }

    #[cold]
    fn add_one_by_one(&mut self, text: &[u8], spans: &[[u32; 2]], value: V) -> Result<(), usize> {
        for &[begin, end] in spans {
            let (begin, end) = (begin as usize, end as usize);
            self.add(&text[begin..end], value).map_err(|Full| begin)?;
        }
        Ok(())
    }
}
