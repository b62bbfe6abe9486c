//! What we say of each example: `verdicts.txt`, one line for each.
//!
//! ```text
//! ## Section-of-the-page
//! NUMBER FINGERPRINT VERDICT [HOW...] [: REASON]
//! ```
//!
//! | verdict | the test demands |
//! |---|---|
//! | `same` | equal output, exit code and files |
//! | `different` | that they differ, still; the reason says why on purpose |
//! | `missing` | that they differ, still; the reason names what divvy has not got |
//! | `unfit` | nothing: it is not run; the reason says why nobody could |
//!
//! | how | what is compared |
//! |---|---|
//! | (nothing) | stdout as sorted lines: the order is left open |
//! | `exact` | stdout byte for byte |
//! | `times` | as sorted lines, where numbers with a fraction count as equal |
//! | `digits` | as sorted lines, where all numbers count as equal: which worker ran it, how many cores there are |
//! | `blanks` | as sorted lines without blanks in front and with one for many: `wc` pads by whether its stdin is a file |
//! | `failure` | whether the exit code is 0: all else is chance, as what had been started when a task failed |
//! | `contents` | stdout names files: what these hold |
//! | `after` | the example before it runs first, in the same directory, and so on while that says `after` too |
//! | `unrun` | nothing: running it would reach out of its directory, to another host or a terminal, or show nothing |
//! | `long` | takes more than five seconds: run by the test that has to be asked for |

use super::page::Example;
use std::collections::BTreeMap;

const TABLE: &str = include_str!("verdicts.txt");

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Same,
    Different,
    Missing,
    Unfit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Sorted,
    Exact,
    Times,
    Digits,
    Blanks,
    Failure,
    Contents,
}

#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) fingerprint: u32,
    pub(super) verdict: Verdict,
    pub(super) compared: Compared,
    pub(super) after: bool,
    pub(super) unrun: bool,
    pub(super) long: bool,
    pub(super) reason: String,
}

/// The verdicts, by section in the order of the page, and number.
pub(super) struct Verdicts {
    pub(super) sections: Vec<(String, BTreeMap<u32, Judged>)>,
}

impl Verdicts {
    pub(super) fn read() -> Verdicts {
        let mut sections: Vec<(String, BTreeMap<u32, Judged>)> = Vec::new();
        for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")) {
            if let Some(section) = line.strip_prefix("## ") {
                sections.push((section.to_owned(), BTreeMap::new()));
                continue;
            }
            let (number, judged) = judged(line).unwrap_or_else(|| panic!("verdicts.txt: {line}"));
            let section = sections.last_mut().expect("a section comes first");
            assert!(
                section.1.insert(number, judged).is_none(),
                "verdicts.txt: twice in {}: {line}",
                section.0
            );
        }
        Verdicts { sections }
    }

    /// What we say of an example, if it is the one that we judged.
    pub(super) fn of(&self, example: &Example) -> Option<&Judged> {
        let (_, section) = self.sections.iter().find(|(name, _)| *name == example.section)?;
        section.get(&example.number).filter(|judged| judged.fingerprint == example.fingerprint)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, u32, &Judged)> + Clone {
        self.sections.iter().flat_map(|(name, section)| {
            section.iter().map(move |(number, judged)| (name.as_str(), *number, judged))
        })
    }
}

fn judged(line: &str) -> Option<(u32, Judged)> {
    let (facts, reason) = line.split_once(" : ").unwrap_or((line, ""));
    let mut words = facts.split_whitespace();
    let number = words.next()?.parse().ok()?;
    let fingerprint = u32::from_str_radix(words.next()?, 16).ok()?;
    let verdict = match words.next()? {
        "same" => Verdict::Same,
        "different" => Verdict::Different,
        "missing" => Verdict::Missing,
        "unfit" => Verdict::Unfit,
        _ => return None,
    };
    let (mut compared, mut after, mut unrun, mut long) = (Compared::Sorted, false, false, false);
    for word in words {
        match word {
            "exact" => compared = Compared::Exact,
            "times" => compared = Compared::Times,
            "digits" => compared = Compared::Digits,
            "blanks" => compared = Compared::Blanks,
            "failure" => compared = Compared::Failure,
            "contents" => compared = Compared::Contents,
            "after" => after = true,
            "unrun" => unrun = true,
            "long" => long = true,
            _ => return None,
        }
    }
    // Whoever deviates says why.
    if reason.is_empty() != (verdict == Verdict::Same) {
        return None;
    }
    Some((number, Judged { fingerprint, verdict, compared, after, unrun, long, reason: reason.to_owned() }))
}
