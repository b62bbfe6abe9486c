//! Ctrl-C, SIGTERM and SIGKILL: children end, nothing is charged, nothing is lost.

use crate::place::{Place, until};
use crate::started::Started;
use rustix::process::Signal;

/// A job of which every task waits for a file `go`, so that it can be stopped in the middle for certain. One
/// attempt and one crash are all that its tasks have.
fn waiting(place: &Place, options: &[&str]) -> Started {
    let script = "until [ -e go ]; do >begun{}; sleep 0.01; done; echo {} >> done";
    let run = ["run", "-j2", "--retries", "1", "--crash-limit", "1", "--array", "1-20"];
    let run = place.start(run.iter().chain(options).chain(&["sh", "-c", script]));
    until("two tasks run", || place.has("begun1") && place.has("begun2"));
    run
}

/// Resumes, and expects that every task is done exactly once.
fn finish(place: &Place) {
    place.write("go", "");
    place.divvy(["resume"]).silent();
    let mut expected: Vec<_> = (1..=20).map(|n| n.to_string()).collect();
    expected.sort();
    assert_eq!(place.lines("done"), expected);
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (20, 0));
}

#[test]
fn ctrl_c_ends_the_children_charges_nothing_and_prints_the_resume() {
    let place = Place::new();
    // Again and again: if anything were charged, one attempt and one crash would not last.
    let ran = waiting(&place, &[]).end_by(Signal::INT);
    assert!(ran.exits(130).contains("divvy resume 1"));
    place.expect_no_task_alive();
    for _ in 0..3 {
        std::fs::remove_file(place.path("begun1")).unwrap();
        let resume = place.start(["resume", "-j2"]);
        until("it goes on", || place.has("begun1"));
        resume.end_by(Signal::INT).exits(130);
        place.expect_no_task_alive();
    }
    assert_eq!((place.count("1", "ready"), place.count("1", "dead")), (20, 0));
    finish(&place);
}

#[test]
fn a_closed_terminal_is_as_ctrl_c() {
    let place = Place::new();
    assert!(waiting(&place, &[]).end_by(Signal::HUP).exits(130).contains("divvy resume 1"));
    place.expect_no_task_alive();
    finish(&place);
}

#[test]
fn ctrl_c_does_not_wait_for_a_task_that_will_not_hear() {
    let place = Place::new();
    let script = "trap '' TERM INT; >begun{}; until [ -e go ]; do sleep 0.01; done; echo {} >> done";
    let run = place.start(["run", "-j2", "--array", "1-20", "sh", "-c", script]);
    until("two tasks run", || place.has("begun1") && place.has("begun2"));
    run.signal(Signal::INT);
    // The second one kills at once.
    run.signal(Signal::INT);
    assert!(run.end().exits(130).contains("divvy resume 1"));
    place.expect_no_task_alive();
    finish(&place);
}

/// A program that tidies up on SIGTERM and says all is well has not done its work.
#[test]
fn a_task_that_exits_well_because_it_was_told_to_end_runs_again() {
    let place = Place::new();
    let script = "trap 'exit 0' TERM; until [ -e go ]; do >begun{}; sleep 0.01; done; echo {} >> done";
    let run = place.start(["run", "-j2", "--array", "1-20", "sh", "-c", script]);
    until("two tasks run", || place.has("begun1") && place.has("begun2"));
    run.end_by(Signal::INT).exits(130);
    finish(&place);
}

#[test]
fn sigterm_lets_running_tasks_finish() {
    let place = Place::new();
    let run = waiting(&place, &["--grace", "3600"]);
    run.signal(Signal::TERM);
    // What is not running goes back at once; the two that run go on.
    until("the rest is given back", || place.count("1", "running") == 2);
    place.write("go", "");
    assert!(run.end().exits(130).contains("divvy resume 1"));
    assert_eq!(place.lines("done"), ["1", "2"]);
    assert_eq!((place.count("1", "done"), place.count("1", "ready")), (2, 18));
    finish(&place);
}

#[test]
fn sigterm_ends_running_tasks_when_the_grace_is_over() {
    let place = Place::new();
    waiting(&place, &["--grace", "0"]).end_by(Signal::TERM).exits(130);
    place.expect_no_task_alive();
    assert_eq!((place.count("1", "ready"), place.count("1", "done")), (20, 0));
    finish(&place);
}

#[test]
fn a_second_sigterm_does_not_wait() {
    let place = Place::new();
    let run = waiting(&place, &["--grace", "3600"]);
    run.signal(Signal::TERM);
    until("it has heard", || place.count("1", "running") == 2);
    run.end_by(Signal::TERM).exits(130);
    place.expect_no_task_alive();
    assert_eq!((place.count("1", "ready"), place.count("1", "dead")), (20, 0));
    finish(&place);
}

#[test]
fn sigkill_loses_nothing() {
    let place = Place::new();
    // The shell of an orphan keeps the number it was born with.
    let script = "until [ -e go ]; do >begun{}-$PPID; sleep 0.01; done; echo {} >> done";
    let run = place.start(["run", "-j2", "--array", "1-20", "sh", "-c", script]);
    let begun = |of: &Started| place.has(&format!("begun1-{}", of.pid().as_raw_nonzero()));
    let other = format!("begun2-{}", run.pid().as_raw_nonzero());
    // Both: a process that is just being started holds the lock of the session until it is another program, and who
    // resumes meanwhile begins with other tasks, which never end here.
    until("its first tasks run", || begun(&run) && place.has(&other));
    assert_eq!(run.end_by(Signal::KILL).signal, Some(9));
    let orphans = place.tasks_alive();
    assert!(!orphans.is_empty(), "nobody is there to end them yet");
    let resume = place.start(["resume", "-j2"]);
    until("the task runs again", || begun(&resume));
    assert!(!place.tasks_alive().iter().any(|pid| orphans.contains(pid)), "the orphans were ended first");
    resume.end_by(Signal::INT).exits(130);
    place.expect_no_task_alive();
    finish(&place);
}

#[test]
fn work_that_is_stopped_gives_back_what_it_holds() {
    let place = Place::new();
    waiting(&place, &[]).end_by(Signal::INT).exits(130);
    for signal in [Signal::INT, Signal::TERM] {
        std::fs::remove_file(place.path("begun1")).unwrap();
        let work = place.start(["work", "-j2", "--grace", "0"]);
        until("it works", || place.has("begun1"));
        work.end_by(signal).exits(130);
        place.expect_no_task_alive();
        assert_eq!(place.count("1", "ready"), 20);
    }
    finish(&place);
}
