//! The job log, and going on by it.

use crate::place::{Place, until};
use rustix::process::Signal;

/// The fields of the log's lines that do not depend on the clock: Seq, Receive, Exitval, Signal, Command.
fn log(place: &Place, name: &str) -> Vec<String> {
    let text = place.read(name);
    let mut lines = text.lines();
    let header = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand";
    assert_eq!(lines.next(), Some(header));
    let fields = lines.map(|line| {
        let fields: Vec<_> = line.splitn(9, '\t').collect();
        assert_eq!((fields[1], fields[4], fields[3].len()), (":", "0", 10), "{line}");
        let is_millis = |text: &str| text.trim().rsplit_once('.').is_some_and(|(_, frac)| frac.len() == 3);
        assert!(is_millis(fields[2]) && is_millis(fields[3]), "{line}");
        [fields[0], fields[5], fields[6], fields[7], fields[8]].join("|")
    });
    fields.collect()
}

const EXIT: &str = "echo {}; exit {}";

#[test]
fn a_line_for_each_task_that_ended_in_the_format_of_gnu_parallel() {
    let place = Place::new();
    place.divvy(["run", "-j1", "--joblog", "log", "sh", "-c", EXIT, ":::", "0", "1", "30"]).exits(2);
    let expected = ["1|2|0|0|echo 0; exit 0", "2|2|1|0|echo 1; exit 1", "3|3|30|0|echo 30; exit 30"];
    assert_eq!(log(&place, "log"), expected);
    place.divvy(["run", "--joblog", "log", "sh", "-c", "kill -9 $$", ":::", "a b"]).exits(1);
    assert_eq!(log(&place, "log"), ["1|0|0|9|sh -c 'kill -9 $$' 'a b'"], "begun anew");
    place.divvy(["run", "--joblog", "+log", "--timeout", "50ms", "sleep", ":::", "600"]).exits(1);
    place.divvy(["run", "--joblog", "+log", "--retries", "3", "printf", "x\ny", ":::", "-"]).exits(0);
    assert_eq!(log(&place, "log")[1..], ["1|0|-1|15|sleep 600", "1|3|0|0|printf 'x\0y' -"]);
}

#[test]
fn resume_skips_what_is_in_the_log_and_resume_failed_what_went_well() {
    let place = Place::new();
    let run = |flags: &[&str], inputs: &[&str]| {
        let command = ["run", "-k", "--joblog", "log"].iter().chain(flags).chain(&["sh", "-c", EXIT, ":::"]);
        place.divvy(command.chain(inputs)).out()
    };
    assert_eq!(run(&[], &["0", "1", "3"]), "0\n1\n3\n");
    assert_eq!(run(&["--resume"], &["0", "1", "3", "4"]), "4\n");
    assert_eq!(run(&["--resume-failed"], &["0", "0", "3", "0", "0"]), "0\n3\n0\n0\n");
    let seqs: Vec<_> =
        log(&place, "log").iter().map(|line| line.split_once('|').unwrap().0.to_owned()).collect();
    assert_eq!(seqs, ["1", "2", "3", "4", "2", "3", "4", "5"]);
    assert_eq!(
        run(&["--resume-failed"], &["0", "0", "3", "0", "0"]),
        "3\n",
        "the last line of a task counts"
    );
    assert_eq!(run(&["--resume"], &["0", "0", "3", "0", "0"]), "");
    assert_eq!(run(&["--resume-failed", "--dry-run"], &["0", "0", "3", "0", "0"]), "echo 3; exit 3\n");
}

#[test]
fn an_array_is_resumed_by_its_ids() {
    let place = Place::new();
    let run = |array: &str| {
        place.divvy(["run", "-k", "--joblog", "log", "--resume", "--array", array, "echo", "{}"]).silent()
    };
    assert_eq!(run("10-20:5"), "10\n15\n20\n");
    assert_eq!(run("5-25:5"), "5\n25\n");
}

#[test]
fn retry_failed_needs_nothing_but_the_log() {
    let place = Place::new();
    place.divvy(["run", "-j1", "--joblog", "log", "test", "-e", ":::", "a", "it's", "b\nc", "."]).exits(3);
    for name in ["it's", "b\nc"] {
        place.write(name, "");
    }
    place.divvy(["run", "-j1", "--joblog", "log", "--retry-failed"]).exits(1);
    let expected = ["1|0|1|0|test -e a", r"2|0|0|0|test -e 'it'\''s'", "3|0|0|0|test -e 'b\0c'"];
    assert_eq!(log(&place, "log")[4..], expected);
    place.write("a", "");
    place.divvy(["run", "--joblog", "log", "--retry-failed"]).silent();
    assert_eq!(log(&place, "log")[7..], ["1|0|0|0|test -e a"]);
    place.divvy(["run", "--joblog", "log", "--retry-failed"]).exits(0);
    assert_eq!(log(&place, "log").len(), 8, "nothing has failed");
}

#[test]
fn an_array_from_zero_is_retried_with_its_inputs() {
    let place = Place::new();
    let again = |flag| ["run", "-j1", "--joblog", "log", flag, "--array", "0-2", "test", "{}", "-gt", "0"];
    place.divvy(again("--resume")).exits(1);
    place.divvy(again("--retry-failed")).refused(125, &["--retry-failed", "--resume-failed"]);
    place.divvy(again("--resume-failed")).exits(1);
    let seqs: Vec<_> = log(&place, "log").iter().map(|line| line[..1].to_owned()).collect();
    assert_eq!(seqs, ["0", "1", "2", "0"]);
}

#[test]
fn the_log_goes_on_after_a_kill_and_nothing_in_it_runs_again() {
    let place = Place::new();
    let script = "echo {} >>ran; [ {} != 3 ] || [ -e go ] || { >at3; exec sleep 600; }";
    let run = place.start(["run", "-j1", "--joblog", "log", "--array", "1-5", "sh", "-c", script]);
    until("the third runs", || place.has("at3"));
    run.end_by(Signal::KILL);
    assert_eq!(log(&place, "log").len(), 2);
    // As if the machine had failed in the middle of a line.
    let mut torn = place.read("log");
    torn.push_str("3\t:\t1795");
    place.write("log", torn);
    place.write("go", "");
    let args = ["run", "-j1", "--joblog", "log", "--resume", "--array", "1-5", "sh", "-c", script];
    place.divvy(args).silent();
    let seqs: Vec<_> = log(&place, "log").iter().map(|line| line[..1].to_owned()).collect();
    assert_eq!(seqs, ["1", "2", "3", "4", "5"]);
    assert_eq!(place.lines("ran"), ["1", "2", "3", "3", "4", "5"]);
}

#[test]
fn divvy_resume_goes_on_with_the_log_of_its_job() {
    let place = Place::new();
    let script = "[ {} != 2 ] || [ -e go ] || { >at2; exec sleep 600; }";
    let run = place.start(["run", "-j1", "--joblog", "log", "--array", "1-4", "sh", "-c", script]);
    until("the second runs", || place.has("at2"));
    run.end_by(Signal::INT).exits(130);
    place.write("go", "");
    place.divvy(["resume"]).silent();
    let mut seqs: Vec<_> = log(&place, "log").iter().map(|line| line[..1].to_owned()).collect();
    seqs.sort();
    assert_eq!(seqs, ["1", "2", "3", "4"]);
}

#[test]
fn what_cannot_be_resumed_is_refused_before_anything_is_stored() {
    let place = Place::new();
    place.divvy(["run", "--resume", "echo", ":::", "x"]).refused(125, &["--joblog", "divvy resume"]);
    place.divvy(["run", "--resume-failed", "--results", "r", "echo", ":::", "x"]).refused(125, &["--joblog"]);
    place.divvy(["run", "--retry-failed"]).refused(125, &["--joblog"]);
    place.divvy(["run", "--joblog", "none/log", "echo", ":::", "x"]).refused(125, &["none/log"]);
    place.write("text", "no log\n");
    let resumed = place.divvy(["run", "--joblog", "text", "--resume", "echo", ":::", "x"]);
    resumed.refused(125, &["line 1", "no line of a job log"]);
    assert!(!place.state().exists());
}

#[test]
fn without_a_log_the_results_say_what_has_run() {
    let place = Place::new();
    let run = |last: &str| {
        let script = "echo {} >>ran; echo {}";
        place.divvy(["run", "--results", "r", "--resume", "--array", last, "sh", "-c", script]).silent()
    };
    run("1-2");
    run("1-4");
    assert_eq!(place.lines("ran"), ["1", "2", "3", "4"]);
}
