//! Retries and time limits.

use crate::place::{Place, until};
use rustix::process::Signal;

#[test]
fn retries_is_the_number_of_starts_in_all() {
    let place = Place::new();
    let script = "echo {} $DIVVY_ATTEMPT >> starts; [ $DIVVY_ATTEMPT -ge {} ]";
    let ran = place.divvy(["run", "--retries", "3", "--array", "1-4", "sh", "-c", script]);
    assert!(ran.exits(1).contains("4 (exit code 1)"));
    let starts = ["1 1", "2 1", "2 2", "3 1", "3 2", "3 3", "4 1", "4 2", "4 3"];
    assert_eq!(place.lines("starts"), starts);
    assert_eq!(place.json(&["show"])["failed_tasks"][0]["attempts"], 3);
}

#[test]
fn attempts_are_remembered_over_a_kill() {
    let place = Place::new();
    let script =
        "echo $DIVVY_ATTEMPT >> starts; [ -e again ] && exit 1; [ $DIVVY_ATTEMPT = 1 ] && exit 1; sleep 600";
    let run = place.start(["run", "--retries", "3", "sh", "-c", script, "_", ":::", "x"]);
    until("the second attempt runs", || place.lines("starts").len() == 2);
    run.end_by(Signal::KILL);
    place.write("again", "");
    place.divvy(["resume"]).exits(1);
    // The one that was lost with its node is a crash, not a failure.
    assert_eq!(place.lines("starts"), ["1", "2", "2", "3"]);
}

#[test]
fn a_task_that_takes_too_long_is_ended_and_has_failed() {
    let place = Place::new();
    let ran =
        place.divvy(["run", "--timeout", "100ms", "sh", "-c", "echo begun; exec sleep 600", "_", ":::", "x"]);
    assert!(ran.exits(1).contains("1 (timed out after 0.1 s)"), "{}", ran.err());
    assert_eq!(ran.out(), "begun\n");
    place.expect_no_task_alive();
}

#[test]
fn a_task_that_will_not_hear_sigterm_is_killed() {
    let place = Place::new();
    let script = "trap '' TERM; sleep 600 & sleep 600";
    let ran = place.divvy(["run", "--timeout", "100ms", "sh", "-c", script, "_", ":::", "x"]);
    assert!(ran.exits(1).contains("timed out"));
    place.expect_no_task_alive();
}

#[test]
fn a_task_that_exits_well_when_its_time_is_over_has_failed_all_the_same() {
    let place = Place::new();
    let script = "trap 'exit 0' TERM; sleep 600 & wait";
    let ran = place.divvy(["run", "--timeout", "100ms", "sh", "-c", script, "_", ":::", "x"]);
    assert!(ran.exits(1).contains("timed out"));
}

#[test]
fn a_timed_out_attempt_is_tried_again() {
    let place = Place::new();
    let script = "echo x >> starts; [ $DIVVY_ATTEMPT = 2 ] || sleep 600";
    place.divvy(["run", "--timeout", "0.2", "--retries", "2", "sh", "-c", script, "_", ":::", "x"]).silent();
    assert_eq!(place.lines("starts").len(), 2);
}

#[test]
fn a_jobs_time_limit_holds_for_whoever_resumes_it() {
    let place = Place::new();
    let run = place.start(["run", "--timeout", "2s", "sh", "-c", ">begun; exec sleep 600", "_", ":::", "x"]);
    until("it runs", || place.has("begun"));
    run.end_by(Signal::INT).exits(130);
    assert!(place.divvy(["resume"]).exits(1).contains("timed out after 2 s"));
}

#[test]
fn any_number_of_workers_may_be_asked_for() {
    let place = Place::new();
    for jobs in ["1", "3", "50%", "200%", "+1", "0"] {
        let ran = place.divvy(["run", "-j", jobs, "--array", "1-30", "echo", "{}"]);
        assert_eq!(ran.sorted().len(), 30, "-j {jobs}");
    }
    place.divvy(["run", "-j", "10001", "true", ":::", "a"]).refused(125, &["-j 10001"]);
    let ran = place.divvy(["run", "--workers", "2", "--array", "1-9", "echo", "{%}"]);
    assert!(ran.sorted().iter().all(|slot| slot == "1" || slot == "2"));
}

#[test]
fn few_open_files_bound_the_workers_and_fail_no_task() {
    let place = Place::new();
    let divvy = |limit: &str, args: &[&str]| {
        let mut limited = std::process::Command::new("sh");
        limited
            .args(["-c", r#"ulimit -n "$0" && exec "$@""#, limit])
            .arg(env!("CARGO_BIN_EXE_divvy"))
            .args(args);
        place.spawn(limited.current_dir(place.path(".")).env("DIVVY_DIR", place.state())).end()
    };
    divvy("256", &["run", "-j", "100", "true", ":::", "x"])
        .refused(125, &["256 open files", "ulimit -n 864"]);
    divvy("256", &["run", "-j", "0", "--array", "1-300", "true"]).silent();
    divvy("256", &["run", "-j", "24", "--array", "1-300", "sleep", "0.05"]).silent();
}

#[test]
fn a_lease_has_no_more_tasks_than_it_may() {
    let place = Place::new();
    let trips = |given: &[&str]| {
        place.divvy([&["run", "-j1"], given, &["--array", "1-200", "true"]].concat()).exits(0);
        place.json(&["bill"])["exchanges"].as_u64().expect("a count")
    };
    trips(&[]);
    assert!(trips(&["--lease-max", "2"]) >= 100);
    // Without the flag leases are unbounded. How many round trips that makes depends on how fast this machine is.
    let bounds = "SELECT group_concat(range_max) FROM (SELECT range_max FROM job ORDER BY job)";
    let kept: String = place.raw().query_row(bounds, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, "0,2");
    place.divvy(["run", "--lease-max", "0", "true", ":::", "a"]).refused(125, &["--lease-max"]);
}
