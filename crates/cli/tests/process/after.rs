//! Jobs that come after others.

use crate::place::{Place, until};
use rustix::process::Signal;

const WAITS: &str = ">begun; until [ -e go ]; do sleep 0.01; done; echo {} >> done";

#[test]
fn a_run_drives_the_jobs_it_comes_after() {
    let place = Place::new();
    let first = place.start(["run", "-j1", "sh", "-c", WAITS, ":::", "first"]);
    until("it runs", || place.has("begun"));
    first.end_by(Signal::INT).exits(130);
    place.write("go", "");
    let ran = place.divvy(["run", "--after", "1", "sh", "-c", "echo {} >> done", ":::", "second"]);
    assert!(ran.exits(0).contains("job 2 starts when these have succeeded: job 1"));
    assert_eq!(place.read("done"), "first\nsecond\n");
}

#[test]
fn a_run_after_a_job_that_failed_ends_and_says_so() {
    let place = Place::new();
    place.divvy(["run", "sh", "-c", "[ -e mended ]", ":::", "x"]).exits(1);
    place
        .divvy(["run", "--after", "1", "sh", "-c", "echo {} >> done", ":::", "y"])
        .refused(123, &["job 2 comes after job 1", "divvy retry 1", "divvy cancel 2"]);
    // Also one that comes after the one that will never start.
    place.divvy(["run", "--after", "2", "echo", ":::", "z"]).refused(123, &["job 3 comes after job 1"]);
    assert!(place.divvy(["wait", "2"]).exits(123).contains("job 2 comes after job 1"));
    place.divvy(["resume", "2"]).refused(123, &["job 2 comes after job 1"]);
    place.write("mended", "");
    place.divvy(["retry", "1"]).silent();
    place.divvy(["resume", "2"]).exits(0);
    assert_eq!(place.lines("done"), ["y"]);
}

#[test]
fn who_waits_hears_when_what_comes_first_fails_meanwhile() {
    let place = Place::new();
    let fails = ">begun; until [ -e go ]; do sleep 0.01; done; exit 3";
    place.divvy(["submit", "-j1", "sh", "-c", fails, ":::", "x"]).exits(0);
    place.divvy(["submit", "--after", "1", "echo", ":::", "y"]).exits(0);
    until("it runs", || place.has("begun"));
    let wait = place.start(["wait", "2"]);
    let run = place.start(["run", "--after", "2", "echo", ":::", "z"]);
    until("it waits", || run.err().contains("job 3 starts when"));
    place.write("go", "");
    assert!(wait.end().exits(123).contains("divvy retry 1"));
    assert!(run.end().exits(123).contains("job 3 comes after job 1"));
    until("the worker has nothing left to do", || place.workers_alive().is_empty());
}

#[test]
fn submitted_jobs_follow_each_other() {
    let place = Place::new();
    place.divvy(["submit", "-j1", "sh", "-c", WAITS, ":::", "1"]).exits(0);
    place.divvy(["submit", "--after", "last", "sh", "-c", "echo {} >> done", ":::", "2"]).exits(0);
    place.divvy(["submit", "--after", "1-2", "sh", "-c", "echo {} >> done", ":::", "3"]).exits(0);
    until("it runs", || place.has("begun"));
    assert_eq!(place.json(&["show", "3"])["waits_for"], serde_json::json!([1, 2]));
    assert!(
        place.divvy(["explain", "3", "1"]).silent().contains("starts when these have succeeded: job 1, 2")
    );
    place.write("go", "");
    place.divvy(["wait", "all", "--timeout", "25"]).silent();
    assert_eq!(place.read("done"), "1\n2\n3\n");
    place.divvy(["run", "--after", "9", "echo", ":::", "x"]).refused(125, &["job 9"]);
}
