//! Going on with a job: where the input was cut, and beside others who are at it.

use crate::place::{Place, until};
use rustix::process::Signal;
use std::io::Write;
use std::process::Stdio;

#[test]
fn input_that_was_cut_is_said_and_what_was_read_is_done() {
    for signal in [Signal::KILL, Signal::INT] {
        let place = Place::new();
        let mut run = place.command(["run", "-j1", "sh", "-c", "echo {} >> done"]);
        let run = run.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut run = run.spawn().unwrap();
        let mut input = run.stdin.take().unwrap();
        input.write_all(b"one\ntwo\nthr").unwrap();
        until("both are reported", || place.lines("done").len() == 2 && place.count("1", "done") == 2);
        rustix::process::kill_process(rustix::process::Pid::from_child(&run), signal).unwrap();
        let ran = run.wait_with_output().unwrap();
        let cut = "input of job 1 was cut after 2 records";
        if signal == Signal::INT {
            let said = String::from_utf8_lossy(&ran.stderr);
            assert!(said.contains(cut) && said.contains("divvy resume 1"), "{said}");
        }
        let said = place.divvy(["resume"]).exits(0);
        assert!(said.contains(cut) && said.contains("tail -n +3"), "{said}");
        assert_eq!(place.lines("done"), ["one", "two"]);
        assert_eq!(place.divvy(["resume"]).exits(0).lines().count(), 1, "told once");
    }
}

#[test]
fn a_job_whose_input_still_comes_stays_open_for_those_who_join() {
    let place = Place::new();
    let mut run = place.command(["run", "-j1", "sh", "-c", "echo {} >> done"]);
    let mut run = run.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = run.stdin.take().unwrap();
    input.write_all(b"one\n").unwrap();
    until("it is done", || place.lines("done").len() == 1);
    assert_eq!(place.json(&["show"])["state"], "open");
    let mut joined = place.start(["resume"]);
    until("the other has joined", || place.nodes().len() == 2);
    let mut work = place.start(["work", "--until-empty"]);
    until("an idle worker leaves", || work.has_ended());
    assert!(!joined.has_ended());
    input.write_all(b"two").unwrap();
    drop(input);
    assert_eq!((joined.end().silent(), run.wait().unwrap().code()), (String::new(), Some(0)));
    assert_eq!(place.lines("done"), ["one", "two"]);
}

#[test]
fn two_who_resume_one_job_share_it() {
    let place = Place::new();
    let script = "until [ -e go ]; do >begun-$PPID; sleep 0.01; done; echo {} >> done";
    let run = place.start(["run", "-j1", "--array", "1-200", "sh", "-c", script]);
    until("it runs", || place.has(&format!("begun-{}", run.pid().as_raw_nonzero())));
    run.end_by(Signal::INT).exits(130);
    let both = [place.start(["resume", "-j1"]), place.start(["resume", "-j1"])];
    for resume in &both {
        until("each runs a task", || place.has(&format!("begun-{}", resume.pid().as_raw_nonzero())));
    }
    place.write("go", "");
    both.into_iter().for_each(|resume| assert_eq!(resume.end().silent(), ""));
    let mut expected: Vec<_> = (1..=200).map(|n| n.to_string()).collect();
    expected.sort();
    assert_eq!(place.lines("done"), expected, "every task once");
}

#[test]
fn ordered_output_is_printed_by_one_at_a_time() {
    let place = Place::new();
    let all = std::fs::File::options().create(true).append(true).open(place.path("all")).unwrap();
    let start = |args: &[&str]| place.command(args).stdout(all.try_clone().unwrap()).spawn().unwrap();
    let script = "until [ -e go ]; do >begun; sleep 0.01; done; echo {}";
    let mut run = start(&["run", "-k", "-j2", "--array", "1-50", "sh", "-c", script]);
    until("it runs", || place.has("begun"));
    // They may take turns, but never print at the same time.
    let mut joined = start(&["resume"]);
    until("the other has joined", || place.nodes().len() == 2);
    place.write("go", "");
    until("both have ended", || run.try_wait().unwrap().is_some() && joined.try_wait().unwrap().is_some());
    assert_eq!((run.wait().unwrap().code(), joined.wait().unwrap().code()), (Some(0), Some(0)));
    assert_eq!(place.read("all"), (1..=50).map(|n| format!("{n}\n")).collect::<String>());
}

#[test]
fn a_finished_job_is_nothing_to_resume() {
    let place = Place::new();
    place.divvy(["resume"]).refused(125, &["no jobs yet"]);
    place.divvy(["run", "sh", "-c", "exit {}", ":::", "0", "1"]).exits(1);
    let said = place.divvy(["resume"]).exits(1);
    assert!(said.contains("has finished") && said.contains("1 of 2 tasks failed"), "{said}");
}

#[test]
fn a_job_is_resumed_by_its_number_or_else_the_last() {
    let place = Place::new();
    for name in ["a", "b"] {
        let script = format!("until [ -e go ]; do >begun-{name}; sleep 0.01; done; echo {name} >> done");
        let run = place.start(["run", "sh", "-c", &script, "_", ":::", "x"]);
        until("it runs", || place.has(&format!("begun-{name}")));
        run.end_by(Signal::INT).exits(130);
    }
    place.write("go", "");
    place.divvy(["resume", "1"]).silent();
    assert_eq!(place.lines("done"), ["a"]);
    place.divvy(["resume"]).silent();
    assert_eq!(place.lines("done"), ["a", "b"]);
}

#[test]
fn a_directory_that_is_gone_is_said_and_nothing_is_lost() {
    let place = Place::new();
    std::fs::create_dir(place.path("there")).unwrap();
    let script = "until [ -e ../go ]; do >../begun; sleep 0.01; done; echo done";
    let mut run = place.command(["run", "sh", "-c", script, "_", ":::", "x"]);
    let run = place.spawn(run.current_dir(place.path("there")));
    until("it runs", || place.has("begun"));
    run.end_by(Signal::INT).exits(130);
    std::fs::remove_dir(place.path("there")).unwrap();
    place.divvy(["resume"]).refused(126, &["directory", "there", "is not there"]);
    place.write("go", "");
    std::fs::create_dir(place.path("there")).unwrap();
    assert_eq!(place.divvy(["resume"]).silent(), "done\n");
}
