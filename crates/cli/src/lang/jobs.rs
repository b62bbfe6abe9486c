//! `-j`: how many workers, with GNU parallel's spellings `4`, `0`, `50%`, `+2`, `-1`.
//!
//! Parsing does not know the machine; [`WorkerCount::resolve`] is told its cores.

use std::fmt;
use std::num::NonZeroU32;

use super::shown::Shown;

/// How many workers were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerCount {
    /// This many.
    Exactly(NonZeroU32),
    /// `0`: as many as possible. The caller knows the bound.
    Unlimited,
    /// A share of the cores, in percent; may be above 100.
    Percent(u32),
    /// This many more than there are cores.
    CoresPlus(u32),
    /// This many fewer than there are cores.
    CoresMinus(u32),
}

/// Why a text is no number of workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsError {
    /// The text as given.
    pub text: Vec<u8>,
    /// Well formed, but above `u32::MAX`.
    pub too_large: bool,
}

impl WorkerCount {
    /// Reads what follows `-j`.
    ///
    /// # Errors
    ///
    /// [`JobsError`] for anything but a whole number, alone or with `%` behind it or `+` or `-` in front.
    pub fn parse(text: &[u8]) -> Result<Self, JobsError> {
        let (digits, make): (&[u8], fn(u32) -> WorkerCount) = match text {
            [b'+', digits @ ..] => (digits, WorkerCount::CoresPlus),
            [b'-', digits @ ..] => (digits, WorkerCount::CoresMinus),
            [digits @ .., b'%'] => (digits, WorkerCount::Percent),
            digits => {
                (digits, |count| NonZeroU32::new(count).map_or(WorkerCount::Unlimited, WorkerCount::Exactly))
            }
        };
        let error = |too_large| JobsError { text: text.to_vec(), too_large };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(error(false));
        }
        digits
            .iter()
            .try_fold(0u32, |value, digit| value.checked_mul(10)?.checked_add(u32::from(digit - b'0')))
            .map(make)
            .ok_or_else(|| error(true))
    }

    /// The number on a machine with this many cores, at least 1; `None` for as many as possible. Shares are rounded
    /// down.
    pub fn resolve(self, cores: NonZeroU32) -> Option<NonZeroU32> {
        let count = match self {
            WorkerCount::Exactly(count) => return Some(count),
            WorkerCount::Unlimited => return None,
            WorkerCount::Percent(percent) => {
                let count = u64::from(cores.get()) * u64::from(percent) / 100;
                u32::try_from(count).unwrap_or(u32::MAX)
            }
            WorkerCount::CoresPlus(more) => cores.get().saturating_add(more),
            WorkerCount::CoresMinus(fewer) => cores.get().saturating_sub(fewer),
        };
        Some(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN))
    }
}

impl fmt::Display for JobsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Shown(&self.text);
        if self.too_large {
            return write!(
                f,
                "{text} workers are too many: the highest number is {}, or 0 for as many as possible",
                u32::MAX
            );
        }
        write!(
            f,
            "{text} is no number of workers: write 4, 0 (as many as possible), 50% (of the cores), \
             +2 or -1 (more or fewer than cores)"
        )
    }
}

impl std::error::Error for JobsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_resolves() {
        for (text, on_one, on_eight) in [
            ("1", Some(1), Some(1)),
            ("4", Some(4), Some(4)),
            ("0", None, None),
            ("00", None, None),
            ("100%", Some(1), Some(8)),
            ("50%", Some(1), Some(4)),
            ("30%", Some(1), Some(2)),
            ("0%", Some(1), Some(1)),
            ("250%", Some(2), Some(20)),
            ("4294967295%", Some(42_949_672), Some(343_597_383)),
            ("+2", Some(3), Some(10)),
            ("+0", Some(1), Some(8)),
            ("+4294967295", Some(u32::MAX), Some(u32::MAX)),
            ("-1", Some(1), Some(7)),
            ("-0", Some(1), Some(8)),
            ("-99", Some(1), Some(1)),
            ("4294967295", Some(u32::MAX), Some(u32::MAX)),
        ] {
            let count = WorkerCount::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            let on = |cores| count.resolve(NonZeroU32::new(cores).expect("some")).map(NonZeroU32::get);
            assert_eq!((on(1), on(8)), (on_one, on_eight), "{text}");
        }
    }

    #[test]
    fn a_share_of_very_many_cores_does_not_overflow() {
        let all = WorkerCount::Percent(u32::MAX).resolve(NonZeroU32::MAX);
        assert_eq!(all, Some(NonZeroU32::MAX));
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "+", "-", "%", "x", "4x", "1.5", "12.5%", "+50%", "--1", "+-1", " 4", "4 ", "1_000", "0x4"]
        {
            let expected = JobsError { text: text.as_bytes().to_vec(), too_large: false };
            assert_eq!(WorkerCount::parse(text.as_bytes()), Err(expected), "{text}");
        }
        for text in ["4294967296", "+99999999999", "99999999999%"] {
            assert!(WorkerCount::parse(text.as_bytes()).is_err_and(|error| error.too_large), "{text}");
        }
        assert_eq!(
            WorkerCount::parse(b"four").unwrap_err().to_string(),
            "`four` is no number of workers: write 4, 0 (as many as possible), 50% (of the cores), \
             +2 or -1 (more or fewer than cores)"
        );
    }
}
