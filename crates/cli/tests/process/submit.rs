//! Jobs that run in the background.

use crate::handler::python;
use crate::place::{Place, until};
use rustix::process::{Pid, Signal, getsid, kill_process};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

/// A task that runs until there is a file `go`.
const WAITS: &str = "echo begun >> begun; until [ -e go ]; do sleep 0.01; done; echo {} >> done";

/// Submits, and gives the answer.
fn answer(place: &Place, args: &[&str]) -> Value {
    let ran = place.divvy([&["--output", "json", "submit"], args].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn pid(answer: &Value) -> Pid {
    Pid::from_raw(answer["worker"]["pid"].as_i64().expect("a worker was started") as i32).unwrap()
}

#[test]
fn a_job_goes_on_without_the_terminal_and_its_worker_leaves_in_the_end() {
    let place = Place::new();
    let ran = place.divvy(["submit", "-j1", "sh", "-c", WAITS, ":::", "a", "b"]);
    let said = ran.exits(0);
    assert_eq!(ran.out(), "job 1\n");
    for word in ["1 worker was started", "divvy wait 1", "divvy logs -f 1"] {
        assert!(said.contains(word), "{said}");
    }
    until("it runs", || place.has("begun"));
    let workers = place.workers_alive();
    assert_eq!(workers.len(), 1);
    assert_eq!(getsid(Some(workers[0])).unwrap(), workers[0], "a session of its own");
    place.write("go", "");
    place.divvy(["wait"]).silent();
    assert_eq!(place.lines("done"), ["a", "b"]);
    until("the worker has left", || place.workers_alive().is_empty());
    assert!(place.nodes().is_empty());
    assert_eq!(place.read("state/divvy.db.worker.log"), "");
}

#[test]
fn one_worker_serves_all_however_many_submit_at_once() {
    let place = Place::new();
    let all: Vec<_> = (0..8)
        .map(|n| place.start(["--output", "json", "submit", "-j2", "sh", "-c", WAITS, ":::", &n.to_string()]))
        .collect();
    let answers: Vec<Value> =
        all.into_iter().map(|submit| serde_json::from_slice(&submit.end().stdout).unwrap()).collect();
    let started = answers.iter().filter(|answer| answer["worker"]["started"] == true).count();
    assert_eq!(started, 1, "{answers:?}");
    until("two of them run", || place.lines("begun").len() == 2);
    assert_eq!((place.workers_alive().len(), place.nodes().len()), (1, 1));
    place.write("go", "");
    place.divvy(["wait", "all"]).silent();
    assert_eq!(place.lines("done"), (0..8).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_is_submitted_while_the_worker_leaves_is_not_forgotten() {
    let place = Place::new();
    let mut ids = BTreeSet::new();
    // Each as soon as the one before is done, so that some meet a worker that is just leaving.
    for n in 0..6 {
        ids.insert(
            answer(&place, &["-j1", "sh", "-c", "echo {} >> done", ":::", &n.to_string()])["job"].as_u64(),
        );
        place.divvy(["wait", "--timeout", "25"]).silent();
        if n % 2 == 1 {
            until("the worker leaves", || place.nodes().is_empty());
        }
    }
    assert_eq!((ids.len(), place.lines("done").len()), (6, 6));
}

#[test]
fn a_worker_that_was_killed_is_followed_by_another() {
    let place = Place::new();
    let first = pid(&answer(&place, &["-j1", "sh", "-c", WAITS, ":::", "a"]));
    until("it runs", || place.has("begun"));
    kill_process(first, Signal::KILL).unwrap();
    until("it is gone", || !place.workers_alive().contains(&first));
    let second = pid(&answer(&place, &["-j1", "sh", "-c", WAITS, ":::", "b"]));
    assert_ne!(first, second);
    until("the first job runs again", || place.lines("begun").len() == 2);
    place.write("go", "");
    place.divvy(["wait", "all"]).silent();
    assert_eq!(place.lines("done"), ["a", "b"]);
}

#[test]
fn nothing_is_started_where_that_is_asked_for_or_somebody_is_there() {
    let place = Place::new();
    let stored = answer(&place, &["--no-start", "echo", ":::", "a"]);
    assert_eq!((&stored["job"], &stored["worker"]), (&1.into(), &Value::Null));
    assert!(place.workers_alive().is_empty());
    assert_eq!(place.divvy(["resume", "1"]).silent(), "a\n", "whoever resumes it sees what it prints");
    let work = place.start(["work", "-j1"]);
    until("it is there", || place.nodes().len() == 1);
    assert_eq!(answer(&place, &["echo", ":::", "b"])["worker"]["started"], false);
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert_eq!(work.end_by(Signal::TERM).out(), "b\n");
    assert!(place.workers_alive().is_empty());
}

#[test]
fn a_directory_of_jobs_may_be_named_relative_to_where_one_is() {
    let place = Place::new();
    let divvy = |args: &[&str]| place.spawn(place.command(args).env("DIVVY_DIR", "state")).end();
    divvy(&["submit", "-j1", "sh", "-c", "echo {}; pwd", ":::", "a"]).exits(0);
    divvy(&["wait", "--timeout", "25"]).silent();
    assert_eq!(
        divvy(&["logs"]).silent(),
        format!("a\n{}\n", place.path("").display().to_string().trim_end_matches('/'))
    );
}

#[test]
fn a_worker_that_is_told_to_stop_gives_back_what_it_has_not_done() {
    let place = Place::new();
    let worker = pid(&answer(&place, &["-j1", "--grace", "0", "--array", "1-3", "sh", "-c", WAITS]));
    until("it runs", || place.has("begun"));
    kill_process(worker, Signal::TERM).unwrap();
    until("it has left", || place.workers_alive().is_empty() && place.nodes().is_empty());
    place.expect_no_task_alive();
    assert_eq!(place.count("1", "ready"), 3);
    place.write("go", "");
    answer(&place, &["-j1", "true", ":::", "x"]);
    place.divvy(["wait", "all", "--timeout", "25"]).silent();
    assert_eq!(place.lines("done"), ["1", "2", "3"]);
}

#[test]
fn a_job_that_is_held_waits_for_a_person() {
    let place = Place::new();
    let ran = place.divvy(["submit", "--hold", "sh", "-c", "echo {} >> done", ":::", "a"]);
    assert!(ran.exits(0).contains("divvy unpause 1"));
    assert_eq!(place.json(&["show"])["state"], "paused");
    let timed_out = place.divvy(["wait", "--timeout", "0.2"]);
    assert!(timed_out.exits(124).contains("job 1 is paused"), "{}", timed_out.err());
    let said = place.divvy(["unpause"]).silent();
    assert!(said.contains("job 1: goes on; a node was started"), "{said}");
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert_eq!(place.lines("done"), ["a"]);
}

#[test]
fn a_worker_leaves_jobs_of_a_terminal_alone() {
    let place = Place::new();
    let run = place.start(["run", "-j1", "sh", "-c", WAITS, ":::", "a", "b"]);
    until("it runs", || place.has("begun"));
    answer(&place, &["-j4", "sh", "-c", "echo {} >> submitted", ":::", "x"]);
    place.divvy(["wait", "2", "--timeout", "25"]).silent();
    assert_eq!((place.count("1", "running") + place.count("1", "ready"), place.lines("begun").len()), (2, 1));
    place.write("go", "");
    run.end().silent();
    assert_eq!(place.lines("done"), ["a", "b"]);
}

#[test]
fn stdin_is_read_to_its_end_before_submit_returns() {
    let place = Place::new();
    let mut submit = place.command(["submit", "-j1", "sh", "-c", "echo {} >> done"]);
    let submit = submit.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut submit = submit.spawn().unwrap();
    let mut input = submit.stdin.take().unwrap();
    input.write_all(b"one\ntwo\n").unwrap();
    until("the first are stored", || {
        place.has("state/divvy.db") && place.divvy(["show"]).out().contains("tasks 2")
    });
    assert_eq!(place.json(&["show"])["state"], "open");
    assert!(submit.try_wait().unwrap().is_none());
    input.write_all(b"three").unwrap();
    drop(input);
    assert_eq!(submit.wait().unwrap().code(), Some(0));
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert_eq!(place.lines("done"), ["one", "three", "two"]);
}

#[test]
fn inputs_that_were_cut_are_said_and_do_not_hang_who_waits() {
    let place = Place::new();
    let mut submit = place.command(["submit", "-j1", "sh", "-c", "echo {} >> done"]);
    let submit = submit.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut submit = submit.spawn().unwrap();
    let mut input = submit.stdin.take().unwrap();
    input.write_all(b"one\ntwo\n").unwrap();
    until("they are stored", || {
        place.has("state/divvy.db") && place.divvy(["show"]).out().contains("tasks 2")
    });
    submit.kill().unwrap();
    submit.wait().unwrap();
    assert!(place.divvy(["wait"]).exits(123).contains("inputs of job 1 were cut"));
    let resumed = place.divvy(["resume"]);
    assert!(resumed.exits(0).contains("cut after 2 records"));
    assert_eq!(place.lines("done"), ["one", "two"]);
}

#[test]
fn a_job_that_cannot_run_any_more_fails_and_others_go_on() {
    let place = Place::new();
    std::fs::create_dir(place.path("there")).unwrap();
    let mut submit = place.command(["submit", "--no-start", "-j1", "echo", ":::", "x"]);
    place.spawn(submit.current_dir(place.path("there"))).end().exits(0);
    std::fs::remove_dir(place.path("there")).unwrap();
    answer(&place, &["-j1", "sh", "-c", "echo {} >> done", ":::", "y"]);
    place.divvy(["wait", "2", "--timeout", "25"]).silent();
    assert!(place.divvy(["wait", "1"]).exits(1).contains("there is not there"));
    assert_eq!(place.lines("done"), ["y"]);
}

#[test]
fn a_handler_that_stays_runs_in_the_background_and_is_logged() {
    let place = Place::new();
    let each =
        "note('done', task['input'])\nsay({'task': task['task'], 'output': 'got ' + task['input'] + '\\n'})";
    let handler = python(&place, "", each);
    answer(&place, &["-j1", "--handler", &handler, "--array", "1-3"]);
    place.divvy(["wait"]).silent();
    assert_eq!(place.lines("done"), ["1", "2", "3"]);
    assert_eq!(place.divvy(["logs"]).silent(), "got 1\ngot 2\ngot 3\n");
    until("the worker has left", || place.workers_alive().is_empty());
    place.expect_no_task_alive();
}

/// In a terminal the node stops with it; here it has jobs of others.
#[test]
fn a_handler_of_no_use_fails_its_tasks_and_others_go_on() {
    let place = Place::new();
    place.write("worker.sh", "exit 7");
    answer(&place, &["--no-start", "-j2", "--handler", "sh worker.sh", "--array", "1-100"]);
    std::fs::copy("/bin/true", place.path("gone")).unwrap();
    answer(&place, &["--no-start", "--handler", "./gone", "--array", "1-2"]);
    std::fs::remove_file(place.path("gone")).unwrap();
    answer(&place, &["-j2", "sh", "-c", "echo {} >> done", ":::", "y"]);
    assert!(place.divvy(["wait", "1"]).exits(100).contains("the handler"));
    assert!(place.divvy(["wait", "2"]).exits(2).contains("command not found"));
    place.divvy(["wait", "3"]).silent();
    assert_eq!(place.lines("done"), ["y"]);
    // It is mended, and the node is still there or another is started.
    let loops = r#"while read -r line; do id=${line#*:}; echo "{\"task\":${id%%,*}}"; done"#;
    place.write("worker.sh", loops);
    place.divvy(["retry", "1"]).silent();
    place.divvy(["wait", "1"]).silent();
}

#[test]
fn retry_starts_a_worker_where_one_is_needed() {
    let place = Place::new();
    answer(&place, &["-j1", "sh", "-c", "[ -e mended ] && echo {} >> done", ":::", "a"]);
    place.divvy(["wait", "--timeout", "25"]).exits(1);
    until("the worker has left", || place.workers_alive().is_empty());
    place.write("mended", "");
    assert!(place.divvy(["retry", "--failed"]).silent().contains("a node was started in the background"));
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert_eq!(place.lines("done"), ["a"]);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_stored() {
    let place = Place::new();
    place.divvy(["submit", "--array", "1-3"]).refused(125, &["no command"]);
    place.divvy(["submit", "--bill", "true", ":::", "a"]).refused(125, &["--bill", "divvy run"]);
    place
        .divvy(["submit", "--halt", "now,fail=1", "true", ":::", "a"])
        .refused(125, &["--halt", "divvy run"]);
    place.divvy(["submit", "no-such-program", ":::", "a"]).refused(125, &["command not found"]);
    place.divvy(["work", "--background"]).refused(125, &["divvy work"]);
    assert!(!place.has("state/divvy.db"));
}

#[test]
fn inputs_that_nobody_gave_are_refused_and_an_empty_list_starts_nobody() {
    let place = Place::new();
    place.divvy(["submit", "echo", "hello"]).refused(125, &["no inputs", ":::"]);
    assert!(!place.has("state/divvy.db"));
    let said = place.divvy(["submit", "echo", "hello", ":::"]).exits(0);
    assert_eq!(said, "divvy: it had no inputs, so there is nothing to run\n");
    assert!(place.workers_alive().is_empty());
    place.divvy(["wait", "1"]).silent();
}
