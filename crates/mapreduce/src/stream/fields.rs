//! `-k1,2nr`: ranges of fields of a key, as sort(1) and Hadoop write them.

use memchr::memmem;
use serde::{Deserialize, Serialize};

/// A place in a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Which field, from 1.
    pub number: u32,
    /// Which byte of it, from 1; 0 as an end: its last one.
    pub byte: u32,
}

/// A range of fields, and how it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpec {
    /// Where it begins.
    pub from: Field,
    /// Where it ends; `None`: with the key.
    pub to: Option<Field>,
    /// As a number.
    pub numeric: bool,
    /// Backwards.
    pub reverse: bool,
}

impl KeySpec {
    /// The range in this key; empty if the key has not so many fields.
    #[must_use]
    pub fn of<'k>(&self, key: &'k [u8], separator: &[u8]) -> &'k [u8] {
        let Some((begin, end)) = field(key, separator, self.from.number) else { return &[] };
        let lo = (begin + self.from.byte.saturating_sub(1) as usize).min(end);
        let hi = match self.to {
            None => key.len(),
            Some(to) => match field(key, separator, to.number) {
                None => key.len(),
                Some((_, end)) if to.byte == 0 => end,
                Some((begin, end)) => (begin + to.byte as usize).min(end),
            },
        };
        &key[lo..hi.max(lo)]
    }
}

/// Where a field begins and ends.
fn field(key: &[u8], separator: &[u8], number: u32) -> Option<(usize, usize)> {
    let mut begin = 0;
    for _ in 1..number {
        begin += memmem::find(&key[begin..], separator)? + separator.len();
    }
    let end = memmem::find(&key[begin..], separator).map_or(key.len(), |at| begin + at);
    Some((begin, end))
}

/// Reads options such as `-k1,1 -k2,2nr`. Letters of their own (`-n`, `-r`) are for all ranges that have none, and for
/// the whole key if there is no range.
///
/// # Errors
/// What is wrong with them.
pub fn parse_specs(text: &str) -> Result<Vec<KeySpec>, String> {
    let (mut specs, mut all) = (Vec::new(), (false, false));
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let wrong = || format!("`{word}`: it is -k FIELD[.BYTE][,FIELD[.BYTE]][nr], or -n, or -r");
        match word.strip_prefix('-').ok_or_else(wrong)? {
            "k" => specs.push(spec(words.next().ok_or_else(wrong)?).ok_or_else(wrong)?),
            short => match short.strip_prefix('k') {
                Some(range) => specs.push(spec(range).ok_or_else(wrong)?),
                None => {
                    let (rest, numeric, reverse) = letters(short);
                    if !rest.is_empty() || !(numeric || reverse) {
                        return Err(wrong());
                    }
                    all = (all.0 | numeric, all.1 | reverse);
                }
            },
        }
    }
    if specs.is_empty() && all != (false, false) {
        let from = Field { number: 1, byte: 1 };
        specs.push(KeySpec { from, to: None, numeric: false, reverse: false });
    }
    for spec in specs.iter_mut().filter(|spec| !spec.numeric && !spec.reverse) {
        (spec.numeric, spec.reverse) = all;
    }
    Ok(specs)
}

fn spec(text: &str) -> Option<KeySpec> {
    let (from, to) = match text.split_once(',') {
        Some((from, to)) => (from, Some(to)),
        None => (text, None),
    };
    let (from, numeric, reverse) = letters(from);
    let from = place(from, 1)?;
    let mut spec = KeySpec { from, to: None, numeric, reverse };
    if let Some(to) = to {
        let (to, numeric, reverse) = letters(to);
        spec.to = Some(place(to, 0)?);
        spec.numeric |= numeric;
        spec.reverse |= reverse;
    }
    Some(spec)
}

/// The text without the letters behind it, and whether they have an `n` and an `r`.
fn letters(text: &str) -> (&str, bool, bool) {
    let rest = text.trim_end_matches(['n', 'r']);
    let letters = &text[rest.len()..];
    (rest, letters.contains('n'), letters.contains('r'))
}

fn place(text: &str, byte: u32) -> Option<Field> {
    let (number, byte) = match text.split_once('.') {
        Some((number, byte)) => (number, byte.parse().ok()?),
        None => (text, byte),
    };
    let number = number.parse().ok().filter(|number| *number > 0)?;
    Some(Field { number, byte })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'k>(options: &str, key: &'k str) -> Vec<&'k str> {
        let specs = parse_specs(options).unwrap();
        specs.iter().map(|spec| std::str::from_utf8(spec.of(key.as_bytes(), b".")).unwrap()).collect()
    }

    #[test]
    fn ranges_are_those_of_sort() {
        assert_eq!(of("-k1,2 -k3,3", "11.12.1.2"), ["11.12", "1"]);
        assert_eq!(of("-k2", "11.12.1.2"), ["12.1.2"]);
        assert_eq!(of("-k 2.2,3.1", "11.12.34.2"), ["2.3"]);
        assert_eq!(of("-k5,6 -k1,9", "11.12"), ["", "11.12"]);
        assert_eq!(of("-k2,1 -k1.9,1", "abc.def"), ["", ""]);
    }

    #[test]
    fn letters_are_of_one_range_or_of_all() {
        let spec = |text| {
            let specs = parse_specs(text).unwrap();
            specs.iter().map(|spec| (spec.numeric, spec.reverse)).collect::<Vec<_>>()
        };
        assert_eq!(spec("-k1,1 -k2,2nr"), [(false, false), (true, true)]);
        assert_eq!(spec("-n -k1,1 -k2,2r"), [(true, false), (false, true)]);
        assert_eq!(spec("-nr"), [(true, true)]);
        assert_eq!(spec("-k1n,2"), [(true, false)]);
        for wrong in ["k1", "-k", "-k0", "-kx", "-q", "-k1,", "-", "-k1.x"] {
            assert!(parse_specs(wrong).is_err(), "{wrong}");
        }
    }
}
