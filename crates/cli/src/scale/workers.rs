//! Lists of numbers of workers, as users type them.

use crate::exit::bad_usage;
use crate::lang::selector;
use anyhow::Result;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A ladder with more rungs is a slip: nobody reads so long a table.
const RUNGS_MAX: usize = 1_000;
/// So that a number of workers, and of their pairs, is exact in a float.
pub const WORKERS_MAX: u64 = 1_000_000_000;

/// The numbers of a list, ascending, each once.
///
/// # Errors
/// Bad usage.
pub fn workers(list: &OsStr) -> Result<Vec<u64>> {
    let ranges =
        selector::parse_tasks(list.as_bytes()).map_err(|error| bad_usage(format!("--workers: {error}")))?;
    let mut numbers = BTreeSet::new();
    for range in ranges {
        for n in (range.first..=range.last).step_by(range.step as usize) {
            numbers.insert(n);
            if numbers.len() > RUNGS_MAX {
                return Err(bad_usage(format!(
                    "--workers: more than {RUNGS_MAX} numbers; powers of two say the most: 1,2,4,8,16"
                )));
            }
        }
    }
    if numbers.contains(&0) {
        return Err(bad_usage("--workers: no work is done with 0 workers; begin with 1"));
    }
    match numbers.last().filter(|n| **n > WORKERS_MAX) {
        Some(n) => Err(bad_usage(format!("--workers: {n} is more than {WORKERS_MAX} workers"))),
        None => Ok(numbers.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_bounded() {
        let of = |text: &str| workers(OsStr::new(text));
        assert_eq!(of("8,1,2,2,4-6").unwrap(), [1, 2, 4, 5, 6, 8]);
        assert_eq!(of("1-10:3").unwrap(), [1, 4, 7, 10]);
        for text in ["", "0", "0-3", "x", "1-1000000", "2000000000", "1,,2"] {
            assert!(of(text).is_err(), "{text}");
        }
    }
}
