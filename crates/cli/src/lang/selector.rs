//! Which jobs or tasks a command is about: `all`, `last`, `7`, `1-5`, `1,3,5-8`, `1-100:2`.
//!
//! A selector names ids and promises nothing about them: it does not know which exist. Ranges stay in the order they
//! were written and may overlap; whoever walks them decides what to do with an id that comes twice.

use std::fmt;

use super::ranges::{self, IdRange, RangeError, Reason};

/// Which jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobSelector {
    /// `all`: every job.
    All,
    /// `last`: the job submitted last.
    Last,
    /// These ids; at least one range.
    Ids(Vec<IdRange>),
}

/// Why a text selects nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError {
    /// Whether `all` and `last` would have been understood.
    words: bool,
    /// What is wrong with the ranges.
    pub cause: RangeError,
}

impl JobSelector {
    /// Reads a job selector.
    ///
    /// # Errors
    ///
    /// [`SelectorError`], when the text is neither `all` nor `last` nor a list of ids and ranges.
    pub fn parse(text: &[u8]) -> Result<Self, SelectorError> {
        match text {
            b"all" => Ok(JobSelector::All),
            b"last" => Ok(JobSelector::Last),
            _ => parse_ids(text, true).map(JobSelector::Ids),
        }
    }
}

/// Reads a task selector: a list of ids and ranges.
///
/// # Errors
///
/// [`SelectorError`], when the text is anything else.
pub fn parse_tasks(text: &[u8]) -> Result<Vec<IdRange>, SelectorError> {
    parse_ids(text, false)
}

fn parse_ids(text: &[u8], words: bool) -> Result<Vec<IdRange>, SelectorError> {
    match ranges::parse_list(text) {
        Ok(pieces) => Ok(pieces.iter().map(|piece| piece.range).collect()),
        Err(cause) => Err(SelectorError { words, cause }),
    }
}

impl fmt::Display for JobSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobSelector::All => f.write_str("all"),
            JobSelector::Last => f.write_str("last"),
            JobSelector::Ids(ranges) => ranges.iter().enumerate().try_for_each(|(count, range)| {
                let comma = if count == 0 { "" } else { "," };
                write!(f, "{comma}{range}")
            }),
        }
    }
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)?;
        match self.cause.reason {
            Reason::Missing | Reason::Unexpected(_) if self.words => f.write_str(", or `all` or `last`"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for SelectorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ranges: &[(u64, u64, u64)]) -> Vec<IdRange> {
        ranges.iter().map(|&(first, last, step)| IdRange { first, last, step }).collect()
    }

    #[test]
    fn jobs() {
        for (text, expected) in [
            ("all", JobSelector::All),
            ("last", JobSelector::Last),
            ("7", JobSelector::Ids(ids(&[(7, 7, 1)]))),
            ("1-5", JobSelector::Ids(ids(&[(1, 5, 1)]))),
            ("1,3,5-8", JobSelector::Ids(ids(&[(1, 1, 1), (3, 3, 1), (5, 8, 1)]))),
            ("9,1-3,2", JobSelector::Ids(ids(&[(9, 9, 1), (1, 3, 1), (2, 2, 1)]))),
        ] {
            assert_eq!(JobSelector::parse(text.as_bytes()), Ok(expected.clone()));
            assert_eq!(expected.to_string(), text);
        }
    }

    #[test]
    fn tasks() {
        assert_eq!(parse_tasks(b"1-5,9"), Ok(ids(&[(1, 5, 1), (9, 9, 1)])));
        assert_eq!(parse_tasks(b"1-100:2"), Ok(ids(&[(1, 99, 2)])));
        assert_eq!(parse_tasks(b"0-1_000"), Ok(ids(&[(0, 1000, 1)])));
    }

    #[test]
    fn errors_point_at_the_piece() {
        for (text, at) in
            [("", 0), ("All", 0), ("all,1", 0), ("1,last", 2), ("1,5-3", 2), ("1,,2", 2), ("last ", 0)]
        {
            assert_eq!(JobSelector::parse(text.as_bytes()).unwrap_err().cause.at, at, "{text}");
            assert_eq!(parse_tasks(text.as_bytes()).unwrap_err().cause.at, at, "{text}");
        }
        assert_eq!(parse_tasks(b"all").unwrap_err().cause.at, 0);
        assert_eq!(
            JobSelector::parse(b"1,x").unwrap_err().to_string(),
            "unexpected `x` at byte 3, in `x`: write FIRST-LAST, FIRST-LAST:STEP or one number, \
             or `all` or `last`"
        );
        assert_eq!(
            parse_tasks(b"1,5-").unwrap_err().to_string(),
            "a number is missing at byte 5, in `5-`: write FIRST-LAST, FIRST-LAST:STEP or one number"
        );
        assert_eq!(parse_tasks(b"5-1").unwrap_err().to_string(), "`5-1` at byte 1 runs backwards: write 1-5");
    }
}
