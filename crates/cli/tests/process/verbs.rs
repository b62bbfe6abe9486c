//! Looking at jobs and steering them from another terminal.

use crate::place::{Place, until};
use crate::started::Started;
use rustix::process::Signal;

/// A job of ten of which the first two run, on two workers, until there is a file `go`.
fn running(place: &Place) -> Started {
    let script = "echo $$ >begun{}; until [ -e go ]; do sleep 0.01; done; echo {} >> done";
    let run = place.start(["run", "-j2", "--name", "ten", "--array", "1-10", "sh", "-c", script]);
    until("two tasks run", || place.has("begun1") && !place.read("begun2").is_empty());
    run
}

#[test]
fn cancel_ends_running_tasks_and_whoever_runs_the_job() {
    let place = Place::new();
    let run = running(&place);
    assert!(place.divvy(["cancel"]).silent().contains("job 1: 10 tasks canceled"));
    assert!(run.end().exits(0).contains("10 of 10 tasks were canceled"));
    place.expect_no_task_alive();
    assert!(!place.has("done"));
    assert_eq!(place.json(&["show"])["state"], "canceled");
    place.divvy(["resume"]).exits(0);
    assert!(!place.has("done"), "canceled is canceled");
}

#[test]
fn retry_and_cancel_say_so_where_there_is_nothing_to_do() {
    let place = Place::new();
    place.divvy(["run", "--name", "short", "true", ":::", "a", "b c"]).exits(0);
    assert_eq!(place.divvy(["retry"]).silent(), "job 1: no such task is dead: nothing to retry\n");
    assert_eq!(place.divvy(["cancel"]).silent(), "job 1: no such task is left: nothing to cancel\n");
    assert!(place.divvy(["show"]).silent().contains("\n  runs true\n"), "a name hides no command");
    place.divvy(["run", "false", ":::", "a"]).exits(1);
    let said = place.divvy(["retry"]).silent();
    assert!(said.starts_with("job 2: 1 task gets a new attempt; `divvy resume 2`"), "{said}");
}

#[test]
fn some_tasks_can_be_canceled() {
    let place = Place::new();
    let run = running(&place);
    place.divvy(["cancel", "--tasks", "2,5-8,99"]).exits(0);
    let shell = format!("/proc/{}", place.read("begun2").trim());
    until("the running one is ended", || !std::path::Path::new(&shell).exists());
    assert_eq!(place.task("1", 2), "canceled");
    place.write("go", "");
    assert!(run.end().exits(0).contains("5 of 10 tasks were canceled"));
    assert_eq!(place.lines("done"), ["1", "10", "3", "4", "9"]);
    assert_eq!(place.json(&["show"])["canceled"], 5);
}

#[test]
fn show_tells_the_state_of_every_task() {
    let place = Place::new();
    let script = "case {} in 1) exit 0;; 2) exit 3;; 4) >begun; sleep 600;; esac";
    let run = place.start(["run", "-j1", "--array", "1-6", "sh", "-c", script]);
    until("the fourth runs", || place.has("begun"));
    place.divvy(["cancel", "--tasks", "6"]).exits(0);
    until("the first three are reported", || {
        [1, 2, 3].map(|id| place.task("1", id)) == ["done", "dead", "done"]
    });
    assert_eq!((place.task("1", 4).as_str(), place.task("1", 6).as_str()), ("running", "canceled"));
    assert!(["ready", "running"].contains(&place.task("1", 5).as_str()));
    let text = place.divvy(["show", "--task", "2"]).silent();
    assert_eq!(text, "task 2 of job 1 is dead: exit code 3\n");
    assert!(place.divvy(["show"]).silent().contains("tasks 6: done 2, running"));
    run.end_by(Signal::INT).exits(130);
    assert_eq!(place.task("1", 4), "ready");
}

#[test]
fn show_tells_of_a_task_that_waits_for_another_attempt() {
    let place = Place::new();
    let script = "echo x >> starts; exit 1";
    let run = place.start(["run", "--retries", "100", "sh", "-c", script, "_", ":::", "x"]);
    until("it waits", || {
        let shown = place.has("starts").then(|| place.json(&["show", "--task", "1"]));
        shown.is_some_and(|task| {
            (&task["state"], &task["error"]) == (&"retrying".into(), &"exit code 1".into())
        })
    });
    run.end_by(Signal::INT).exits(130);
    assert_eq!((place.count("1", "retrying"), place.count("1", "dead")), (1, 0));
}

#[test]
fn dead_tasks_get_new_attempts_by_retry() {
    let place = Place::new();
    let script = "[ -e mended ] || [ $(({} % 2)) = 0 ] && echo {} >> done";
    place.divvy(["run", "--array", "1-6", "sh", "-c", script]).exits(3);
    let said = place.divvy(["retry", "--tasks", "3-5"]).silent();
    assert!(said.contains("job 1: 2 tasks") && said.contains("divvy resume 1"), "{said}");
    assert_eq!(place.count("1", "dead"), 1);
    place.write("mended", "");
    place.divvy(["resume"]).exits(1);
    assert_eq!(place.lines("done"), ["2", "3", "4", "5", "6"]);
    place.divvy(["retry"]).exits(0);
    place.divvy(["resume"]).silent();
    assert_eq!(place.lines("done"), ["1", "2", "3", "4", "5", "6"]);
    assert!(place.divvy(["retry"]).silent().contains("nothing to retry"));
}

#[test]
fn wait_ends_with_the_job_and_like_it() {
    let place = Place::new();
    let run = running(&place);
    let mut wait = place.start(["wait", "1"]);
    assert!(!wait.has_ended());
    place.write("go", "");
    wait.end().silent();
    run.end().silent();
    place.divvy(["run", "--array", "1-3", "false"]).exits(3);
    assert!(place.divvy(["wait"]).exits(3).contains("3 of 3 tasks failed"));
    assert_eq!(place.divvy(["wait", "all"]).code, Some(3));
    place.divvy(["wait", "1"]).silent();
}

#[test]
fn forget_refuses_what_is_not_finished() {
    let place = Place::new();
    place.divvy(["run", "true", ":::", "a"]).silent();
    let script = ">begun; until [ -e go ]; do sleep 0.01; done";
    let run = place.start(["run", "sh", "-c", script, "_", ":::", "x"]);
    until("it runs", || place.has("begun"));
    place.divvy(["forget", "2"]).refused(125, &["job 2", "not finished"]);
    let said = place.divvy(["forget", "all"]).exits(0);
    assert!(said.contains("job 2 is not finished, and stays"), "{said}");
    assert_eq!(place.json(&["jobs"]).as_array().unwrap().len(), 1);
    place.write("go", "");
    run.end().silent();
    place.divvy(["forget"]).silent();
    assert_eq!(place.divvy(["jobs"]).silent(), "no jobs yet; `divvy run` makes one\n");
}

#[test]
fn a_job_that_was_forgotten_does_not_hold_up_who_waits_for_it() {
    let place = Place::new();
    let run = running(&place);
    place.divvy(["cancel"]).exits(0);
    place.divvy(["forget"]).silent();
    let ran = run.end();
    assert!(ran.code.is_some(), "it ends: {}", ran.err());
    place.expect_no_task_alive();
}

#[test]
fn jobs_are_listed_with_their_counts_and_names() {
    let place = Place::new();
    place.divvy(["run", "--name", "mine", "--array", "1-3", "true"]).silent();
    place.divvy(["run", "sh", "-c", "exit {}", ":::", "0", "1"]).exits(1);
    let list = place.divvy(["jobs"]).silent();
    let lines: Vec<Vec<_>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], ["1", "done", "3", "3", "0", "0", "0", "mine"]);
    assert_eq!(lines[2][..7], ["2", "failed", "2", "1", "0", "0", "1"]);
    let json = place.json(&["jobs"]);
    assert_eq!((&json[0]["state"], &json[1]["dead"]), (&"done".into(), &1.into()));
}

#[test]
fn a_name_with_control_characters_harms_no_terminal() {
    let place = Place::new();
    place.divvy(["run", "--name", "a\x1b[31m\nb", "true", ":::", "x"]).silent();
    for verb in ["jobs", "show"] {
        let text = place.divvy([verb]).silent();
        assert!(!text.contains('\x1b') && text.contains("a [31m b"), "{text:?}");
    }
}
