//! Words with AVX-512 by hand: the whole text in memory, sixteen bytes of a word in its slot, batches so that the loads
//! of slots overlap. It needs a processor with AVX-512 (BW, VL) and BMI2; `-j 1` makes it the best single thread.
//!
//! What it does not do is what a product has to: keep a memory budget, spill, checksum, make its output durable, run on
//! other processors, end in order when the disk is full.

use std::arch::x86_64::*;
use std::fs::File;
use std::io;

/// A word of up to sixteen bytes filled up with zeros, or the first sixteen of a longer one. `len` is 0 in an empty slot.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    key: u128,
    count: u32,
    len: u32,
    word: *const u8,
}

// SAFETY: the words are in the mapped text, which outlives all threads.
unsafe impl Send for Slot {}

struct Table {
    slots: Vec<Slot>,
    shift: u32,
    len: usize,
}

const BATCH: usize = 64;

fn main() -> io::Result<()> {
    let args = wordcount_peers::args();
    let able = ["avx512bw", "avx512vl", "bmi2"];
    if !(is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("bmi2"))
    {
        return Err(io::Error::other(format!("this needs a processor with {able:?}")));
    }
    let file = File::open(&args.text)?;
    // SAFETY: nobody changes the text while it is counted.
    let text = unsafe { memmap2::Mmap::map(&file)? };
    let runs: Vec<Vec<Slot>> = std::thread::scope(|scope| {
        // SAFETY: the processor has what it needs, as was asked above.
        let count = |piece| move || unsafe { count(piece) };
        let cuts = wordcount_peers::cuts(&text, args.threads);
        let threads: Vec<_> = cuts.into_iter().map(|piece| scope.spawn(count(piece))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let mut out = File::create(&args.out)?;
    let mut lines = Vec::new();
    let mut heads: Vec<_> = runs.iter().map(|run| run.iter().peekable()).collect();
    while let Some(least) = heads.iter_mut().filter_map(|run| run.peek().copied()).min_by(|a, b| a.order(b)) {
        let same = heads.iter_mut().filter_map(|run| run.next_if(|slot| slot.order(least).is_eq()));
        let count = same.map(|slot| u64::from(slot.count)).sum();
        wordcount_peers::line(&mut lines, least.bytes(), count);
        wordcount_peers::flush(&mut lines, &mut out, 1 << 20)?;
    }
    wordcount_peers::flush(&mut lines, &mut out, 0)
}

impl Slot {
    fn bytes(&self) -> &[u8] {
        // SAFETY: a slot that holds a word points at it in the text.
        unsafe { std::slice::from_raw_parts(self.word, self.len as usize) }
    }

    fn order(&self, other: &Slot) -> std::cmp::Ordering {
        let first = |slot: &Slot| slot.key.swap_bytes();
        first(self).cmp(&first(other)).then_with(|| self.bytes().cmp(other.bytes()))
    }
}

/// Counts, and sorts what it has counted.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,bmi1,bmi2,popcnt,lzcnt")]
unsafe fn count(text: &[u8]) -> Vec<Slot> {
    let mut table = Table::new(18);
    let mut batch = [(EMPTY, 0u64); BATCH];
    // `before`: a word has begun before this block, and there `begin` is.
    let (mut filled, mut inside, mut begin, mut before) = (0, 0u64, 0usize, false);
    let (space, nine, five) = (_mm512_set1_epi8(32), _mm512_set1_epi8(9), _mm512_set1_epi8(5));
    let mut at = 0;
    while at <= text.len() {
        let left = text.len() - at;
        let valid = if left >= 64 { u64::MAX } else { _bzhi_u64(u64::MAX, left as u32) };
        // SAFETY: bytes past the end of the text are masked out, and a masked load does not fault on them.
        let bytes = unsafe { _mm512_maskz_loadu_epi8(valid, text.as_ptr().add(at).cast()) };
        let controls = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, nine), five);
        let words = !(controls | _mm512_cmpeq_epi8_mask(bytes, space)) & valid;
        let edges = words ^ (words << 1 | inside);
        inside = words >> 63;
        let (mut starts, mut ends) = (edges & words, edges & !words);
        while ends != 0 {
            let end = at + ends.trailing_zeros() as usize;
            ends &= ends - 1;
            if before {
                before = false;
            } else {
                begin = at + starts.trailing_zeros() as usize;
                starts &= starts - 1;
            }
            let len = end - begin;
            // SAFETY: `begin` is in the text, and what the mask leaves out is not read.
            let (word, key) = unsafe {
                let mask = _bzhi_u32(0xffff, len.min(16) as u32) as u16;
                let word = text.as_ptr().add(begin);
                (word, _mm_maskz_loadu_epi8(mask, word.cast()))
            };
            let key =
                (_mm_extract_epi64::<1>(key) as u64 as u128) << 64 | _mm_cvtsi128_si64(key) as u64 as u128;
            let slot = Slot { key, count: 1, len: len as u32, word };
            let hash = hash(&slot);
            // SAFETY: a prefetch of any address is allowed.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(table.slots.as_ptr().add((hash >> table.shift) as usize).cast())
            };
            batch[filled] = (slot, hash);
            filled += 1;
            if filled == BATCH {
                // SAFETY: each entry is a word of the text.
                unsafe { table.add(&batch) };
                filled = 0;
            }
        }
        if starts != 0 {
            begin = at + starts.trailing_zeros() as usize;
            before = true;
        }
        at += 64;
    }
    // SAFETY: as above.
    unsafe { table.add(&batch[..filled]) };
    let mut all = table.slots;
    all.retain(|slot| slot.len != 0);
    all.sort_unstable_by(Slot::order);
    all
}

#[inline(always)]
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xd1b5_4a32_d192_ed03);
    product as u64 ^ (product >> 64) as u64
}

#[inline(always)]
fn hash(slot: &Slot) -> u64 {
    let hash = mix(slot.key as u64 ^ u64::from(slot.len), (slot.key >> 64) as u64);
    if slot.len <= 16 { hash } else { hash_rest(hash, &slot.bytes()[16..]) }
}

#[inline(never)]
fn hash_rest(mut hash: u64, rest: &[u8]) -> u64 {
    for eight in rest.chunks(8) {
        let mut filled = [0; 8];
        filled[..eight.len()].copy_from_slice(eight);
        hash = mix(hash, u64::from_le_bytes(filled));
    }
    hash
}

const EMPTY: Slot = Slot { key: 0, count: 0, len: 0, word: std::ptr::null() };

impl Table {
    fn new(bits: u32) -> Table {
        let bytes = size_of::<Slot>() << bits;
        let mut slots: Vec<Slot> = Vec::with_capacity(1 << bits);
        // SAFETY: only advice, on memory that is ours; where it is refused the pages stay small.
        unsafe {
            let begin = slots.as_mut_ptr() as usize;
            let page = begin.next_multiple_of(4096);
            libc::madvise(page as *mut _, bytes - (page - begin), libc::MADV_HUGEPAGE);
        }
        slots.resize(1 << bits, EMPTY);
        Table { slots, shift: 64 - bits, len: 0 }
    }

    /// # Safety
    /// Each entry of the batch is a word in memory that outlives the table.
    #[inline(always)]
    unsafe fn add(&mut self, batch: &[(Slot, u64)]) {
        for &(slot, hash) in batch {
            let mut at = (hash >> self.shift) as usize;
            loop {
                // SAFETY: a hash shifted by this is below the number of slots, and the mask below keeps it there.
                let found = unsafe { self.slots.get_unchecked_mut(at) };
                if found.key == slot.key
                    && found.len == slot.len
                    && (slot.len <= 16 || found.bytes() == slot.bytes())
                {
                    found.count += 1;
                    break;
                }
                if found.len == 0 {
                    *found = slot;
                    self.len += 1;
                    break;
                }
                at = (at + 1) & (self.slots.len() - 1);
            }
        }
        if self.len * 3 > self.slots.len() * 2 {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let old = std::mem::replace(self, Table::new(65 - self.shift));
        for slot in old.slots.into_iter().filter(|slot| slot.len != 0) {
            let mut at = (hash(&slot) >> self.shift) as usize;
            while self.slots[at].len != 0 {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = slot;
        }
        self.len = old.len;
    }
}
