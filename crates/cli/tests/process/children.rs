//! No process outlives its task.

use crate::place::{Place, until};
use rustix::process::Signal;

#[test]
fn what_a_task_leaves_in_the_background_ends_with_it() {
    let place = Place::new();
    // In its pipes, out of them, and one that will not hear SIGTERM.
    let script =
        "sleep 600 & (sleep 600 >/dev/null 2>&1 &) ; sh -c 'trap \"\" TERM HUP; sleep 600' & echo {}";
    let ran = place.divvy(["run", "-k", "-j2", "sh", "-c", script, ":::", "1", "2", "3"]);
    assert_eq!(ran.silent(), "1\n2\n3\n");
    place.expect_no_task_alive();
}

#[test]
fn what_left_the_tasks_group_ends_with_the_node_at_the_latest() {
    let place = Place::new();
    let script =
        "setsid sh -c '>there{}; exec sleep 600' & until [ -e there{} ]; do sleep 0.01; done; echo {}";
    let ran = place.divvy(["run", "-k", "-j2", "sh", "-c", script, ":::", "1", "2", "3"]);
    assert_eq!(ran.silent(), "1\n2\n3\n");
    place.expect_no_task_alive();
}

#[test]
fn what_left_the_tasks_group_ends_with_an_interrupted_one() {
    let place = Place::new();
    let run =
        place.start(["run", "sh", "-c", "setsid sh -c '>there; exec sleep 600' & wait", "_", ":::", "x"]);
    until("it runs", || place.has("there"));
    run.end_by(Signal::INT).exits(130);
    place.expect_no_task_alive();
}

/// One that left its group still holds the pipe, and writes into it without end.
#[test]
fn a_task_ends_with_its_own_process_however_much_an_escaped_one_prints() {
    let place = Place::new();
    let ran = place.divvy(["run", "sh", "-c", "setsid yes & sleep 0.1; echo {} >&2", ":::", "1"]);
    assert_eq!(ran.exits(0), "1\n");
}

/// What counts is the end of the task's own process, not that of its pipes.
#[test]
fn a_task_may_close_its_outputs_and_go_on() {
    let place = Place::new();
    let closes = "echo before; exec >&- 2>&-; >closed; until [ -e go ]; do sleep 0.01; done; exit 3";
    let run = place.start(["run", "sh", "-c", closes, "_", ":::", "a"]);
    until("it has closed them", || place.has("closed"));
    place.write("go", "");
    let ran = run.end();
    assert!(ran.exits(1).contains("exit code 3"));
    assert_eq!(ran.out(), "before\n");
}

#[test]
fn what_a_killed_node_left_running_is_ended_by_its_survivor() {
    let place = Place::new();
    let script = "test -e go && exit 0; setsid sleep 600 & sleep 600 & >there{}; wait";
    let run = place.start(["run", "-j2", "sh", "-c", script, ":::", "1", "2"]);
    until("both run", || place.has("there1") && place.has("there2"));
    run.end_by(Signal::KILL);
    assert!(place.tasks_alive().len() >= 4, "nobody is there to end them yet");
    place.write("go", "");
    place.divvy(["resume"]).silent();
    place.expect_no_task_alive();
    assert_eq!(place.count("1", "done"), 2);
}

#[test]
fn who_cancels_a_killed_nodes_job_ends_what_it_left_running() {
    let place = Place::new();
    let run = place.start(["run", "sh", "-c", ">there; sleep 600", "_", ":::", "1"]);
    until("it runs", || place.has("there"));
    run.end_by(Signal::KILL);
    place.divvy(["cancel"]).exits(0);
    place.expect_no_task_alive();
}

#[test]
fn a_task_that_stops_itself_can_still_be_ended() {
    let place = Place::new();
    let run = place.start(["run", "sh", "-c", ">there; kill -STOP $$", "_", ":::", "1"]);
    until("it runs", || place.has("there"));
    run.end_by(Signal::INT).exits(130);
    place.expect_no_task_alive();
}

#[test]
fn a_task_inherits_no_handle_of_ours() {
    let place = Place::new();
    let ran = place.divvy([
        "run",
        "-j2",
        "--array",
        "1-8",
        "--",
        "sh",
        "-c",
        "ls -l /proc/self/fd | grep -c divvy",
    ]);
    // `ls` opens the directory it lists, which is nobody's of ours.
    assert!(ran.out().lines().all(|line| line == "0"), "{}", ran.out());
}

#[test]
fn a_task_has_the_signals_that_programs_expect() {
    let place = Place::new();
    // What is blocked or ignored is inherited: SIGPIPE by Rust's own start, others by a careless handler.
    let args = ["-E", "^Sig(Blk|Ign)", "/proc/self/status"];
    let plain = std::process::Command::new("grep").args(args).output().unwrap();
    let ran = place.divvy(["run", "--array", "1-1", "grep"].iter().chain(&args));
    assert_eq!(ran.silent().as_bytes(), plain.stdout);
}
