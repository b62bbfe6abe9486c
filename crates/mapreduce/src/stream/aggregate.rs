//! Hadoop's library of reducers, `-reducer aggregate`: each key names what becomes of its values, as in
//! `LongValueSum:apples`. The name and the colon are not written.
//!
//! | name | output |
//! |---|---|
//! | `LongValueSum`, `LongValueMax`, `LongValueMin` | of whole numbers of 64 bits; sums wrap around |
//! | `DoubleValueSum` | of numbers, added in the order of the inputs |
//! | `StringValueMax`, `StringValueMin` | in the order of the bytes |
//! | `UniqValueCount` | how many different values there are |
//! | `ValueHistogram` | of how often each value is there: how many values, least, median, most, mean, standard deviation |
//!
//! A value of a histogram may say itself how often it counts: `value TAB times`.

use super::double;
use super::keys::Keys;
use crate::program::Part;
use crate::sort::Merge;
use crate::table::Table;
use crate::{Error, Result};

/// What becomes of the values of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    LongSum,
    LongMax,
    LongMin,
    DoubleSum,
    StringMax,
    StringMin,
    Unique,
    Histogram,
}

/// By the names that Hadoop has for them, in any case, as there.
const NAMES: [(&str, Kind); 8] = [
    ("LongValueSum", Kind::LongSum),
    ("LongValueMax", Kind::LongMax),
    ("LongValueMin", Kind::LongMin),
    ("DoubleValueSum", Kind::DoubleSum),
    ("StringValueMax", Kind::StringMax),
    ("StringValueMin", Kind::StringMin),
    ("UniqValueCount", Kind::Unique),
    ("ValueHistogram", Kind::Histogram),
];

/// What a key asks for, and the key as it is written.
fn asked(key: &[u8]) -> Option<(Kind, &[u8])> {
    let at = memchr::memchr(b':', key)?;
    let (name, rest) = (&key[..at], &key[at + 1..]);
    NAMES.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)).map(|(_, kind)| (*kind, rest))
}

/// Makes one value of two of this key, if that changes nothing of the output; `false` if it would, or if they are not
/// what they should be, which the reducer says.
pub(super) fn fold(key: &[u8], folded: &mut Vec<u8>, value: &[u8]) -> bool {
    let Some((kind, _)) = asked(key) else { return false };
    match kind {
        Kind::LongSum | Kind::LongMax | Kind::LongMin => {
            let (Some(one), Some(other)) = (long(folded), long(value)) else { return false };
            let made = of_longs(kind, one, other).to_string();
            folded.clear();
            folded.extend_from_slice(made.as_bytes());
        }
        Kind::StringMax | Kind::StringMin => keep_string(kind, folded, value),
        Kind::Unique => return *folded == value,
        // Floats are added in the order of the inputs, or their sum would depend on how the work was divided.
        Kind::DoubleSum | Kind::Histogram => return false,
    }
    true
}

fn of_longs(kind: Kind, one: i64, other: i64) -> i64 {
    match kind {
        Kind::LongMax => one.max(other),
        Kind::LongMin => one.min(other),
        _ => one.wrapping_add(other),
    }
}

fn keep_string(kind: Kind, kept: &mut Vec<u8>, value: &[u8]) {
    if (kind == Kind::StringMax && value > &kept[..]) || (kind == Kind::StringMin && value < &kept[..]) {
        kept.clear();
        kept.extend_from_slice(value);
    }
}

fn long(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// As Java reads it: white space around it does not count.
fn double(value: &[u8]) -> Option<f64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// Writes a line for each key of a part. `table` has room for the different values of one key.
pub(super) fn reduce(
    keys: &Keys,
    separator: &[u8],
    table: &mut Table<i64>,
    mut merge: Merge<'_>,
    part: &mut Part<'_>,
) -> Result<()> {
    // A part that failed may have left something.
    drop(table.sorted());
    let (mut key, mut total, mut line) = (Vec::new(), None::<Total>, Vec::new());
    while let Some((next, value)) = merge.next_record()? {
        let (next, value) = keys.pulled(next, value);
        if total.is_none() || key != next {
            if let Some(total) = total.take() {
                write(&key, separator, total, table, &mut line, part)?;
            }
            key.clear();
            key.extend_from_slice(next);
            total = Some(Total::new(&key)?);
        }
        if let Some(total) = &mut total {
            total.add(value, table).map_err(|refused| refused.error(&key, value, table))?;
        }
    }
    total.map_or(Ok(()), |total| write(&key, separator, total, table, &mut line, part))
}

fn write(
    key: &[u8],
    separator: &[u8],
    total: Total,
    table: &mut Table<i64>,
    line: &mut Vec<u8>,
    part: &mut Part<'_>,
) -> Result<()> {
    line.clear();
    line.extend_from_slice(asked(key).map_or(key, |(_, name)| name));
    line.extend_from_slice(separator);
    total.report(table, line);
    line.push(b'\n');
    part.out.write(line)
}

/// What the values of a key have become so far.
enum Total {
    Long(Kind, Option<i64>),
    Double(f64),
    Text(Kind, Option<Vec<u8>>),
    /// Each value is in the table, with how often it is there.
    Unique,
    Histogram,
}

impl Total {
    fn new(key: &[u8]) -> Result<Total> {
        let Some((kind, _)) = asked(key) else {
            let names = NAMES.map(|(name, _)| name).join(", ");
            let why = format!(
                "aggregate: the key `{}` does not begin with what becomes of its values and a colon: {names}",
                key.escape_ascii()
            );
            return Err(Error::Program { why });
        };
        Ok(match kind {
            Kind::LongSum | Kind::LongMax | Kind::LongMin => Total::Long(kind, None),
            Kind::DoubleSum => Total::Double(0.0),
            Kind::StringMax | Kind::StringMin => Total::Text(kind, None),
            Kind::Unique => Total::Unique,
            Kind::Histogram => Total::Histogram,
        })
    }

    fn add(&mut self, value: &[u8], table: &mut Table<i64>) -> Result<(), Refused> {
        match self {
            Total::Long(kind, all) => {
                let value = long(value).ok_or(Refused::NoNumber)?;
                *all = Some(all.map_or(value, |all| of_longs(*kind, all, value)));
            }
            Total::Double(sum) => *sum += double(value).ok_or(Refused::NoNumber)?,
            Total::Text(kind, Some(kept)) => keep_string(*kind, kept, value),
            Total::Text(_, none) => *none = Some(value.to_vec()),
            Total::Unique => table.add(value, 1).map_err(|_| Refused::NoRoom)?,
            Total::Histogram => {
                let (value, times) = match memchr::memrchr(b'\t', value) {
                    Some(at) => (&value[..at], long(&value[at + 1..]).ok_or(Refused::NoNumber)?),
                    None => (value, 1),
                };
                table.add(value, times).map_err(|_| Refused::NoRoom)?;
            }
        }
        Ok(())
    }

    /// Appends what there is to say, and leaves the table empty.
    fn report(self, table: &mut Table<i64>, line: &mut Vec<u8>) {
        match self {
            Total::Long(_, all) => line.extend_from_slice(all.unwrap_or(0).to_string().as_bytes()),
            Total::Double(sum) => line.extend_from_slice(double::text(sum).as_bytes()),
            Total::Text(_, kept) => line.extend_from_slice(&kept.unwrap_or_default()),
            Total::Unique => {
                let values = table.sorted().len();
                line.extend_from_slice(values.to_string().as_bytes());
            }
            Total::Histogram => {
                let sorted = table.sorted();
                let mut times = Vec::with_capacity(sorted.len());
                sorted.for_each(0..sorted.len(), |_, n| times.push(n));
                line.extend_from_slice(histogram(times).as_bytes());
            }
        }
    }
}

/// How many there are, the least, the one in the middle, the largest, their mean and their deviation from it.
fn histogram(mut times: Vec<i64>) -> String {
    times.sort_unstable();
    let count = times.len() as f64;
    let mean = times.iter().map(|n| i128::from(*n)).sum::<i128>() as f64 / count;
    let squares: f64 = times.iter().map(|n| (*n as f64 - mean).powi(2)).sum();
    let deviation = (squares / count).sqrt();
    let (least, middle, most) = (times[0], times[times.len() / 2], times[times.len() - 1]);
    let [mean, deviation] = [mean, deviation].map(double::text);
    format!("{}\t{least}\t{middle}\t{most}\t{mean}\t{deviation}", times.len())
}

/// Why a value cannot be taken.
enum Refused {
    NoNumber,
    NoRoom,
}

impl Refused {
    fn error(&self, key: &[u8], value: &[u8], table: &Table<i64>) -> Error {
        match self {
            Refused::NoNumber => {
                let (key, value) = (key.escape_ascii(), value.escape_ascii());
                Error::Program {
                    why: format!("aggregate: the value `{value}` of the key `{key}` is no number"),
                }
            }
            Refused::NoRoom => {
                Error::TooLarge { what: "the set of different values of a key", bytes: table.bytes() as u64 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(key: &str, values: &[&str]) -> String {
        let (mut table, mut line) = (Table::new(1 << 20), Vec::new());
        let mut total = Total::new(key.as_bytes()).unwrap();
        for value in values {
            assert!(total.add(value.as_bytes(), &mut table).is_ok(), "{key}: {value}");
        }
        total.report(&mut table, &mut line);
        assert!(table.is_empty(), "the next key begins with nothing");
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn keys_name_what_becomes_of_their_values() {
        assert_eq!(total("LongValueSum:a", &["3", "-5", "+4"]), "2");
        assert_eq!(total("longvaluemax:a", &["3", "-5"]), "3");
        assert_eq!(total("LongValueMin:a", &["3", "-5"]), "-5");
        assert_eq!(total("LongValueSum:", &["9223372036854775807", "1"]), "-9223372036854775808");
        assert_eq!(total("DoubleValueSum:a", &["0.5", " 1e1 "]), "10.5");
        assert_eq!(total("StringValueMax:a", &["9", "10", ""]), "9");
        assert_eq!(total("StringValueMin:a", &["9", "10"]), "10");
        assert_eq!(total("UniqValueCount:a", &["x", "y", "x", ""]), "3");
        assert_eq!(total("ValueHistogram:a", &["x", "y", "x", "z\t6"]), "3\t1\t2\t6\t3.0\t2.160246899469287");
    }

    #[test]
    fn what_is_nothing_of_the_kind_is_refused() {
        for key in ["LongValueSum", "Sum:a", "", ":a"] {
            assert!(matches!(Total::new(key.as_bytes()), Err(Error::Program { .. })), "{key}");
        }
        let mut table = Table::new(1 << 20);
        for (key, value) in
            [("LongValueSum:a", "1.5"), ("DoubleValueSum:a", ""), ("ValueHistogram:a", "x\ty")]
        {
            let refused = Total::new(key.as_bytes()).unwrap().add(value.as_bytes(), &mut table);
            assert!(matches!(refused, Err(Refused::NoNumber)), "{key}");
        }
        let mut unique = Total::new(b"UniqValueCount:a").unwrap();
        let full = (0..).find_map(|n: u64| unique.add(n.to_string().as_bytes(), &mut Table::new(0)).err());
        assert!(matches!(full, Some(Refused::NoRoom)));
    }

    #[test]
    fn folding_changes_no_output() {
        for (key, values) in [
            ("LongValueSum:a", ["7", "-9", "30"]),
            ("LongValueMax:a", ["7", "-9", "30"]),
            ("StringValueMin:a", ["7", "-9", "30"]),
            ("UniqValueCount:a", ["7", "7", "30"]),
            ("DoubleValueSum:a", ["0.1", "0.2", "0.3"]),
            ("LongValueSum:b", ["7", "08", "1"]),
        ] {
            let mut folded: Vec<Vec<u8>> = Vec::new();
            for value in values {
                let value = value.as_bytes();
                if !folded.last_mut().is_some_and(|last| fold(key.as_bytes(), last, value)) {
                    folded.push(value.to_vec());
                }
            }
            let folded: Vec<_> = folded.iter().map(|value| std::str::from_utf8(value).unwrap()).collect();
            assert_eq!(total(key, &folded), total(key, &values));
            assert_eq!(folded.len() == 3, key.starts_with("Double"), "{key}");
        }
        // What is no number is left for the reducer to find.
        let mut folded = b"7".to_vec();
        assert!(!fold(b"LongValueSum:a", &mut folded, b"x") && folded == b"7");
    }
}
