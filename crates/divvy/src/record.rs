//! What a task's input may be, and how it is stored.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A task's input, as its handler gets it.
///
/// There are implementations for `Vec<u8>`, [`String`], [`PathBuf`], integers, and with the feature `json` for any
/// serde type in a `Json`. One of your own takes two functions and a name:
///
/// ```
/// use divvy::{AsRecord, Record};
///
/// struct Point { x: u32, y: u32 }
///
/// impl Record for Point {
///     const NAME: &'static str = "point";
///     fn decode(bytes: &[u8]) -> Result<Point, String> {
///         let (x, y) = <(u32, u32)>::decode(bytes)?;
///         Ok(Point { x, y })
///     }
/// }
///
/// impl AsRecord for Point {
///     type Record = Point;
///     fn encode(&self, out: &mut Vec<u8>) {
///         (self.x, self.y).encode(out);
///     }
/// }
/// ```
pub trait Record: Sized + Send + 'static {
    /// The encoding's name. It is kept with the job, so that a program that takes something else is told so.
    const NAME: &'static str;

    /// Takes back what [`AsRecord::encode`] made.
    ///
    /// # Errors
    /// What is wrong with the bytes. It fails the attempt.
    fn decode(bytes: &[u8]) -> Result<Self, String>;
}

/// What may be given as a record: a `&str` is given and a [`String`] arrives.
pub trait AsRecord {
    /// What arrives.
    type Record: Record;

    /// Appends the bytes to store.
    fn encode(&self, out: &mut Vec<u8>);
}

impl Record for Vec<u8> {
    const NAME: &'static str = "bytes";

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, String> {
        Ok(bytes.to_vec())
    }
}

impl Record for String {
    const NAME: &'static str = "text";

    fn decode(bytes: &[u8]) -> Result<String, String> {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|e| format!("the record is no text: {e}"))
    }
}

impl Record for PathBuf {
    const NAME: &'static str = "path";

    fn decode(bytes: &[u8]) -> Result<PathBuf, String> {
        Ok(PathBuf::from(OsStr::from_bytes(bytes)))
    }
}

macro_rules! as_bytes {
    ($record:ty: $($given:ty),* ; |$it:ident| $bytes:expr) => {$(
        impl AsRecord for $given {
            type Record = $record;

            fn encode(&self, out: &mut Vec<u8>) {
                let $it = self;
                out.extend_from_slice($bytes);
            }
        }
    )*};
}

as_bytes!(Vec<u8>: Vec<u8>, &[u8], &Vec<u8>, Box<[u8]>; |it| it);
as_bytes!(String: String, &str, &String, Box<str>; |it| it.as_bytes());
as_bytes!(PathBuf: PathBuf, &Path, &PathBuf; |it| it.as_os_str().as_bytes());

impl<const N: usize> AsRecord for [u8; N] {
    type Record = Vec<u8>;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl<const N: usize> AsRecord for &[u8; N] {
    type Record = Vec<u8>;

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(*self);
    }
}

macro_rules! integers {
    ($($int:ident),*) => {$(
        impl Record for $int {
            const NAME: &'static str = stringify!($int);

            fn decode(bytes: &[u8]) -> Result<$int, String> {
                let bytes = bytes.try_into().map_err(|_| wrong_length(bytes.len(), stringify!($int)))?;
                Ok($int::from_le_bytes(bytes))
            }
        }

        impl AsRecord for $int {
            type Record = $int;

            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

integers!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128);

#[cold]
fn wrong_length(bytes: usize, name: &str) -> String {
    format!("a record of {bytes} bytes is no {name}")
}

/// Two in one: the first with its length before it.
impl<A: Record, B: Record> Record for (A, B) {
    const NAME: &'static str = "pair";

    fn decode(bytes: &[u8]) -> Result<(A, B), String> {
        let (length, rest) =
            bytes.split_first_chunk::<4>().ok_or_else(|| wrong_length(bytes.len(), "pair"))?;
        let cut = u32::from_le_bytes(*length) as usize;
        let (a, b) = rest.split_at_checked(cut).ok_or_else(|| wrong_length(bytes.len(), "pair"))?;
        Ok((A::decode(a)?, B::decode(b)?))
    }
}

impl<A: AsRecord, B: AsRecord> AsRecord for (A, B) {
    type Record = (A::Record, B::Record);

    fn encode(&self, out: &mut Vec<u8>) {
        let at = out.len();
        out.extend_from_slice(&[0; 4]);
        self.0.encode(out);
        let length = u32::try_from(out.len() - at - 4).expect("a record is below 4 GiB");
        out[at..at + 4].copy_from_slice(&length.to_le_bytes());
        self.1.encode(out);
    }
}

/// Any serde type as a record, as JSON text. Given and received in the wrapper; its field is public.
///
/// ```
/// use divvy::{Divvy, Job, Json};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Order { id: u64, items: Vec<String> }
///
/// let orders = (0..10).map(|id| Json(Order { id, items: vec!["tea".into()] }));
/// let divvy = Divvy::in_memory()?;
/// let summary = divvy.submit(Job::records(orders))?.run(|task| {
///     let Json(order) = task.input;
///     divvy::ok(order.items.len())
/// })?;
/// assert_eq!(summary.done, 10);
/// # Ok::<(), divvy::Error>(())
/// ```
#[cfg(feature = "json")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

#[cfg(feature = "json")]
impl<T: serde::de::DeserializeOwned + Send + 'static> Record for Json<T> {
    const NAME: &'static str = "json";

    fn decode(bytes: &[u8]) -> Result<Json<T>, String> {
        serde_json::from_slice(bytes).map(Json).map_err(|e| format!("the record cannot be decoded: {e}"))
    }
}

#[cfg(feature = "json")]
impl<T: serde::Serialize + serde::de::DeserializeOwned + Send + 'static> AsRecord for Json<T> {
    type Record = Json<T>;

    /// # Panics
    /// If the type cannot be written as JSON (a map whose keys are no text). The job stops with that error.
    fn encode(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, &self.0).expect("the record can be written as JSON");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<R: AsRecord>(given: R) -> R::Record {
        let mut bytes = Vec::new();
        given.encode(&mut bytes);
        R::Record::decode(&bytes).unwrap()
    }

    #[test]
    fn what_is_given_arrives() {
        assert_eq!(there_and_back("täsk"), "täsk");
        assert_eq!(there_and_back(b"\xff\0"), b"\xff\0");
        assert_eq!(there_and_back(Path::new("/a b")), PathBuf::from("/a b"));
        assert_eq!(there_and_back((7u32, ("", -1i64))), (7, (String::new(), -1)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(u64::decode(&[1, 2]).unwrap_err(), "a record of 2 bytes is no u64");
        assert!(String::decode(&[0xff]).unwrap_err().starts_with("the record is no text"));
        assert!(<(u8, u8)>::decode(&[9, 0, 0, 0, 1]).is_err());
    }
}
