//! GNU parallel's tutorial, run as a test: whoever switches types what he is used to.
//!
//! Each example of the installed page is run twice, by `parallel` and by `divvy run --shell` under that name, in
//! equal directories; what they print, how they exit and which files they leave is compared. `verdicts.txt` says of
//! each example what we expect and why: a difference that nobody knew of fails the test, and so does one that is gone.
//!
//! | file | idea |
//! |---|---|
//! | `page.rs` | the examples, from the installed page |
//! | `verdict.rs`, `verdicts.txt` | what we say of each |
//! | `side.rs` | an example, run by one of the two |
//! | `compare.rs` | whether the outcomes are the same |
//! | `options.rs` | the table of all options in `docs/parallel.md` |
//! | `score.rs` | the score, as `docs/parallel.md` prints it |

mod compare;
mod options;
mod page;
mod score;
mod side;
mod verdict;

use crate::place::Place;
use page::{Example, Page};
use side::{Program, Programs};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use verdict::{Judged, Verdict, Verdicts};

/// The version whose page was judged. Of another version's page only those examples are run that it did not change.
const JUDGED: &str = "20221122";

/// Examples that run at once. Most of them sleep or wait for a program to start.
const AT_ONCE: usize = 4;

#[test]
fn every_example_of_the_page_has_a_verdict() {
    let Some(page) = installed() else { return };
    let verdicts = Verdicts::read();
    let unknown: Vec<_> = page.examples.iter().filter(|example| verdicts.of(example).is_none()).collect();
    let gone = verdicts.all().count() - (page.examples.len() - unknown.len());
    if page.version == JUDGED {
        let lines = unknown.iter().map(|e| format!("{} {} {:08x}\n", e.section, e.number, e.fingerprint));
        assert!(
            unknown.is_empty() && gone == 0,
            "{gone} are gone, and these new:\n{}",
            lines.collect::<String>()
        );
    } else if !unknown.is_empty() || gone > 0 {
        eprintln!(
            "the page of version {} is not the judged one: {} examples are new, {gone} gone",
            page.version,
            unknown.len()
        );
    }
}

/// The examples of the sections from one to before another, in the order of the verdicts.
macro_rules! chapters {
    ($($test:ident: $from:literal .. $to:literal;)*) => {
        $(#[test] fn $test() { check($from, $to, false); })*
    };
}

chapters! {
    input_sources: "Prerequisites" .. "No-command-means-arguments-are-commands";
    replacement_strings: "No-command-means-arguments-are-commands" .. "More-than-one-argument";
    command_lines: "More-than-one-argument" .. "Controlling-the-output";
    output: "Controlling-the-output" .. "Number-of-simultaneous-jobs";
    execution: "Number-of-simultaneous-jobs" .. "Sshlogin";
    elsewhere: "Sshlogin" .. "pipe";
    pipes: "pipe" .. "Input-data-and-parallel-command-in-the-same-file";
    the_rest: "Input-data-and-parallel-command-in-the-same-file" .. "";
}

#[test]
#[ignore = "takes minutes: the examples that sleep for more than five seconds"]
fn long_ones() {
    check("Prerequisites", "", true);
}

/// Checks the verdicts on the examples of some sections.
fn check(from: &str, to: &str, long: bool) {
    let Some(page) = installed() else { return };
    let verdicts = Verdicts::read();
    let names: Vec<_> = verdicts.sections.iter().map(|(name, _)| name.as_str()).collect();
    let at = |name| names.iter().position(|n| *n == name).unwrap_or(names.len());
    let (from, to) = (at(from), at(to));
    let to_run: Vec<_> = page
        .examples
        .iter()
        .filter(|example| (from..to).contains(&at(&example.section)))
        .filter_map(|example| Some((example, verdicts.of(example)?)))
        .filter(|(_, judged)| judged.verdict != Verdict::Unfit && !judged.unrun && judged.long == long)
        .collect();
    assert!(from < to, "verdicts.txt has no such section");
    assert!(page.version != JUDGED || !to_run.is_empty(), "nothing to run");
    let programs = Programs::provide();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((example, judged)) = to_run.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let script = script(&page, &verdicts, example);
                    // Before the lock is taken, or they would run one after the other.
                    let objection = objection(&programs, example, judged, &script);
                    wrong.lock().unwrap().extend(objection);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), to_run.len(), wrong.concat());
}

/// The example, behind those that it follows on.
fn script(page: &Page, verdicts: &Verdicts, example: &Example) -> String {
    let mut script = example.text.clone();
    let mut first = example;
    while verdicts.of(first).is_some_and(|judged| judged.after) {
        let before = |e: &&Example| e.section == first.section && e.number + 1 == first.number;
        first = page.examples.iter().find(before).expect("the first of a section follows on nothing");
        script = format!("{}\n{script}", first.text);
    }
    script
}

/// What is wrong with a verdict, if something is.
fn objection(programs: &Programs, example: &Example, judged: &Judged, script: &str) -> Option<String> {
    let place = Place::new();
    let theirs = programs.run(Program::Parallel, &place, script);
    let ours = programs.run(Program::Divvy, &place, script);
    let difference = compare::difference(judged.compared, &theirs, &ours);
    let was_refused = ["Usage:", "there is no --"].iter().any(|words| ours.stderr.contains(words));
    let name = format!("{} {}", example.section, example.number);
    eprintln!("{name}: parallel took {:?}, divvy {:?}", theirs.took, ours.took);
    match (judged.verdict, difference) {
        // A script may hide it behind a pipe or in the background.
        (Verdict::Same, _) if was_refused => Some(format!("{name} is refused: {}\n", ours.stderr)),
        (Verdict::Same, None) if ours.code.is_none() => {
            Some(format!("{name} hangs, or is killed, with both\n"))
        }
        (Verdict::Same, Some(difference)) => {
            let said = format!("stderr of parallel: {}stderr of divvy: {}", theirs.stderr, ours.stderr);
            Some(format!("{name} is not the same:\n{script}\n{difference}{said}\n"))
        }
        (Verdict::Different | Verdict::Missing, None) => {
            Some(format!("{name} has become the same (it said: {})\n", judged.reason))
        }
        _ => None,
    }
}

/// The page; a word where it is not to be had.
fn installed() -> Option<Page> {
    let page = Page::installed();
    if page.is_none() {
        eprintln!("GNU parallel and its tutorial are not installed: passed over");
    }
    page
}
