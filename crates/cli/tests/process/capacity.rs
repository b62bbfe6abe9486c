//! What is told from ordinary work, or why nothing is.

use crate::place::{Place, until};
use rustix::process::Signal;

#[test]
fn a_job_that_was_hardly_seen_has_a_reason_instead_of_advice() {
    let place = Place::new();
    place.divvy(["capacity"]).exits(125);
    place.divvy(["run", "-j2", "true", ":::", "a", "b"]).exits(0);
    let said = place.divvy(["capacity"]).silent();
    assert!(said.starts_with("job 1: nothing can be said yet: "), "{said}");
    let json = place.json(&["capacity", "1"]);
    assert!(json["reason"].is_string() && json["peak"].is_null() && json["at"].is_null(), "{json}");
}

#[test]
fn what_follows_measurements_is_explained() {
    let place = Place::new();
    let said = place.divvy(["run", "--explain-tuning", "-j2", "--array", "1-50", "true"]).exits(0);
    assert!(said.contains("divvy: job 1: leases of "), "{said}");
    let quiet = place.divvy(["run", "-j2", "--array", "1-50", "true"]).exits(0);
    assert!(!quiet.contains("leases of"), "{quiet}");
    let line = place
        .divvy(["--output", "json", "run", "--explain-tuning", "-j2", "--array", "1-50", "true"])
        .exits(0);
    let told = line.lines().find(|line| line.contains("tuned")).expect("a line of JSON");
    let told: serde_json::Value = serde_json::from_str(told).unwrap();
    assert_eq!(
        (told["tuned"]["what"].as_str(), told["tuned"]["job"].as_u64()),
        (Some("lease_tasks"), Some(3))
    );
}

#[test]
fn the_workers_of_a_job_are_those_of_nodes_that_hold_leases_of_it() {
    let place = Place::new();
    // One task, which one node holds until it is told to go on.
    let task = "touch begun; until [ -e go ]; do sleep 0.01; done; : {}";
    let run = place.start(["run", "-j3", "--shell", task, ":::", "a"]);
    until("the task has begun", || place.has("begun"));
    let other = place.start(["work", "-j2"]);
    until("both nodes are there", || place.nodes().len() == 2);
    let json = place.json(&["capacity", "1"]);
    assert_eq!((&json["running"], &json["workers"]), (&true.into(), &3.0.into()), "{json}");
    other.end_by(Signal::TERM).exits(130);
    place.write("go", "");
    run.end().exits(0);
    let json = place.json(&["capacity", "1"]);
    assert_eq!(json["running"], false, "{json}");
}
