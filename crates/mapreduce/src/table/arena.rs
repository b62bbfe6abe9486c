//! Keys that are too long for a slot, one after the other.

/// A length below 255 takes one byte; a larger one takes eight more.
const LEN_MAX: usize = 9;

/// Byte strings, found again by where they begin. What is in it is given back all at once.
#[derive(Debug, Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
}

impl Arena {
    /// Room that a key of this length takes, at most.
    pub(super) const fn cost(len: usize) -> usize {
        len.saturating_add(LEN_MAX)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    pub(super) fn spare(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    /// Makes room for as many bytes more, and no more than that.
    pub(super) fn grow(&mut self, more: usize) {
        self.bytes.reserve_exact(self.spare() + more);
        divvy_scan::large_pages(&mut self.bytes);
    }

    /// Adds a key, and answers where it begins.
    #[inline]
    pub(super) fn push(&mut self, key: &[u8]) -> usize {
        let offset = self.bytes.len();
        if key.len() < 255 {
            self.bytes.push(key.len() as u8);
        } else {
            self.bytes.push(255);
            self.bytes.extend((key.len() as u64).to_le_bytes());
        }
        self.bytes.extend_from_slice(key);
        offset
    }

    #[inline(always)]
    pub(super) fn get(&self, offset: usize) -> &[u8] {
        match self.bytes[offset] {
            255 => self.get_large(offset),
            len => &self.bytes[offset + 1..][..usize::from(len)],
        }
    }

    #[cold]
    fn get_large(&self, offset: usize) -> &[u8] {
        let rest = &self.bytes[offset + 1..];
        let (len, rest) = rest.split_first_chunk().expect("a length of eight bytes was written");
        &rest[..u64::from_le_bytes(*len) as usize]
    }

    #[inline(always)]
    pub(super) fn prefetch(&self, offset: usize) {
        divvy_scan::prefetch(&self.bytes, offset);
    }

    /// Forgets all keys, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_any_length_are_found_again_and_cost_no_more_than_was_said() {
        let mut arena = Arena::default();
        let lens = [16, 17, 253, 254, 255, 256, 257, 70_000];
        let keys: Vec<_> = lens.iter().map(|len| vec![*len as u8; *len]).collect();
        let offsets: Vec<_> = keys.iter().map(|key| arena.push(key)).collect();
        keys.iter().zip(&offsets).for_each(|(key, offset)| assert_eq!(arena.get(*offset), key));
        assert!(arena.len() <= lens.iter().map(|len| Arena::cost(*len)).sum());
        arena.clear();
        assert_eq!((arena.len(), arena.push(b"x")), (0, 0));
    }

    #[test]
    fn it_grows_by_what_was_asked() {
        let mut arena = Arena::default();
        arena.grow(100);
        assert_eq!(arena.spare(), 100);
        arena.push(&[0; 49]);
        arena.grow(50);
        assert_eq!((arena.spare(), arena.capacity()), (100, 150));
    }
}
