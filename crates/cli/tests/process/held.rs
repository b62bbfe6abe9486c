//! What tasks wait for before they start, how they are ended, and their surroundings.

use crate::place::{Place, until};
use rustix::process::Signal;

/// More than any machine has.
const ALL_MEMORY: &str = "8000P";

/// Whether a node has leased the first task of the first job, which may not be there yet.
fn in_hands(place: &Place) -> bool {
    let shown = place.divvy(["show", "1", "--task", "1"]);
    shown.code == Some(0) && shown.out().contains("is running")
}

/// Runs a task that memory is never enough for until this signal, and gives the seconds for which it was held back.
fn held_back_until(signal: Signal) -> f64 {
    let place = Place::new();
    // A grace time that would hang the test: no task runs that could need it.
    let held = ["--grace", "600", "--memfree", ALL_MEMORY, "--output", "json", "touch", ":::", "x"];
    let mut run = place.start(["run", "-j2"].into_iter().chain(held));
    until("the task is in its hands", || in_hands(&place));
    assert!(!run.has_ended());
    let ran = run.end_by(signal);
    let said = ran.exits(130);
    let bill: serde_json::Value =
        serde_json::from_str(said.lines().find(|l| l.starts_with('{')).unwrap()).unwrap();
    assert!(bill["account"]["unaccounted"].as_f64().unwrap().abs() < 0.01, "{said}");
    assert!(!place.has("x"));
    bill["account"]["seconds"]["held_back"].as_f64().unwrap()
}

#[test]
fn without_memory_nothing_starts_and_a_stop_is_heard_at_once() {
    for signal in [Signal::INT, Signal::TERM] {
        // A lease is in the store before a worker has looked at its task: a stop may come between the two.
        until("it is held back", || held_back_until(signal) > 0.0);
    }
}

#[test]
fn a_task_that_is_held_back_can_be_canceled() {
    let place = Place::new();
    let run = place.start(["run", "-j2", "--memfree", ALL_MEMORY, "touch", ":::", "x", "y"]);
    until("the first task is in its hands", || in_hands(&place));
    place.divvy(["cancel", "1"]).exits(0);
    assert!(run.end().exits(0).contains("2 of 2 tasks were canceled"));
}

#[test]
fn starts_keep_their_distance() {
    let place = Place::new();
    // Clocks of the log, in milliseconds: a start is never early, however late it is.
    let args = ["run", "-j4", "--delay", "60ms", "--joblog", "log", "--array", "1-5", "true"];
    place.divvy(args).silent();
    let log = place.read("log");
    let mut starts: Vec<f64> =
        log.lines().skip(1).map(|l| l.split('\t').nth(2).unwrap().parse().unwrap()).collect();
    starts.sort_by(f64::total_cmp);
    assert_eq!(starts.len(), 5);
    assert!(starts[4] - starts[0] >= 4.0 * 0.060 - 0.020, "{starts:?}");
}

#[test]
fn a_share_of_the_usual_time_ends_what_takes_much_longer() {
    let place = Place::new();
    // Far beyond what a loaded machine makes of a task that does nothing, far below the test's own limit.
    let script = "[ {} != 5 ] || exec sleep 600";
    let args = ["run", "-j1", "--timeout", "20000%", "--array", "1-6", "sh", "-c", script];
    assert!(place.divvy(args).exits(1).contains("5 (timed out after"));
}

#[test]
fn tasks_are_ended_by_the_signals_that_were_asked_for() {
    let place = Place::new();
    let script = "trap 'echo usr1' USR1; trap 'echo int' INT; while :; do sleep 0.01; done";
    let args =
        ["run", "--timeout", "300ms", "--termseq", "USR1,200,INT,200", "sh", "-c", script, "_", ":::", "x"];
    let ran = place.divvy(args);
    assert!(ran.exits(1).contains("timed out"));
    assert_eq!(ran.out(), "usr1\nint\n");
    place
        .divvy(["run", "--termseq", "TERM,x", "true", ":::", "x"])
        .refused(125, &["--termseq", "TERM,200,KILL,25"]);
}

#[test]
fn niceness_directory_and_environment() {
    let place = Place::new();
    // Nicer than this process, whatever that is: nobody but root may go back.
    let nice = rustix::process::getpriority_process(None).unwrap().clamp(0, 12) + 7;
    let ran = place.divvy(["run", "--nice", &nice.to_string(), "sh", "-c", "sleep 0.2; nice", ":::", "x"]);
    assert_eq!(ran.silent(), format!("{nice}\n"));
    let ran = place.divvy(["run", "--wd", "new/dir", "sh", "-c", "basename $PWD", ":::", "x"]);
    assert_eq!(ran.silent(), "dir\n");
    let ran = place.divvy(["run", "--env", "A=b=c", "--env", "HOME", "sh", "-c", "echo $A", ":::", "x"]);
    assert_eq!(ran.silent(), "b=c\n");
    place.divvy(["run", "--env", "=x", "true", ":::", "x"]).refused(125, &["--env"]);
}

#[test]
fn tasks_find_the_variables_of_gnu_parallel_and_hyperqueue() {
    let place = Place::new();
    let script = "echo $PARALLEL_SEQ $PARALLEL_JOBSLOT $HQ_JOB_ID $HQ_TASK_ID $HQ_INSTANCE_ID $HQ_ENTRY; kill -0 $PARALLEL_PID";
    let ran = place.divvy(["run", "-j1", "-k", "sh", "-c", script, "_", ":::", "a", "b"]);
    assert_eq!(ran.silent(), "1 1 1 1 0 a\n2 1 1 2 0 b\n");
}

#[test]
fn flags_that_mean_nothing_here_pass_and_those_that_are_missing_say_what_there_is() {
    let place = Place::new();
    let nothing = ["--will-cite", "--gnu", "--plain", "--no-notice", "--bibtex"];
    let ran = place.divvy(["run"].iter().chain(&nothing).chain(&[
        "-P2",
        "-j7",
        "-k",
        "--max-procs",
        "1",
        "sh",
        "-c",
        "echo {%}",
        "_",
        ":::",
        "x",
    ]));
    assert_eq!(ran.silent(), "1\n", "the last of several counts");
    for (flags, instead) in [
        (&["-S", "host"][..], "divvy work"),
        (&["--transferfile", "{}"], "divvy work"),
        (&["--sqlmaster", "x"], "DIVVY_STORE"),
        (&["--tmux"], "--line-buffer"),
        (&["--semaphore"], "divvy run -j N"),
        (&["--memsuspend", "1G"], "--memfree"),
        (&["--embed"], "one file"),
    ] {
        let ran = place.divvy(["run"].iter().chain(flags).chain(&["true", ":::", "x"]));
        ran.refused(125, &["there is no", flags[0].trim_start_matches("-S"), instead]);
    }
}
