//! What keys and values may be, and the bytes that they are.
//!
//! Bytes of keys compare as the keys do, so that sorting, ranges and equality need the bytes alone. A datum that is the
//! last of its tuple, or alone, ends where the bytes end; any other says itself where it ends.
//!
//! | type | bytes |
//! |---|---|
//! | text and bytes | themselves; if more follows, zeros become `00 ff`, and `00 00` is the end |
//! | `u64`, `i64`, `usize` | how many bytes, then those: small numbers are short |
//! | other integers | all bytes, the highest first; the sign is turned round |
//! | `f64`, `f32` | their bits, so that they order as `total_cmp` does |
//! | `Reverse<T>` | those of `T`, every bit turned round |

use crate::table::{Max, Min};
use std::cmp::Reverse;

/// A key or a value, as functions get it.
///
/// There are implementations for [`String`], `Vec<u8>`, integers, floats, `bool`, `()`, [`Option`], [`Reverse`], and tuples
/// of up to four. One of your own takes two functions:
///
/// ```
/// use divvy_mapreduce::typed::{AsDatum, Datum};
///
/// struct Place { country: String, zip: u32 }
///
/// impl AsDatum<Place> for Place {
///     fn put(&self, out: &mut Vec<u8>, last: bool) {
///         (&self.country, self.zip).put(out, last);
///     }
/// }
///
/// impl Datum for Place {
///     fn take(bytes: &mut &[u8], last: bool) -> Option<Place> {
///         let (country, zip) = Datum::take(bytes, last)?;
///         Some(Place { country, zip })
///     }
/// }
/// ```
///
/// For a key, the order of the bytes is the order of the output, and equal bytes are one key.
pub trait Datum: AsDatum<Self> + Sized + 'static {
    /// Takes back what [`AsDatum::put`] made with the same `last` from the front of the bytes; `None` if they are something
    /// else.
    fn take(bytes: &mut &[u8], last: bool) -> Option<Self>;
}

/// What may be given as a datum: a `&str` is given and a [`String`] arrives.
pub trait AsDatum<D: ?Sized> {
    /// Appends its bytes. Unless it is the `last`, others follow, and these have to tell where they end.
    fn put(&self, out: &mut Vec<u8>, last: bool);

    /// What `put` appends for the last datum, if it lies in memory as it is and need not be put together. Nobody has to say
    /// so: it saves a copy.
    #[inline]
    fn bytes(&self) -> Option<&[u8]> {
        None
    }
}

/// The whole bytes as a datum.
pub(super) fn decode<D: Datum>(mut bytes: &[u8]) -> Option<D> {
    let datum = D::take(&mut bytes, true)?;
    bytes.is_empty().then_some(datum)
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>, last: bool) {
    if last {
        return out.extend_from_slice(bytes);
    }
    for (at, piece) in bytes.split(|byte| *byte == 0).enumerate() {
        if at > 0 {
            out.extend_from_slice(&[0, 0xff]);
        }
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(&[0, 0]);
}

fn take_bytes(bytes: &mut &[u8], last: bool) -> Option<Vec<u8>> {
    if last {
        return Some(std::mem::take(bytes).to_vec());
    }
    let mut taken = Vec::new();
    loop {
        let zero = memchr::memchr(0, bytes)?;
        let (piece, mark) = (&bytes[..zero], *bytes.get(zero + 1)?);
        taken.extend_from_slice(piece);
        *bytes = &bytes[zero + 2..];
        match mark {
            0 => return Some(taken),
            0xff => taken.push(0),
            _ => return None,
        }
    }
}

macro_rules! as_bytes {
    ($datum:ty: $($given:ty),* ; |$it:ident| $bytes:expr) => {$(
        impl AsDatum<$datum> for $given {
            #[inline]
            fn put(&self, out: &mut Vec<u8>, last: bool) {
                let $it = self;
                put_bytes($bytes, out, last);
            }

            #[inline]
            fn bytes(&self) -> Option<&[u8]> {
                let $it = self;
                Some($bytes)
            }
        }
    )*};
}

as_bytes!(Vec<u8>: Vec<u8>, &Vec<u8>, &[u8], Box<[u8]>; |it| it);
as_bytes!(String: String, &String, &str, Box<str>; |it| it.as_bytes());

impl<const N: usize> AsDatum<Vec<u8>> for &[u8; N] {
    fn put(&self, out: &mut Vec<u8>, last: bool) {
        put_bytes(*self, out, last);
    }
}

impl Datum for Vec<u8> {
    fn take(bytes: &mut &[u8], last: bool) -> Option<Vec<u8>> {
        take_bytes(bytes, last)
    }
}

impl Datum for String {
    fn take(bytes: &mut &[u8], last: bool) -> Option<String> {
        String::from_utf8(take_bytes(bytes, last)?).ok()
    }
}

/// As many bytes from the front.
fn array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*array)
}

/// Numbers whose bits, as these do it, become an unsigned number that orders like them.
macro_rules! fixed {
    ($($number:ty as $bits:ty: |$n:ident| $there:expr, |$b:ident| $back:expr;)*) => {$(
        impl AsDatum<$number> for $number {
            #[inline]
            fn put(&self, out: &mut Vec<u8>, _: bool) {
                let $n = *self;
                let bits: $bits = $there;
                out.extend_from_slice(&bits.to_be_bytes());
            }
        }

        impl Datum for $number {
            #[inline]
            fn take(bytes: &mut &[u8], _: bool) -> Option<$number> {
                let $b = <$bits>::from_be_bytes(array(bytes)?);
                Some($back)
            }
        }
    )*};
}

/// The highest bit of a number of this type.
macro_rules! top {
    ($bits:ty) => {
        1 << (<$bits>::BITS - 1)
    };
}

fixed! {
    u8 as u8: |n| n, |b| b;
    u16 as u16: |n| n, |b| b;
    u32 as u32: |n| n, |b| b;
    u128 as u128: |n| n, |b| b;
    i8 as u8: |n| n.cast_unsigned() ^ top!(u8), |b| (b ^ top!(u8)).cast_signed();
    i16 as u16: |n| n.cast_unsigned() ^ top!(u16), |b| (b ^ top!(u16)).cast_signed();
    i32 as u32: |n| n.cast_unsigned() ^ top!(u32), |b| (b ^ top!(u32)).cast_signed();
    i128 as u128: |n| n.cast_unsigned() ^ top!(u128), |b| (b ^ top!(u128)).cast_signed();
    f32 as u32: |n| ordered(n.to_bits().into(), 32) as u32, |b| f32::from_bits(unordered(b.into(), 32) as u32);
    f64 as u64: |n| ordered(n.to_bits(), 64), |b| f64::from_bits(unordered(b, 64));
    bool as u8: |n| n.into(), |b| b != 0;
}

/// The bits of a float, such that larger ones are larger: of a negative one all are turned round, else the sign.
fn ordered(bits: u64, width: u32) -> u64 {
    let sign = 1 << (width - 1);
    if bits & sign == 0 { bits | sign } else { !bits & (u64::MAX >> (64 - width)) }
}

fn unordered(bits: u64, width: u32) -> u64 {
    let sign = 1 << (width - 1);
    if bits & sign != 0 { bits ^ sign } else { !bits & (u64::MAX >> (64 - width)) }
}

/// How many bytes a number has behind its leading zeros, and these.
#[inline]
fn put_short(number: u64, out: &mut Vec<u8>, head: impl Fn(u8) -> u8, turn: u8) {
    let zeros = number.leading_zeros() as usize / 8;
    out.push(head(8 - zeros as u8));
    out.extend(number.to_be_bytes()[zeros..].iter().map(|byte| byte ^ turn));
}

#[inline]
fn take_short(bytes: &mut &[u8], len: u8, turn: u8) -> Option<u64> {
    let (number, rest) = bytes.split_at_checked(usize::from(len)).filter(|_| len <= 8)?;
    *bytes = rest;
    Some(number.iter().fold(0, |number, byte| number << 8 | u64::from(byte ^ turn)))
}

impl AsDatum<u64> for u64 {
    #[inline]
    fn put(&self, out: &mut Vec<u8>, _: bool) {
        put_short(*self, out, |len| len, 0);
    }
}

impl Datum for u64 {
    #[inline]
    fn take(bytes: &mut &[u8], _: bool) -> Option<u64> {
        let [len] = array(bytes)?;
        take_short(bytes, len, 0)
    }
}

impl AsDatum<usize> for usize {
    #[inline]
    fn put(&self, out: &mut Vec<u8>, last: bool) {
        (*self as u64).put(out, last);
    }
}

impl Datum for usize {
    #[inline]
    fn take(bytes: &mut &[u8], last: bool) -> Option<usize> {
        u64::take(bytes, last)?.try_into().ok()
    }
}

/// The length of an `i64` has this added, or is taken from it if the number is negative.
const MIDDLE: u8 = 0x80;

impl AsDatum<i64> for i64 {
    #[inline]
    fn put(&self, out: &mut Vec<u8>, _: bool) {
        let (head, turn): (fn(u8) -> u8, u8) =
            if *self < 0 { (|len| MIDDLE - len, 0xff) } else { (|len| MIDDLE + len, 0) };
        put_short(self.unsigned_abs(), out, head, turn);
    }
}

impl Datum for i64 {
    #[inline]
    fn take(bytes: &mut &[u8], _: bool) -> Option<i64> {
        let [head] = array(bytes)?;
        let turn = if head < MIDDLE { 0xff } else { 0 };
        let size = take_short(bytes, head.abs_diff(MIDDLE), turn)?;
        if head < MIDDLE { 0i64.checked_sub_unsigned(size) } else { size.try_into().ok() }
    }
}

/// Copies of what is small, by reference.
macro_rules! by_reference {
    ($($datum:ty),*) => {$(
        impl AsDatum<$datum> for &$datum {
            #[inline]
            fn put(&self, out: &mut Vec<u8>, last: bool) {
                (**self).put(out, last);
            }
        }
    )*};
}

by_reference!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, f32, f64, bool);

impl<D, T: AsDatum<D>> AsDatum<Option<D>> for Option<T> {
    fn put(&self, out: &mut Vec<u8>, last: bool) {
        out.push(self.is_some().into());
        if let Some(datum) = self {
            datum.put(out, last);
        }
    }
}

impl<D: Datum> Datum for Option<D> {
    fn take(bytes: &mut &[u8], last: bool) -> Option<Option<D>> {
        match array(bytes)? {
            [0] => Some(None),
            [_] => D::take(bytes, last).map(Some),
        }
    }
}

/// The largest first.
impl<D, T: AsDatum<D>> AsDatum<Reverse<D>> for Reverse<T> {
    fn put(&self, out: &mut Vec<u8>, _: bool) {
        let from = out.len();
        // With its end, also if nothing follows: turned round, a text is larger than what it is the beginning of.
        self.0.put(out, false);
        out[from..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

impl<D: Datum> Datum for Reverse<D> {
    fn take(bytes: &mut &[u8], _: bool) -> Option<Reverse<D>> {
        let turned: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        let mut rest = &turned[..];
        let datum = D::take(&mut rest, false)?;
        *bytes = &bytes[bytes.len() - rest.len()..];
        Some(Reverse(datum))
    }
}

macro_rules! wrapped {
    ($($wrapper:ident),*) => {$(
        impl<D, T: AsDatum<D>> AsDatum<$wrapper<D>> for $wrapper<T> {
            #[inline]
            fn put(&self, out: &mut Vec<u8>, last: bool) {
                self.0.put(out, last);
            }
        }

        impl<D: Datum> Datum for $wrapper<D> {
            #[inline]
            fn take(bytes: &mut &[u8], last: bool) -> Option<$wrapper<D>> {
                D::take(bytes, last).map($wrapper)
            }
        }
    )*};
}

wrapped!(Min, Max);

impl AsDatum<()> for () {
    #[inline]
    fn put(&self, _: &mut Vec<u8>, _: bool) {}
}

impl Datum for () {
    #[inline]
    fn take(_: &mut &[u8], _: bool) -> Option<()> {
        Some(())
    }
}

macro_rules! tuples {
    ($($($datum:ident $given:ident $it:ident),* ; $last:ident $last_given:ident $last_it:ident.)*) => {$(
        impl<$($datum, $given: AsDatum<$datum>,)* $last, $last_given: AsDatum<$last>>
            AsDatum<($($datum,)* $last,)> for ($($given,)* $last_given,)
        {
            #[inline]
            fn put(&self, out: &mut Vec<u8>, last: bool) {
                let ($($it,)* $last_it,) = self;
                $($it.put(out, false);)*
                $last_it.put(out, last);
            }
        }

        impl<$($datum: Datum,)* $last: Datum> Datum for ($($datum,)* $last,) {
            #[inline]
            fn take(bytes: &mut &[u8], last: bool) -> Option<($($datum,)* $last,)> {
                Some(($($datum::take(bytes, false)?,)* $last::take(bytes, last)?,))
            }
        }
    )*};
}

tuples! {
    A X a; B Y b.
    A X a, B Y b; C Z c.
    A X a, B Y b, C Z c; D W d.
}

#[cfg(test)]
#[path = "datum_tests.rs"]
mod tests;
