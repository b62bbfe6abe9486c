//! Tasks that take something of their node.

use crate::place::{Place, until};
use rustix::process::Signal;

#[test]
fn what_never_fits_is_refused_with_both_numbers() {
    let place = Place::new();
    let room = ["--capacity", "cpus=2,mem=1G"];
    for (flags, words) in [
        (&["--cpus", "2.5"][..], &["cpus=2.5", "cpus=2"][..]),
        (&["--mem", "512M,2G"], &["mem=2G", "mem=1G"]),
        (&["--resource", "gpu=1"], &["gpu=1", "has no gpu", "--capacity gpu="]),
        (&["--cpus", "0"], &["--cpus", "leave it out"]),
        (&["--mem", "2G,1G"], &["--mem", "do not rise"]),
        (&["--resource", "gpu"], &["--resource", "gpu=1"]),
        (&["--resource", "cpus=1", "--cpus", "1"], &["said twice"]),
    ] {
        for verb in ["run", "submit"] {
            place.divvy([&[verb], &room[..], flags, &["echo", ":::", "x"]].concat()).refused(125, words);
        }
    }
    place.divvy(["run", "--capacity", "cpus", "echo", ":::", "x"]).refused(125, &["--capacity"]);
    assert!(!place.has("state/divvy.db"));
}

#[test]
fn a_job_that_waits_for_another_machine_is_stored_and_explained() {
    let place = Place::new();
    let ran = place.divvy(["submit", "--no-start", "--resource", "gpu=1", "echo", ":::", "x"]);
    assert!(ran.exits(0).contains("has no gpu"), "said, not refused: nobody knows who will run it");
    let said = place.divvy(["explain", "1"]).silent();
    assert!(said.contains("takes gpu=1") && said.contains("divvy work --capacity"), "{said}");
    assert_eq!(place.divvy(["work", "--until-empty", "--capacity", "gpu=1"]).silent(), "x\n");
}

#[test]
fn a_worker_does_not_stay_for_what_it_can_never_run() {
    let place = Place::new();
    place.divvy(["submit", "--no-start", "--resource", "gpu=1", "echo", ":::", "x"]).exits(0);
    let script = "until [ -e go ]; do sleep 0.01; done";
    place.divvy(["submit", "-j1", "sh", "-c", script, ":::", "y"]).exits(0);
    // Whoever brings a node of their own hears that another one is there.
    let ran = place.divvy(["submit", "--resource", "gpu=1", "--capacity", "gpu=1", "echo", ":::", "z"]);
    assert!(ran.exits(0).contains("unless it was started with more: a task takes gpu=1"), "{}", ran.err());
    place.write("go", "");
    place.divvy(["wait", "2", "--timeout", "25"]).silent();
    until("the worker has left", || place.workers_alive().is_empty());
    assert_eq!(place.task("1", 1), "ready");
}

#[test]
fn tasks_run_side_by_side_as_far_as_there_is_room() {
    let place = Place::new();
    let script = ">begun{}; until [ -e go ]; do sleep 0.01; done";
    let flags = ["--capacity", "gpu=1", "--resource", "gpu=0.5", "--array", "1-3"];
    let run = place.start([&["run", "-j3"], &flags[..], &["sh", "-c", script]].concat());
    until("two run", || place.tasks_alive().len() >= 2 && place.has("begun1") && place.has("begun2"));
    assert!(!place.has("begun3"));
    run.end_by(Signal::INT).exits(130);
    assert!(!place.has("begun3"), "there was never room for a third");
    place.write("go", "");
    place.divvy([&["resume"], &flags[..2]].concat()).silent();
    assert!(place.has("begun3"));
}

#[test]
fn a_task_that_outgrows_its_memory_gets_more_and_is_not_charged() {
    let place = Place::new();
    // `tail` keeps a line that does not end; the first attempt would hold it for ever.
    let script = "mkdir first || { echo more; exit; }; (head -c 90000000 /dev/zero; sleep 600) | tail -n 1";
    let ran = place.divvy(["run", "--shell", "--mem", "30M,900M", "--array", "1-1", script]);
    assert_eq!((ran.code, ran.out()), (Some(0), "more\n".to_owned()), "{}", ran.err());
    let ran =
        place.divvy(["run", "--shell", "--mem", "30M", "--array", "1-1", &script.replace("first", "only")]);
    assert!(ran.err().contains("took more than its 30 MiB of memory"), "{}", ran.err());
    assert_eq!(ran.code, Some(1));
}
