//! Whether two outcomes are the same, and in what they differ if not.

use super::side::Outcome;
use super::verdict::Compared;

/// In what divvy's outcome differs from GNU parallel's; `None`: in nothing that matters.
pub(super) fn difference(compared: Compared, theirs: &Outcome, ours: &Outcome) -> Option<String> {
    let (theirs, ours) = (seen(compared, theirs), seen(compared, ours));
    (theirs != ours).then(|| format!("parallel:\n{}divvy:\n{}", indented(&theirs), indented(&ours)))
}

/// What is looked at: the exit code, stdout, and the files made.
fn seen(compared: Compared, outcome: &Outcome) -> Vec<String> {
    let code =
        outcome.code.map_or("ended by a signal, or hung".to_owned(), |code| format!("exit code {code}"));
    let mut seen = vec![code];
    match compared {
        Compared::Exact => seen.push(outcome.stdout.clone()),
        Compared::Sorted => seen.extend(sorted(&outcome.stdout)),
        Compared::Times => seen.extend(sorted(&without_times(&outcome.stdout))),
        Compared::Digits => seen.extend(sorted(&without_numbers(&outcome.stdout))),
        Compared::Blanks => {
            let words =
                outcome.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
            seen.extend(sorted(&words.map(|line| line + "\n").collect::<String>()));
        }
        Compared::Failure => return vec![format!("exit code 0: {}", outcome.code == Some(0))],
        // The names are anybody's choice, so what they hold is looked at instead, and not the list of files.
        Compared::Contents => {
            let held = |path: &str| outcome.files.get(path.strip_prefix("/work/").unwrap_or(path)).cloned();
            let held = outcome.stdout.lines().map(|path| held(path).unwrap_or(format!("no file: {path}")));
            seen.extend(sorted(&held.collect::<String>()));
            return seen;
        }
    }
    for (name, held) in &outcome.files {
        let held = if compared == Compared::Times { without_times(held) } else { held.clone() };
        seen.push(format!("{name}: {}", sorted(&held).join("\n")));
    }
    seen
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The text with `T` for each field that is a number with a fraction, padded or not: a time, in a log of tasks.
fn without_times(text: &str) -> String {
    let is_time = |field: &str| field.contains('.') && field.trim().parse::<f64>().is_ok();
    let lines = text.split_inclusive('\n').map(|line| {
        let fields = line.split('\t').map(|field| if is_time(field) { "T" } else { field });
        fields.collect::<Vec<_>>().join("\t")
    });
    lines.collect()
}

/// The text with each number replaced by `N`.
fn without_numbers(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if !c.is_ascii_digit() {
            shown.push(c);
        } else if !shown.ends_with('N') {
            shown.push('N');
        }
    }
    shown
}

fn indented(lines: &[String]) -> String {
    /// Enough to see what is wrong.
    const SHOWN_MAX: usize = 30;
    lines.iter().take(SHOWN_MAX).map(|line| format!("    {line:?}\n")).collect()
}

#[test]
fn times_are_not_compared_but_all_else_is() {
    let log = |time: &str| format!("1\t:\t{time}\t     {time}\t0\t2\texit 1\n");
    assert_eq!(without_times(&log("1376577364.974")), without_times(&log("17.008")));
    assert_ne!(without_times(&log("1.5")), without_times(&log("1.5").replace("exit 1", "exit 2")));
    assert_eq!(without_times("a.b 2\n"), "a.b 2\n");
    assert_eq!(without_numbers("4 cores\n131071\n"), "N cores\nN\n");
}
