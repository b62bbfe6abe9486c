//! Hints to the memory. They change how long a load takes and never what it gives.

/// Asks for the one or two cache lines of an element, to be used some hundred instructions later. An index out of range
/// is no error: nothing is asked for.
///
/// The second line pays: with elements of 24 bytes, one in four is on two, and counting source code took 7 % less time.
#[inline(always)]
pub fn prefetch<T>(of: &[T], at: usize) {
    if let Some(element) = of.get(at) {
        let begin = std::ptr::from_ref(element).cast::<i8>();
        line(begin);
        line(begin.wrapping_add(size_of::<T>().saturating_sub(1)));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn line(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch reads nothing that the program could see and does not fault, whatever the address is; SSE is
    // part of every x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn line(_address: *const i8) {}

/// Asks the system to put this memory on pages of 2 MiB, before it is touched for the first time. A table that is looked
/// up at random otherwise pays a miss of the address cache besides the miss of the data. Does nothing for less than
/// 4 MiB, and where the system has no such advice.
pub fn large_pages<T>(memory: &mut Vec<T>) {
    let bytes = memory.capacity() * size_of::<T>();
    if bytes >= 4 << 20 {
        advise(memory.as_mut_ptr().cast(), bytes);
    }
}

#[cfg(target_os = "linux")]
fn advise(begin: *mut u8, bytes: usize) {
    use rustix::mm::{Advice, madvise};
    // Whole pages inside of the memory only: what lies around it belongs to others.
    let page = rustix::param::page_size();
    let skip = begin.align_offset(page);
    if skip < bytes {
        let whole = (bytes - skip) / page * page;
        // SAFETY: the range is inside of one allocation that the caller has borrowed mutably, and this advice changes
        // neither contents nor protection. That it is refused is no loss.
        let _ = unsafe { madvise(begin.add(skip).cast(), whole, Advice::LinuxHugepage) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_begin: *mut u8, _bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_change_nothing_wherever_they_point() {
        let mut memory: Vec<u32> = Vec::with_capacity(3 << 20);
        large_pages(&mut memory);
        memory.extend(0..3 << 20);
        large_pages(&mut memory);
        prefetch(&memory, 7);
        prefetch(&memory, usize::MAX);
        prefetch::<u64>(&[], 0);
        assert!(memory.iter().copied().eq(0..3 << 20));
        large_pages(&mut Vec::<()>::new());
    }
}
