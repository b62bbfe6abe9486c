//! What becomes of two values of one key.

/// A small value that two of can be made one.
///
/// Values arrive in any order and in any grouping, so combining has to be associative and commutative. A value is
/// copied around in the table, eight bytes at best: larger ones belong in a list on the side with their number in here.
///
/// ```
/// use divvy_mapreduce::table::{Combine, Table};
///
/// /// How many, and the largest.
/// #[derive(Clone, Copy, Default)]
/// struct Seen(u32, u32);
///
/// impl Combine for Seen {
///     fn combine(&mut self, other: Seen) {
///         *self = Seen(self.0 + other.0, self.1.max(other.1));
///     }
/// }
///
/// let mut table = Table::new(1 << 20);
/// for size in [7, 9, 2] {
///     table.add(b"key", Seen(1, size)).expect("a megabyte is enough for a key");
/// }
/// assert_eq!(table.get(b"key").map(|seen| (seen.0, seen.1)), Some((3, 9)));
/// ```
pub trait Combine: Copy + Default {
    /// Takes the other value in.
    fn combine(&mut self, other: Self);
}

/// The sum, which wraps around at 2^64: at a billion a second that is after five hundred years.
impl Combine for u64 {
    #[inline(always)]
    fn combine(&mut self, other: u64) {
        *self = self.wrapping_add(other);
    }
}

/// The sum, which wraps around.
impl Combine for i64 {
    #[inline(always)]
    fn combine(&mut self, other: i64) {
        *self = self.wrapping_add(other);
    }
}

/// Nothing: the keys are what counts.
impl Combine for () {
    #[inline(always)]
    fn combine(&mut self, (): ()) {}
}

/// The smallest value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Min<T>(pub T);

impl<T: Copy + Default + PartialOrd> Combine for Min<T> {
    #[inline(always)]
    fn combine(&mut self, other: Min<T>) {
        if other.0 < self.0 {
            *self = other;
        }
    }
}

/// The largest value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Max<T>(pub T);

impl<T: Copy + Default + PartialOrd> Combine for Max<T> {
    #[inline(always)]
    fn combine(&mut self, other: Max<T>) {
        if other.0 > self.0 {
            *self = other;
        }
    }
}
