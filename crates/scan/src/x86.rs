//! Edges with AVX2 and AVX-512. What is written past the last edge is garbage that the next block overwrites.

use crate::edges::{BLOCK, Edges};
use std::arch::x86_64::*;

/// VBMI2 packs byte numbers by a mask; processors before Ice Lake and Zen 4 do not have it and take the AVX2 way.
pub(crate) fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi2") && has_bits()
}

pub(crate) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && has_bits()
}

fn has_bits() -> bool {
    is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
}

/// For each byte value by its low four bits: the white byte that ends in them, or what no byte can be mistaken for.
/// A lookup gives 0 for bytes from 128 on, which equals none of them.
const WHITE: [u8; 16] = [b' ', 128, 128, 128, 128, 128, 128, 128, 128, 9, 10, 11, 12, 13, 128, 128];

/// Numbers of the bytes of a block.
const NUMBERS: [u8; BLOCK] = {
    let mut numbers = [0; BLOCK];
    let mut i = 0;
    while i < BLOCK {
        numbers[i] = i as u8;
        i += 1;
    }
    numbers
};

/// # Safety
/// The processor has what [`has_avx512`] asks for, and `edges.into` has room for an edge per byte and
/// [`SLACK`](crate::edges::SLACK) more.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi1,popcnt")]
pub(crate) unsafe fn find_avx512(blocks: &[[u8; BLOCK]], from: u32, edges: &mut Edges) {
    // SAFETY: these are loads of 16 and of 64 bytes from arrays of that many.
    let (white, numbers) = unsafe {
        let white = _mm_loadu_si128(WHITE.as_ptr().cast());
        (_mm512_broadcast_i32x4(white), _mm512_loadu_si512(NUMBERS.as_ptr().cast()))
    };
    let mut at = _mm512_set1_epi32(from as i32);
    for block in blocks {
        // SAFETY: a block has 64 bytes.
        let bytes = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
        let bits = edges.differ(_mm512_cmpneq_epi8_mask(bytes, _mm512_shuffle_epi8(white, bytes)));
        let packed = _mm512_maskz_compress_epi8(bits, numbers);
        let count = bits.count_ones() as usize;
        // SAFETY: before this block there are at most as many edges as bytes, so that there is room for 64 more.
        unsafe {
            let into = edges.into.as_mut_ptr().add(edges.len);
            write16(into, _mm512_castsi512_si128(packed), at);
            // Text has about twenty edges in a block: two writes that always happen cost less than a guess.
            write16(into.add(16), _mm512_extracti32x4_epi32::<1>(packed), at);
            if count > 32 {
                write16(into.add(32), _mm512_extracti32x4_epi32::<2>(packed), at);
                write16(into.add(48), _mm512_extracti32x4_epi32::<3>(packed), at);
            }
        }
        edges.len += count;
        at = _mm512_add_epi32(at, _mm512_set1_epi32(BLOCK as i32));
    }
}

/// # Safety
/// `into` is valid for writing 16 numbers.
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn write16(into: *mut u32, numbers: __m128i, at: __m512i) {
    let positions = _mm512_add_epi32(_mm512_cvtepu8_epi32(numbers), at);
    // SAFETY: by the caller's promise.
    unsafe { _mm512_storeu_si512(into.cast(), positions) };
}

/// # Safety
/// The processor has what [`has_avx2`] asks for, and `edges.into` has room for an edge per byte and
/// [`SLACK`](crate::edges::SLACK) more.
#[target_feature(enable = "avx2,bmi1,popcnt")]
pub(crate) unsafe fn find_avx2(blocks: &[[u8; BLOCK]], from: u32, edges: &mut Edges) {
    // SAFETY: this is a load of 16 bytes from an array of that many.
    let white = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(WHITE.as_ptr().cast()) });
    let white_bits = |bytes| {
        let same = _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(white, bytes));
        u64::from(_mm256_movemask_epi8(same) as u32)
    };
    for (block, at) in blocks.iter().zip((from..).step_by(BLOCK)) {
        // SAFETY: a block has 64 bytes.
        let (low, high) = unsafe {
            let begin: *const __m256i = block.as_ptr().cast();
            (_mm256_loadu_si256(begin), _mm256_loadu_si256(begin.add(1)))
        };
        let mut bits = edges.differ(!(white_bits(high) << 32 | white_bits(low)));
        let count = bits.count_ones() as usize;
        // Eight at a time, so that there is one guess per eight edges and not one per edge.
        let mut done = 0;
        while done < count {
            for i in done..done + 8 {
                // SAFETY: `i` is below 64, and there is room for 64 edges more.
                unsafe { *edges.into.get_unchecked_mut(edges.len + i) = at + bits.trailing_zeros() };
                bits &= bits.wrapping_sub(1);
            }
            done += 8;
        }
        edges.len += count;
    }
}
