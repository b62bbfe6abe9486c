//! Several processes on one store.

use crate::place::{Place, until};
use crate::started::Started;
use rustix::process::Signal;
use std::collections::BTreeSet;

fn pid(started: &Started) -> String {
    started.pid().as_raw_nonzero().to_string()
}

#[test]
fn workers_share_a_job_and_run_each_task_once() {
    let place = Place::new();
    let workers: Vec<_> = (0..3).map(|_| place.start(["work", "-j1"])).collect();
    // Each task waits until all four processes have one.
    let script = ">begun-$PPID; until [ $(ls -d begun-* | wc -l) = 4 ]; do sleep 0.01; done; echo {} >> done";
    place.divvy(["run", "-j1", "--array", "1-200", "sh", "-c", script]).silent();
    let mut expected: Vec<_> = (1..=200).map(|n| n.to_string()).collect();
    expected.sort();
    assert_eq!(place.lines("done"), expected);
    workers.into_iter().for_each(|w| assert_eq!(w.end_by(Signal::TERM).exits(130), ""));
}

#[test]
fn work_until_empty_does_all_jobs_and_leaves() {
    let place = Place::new();
    place.write("list", "a\nb\n");
    for _ in 0..3 {
        let run = place.start([
            "run",
            "sh",
            "-c",
            "test -e go && echo {} >> done || { >begun; sleep 600; }",
            ":::",
            "a",
            "b",
        ]);
        until("it runs", || place.has("begun"));
        run.end_by(Signal::INT).exits(130);
        std::fs::remove_file(place.path("begun")).unwrap();
    }
    place.write("go", "");
    place.divvy(["work", "--until-empty"]).silent();
    assert_eq!(place.lines("done"), ["a", "a", "a", "b", "b", "b"]);
    place.divvy(["work", "--until-empty"]).silent();
}

/// It used to stop the worker for all jobs.
#[test]
fn a_job_that_cannot_run_here_leaves_the_others_alone() {
    let place = Place::new();
    std::fs::create_dir(place.path("there")).unwrap();
    let script = "[ -e go ] || { >begun; sleep 600; }; echo {} >> done";
    for dir in ["there", "."] {
        let mut run = place.command(["run", "sh", "-c", script, "_", ":::", "a", "b"]);
        let run = place.spawn(run.current_dir(place.path(dir)));
        until("it runs", || place.has(&format!("{dir}/begun")));
        run.end_by(Signal::INT).exits(130);
    }
    std::fs::remove_dir_all(place.path("there")).unwrap();
    place.write("go", "");
    let worked = place.divvy(["work", "--until-empty"]);
    assert!(worked.err().contains("job 1 cannot run here and is left"), "{}", worked.err());
    assert_eq!((worked.code, place.lines("done")), (Some(0), vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(place.count("1", "ready"), 2);
}

#[test]
fn a_killed_workers_tasks_run_again_elsewhere() {
    let place = Place::new();
    let script = ">begun-$PPID; until [ -e go ]; do sleep 0.01; done; echo {} $PPID >> done";
    let victim = place.start(["run", "-j2", "--array", "1-40", "sh", "-c", script]);
    until("the victim works", || place.has(&format!("begun-{}", pid(&victim))));
    let survivor = place.start(["work", "-j2", "--until-empty"]);
    until("the survivor works", || place.has(&format!("begun-{}", pid(&survivor))));
    let (killed, lives) = (pid(&victim), pid(&survivor));
    victim.end_by(Signal::KILL);
    until("the dead one is buried", || place.nodes() == [2]);
    place.write("go", "");
    survivor.end().silent();
    let lines = place.lines("done");
    let ids: BTreeSet<_> = lines.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (40, 40), "each once: the dead one's processes were ended first");
    assert!(lines.iter().all(|line| line.ends_with(&lives)), "none by {killed}");
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (40, 0));
}

#[test]
fn a_node_that_slept_too_long_changes_nothing_when_it_wakes() {
    let place = Place::new();
    let script = ">begun{}; until [ -e go ]; do sleep 0.01; done; echo {} >> done";
    let sleeper = place.start(["run", "-j1", "--array", "1-2", "sh", "-c", script]);
    until("it runs", || place.has("begun1"));
    sleeper.signal(Signal::STOP);
    // Without its session's file it is taken for dead.
    std::fs::remove_file(place.path("state/divvy.db.node-1")).unwrap();
    let survivor = place.start(["work", "-j1", "--until-empty"]);
    until("the sleeper is buried", || place.nodes() == [2]);
    place.write("go", "");
    survivor.end().silent();
    sleeper.signal(Signal::CONT);
    sleeper.end().silent();
    assert_eq!(place.lines("done"), ["1", "2"]);
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (2, 0));
}

#[test]
fn a_run_ends_when_others_finish_its_job() {
    let place = Place::new();
    // The task of the `run` itself is the one that is canceled under it; the others are done by `work`.
    let script = ">begun{}; [ {} = 1 ] && exec sleep 600; until [ -e go ]; do sleep 0.01; done";
    let run = place.start(["run", "-j1", "--array", "1-10", "sh", "-c", script]);
    until("its first task runs", || place.has("begun1"));
    let work = place.start(["work", "-j1"]);
    place.write("go", "");
    // Also the one that waits behind the long one: its holder gives it back to the idle worker.
    until("the others are done", || place.count("1", "done") == 9);
    place.divvy(["cancel", "1", "--tasks", "1"]).exits(0);
    assert!(run.end().exits(0).contains("1 of 10 tasks was canceled"));
    assert_eq!(work.end_by(Signal::TERM).exits(130), "");
    place.expect_no_task_alive();
}

#[test]
fn many_start_at_once_on_a_store_that_is_not_there_yet() {
    let place = Place::new();
    let runs: Vec<_> = (0..6).map(|n| place.start(["run", "-j1", "echo", ":::", &n.to_string()])).collect();
    let mut out: Vec<_> = runs.into_iter().map(|run| run.end().silent()).collect();
    out.sort();
    assert_eq!(out, ["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]);
    assert_eq!(place.json(&["jobs"]).as_array().unwrap().len(), 6);
}
