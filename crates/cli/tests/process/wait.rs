//! Waiting for jobs, and letting them rest.

use crate::place::{Place, until};
use rustix::process::Signal;

const WAITS: &str = ">begun{}; until [ -e go ]; do sleep 0.01; done; echo {} >> done";

#[test]
fn waiting_has_an_end_and_the_job_goes_on() {
    let place = Place::new();
    let run = place.start(["run", "-j1", "--array", "1-2", "sh", "-c", WAITS]);
    until("it runs", || place.has("begun1"));
    let ran = place.divvy(["wait", "--timeout", "100ms"]);
    assert!(ran.exits(124).contains("job 1 has not finished in time; it goes on"));
    place.divvy(["wait", "--timeout", "soon"]).refused(125, &["--timeout"]);
    place.write("go", "");
    place.divvy(["wait", "--timeout", "1h"]).silent();
    run.end().silent();
}

#[test]
fn who_waits_for_nobody_is_told() {
    let place = Place::new();
    let run = place.start(["run", "-j1", "--array", "1-2", "sh", "-c", WAITS]);
    until("it runs", || place.has("begun1"));
    run.end_by(Signal::INT).exits(130);
    let wait = place.start(["wait"]);
    until("who waits is told", || {
        wait.err().contains("nobody runs job 1: `divvy work` or `divvy resume 1` does")
    });
    place.write("go", "");
    place.divvy(["resume"]).silent();
    assert_eq!(wait.end().exits(0).lines().count(), 1, "told once");
}

#[test]
fn a_paused_job_rests_everywhere_and_who_waits_is_told() {
    let place = Place::new();
    let run = place.start(["run", "-j1", "--array", "1-6", "sh", "-c", WAITS]);
    until("it runs", || place.has("begun1"));
    assert!(place.divvy(["pause"]).silent().starts_with("job 1: paused"));
    let wait = place.start(["wait"]);
    until("who waits is told", || wait.err().contains("job 1 is paused\n       `divvy unpause 1`"));
    place.write("go", "");
    until("what ran has ended, and the rest is back", || {
        (place.count("1", "done"), place.count("1", "ready")) == (1, 5)
    });
    assert_eq!(place.json(&["jobs"])[0]["state"], "paused");
    place.divvy(["unpause"]).silent();
    run.end().silent();
    wait.end().exits(0);
    assert_eq!(place.lines("done").len(), 6);
    assert!(place.divvy(["pause"]).exits(0).contains("has finished"));
}

#[test]
fn resume_lets_a_paused_job_go_on_and_runs_it_here() {
    let place = Place::new();
    let run = place.start(["run", "-j1", "--array", "1-3", "sh", "-c", WAITS]);
    until("it runs", || place.has("begun1"));
    run.end_by(Signal::INT).exits(130);
    place.divvy(["pause"]).silent();
    place.write("go", "");
    assert!(place.divvy(["resume"]).exits(0).contains("job 1 was paused: it goes on"));
    assert_eq!(place.lines("done"), ["1", "2", "3"]);
}
