//! Where words begin and end. A word's *edges* are the position of its first byte and the one after its last, so edges
//! alternate: a word begins, it ends, the next begins.
//!
//! Of 64 bytes each way below makes one number with a bit for each byte that is part of a word; a bit that differs
//! from the one before it is an edge. One list of bits then gives beginnings and ends together, which is what makes
//! this cheap: finding bits is most of the work.

/// Bytes that are looked at together: one bit each.
pub(crate) const BLOCK: usize = 64;

/// Ways write this many edges at a time, whether or not there are so many.
pub(crate) const SLACK: usize = 64;

/// What is carried from one block to the next, and where the edges go.
pub(crate) struct Edges<'a> {
    /// Room for an edge per byte that is scanned, and [`SLACK`].
    pub(crate) into: &'a mut [u32],
    /// Edges so far.
    pub(crate) len: usize,
    /// 1 if the byte before is part of a word, else 0.
    pub(crate) inside: u64,
}

impl Edges<'_> {
    /// The bits of `words` that differ from the bit before them.
    #[inline(always)]
    pub(crate) fn differ(&mut self, words: u64) -> u64 {
        let edges = words ^ (words << 1 | self.inside);
        self.inside = words >> 63;
        edges
    }
}

/// How edges are found, from the widest to the one that every processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Way {
    /// All that work here, the best first.
    pub(crate) fn all() -> impl Iterator<Item = Way> {
        let all = [
            #[cfg(target_arch = "x86_64")]
            Way::Avx512,
            #[cfg(target_arch = "x86_64")]
            Way::Avx2,
            Way::Portable,
        ];
        all.into_iter().filter(|way| way.works_here())
    }

    fn works_here(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Way::Avx512 => crate::x86::has_avx512(),
            #[cfg(target_arch = "x86_64")]
            Way::Avx2 => crate::x86::has_avx2(),
            Way::Portable => true,
        }
    }

    /// Adds the edges in whole blocks, the first byte of which is at position `from`.
    pub(crate) fn find(self, blocks: &[[u8; BLOCK]], from: u32, edges: &mut Edges) {
        assert!(edges.into.len() >= edges.len + blocks.len() * BLOCK + SLACK, "there is room for every edge");
        assert!(self.works_here(), "the processor has what this way needs");
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has what it needs, and there is room, by the assertions above.
            Way::Avx512 => unsafe { crate::x86::find_avx512(blocks, from, edges) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Way::Avx2 => unsafe { crate::x86::find_avx2(blocks, from, edges) },
            Way::Portable => find_portable(blocks, from, edges),
        }
    }
}

fn find_portable(blocks: &[[u8; BLOCK]], from: u32, edges: &mut Edges) {
    for (block, at) in blocks.iter().zip((from..).step_by(BLOCK)) {
        let (eights, _) = block.as_chunks::<8>();
        let words =
            eights.iter().rev().fold(0, |words, eight| words << 8 | word_bits(u64::from_le_bytes(*eight)));
        let mut bits = edges.differ(words);
        while bits != 0 {
            edges.into[edges.len] = at + bits.trailing_zeros();
            edges.len += 1;
            bits &= bits - 1;
        }
    }
}

/// A bit for each of eight bytes that is part of a word, the first byte's lowest.
fn word_bits(bytes: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;
    let low = bytes & !HIGH;
    // In bytes below 128 these sums do not carry into the next byte, and set its highest bit if it is at least as large.
    let at_least = |least: u64| low + ONES * (128 - least);
    let differs_from_space = (low ^ (ONES * 32)) + ONES * 127;
    let controls = at_least(9) & !at_least(14);
    let words = (!controls & differs_from_space | bytes) & HIGH;
    // Gathers the eight highest bits: the product moves bit 8*i + 7 to bit 56 + i, and no two of the others meet there.
    (words >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_become_eight_bits_at_every_place_and_for_every_byte() {
        for byte in 0..=255u8 {
            for place in 0..8 {
                for other in [b'x', b' ', 0, 255] {
                    let mut bytes = [other; 8];
                    bytes[place] = byte;
                    let expected =
                        (0..8).fold(0, |bits, i| bits | u64::from(!crate::is_white(bytes[i])) << i);
                    assert_eq!(word_bits(u64::from_le_bytes(bytes)), expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn the_portable_way_is_always_there_and_the_last() {
        assert_eq!(Way::all().last(), Some(Way::Portable));
    }
}
