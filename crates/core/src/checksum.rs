//! The checksum that every block and state row carries.
//!
//! `SQLite` does not check its pages, so a flipped bit would otherwise be read as data. CRC-32 (IEEE) finds every
//! single flipped bit and every burst of up to 32; it is no defence against somebody who writes on purpose.

use crc32fast::Hasher;

/// A checksum over a row's fields, each behind its length, so that moving a byte from one field to the next
/// changes the sum.
#[derive(Default)]
pub struct Sum(Hasher);

impl Sum {
    /// A sum that starts with what kind of row it is: rows of two tables never pass for each other.
    #[must_use]
    pub fn of(kind: &str) -> Sum {
        Sum::default().bytes(kind.as_bytes())
    }

    /// Adds a number.
    #[must_use]
    pub fn u64(mut self, n: u64) -> Sum {
        self.0.update(&n.to_le_bytes());
        self
    }

    /// Adds bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Sum {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The sum of all that was added.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_byte_and_a_flipped_bit_change_it() {
        let sum = |a: &[u8], b: &[u8]| Sum::of("row").bytes(a).bytes(b).finish();
        assert_ne!(sum(b"ab", b"c"), sum(b"a", b"bc"));
        assert_ne!(sum(b"ab", b"c"), sum(b"ab", b"b"));
        assert_ne!(Sum::of("row").u64(1).finish(), Sum::of("wor").u64(1).finish());
    }
}
