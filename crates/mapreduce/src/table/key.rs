//! A key in sixteen bytes: up to fifteen bytes as they are, or where a longer one lies.

use crate::partition::prefix;

/// Keys up to this length are kept in the table itself. Of a gigabyte of English
/// 1.3 % of the words are longer, of source code 17 %, and 65 % of its distinct ones.
pub const INLINE_MAX: usize = 15;

/// The lowest byte of `lo`: 0 is no key, 1 + length is an inline one, this is one in the arena.
const LONG: u64 = 0xff;

/// What a slot holds of a key.
///
/// Inline: the bytes in order, filled up with zeros, then 1 + length. Compared as one number of 128 bits, inline keys
/// are in byte order, because where the bytes agree the shorter key is the smaller. Long: the hash, then where in the
/// arena the key begins. No two keys are equal unless their bytes are, as long as the hash is checked against the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Key {
    pub(super) hi: u64,
    pub(super) lo: u64,
}

impl Key {
    /// A key of at most [`INLINE_MAX`] bytes.
    #[inline(always)]
    pub(super) fn inline(bytes: &[u8]) -> Key {
        let len = bytes.len();
        let (hi, lo) =
            if len <= 8 { (prefix(bytes), 0) } else { (prefix(bytes), last(bytes) << (8 * (16 - len))) };
        Key { hi, lo: lo | (len as u64 + 1) }
    }

    /// The key at `begin..end` of a text, at most [`INLINE_MAX`] bytes: if the text has sixteen bytes from there,
    /// they are loaded whatever the length is, and there is no branch on the length to be guessed wrong.
    #[inline(always)]
    pub(super) fn inline_in(text: &[u8], begin: usize, end: usize) -> Key {
        let len = end - begin;
        match text[begin..].first_chunk::<16>() {
            Some(bytes) => {
                let all = u128::from_be_bytes(*bytes);
                let [hi, lo] = MASKS[len & 15];
                Key { hi: (all >> 64) as u64 & hi, lo: all as u64 & lo | (len as u64 + 1) }
            }
            None => Key::inline(&text[begin..end]),
        }
    }

    /// A key in the arena at `offset`.
    pub(super) fn long(hash: u64, offset: usize) -> Key {
        Key { hi: hash, lo: (offset as u64) << 8 | LONG }
    }

    #[inline(always)]
    pub(super) fn is_none(self) -> bool {
        self.lo == 0
    }

    #[inline(always)]
    pub(super) fn is_long(self) -> bool {
        self.lo & 0xff == LONG
    }

    /// Where a long key is.
    #[inline(always)]
    pub(super) fn offset(self) -> usize {
        (self.lo >> 8) as usize
    }

    /// Where its search begins, as a number from the whole range of 64 bits.
    #[inline(always)]
    pub(super) fn hash(self) -> u64 {
        if self.is_long() { self.hi } else { self.hash_inline() }
    }

    /// The same, of a key that is known to be inline.
    #[inline(always)]
    pub(super) fn hash_inline(self) -> u64 {
        fold(self.hi ^ SALT[0], self.lo ^ SALT[1])
    }

    /// The bytes of an inline key and how many they are.
    pub(super) fn to_bytes(self) -> ([u8; 16], usize) {
        let all = u128::from(self.hi) << 64 | u128::from(self.lo);
        (all.to_be_bytes(), (self.lo & 0xff) as usize - 1)
    }
}

/// The bits of the first bytes of sixteen, by how many bytes: a lookup is four instructions, shifting 128 bits is fourteen.
const MASKS: [[u64; 2]; 16] = {
    let mut masks = [[0; 2]; 16];
    let mut len = 0;
    while len < 16 {
        let mask = !(u128::MAX >> (8 * len));
        masks[len] = [(mask >> 64) as u64, mask as u64];
        len += 1;
    }
    masks
};

/// Bytes 8 and following of a key of nine to fifteen bytes, as the low bytes of a number.
#[inline(always)]
fn last(bytes: &[u8]) -> u64 {
    let last = bytes.last_chunk::<8>().map_or(0, |last| u64::from_be_bytes(*last));
    last & (u64::MAX >> (8 * (16 - bytes.len())))
}

/// Odd numbers without a pattern (digits of pi).
const SALT: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345];

/// Every bit of the product depends on every bit of both: one multiplication mixes sixteen bytes.
#[inline(always)]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// The hash of a long key.
#[inline]
pub(super) fn hash_long(bytes: &[u8]) -> u64 {
    let half = |bytes: &[u8; 16], at: usize| {
        u64::from_le_bytes(*bytes[at..].first_chunk().expect("sixteen bytes have two halves"))
    };
    let mut hash = bytes.len() as u64;
    // The last sixteen bytes are taken whatever the length is, so that they overlap those before and need no filling up.
    let (sixteens, _) = bytes[..bytes.len() - 1].as_chunks::<16>();
    let last = bytes.last_chunk::<16>().expect("a long key has at least sixteen bytes");
    for sixteen in sixteens.iter().chain([last]) {
        hash = fold(half(sixteen, 0) ^ hash ^ SALT[0], half(sixteen, 8) ^ hash.rotate_left(32) ^ SALT[1]);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_core::Rng;

    fn number(key: Key) -> u128 {
        u128::from(key.hi) << 64 | u128::from(key.lo)
    }

    #[test]
    fn inline_keys_order_like_their_bytes_however_they_were_loaded() {
        let mut rng = Rng::new(3);
        let mut keys = vec![vec![], b"a".to_vec(), b"a\0".to_vec(), vec![0; 8], vec![0; 9], vec![255; 15]];
        for _ in 0..2_000 {
            let len = rng.below(16) as usize;
            keys.push((0..len).map(|_| [0, 1, b'a', 255][rng.below(4) as usize]).collect());
        }
        keys.sort();
        keys.dedup();
        let numbers: Vec<_> = keys.iter().map(|key| number(Key::inline(key))).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b));
        for key in &keys {
            let mut text = vec![b'x'; 3];
            text.extend(key);
            let near_the_end = Key::inline_in(&text, 3, text.len());
            text.extend([255; 16]);
            assert_eq!(Key::inline_in(&text, 3, 3 + key.len()), near_the_end);
            assert_eq!(near_the_end, Key::inline(key));
            let (bytes, len) = near_the_end.to_bytes();
            assert_eq!(bytes[..len], **key);
            assert!(!near_the_end.is_none() && !near_the_end.is_long());
        }
    }

    #[test]
    fn every_byte_of_a_long_key_changes_its_hash() {
        for len in [16, 17, 31, 32, 33, 48, 100] {
            let mut key = vec![7; len];
            let mut hashes = vec![hash_long(&key)];
            for at in 0..len {
                key[at] ^= 1;
                hashes.push(hash_long(&key));
                key[at] ^= 1;
            }
            hashes.sort_unstable();
            hashes.dedup();
            assert_eq!(hashes.len(), len + 1, "{len}");
        }
    }
}
