//! What tasks take and what nodes have, as users type it: `--cpus 0.5`, `--mem 1G,4G`, `--resource gpu=1`,
//! `--capacity cpus=8,mem=16G,gpu=2`.
//!
//! Amounts become whole numbers in [`Demand`]'s units: bytes of memory, thousandths of everything else. Several
//! sizes of memory are a *ladder*: a task begins with the first and, if that was too little, gets the next.

use super::shown::Shown;
use divvy_core::Demand;
use divvy_core::demand::{CPUS, MEM, WHOLE};
use std::fmt;

/// Digits behind the point that an amount may have: a thousandth is the smallest.
const DECIMALS_MAX: usize = 3;
/// Units of memory and their bytes. A trailing `B` or `iB` may follow; all are powers of 1024.
const SIZES: [(u8, u64); 4] = [(b'K', 1 << 10), (b'M', 1 << 20), (b'G', 1 << 30), (b'T', 1 << 40)];

/// Why a text is no demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DemandError {
    /// No number, or one with more digits behind the point than can matter.
    Amount(Vec<u8>),
    /// No size of memory.
    Size(Vec<u8>),
    /// Above what can be counted.
    TooMuch(Vec<u8>),
    /// Nothing of a resource is what is taken where it is not named.
    Zero(Vec<u8>),
    /// Not `NAME=AMOUNT`.
    NoName(Vec<u8>),
    /// No name of a resource.
    Name(Vec<u8>),
    /// The same resource twice.
    Twice(String),
    /// The sizes of a ladder do not rise.
    NotRising(Vec<u8>),
}

/// Reads an amount in thousandths: `2`, `0.5`.
///
/// # Errors
/// Anything else.
pub fn amount(text: &[u8]) -> Result<u64, DemandError> {
    let wrong = || DemandError::Amount(text.to_vec());
    let point = text.iter().position(|b| *b == b'.');
    let (whole, rest) = text.split_at(point.unwrap_or(text.len()));
    let decimals = rest.strip_prefix(b".").unwrap_or(rest);
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || (point.is_some() && decimals.is_empty()) || !digits(whole) || !digits(decimals) {
        return Err(wrong());
    }
    if decimals.len() > DECIMALS_MAX {
        return Err(wrong());
    }
    let more = DECIMALS_MAX - decimals.len();
    let thousandths = number(decimals).unwrap_or(0) * 10u64.pow(more as u32);
    let all = number(whole).and_then(|n| n.checked_mul(WHOLE)?.checked_add(thousandths));
    all.ok_or_else(|| DemandError::TooMuch(text.to_vec()))
}

/// Reads a size in bytes: `4096`, `512M`, `1.5G`, `16GiB`.
///
/// # Errors
/// Anything else.
pub fn size(text: &[u8]) -> Result<u64, DemandError> {
    let wrong = || DemandError::Size(text.to_vec());
    let bare = match text {
        [bare @ .., b'i', b'B'] if bare.last().is_some_and(u8::is_ascii_alphabetic) => bare,
        [bare @ .., b'B'] => bare,
        bare => bare,
    };
    let (last, digits) = bare.split_last().ok_or_else(wrong)?;
    let Some((_, unit)) = SIZES.iter().find(|(letter, _)| last.eq_ignore_ascii_case(letter)) else {
        return if bare.iter().all(u8::is_ascii_digit) {
            number(bare).ok_or_else(|| DemandError::TooMuch(text.to_vec()))
        } else {
            Err(wrong())
        };
    };
    let thousandths = amount(digits).map_err(|e| match e {
        DemandError::TooMuch(_) => DemandError::TooMuch(text.to_vec()),
        _ => wrong(),
    })?;
    let bytes = u128::from(thousandths) * u128::from(*unit) / u128::from(WHOLE);
    u64::try_from(bytes).map_err(|_| DemandError::TooMuch(text.to_vec()))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |n, digit| n.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

/// Reads an amount of a resource, in the unit of that resource.
///
/// # Errors
/// As [`amount`] or [`size`].
pub fn amount_of(name: &str, text: &[u8]) -> Result<u64, DemandError> {
    if name == MEM { size(text) } else { amount(text) }
}

/// Reads `NAME=AMOUNT`.
///
/// # Errors
/// Anything else.
pub fn named(text: &[u8]) -> Result<(String, u64), DemandError> {
    let at = text.iter().position(|b| *b == b'=').ok_or_else(|| DemandError::NoName(text.to_vec()))?;
    let name = resource(&text[..at])?;
    let amount = amount_of(&name, &text[at + 1..])?;
    Ok((name, amount))
}

/// The name of a resource: letters, digits, and `_ - . /` between them.
///
/// # Errors
/// Anything else.
pub fn resource(name: &[u8]) -> Result<String, DemandError> {
    let good = |b: &u8| b.is_ascii_alphanumeric() || b"_-./".contains(b);
    match std::str::from_utf8(name) {
        Ok(text) if name.iter().all(good) && name.first().is_some_and(u8::is_ascii_alphanumeric) => {
            Ok(text.to_owned())
        }
        _ => Err(DemandError::Name(name.to_vec())),
    }
}

/// Reads a list such as `cpus=8,mem=16G,gpu=2`. A 0 is kept: it says that there is none.
///
/// # Errors
/// As [`named`], or a resource that comes twice.
pub fn list(text: &[u8]) -> Result<Vec<(String, u64)>, DemandError> {
    let mut list: Vec<(String, u64)> = Vec::new();
    for piece in text.split(|b| *b == b',') {
        let (name, amount) = named(piece)?;
        if list.iter().any(|(known, _)| *known == name) {
            return Err(DemandError::Twice(name));
        }
        list.push((name, amount));
    }
    Ok(list)
}

/// What one task takes: a ladder of at least one demand, which differ in memory only. Empty where nothing is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Ladder {
    base: Demand,
    /// Rising sizes, or none.
    mem: Vec<u64>,
}

impl Ladder {
    /// Adds an amount of a resource.
    ///
    /// # Errors
    /// If it has been added before, or is 0.
    pub fn add(&mut self, name: &str, amount: u64) -> Result<(), DemandError> {
        let known = if name == MEM { !self.mem.is_empty() } else { self.base.get(name) > 0 };
        match (known, amount) {
            (true, _) => Err(DemandError::Twice(name.to_owned())),
            (_, 0) => Err(DemandError::Zero(name.as_bytes().to_vec())),
            _ if name == MEM => {
                self.mem.push(amount);
                Ok(())
            }
            _ => {
                self.base = std::mem::take(&mut self.base).with(name, amount);
                Ok(())
            }
        }
    }

    /// Adds cores.
    ///
    /// # Errors
    /// No amount, 0, or the second time.
    pub fn add_cpus(&mut self, text: &[u8]) -> Result<(), DemandError> {
        self.add(CPUS, amount(text)?)
    }

    /// Adds memory: one size, or a rising list of them.
    ///
    /// # Errors
    /// No size, 0, sizes that do not rise, or the second time.
    pub fn add_mem(&mut self, text: &[u8]) -> Result<(), DemandError> {
        if !self.mem.is_empty() {
            return Err(DemandError::Twice(MEM.to_owned()));
        }
        for piece in text.split(|b| *b == b',') {
            let bytes = size(piece)?;
            match self.mem.last() {
                None if bytes == 0 => return Err(DemandError::Zero(MEM.as_bytes().to_vec())),
                Some(last) if *last >= bytes => return Err(DemandError::NotRising(text.to_vec())),
                _ => self.mem.push(bytes),
            }
        }
        Ok(())
    }

    /// The demands, the first one first; none where nothing is taken.
    pub fn steps(&self) -> Vec<Demand> {
        match (self.mem.is_empty(), self.base.is_empty()) {
            (true, true) => Vec::new(),
            (true, false) => vec![self.base.clone()],
            (false, _) => self.mem.iter().map(|bytes| self.base.clone().with(MEM, *bytes)).collect(),
        }
    }
}

/// A demand as people read it: `cpus=2 mem=1.5G`.
pub fn shown(demand: &Demand) -> String {
    if demand.is_empty() {
        return "nothing".into();
    }
    let words = demand.iter().map(|(name, amount)| match name {
        MEM => format!("{name}={}", shown_size(amount)),
        _ => format!("{name}={}", amount as f64 / WHOLE as f64),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A size in the largest unit of which there is at least one.
fn shown_size(bytes: u64) -> String {
    let unit = SIZES.iter().rev().find(|(_, unit)| bytes >= *unit);
    unit.map_or(bytes.to_string(), |(letter, unit)| {
        let tenths = (bytes as f64 / *unit as f64 * 10.0).round() / 10.0;
        format!("{tenths}{}", char::from(*letter))
    })
}

impl fmt::Display for DemandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DemandError::Amount(text) => {
                write!(f, "{} is no amount: write 2, or 0.5 (a thousandth is the smallest)", Shown(text))
            }
            DemandError::Size(text) => write!(f, "{} is no size: write 512M, 1.5G or bytes", Shown(text)),
            DemandError::TooMuch(text) => write!(f, "{} is more than can be counted", Shown(text)),
            DemandError::Zero(name) => {
                write!(f, "0 of {}: leave it out, where nothing of it is taken", Shown(name))
            }
            DemandError::NoName(text) => write!(f, "{} is no NAME=AMOUNT, such as gpu=1", Shown(text)),
            DemandError::Name(name) => write!(
                f,
                "{} is no name of a resource: letters, digits and _ - . / make one, as in gpu or net/up",
                Shown(name)
            ),
            DemandError::Twice(name) => write!(f, "`{name}` is said twice"),
            DemandError::NotRising(text) => {
                write!(f, "the sizes in {} do not rise: a task that needs more gets the next", Shown(text))
            }
        }
    }
}

impl std::error::Error for DemandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_sizes() {
        let amounts = ["2", "0.5", "0.001", "1.25", "0"].map(|text| amount(text.as_bytes()).unwrap());
        assert_eq!(amounts, [2_000, 500, 1, 1_250, 0]);
        for text in ["", ".", ".5", "1.", "1.0001", "-1", "1e3", "x", "18446744073709551615"] {
            assert!(amount(text.as_bytes()).is_err(), "{text}");
        }
        let sizes = ["4096", "1k", "1.5G", "16GiB", "2TB", "0", "8B"];
        let bytes = sizes.map(|text| size(text.as_bytes()).unwrap());
        assert_eq!(bytes, [4096, 1024, 3 << 29, 16 << 30, 2 << 40, 0, 8]);
        for text in ["", "G", "B", "iB", "1.5", "1iB", "1GG", "1X", "1 G", "99999999999T"] {
            assert!(size(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_name_each_resource_once() {
        let cores = |n| ("cpus".to_owned(), n);
        assert_eq!(list(b"cpus=8,mem=1K").unwrap(), [cores(8_000), ("mem".into(), 1024)]);
        assert_eq!(list(b"cpus=0").unwrap(), [cores(0)]);
        assert_eq!(list(b"a=1,a=2"), Err(DemandError::Twice("a".into())));
        for text in ["", "cpus", "=1", "a b=1", "cpus=1,", "cpus=x", "-a=1"] {
            assert!(list(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_of_memory_are_steps_of_a_ladder() {
        let mut ladder = Ladder::default();
        assert!(ladder.steps().is_empty());
        ladder.add_cpus(b"2").unwrap();
        assert_eq!(ladder.steps().len(), 1);
        ladder.add_mem(b"1G,2G").unwrap();
        let steps: Vec<_> = ladder.steps().iter().map(shown).collect();
        assert_eq!(steps, ["cpus=2 mem=1G", "cpus=2 mem=2G"]);
        assert_eq!(ladder.add("cpus", 1), Err(DemandError::Twice("cpus".into())));
        assert!(Ladder::default().add_mem(b"2G,1G").is_err() && Ladder::default().add_mem(b"0").is_err());
        assert!(Ladder::default().add_cpus(b"0").is_err());
    }

    #[test]
    fn demands_are_readable() {
        let demand = Demand::new().with(CPUS, 2_500).with(MEM, 3 << 29).with("gpu", 1_000);
        assert_eq!(shown(&demand), "cpus=2.5 gpu=1 mem=1.5G");
        assert_eq!((shown(&Demand::new()), shown_size(1000)), ("nothing".into(), "1000".into()));
    }
}
