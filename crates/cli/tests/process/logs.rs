//! What submitted jobs have printed.

use crate::place::{Place, until};
use rustix::process::{Signal, kill_process};

fn submit(place: &Place, args: &[&str]) {
    place.divvy([&["submit"], args].concat()).exits(0);
}

#[test]
fn both_streams_come_back_and_each_can_be_had_alone() {
    let place = Place::new();
    submit(&place, &["-j1", "--array", "1-3", "sh", "-c", "echo out {}; echo err {} >&2"]);
    let all = place.divvy(["logs", "-f"]);
    assert_eq!(
        (all.exits(0).as_str(), all.out().as_str()),
        ("err 1\nerr 2\nerr 3\n", "out 1\nout 2\nout 3\n")
    );
    assert_eq!(place.divvy(["logs", "--stdout", "--task", "1,3"]).silent(), "out 1\nout 3\n");
    let stderr = place.divvy(["logs", "--stderr", "--tag"]);
    assert_eq!((stderr.exits(0).as_str(), stderr.out().as_str()), ("1\terr 1\n2\terr 2\n3\terr 3\n", ""));
    place.divvy(["logs", "--task", "99"]).refused(125, &["job 1 has no task 99", "1 to 3"]);
    let json = place.divvy(["logs", "--stdout", "--task", "2", "--output", "json"]).silent();
    let frame: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&frame["task"], &frame["text"], &frame["attempt"]),
        (&2.into(), &"out 2\n".into(), &1.into())
    );
}

#[test]
fn following_shows_what_comes_and_ends_with_the_job() {
    let place = Place::new();
    let script = "echo {}; [ {} = 1 ] || until [ -e go{} ]; do sleep 0.01; done";
    submit(&place, &["-j1", "--array", "1-3", "sh", "-c", script]);
    let out = std::fs::File::create(place.path("followed")).unwrap();
    let mut follow = place.command(["logs", "-f"]).stdout(out).spawn().unwrap();
    until("the first is shown", || place.read("followed") == "1\n");
    place.write("go2", "");
    until("the second is shown", || place.read("followed") == "1\n2\n");
    assert!(follow.try_wait().unwrap().is_none());
    place.write("go3", "");
    until("it ends", || follow.try_wait().unwrap().is_some());
    assert_eq!((place.read("followed").as_str(), follow.wait().unwrap().code()), ("1\n2\n3\n", Some(0)));
}

#[test]
fn a_large_output_and_any_bytes_come_back_whole() {
    let place = Place::new();
    let script = "head -c 3000000 /dev/urandom | tee copy";
    submit(&place, &["-j1", "sh", "-c", script, ":::", "x"]);
    place.divvy(["wait", "--timeout", "25"]).silent();
    let ran = place.divvy(["logs"]);
    assert!(ran.stdout == std::fs::read(place.path("copy")).unwrap(), "{} bytes differ", ran.stdout.len());
}

#[test]
fn many_tasks_make_few_files_and_go_with_the_job() {
    let place = Place::new();
    submit(&place, &["-j2", "--array", "1-300", "echo"]);
    place.divvy(["wait", "--timeout", "25"]).silent();
    let files = || std::fs::read_dir(place.path("state/logs/1")).map_or(0, Iterator::count);
    assert_eq!(files(), 1, "one node, one file");
    assert_eq!(place.divvy(["logs"]).silent().lines().count(), 300);
    place.divvy(["forget"]).silent();
    assert!(!place.has("state/logs/1"));
}

#[test]
fn silent_tasks_make_no_file() {
    let place = Place::new();
    submit(&place, &["-j1", "true", ":::", "a", "b"]);
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert!(!place.has("state/logs/1"));
    assert_eq!(place.divvy(["logs"]).silent(), "");
}

#[test]
fn logs_of_jobs_that_are_no_longer_there_are_swept() {
    let place = Place::new();
    submit(&place, &["-j1", "echo", ":::", "a"]);
    place.divvy(["wait", "--timeout", "25"]).silent();
    std::fs::create_dir_all(place.path("state/logs/99")).unwrap();
    place.divvy(["run", "true", ":::", "x"]).silent();
    place.divvy(["forget", "2"]).silent();
    assert!(place.has("state/logs/1") && !place.has("state/logs/99"));
}

#[test]
fn attempts_that_were_made_again_are_shown_on_request() {
    let place = Place::new();
    let script = "echo try $DIVVY_ATTEMPT; [ $DIVVY_ATTEMPT = 3 ]";
    submit(&place, &["-j1", "--retries", "3", "sh", "-c", script, ":::", "x"]);
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert_eq!(place.divvy(["logs"]).silent(), "try 3\n");
    assert_eq!(place.divvy(["logs", "--attempts"]).silent(), "try 1\ntry 2\ntry 3\n");
}

#[test]
fn what_several_nodes_printed_is_one_log_and_a_killed_one_cuts_nothing_but_its_last_words() {
    let place = Place::new();
    let script = "echo {}; [ {} = 1 ] || until [ -e go ]; do >begun{}; sleep 0.01; done";
    submit(&place, &["-j1", "--array", "1-20", "sh", "-c", script]);
    until("the second runs", || place.has("begun2"));
    let workers = place.workers_alive();
    kill_process(workers[0], Signal::KILL).unwrap();
    place.write("go", "");
    // As if it had been writing when it was killed.
    use std::io::Write;
    let mut part = std::fs::File::options().append(true).open(place.path("state/logs/1/1.log")).unwrap();
    part.write_all(&[9, 0, 0]).unwrap();
    let printed = place.divvy(["resume"]);
    printed.exits(0);
    assert!(!printed.out().lines().any(|line| line == "1"), "it was done before");
    let mut all: Vec<u32> =
        place.divvy(["logs"]).silent().lines().map(|line| line.parse().unwrap()).collect();
    all.sort_unstable();
    assert_eq!(all, (1..=20).collect::<Vec<_>>());
    assert_eq!(std::fs::read_dir(place.path("state/logs/1")).unwrap().count(), 2);
}

#[test]
fn a_job_of_a_terminal_has_no_log_unless_it_was_asked_for() {
    let place = Place::new();
    place.divvy(["run", "echo", ":::", "a"]).silent();
    place.divvy(["logs"]).refused(125, &["job 1 has no log", "--log"]);
    assert_eq!(place.divvy(["run", "--log", "echo", ":::", "a"]).silent(), "a\n");
    assert_eq!(place.divvy(["logs"]).silent(), "a\n");
}
