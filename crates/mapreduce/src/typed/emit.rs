//! What functions write to, and what `reduce` reads from.
//!
//! None of it returns errors: trouble with the disk is not the function's, which need not mention it. It is kept, what
//! comes after it is dropped, and whoever called the function sees it.

use super::datum::{AsDatum, Datum, decode};
use std::fmt::{Display, Write};
use std::marker::PhantomData;

/// Takes pairs.
pub(super) trait Collect {
    fn pair(&mut self, key: &[u8], value: &[u8]);
    fn count(&mut self, counter: &str, n: u64);
}

/// Takes output, by the number of the output it is for: 0 for the main one, then the named ones.
pub(super) trait Outlet {
    fn write(&mut self, output: usize, bytes: &[u8]);
    fn count(&mut self, counter: &str, n: u64);
}

/// Gives the values of one key.
pub(super) trait Source {
    /// `None` at the end, and if there is trouble.
    fn next(&mut self) -> Option<&[u8]>;

    /// There is trouble: what was given was not all.
    fn is_broken(&self) -> bool;
}

/// Buffers that functions are called with again and again.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) text: String,
    /// A pair as a line, or a line as a pair.
    pub(super) line: Vec<u8>,
}

impl Scratch {
    /// Lends the buffer for lines to what needs the others as well.
    pub(super) fn with_line<T>(&mut self, with: impl FnOnce(&mut Vec<u8>, &mut Scratch) -> T) -> T {
        // A panic loses the buffer, which is then made anew.
        let mut line = std::mem::take(&mut self.line);
        let done = with(&mut line, self);
        self.line = line;
        done
    }
}

/// Takes pairs of keys and values.
pub struct Emit<'a, K, V> {
    to: &'a mut dyn Collect,
    scratch: &'a mut Scratch,
    types: PhantomData<fn(K, V)>,
}

impl<'a, K: Datum, V: Datum> Emit<'a, K, V> {
    pub(super) fn new(to: &'a mut dyn Collect, scratch: &'a mut Scratch) -> Emit<'a, K, V> {
        Emit { to, scratch, types: PhantomData }
    }

    /// A pair.
    #[inline]
    pub fn emit(&mut self, key: impl AsDatum<K>, value: impl AsDatum<V>) {
        let Scratch { key: key_bytes, value: value_bytes, .. } = &mut *self.scratch;
        self.to.pair(bytes_of(&key, key_bytes), bytes_of(&value, value_bytes));
    }

    /// Counts something for people to see. Exact also after a crash: what is done twice counts once.
    pub fn count(&mut self, counter: &str, n: u64) {
        self.to.count(counter, n);
    }
}

/// The bytes of a datum, in this buffer if they are nowhere else.
#[inline]
fn bytes_of<'b, D>(datum: &'b impl AsDatum<D>, buf: &'b mut Vec<u8>) -> &'b [u8] {
    if let Some(bytes) = datum.bytes() {
        return bytes;
    }
    buf.clear();
    datum.put(buf, true);
    buf
}

/// Takes the output.
pub struct Out<'a> {
    to: &'a mut dyn Outlet,
    names: &'a [String],
    output: usize,
    text: &'a mut String,
}

impl<'a> Out<'a> {
    pub(super) fn new(to: &'a mut dyn Outlet, names: &'a [String], scratch: &'a mut Scratch) -> Out<'a> {
        Out { to, names, output: 0, text: &mut scratch.text }
    }

    /// Bytes as they are: end records yourself.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.to.write(self.output, bytes.as_ref());
    }

    /// A line; `format_args!` makes it of several things.
    pub fn line(&mut self, line: impl Display) {
        self.text.clear();
        writeln!(self.text, "{line}").expect("a text takes what is written to it");
        self.to.write(self.output, self.text.as_bytes());
    }

    /// Another of the job's outputs.
    ///
    /// # Panics
    /// If [`outputs`](super::Job::outputs) does not name it. Like any panic it fails the record or the part.
    pub fn to(&mut self, name: &str) -> Out<'_> {
        let known = self.names.iter().position(|known| known == name);
        let output = 1 + known.unwrap_or_else(|| panic!("no output of the job is named {name:?}"));
        Out { to: self.to, names: self.names, output, text: self.text }
    }

    /// Counts something for people to see. Exact also after a crash: what is done twice counts once.
    pub fn count(&mut self, counter: &str, n: u64) {
        self.to.count(counter, n);
    }
}

/// The values of one key, in the order of the inputs, and for one record in that in which it emitted them.
///
/// They are read as they are asked for, so there may be more of them than memory. What is not asked for is passed over.
pub struct Values<'a, V> {
    from: &'a mut dyn Source,
    types: PhantomData<fn() -> V>,
}

impl<'a, V: Datum> Values<'a, V> {
    pub(super) fn new(from: &'a mut dyn Source) -> Values<'a, V> {
        Values { from, types: PhantomData }
    }
}

impl<V: Datum> Iterator for Values<'_, V> {
    type Item = V;

    /// # Panics
    /// If a [`Datum`] of the program's own does not take back what it has put.
    fn next(&mut self) -> Option<V> {
        self.from.next().map(|bytes| decode(bytes).expect("a value takes back what it has put"))
    }
}
