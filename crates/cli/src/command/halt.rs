//! `--halt`: to stop before all tasks have run, when so many have failed, succeeded or ended.
//!
//! What is counted is what this node runs from the start of this program on. What was not run stays in the store.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

/// When to stop, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// End the running tasks, too.
    pub now: bool,
    /// What is counted.
    pub what: What,
    /// How many of them are enough.
    pub enough: Enough,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// Tasks that failed for good.
    Failed,
    /// Tasks that ended well.
    Succeeded,
    /// Both.
    Done,
}

/// How many are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Enough {
    /// So many tasks.
    Tasks(u64),
    /// Percent of the job's tasks.
    Percent(u64),
}

const HOW: &str = "write never, or now or soon with what to wait for: now,fail=1  soon,fail=10%  now,success=1  soon,done=5";

impl Halt {
    /// Reads GNU parallel's spellings, the old numbers included. `None` is never.
    ///
    /// # Errors
    /// A sentence.
    pub fn parse(text: &[u8]) -> Result<Option<Halt>, String> {
        let text = std::str::from_utf8(text).map_err(|_| HOW.to_owned())?;
        let one = |now, what| Ok(Some(Halt { now, what, enough: Enough::Tasks(1) }));
        match text {
            "never" | "0" => return Ok(None),
            "1" => return one(false, What::Failed),
            "2" => return one(true, What::Failed),
            "-1" => return one(false, What::Succeeded),
            "-2" => return one(true, What::Succeeded),
            _ => {}
        }
        if let Some(enough @ Enough::Percent(_)) = count(text) {
            return Ok(Some(Halt { now: false, what: What::Failed, enough }));
        }
        let halt = text.split_once(',').and_then(|(when, why)| {
            let now = [("now", true), ("soon", false)].into_iter().find(|(word, _)| *word == when)?.1;
            let (what, enough) = why.split_once('=')?;
            let whats = [("fail", What::Failed), ("success", What::Succeeded), ("done", What::Done)];
            let what = whats.into_iter().find(|(word, _)| *word == what)?.1;
            Some(Halt { now, what, enough: count(enough)? })
        });
        halt.map(Some).ok_or_else(|| format!("{text:?} is not understood: {HOW}"))
    }
}

/// A number above 0, or percent.
fn count(text: &str) -> Option<Enough> {
    let number = |digits: &str| digits.parse::<u64>().ok().filter(|n| *n > 0);
    match text.strip_suffix('%') {
        Some(digits) => number(digits).map(Enough::Percent),
        None => number(text).map(Enough::Tasks),
    }
}

/// How a task ended, as far as halting is concerned: its exit code as a shell would give it, 0 for well.
pub type Code = u8;

/// What was counted so far.
#[derive(Debug)]
pub struct Tally {
    halt: Halt,
    counts: Mutex<(u64, u64)>,
}

/// What is to be said and done about a task that ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    /// What the task counts as, if it counts.
    pub word: Option<&'static str>,
    /// It was enough: the program's exit code.
    pub enough: Option<u8>,
}

impl Tally {
    /// Nothing has ended yet.
    pub fn new(halt: Halt) -> Tally {
        Tally { halt, counts: Mutex::default() }
    }

    /// Whether running tasks are to be ended.
    pub fn is_now(&self) -> bool {
        self.halt.now
    }

    /// A task has ended. `total` is asked for the number of tasks, which may not be known yet.
    pub fn count(&self, code: Code, total: impl FnOnce() -> Option<u64>) -> Counted {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let well = code == 0;
        if well {
            counts.1 += 1
        } else {
            counts.0 += 1
        }
        let (failed, succeeded) = *counts;
        drop(counts);
        let (counts_here, so_far, word) = match self.halt.what {
            What::Failed => (!well, failed, "failed"),
            What::Succeeded => (well, succeeded, "succeeded"),
            What::Done => (true, failed + succeeded, "finished"),
        };
        if !counts_here {
            return Counted { word: None, enough: None };
        }
        let enough = match self.halt.enough {
            Enough::Tasks(n) if so_far < n => None,
            _ if self.halt.what == What::Succeeded && matches!(self.halt.enough, Enough::Tasks(_)) => Some(0),
            Enough::Tasks(1) => Some(code),
            Enough::Tasks(_) => Some(failed.min(101) as u8),
            Enough::Percent(percent) => total()
                .filter(|total| u128::from(so_far) * 100 >= u128::from(percent) * u128::from(*total))
                .map(|total| if self.halt.what == What::Succeeded { 0 } else { share(failed, total) }),
        };
        Counted { word: Some(word), enough }
    }
}

/// Percent of a job's tasks that failed, rounded up, as an exit code.
pub fn share(failed: u64, total: u64) -> u8 {
    (u128::from(failed) * 100).div_ceil(u128::from(total.max(1))).min(101) as u8
}

/// That the program was halted, and the exit code that follows. The first one counts.
#[derive(Debug, Default)]
pub struct Halted(OnceLock<u8>);

impl Halted {
    /// It is halted; whether that is news.
    pub fn set(&self, code: u8) -> bool {
        self.0.set(code).is_ok()
    }

    /// The exit code, if it was halted.
    pub fn code(&self) -> Option<u8> {
        self.0.get().copied()
    }
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.now { "now" } else { "soon" };
        let what = match self.what {
            What::Failed => "fail",
            What::Succeeded => "success",
            What::Done => "done",
        };
        match self.enough {
            Enough::Tasks(n) => write!(f, "{when},{what}={n}"),
            Enough::Percent(n) => write!(f, "{when},{what}={n}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halt(text: &str) -> Halt {
        Halt::parse(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn all_spellings() {
        for (text, means) in [
            ("now,fail=1", "now,fail=1"),
            ("soon,fail=3%", "soon,fail=3%"),
            ("now,success=7", "now,success=7"),
            ("soon,done=50%", "soon,done=50%"),
            ("1", "soon,fail=1"),
            ("2", "now,fail=1"),
            ("-1", "soon,success=1"),
            ("-2", "now,success=1"),
            ("10%", "soon,fail=10%"),
        ] {
            assert_eq!(halt(text).to_string(), means);
        }
        assert_eq!((Halt::parse(b"never"), Halt::parse(b"0")), (Ok(None), Ok(None)));
        for wrong in [
            "",
            "3",
            "now",
            "now,fail",
            "now,fail=0",
            "now,fail=x",
            "later,fail=1",
            "now,foo=1",
            "soon,fail=%",
        ] {
            assert!(Halt::parse(wrong.as_bytes()).unwrap_err().contains("now,fail=1"), "{wrong}");
        }
    }

    /// Exit codes as GNU parallel 20221122 gives them for tasks that exit with 7, 9, 0 and 11, one after the other.
    #[test]
    fn the_exit_code_is_that_of_gnu_parallel() {
        for (text, tasks, code) in [
            ("now,fail=1", 1, 7),
            ("now,fail=2", 2, 2),
            ("now,success=1", 3, 0),
            ("soon,done=1", 1, 7),
            ("now,done=3", 3, 2),
            ("now,fail=10%", 1, 25),
            ("now,done=50%", 2, 50),
            ("now,success=10%", 3, 0),
        ] {
            let tally = Tally::new(halt(text));
            let counted: Vec<_> = [7, 9, 0, 11].map(|code| tally.count(code, || Some(4)).enough).into();
            let first = counted.iter().position(Option::is_some).unwrap();
            assert_eq!((first + 1, counted[first]), (tasks, Some(code)), "{text}");
        }
        let tally = Tally::new(halt("now,success=3"));
        assert!([7, 9, 0, 11].iter().all(|code| tally.count(*code, || Some(4)).enough.is_none()));
        assert_eq!(
            Tally::new(halt("now,fail=1%")).count(1, || None).enough,
            None,
            "while nobody knows of what"
        );
        assert_eq!((share(2, 6), share(4, 6), share(0, 0)), (34, 67, 0));
    }
}
