//! What tasks print: kept apart, never mixed, in order if asked for.

use crate::place::{Place, until};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::process::Stdio;

#[test]
fn stdout_and_stderr_are_kept_apart() {
    let place = Place::new();
    let ran = place.divvy(["run", "-k", "sh", "-c", "echo out {}; echo err {} >&2", ":::", "1", "2"]);
    assert_eq!((ran.exits(0).as_str(), ran.out().as_str()), ("err 1\nerr 2\n", "out 1\nout 2\n"));
}

#[test]
fn outputs_of_tasks_that_run_together_are_whole() {
    let place = Place::new();
    // Each prints in many small writes, half a line at a time.
    let script = "for n in 1 2 3 4 5 6 7 8 9; do printf 'task {} '; printf 'line %s\n' $n; done";
    let ran = place.divvy(["run", "-j8", "--array", "1-60", "sh", "-c", script]);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let out = ran.silent();
    let lines: Vec<_> = out.lines().collect();
    for task in lines.chunks(9) {
        let id = task[0].split(' ').nth(1).unwrap();
        let whole: Vec<_> = (1..=9).map(|n| format!("task {id} line {n}")).collect();
        assert_eq!(task, whole);
        *seen.entry(id.to_owned()).or_default() += 1;
    }
    assert!(seen.len() == 60 && seen.values().all(|n| *n == 1), "{seen:?}");
}

#[test]
fn a_last_line_without_its_end_is_not_given_one() {
    let place = Place::new();
    assert_eq!(place.divvy(["run", "-k", "printf", ":::", "a", "b\n\n", "c"]).silent(), "ab\n\nc");
}

#[test]
fn in_order_if_asked_for() {
    let place = Place::new();
    // The first waits for the last: without the rule it would be printed behind it.
    let script =
        "if [ {} = 1 ]; then until [ -e last ]; do sleep 0.01; done; fi; [ {} = 20 ] && >last; echo {}";
    let ran = place.divvy(["run", "-k", "-j2", "--array", "1-20", "sh", "-c", script]);
    let expected: String = (1..=20).map(|n| format!("{n}\n")).collect();
    assert_eq!(ran.silent(), expected);
}

#[test]
fn in_order_also_when_some_fail_and_are_tried_again() {
    let place = Place::new();
    let script = "echo {}; [ $(({} % 3)) != 0 ] || [ -e again{} ] || { >again{}; exit 1; }";
    let ran = place.divvy(["run", "-k", "-j4", "--retries", "2", "--array", "1-12", "sh", "-c", script]);
    let expected: String = (1..=12).map(|n| format!("{n}\n")).collect();
    assert_eq!(ran.silent(), expected);
}

#[test]
fn a_canceled_task_does_not_hold_up_those_behind_it() {
    let place = Place::new();
    let script = "echo {}; echo $$ >begun{}; until [ -e go ]; do sleep 0.01; done";
    let run = place.start(["run", "-k", "-j2", "--array", "1-8", "sh", "-c", script]);
    until("two tasks run", || place.has("begun1") && !place.read("begun2").is_empty());
    // One that runs, the ones that wait here, and some that nobody has yet.
    place.divvy(["cancel", "--tasks", "2-5"]).exits(0);
    let shell = format!("/proc/{}", place.read("begun2").trim());
    until("the node has heard of it", || !std::path::Path::new(&shell).exists());
    place.write("go", "");
    let ran = run.end();
    assert_eq!(ran.out(), "1\n6\n7\n8\n");
    assert!(ran.exits(0).contains("4 of 8 tasks were canceled"));
}

#[test]
fn canceled_in_order_from_what_the_node_holds() {
    let place = Place::new();
    // Quick ones first, so that the leases behind them are long.
    let script = "[ {} -lt 400 ] || { echo $$ >begun{}; until [ -e go ]; do sleep 0.01; done; }; echo {}";
    let run = place.start(["run", "-k", "-j2", "--array", "1-600", "sh", "-c", script]);
    until("two tasks hold", || place.has("begun400") && !place.read("begun401").is_empty());
    place.divvy(["cancel", "--tasks", "401-599"]).exits(0);
    let shell = format!("/proc/{}", place.read("begun401").trim());
    until("the node has heard of it", || !std::path::Path::new(&shell).exists());
    place.write("go", "");
    let ran = run.end();
    let expected: String = (1..=400).chain([600]).map(|n| format!("{n}\n")).collect();
    assert_eq!(ran.out(), expected);
}

#[test]
fn a_canceled_task_that_had_failed_does_not_hold_up_those_behind_it() {
    let place = Place::new();
    let script = "[ {} != 1 ] || { >failed; exit 1; }; until [ -e go ]; do sleep 0.01; done; echo {}";
    let run = place.start(["run", "-k", "-j2", "--retries", "1000", "--array", "1-4", "sh", "-c", script]);
    until("it has failed", || place.has("failed"));
    place.divvy(["cancel", "--tasks", "1"]).exits(0);
    place.write("go", "");
    let ran = run.end();
    assert_eq!((ran.exits(0).contains("1 of 4 tasks was canceled"), ran.out().as_str()), (true, "2\n3\n4\n"));
}

#[test]
fn a_failed_tasks_output_is_printed_once() {
    let place = Place::new();
    let ran = place.divvy([
        "run",
        "--retries",
        "3",
        "sh",
        "-c",
        "echo out $DIVVY_ATTEMPT; exit 9",
        "_",
        ":::",
        "x",
    ]);
    let said = ran.exits(1);
    assert_eq!(ran.out(), "out 3\n", "of the last attempt");
    assert!(said.contains("1 (exit code 9)"), "{said}");
}

#[test]
fn results_hold_the_exact_bytes() {
    let place = Place::new();
    let script = r"printf 'o\0\377{}'; printf 'e\n' >&2; [ {} != 2 ] || exit 7";
    place.divvy(["run", "--results", "r", "--array", "1-3", "--", "sh", "-c", script]).exits(1);
    for id in 1..=3 {
        let read = |name: &str| std::fs::read(place.path(&format!("r/{id}/{name}"))).unwrap();
        assert_eq!(read("stdout"), [b"o\0\xff", id.to_string().as_bytes()].concat());
        assert_eq!(read("stderr"), b"e\n");
    }
    assert_eq!(std::fs::read_dir(place.path("r/1")).unwrap().count(), 2, "and nothing else");
}

#[test]
fn output_that_nobody_reads_stops_the_job_and_loses_nothing() {
    let place = Place::new();
    let mut run = place.command(["run", "--array", "1-300", "--retries", "1", "echo", "{}"]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // As `| head -1`: reads a little and goes.
    let mut out = run.stdout.take().unwrap();
    let mut first = [0; 1];
    std::io::Read::read_exact(&mut out, &mut first).unwrap();
    drop(out);
    let ran = run.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(141), "{said}");
    assert!(said.contains("divvy resume 1"), "{said}");
    let done = place.count("1", "done");
    assert!(done < 300);
    let rest = place.divvy(["resume"]);
    assert_eq!(rest.sorted().len() as u64, 300 - done, "each is told done only if it was printed");
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (300, 0));
}

#[test]
fn output_that_cannot_be_written_stops_the_job_and_loses_nothing() {
    let place = Place::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut run = place.command(["run", "--array", "1-30", "echo", "{}"]);
    let ran = run.stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_ne!(ran.status.code(), Some(0), "{said}");
    assert!(said.contains("No space left") && said.contains("divvy resume 1"), "{said}");
    assert_eq!(place.divvy(["resume"]).sorted().len(), 30);
}

#[test]
fn without_a_terminal_success_is_silent() {
    let place = Place::new();
    assert_eq!(place.divvy(["run", "true", ":::", "a", "b"]).silent(), "");
    let ran = place.divvy(["run", "--bill", "true", ":::", "a"]);
    assert!(ran.exits(0).contains("worker-seconds"), "unless asked for");
    let idle = place.divvy(["work", "--until-empty", "--bill"]).exits(0);
    assert!(
        idle.contains("no task ran") && !idle.contains("speed-up") && !idle.contains(" 0.000 s"),
        "{idle}"
    );
}

#[test]
fn progress_that_is_asked_for_is_shown_without_a_terminal() {
    let place = Place::new();
    for flag in ["--progress", "--bar", "--eta"] {
        let ran = place.divvy(["run", flag, "true", ":::", "a", "b"]);
        assert!(ran.exits(0).lines().any(|line| line.ends_with(": 2/2 (100 %)")), "{flag}");
    }
}

#[test]
fn of_tasks_that_failed_with_long_errors_one_is_named() {
    let place = Place::new();
    let handler = "sh -c 'while read -r _; do echo this is no answer at all; done'";
    let said = place.divvy(["run", "-j1", "--handler", handler, ":::", "a", "b", "c"]).exits(3);
    assert_eq!(said.matches("which is no answer").count(), 1, "{said}");
    assert!(said.contains("), ...\n"), "{said}");
    assert_eq!(place.divvy(["show"]).silent().matches("which is no answer").count(), 3);
}

#[test]
fn quiet_is_quiet_also_about_failures() {
    let place = Place::new();
    let ran = place.divvy(["run", "--output", "quiet", "false", ":::", "a"]);
    assert_eq!((ran.exits(1).as_str(), ran.out().as_str()), ("", ""));
}

#[test]
fn the_bill_as_json_accounts_for_all_worker_time() {
    let place = Place::new();
    let ran = place.divvy(["run", "--output", "json", "-j2", "--array", "1-50", "true"]);
    let bill: serde_json::Value = serde_json::from_str(&ran.exits(0)).unwrap();
    assert_eq!((&bill["job"]["done"], &bill["account"]["workers"]), (&50.into(), &2.into()));
    let unaccounted = bill["account"]["unaccounted"].as_f64().unwrap();
    assert!(unaccounted.abs() < 0.01, "{unaccounted}");
}

#[test]
fn a_reader_that_stalls_holds_the_tasks_back_and_nothing_is_lost() {
    let place = Place::new();
    let mut run = place.command(["run", "-j4", "--array", "1-40", "sh", "-c", "head -c 20000 /dev/zero"]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = run.stdout.take().unwrap();
    // The pipe is full long before the job could end.
    std::io::Read::read_exact(&mut out, &mut [0; 1_000]).unwrap();
    assert!(run.try_wait().unwrap().is_none());
    let rest = std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    assert_eq!((rest, run.wait().unwrap().code()), (40 * 20_000 - 1_000, Some(0)));
}

#[test]
fn a_third_signal_leaves_although_the_reader_has_stalled() {
    let place = Place::new();
    let script = "head -c 300000 /dev/zero; >printed{}";
    let mut run = place.command(["run", "-j2", "--array", "1-4", "sh", "-c", script]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let unread = run.stdout.take().unwrap();
    until("something waits to be printed", || place.has("printed1"));
    // Three kinds: two of the same kind may arrive as one.
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        rustix::process::kill_process(rustix::process::Pid::from_child(&run), signal).unwrap();
    }
    until("it leaves", || run.try_wait().unwrap().is_some());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    drop(unread);
    assert_eq!(place.divvy(["resume"]).silent().len(), 4 * 300_000, "what nobody has read is printed again");
}

#[test]
fn a_stalled_reader_does_not_keep_the_program_from_ending() {
    let place = Place::new();
    let script = "head -c 300000 /dev/zero; >printed{}";
    let mut run = place.command(["run", "-j2", "--array", "1-4", "sh", "-c", script]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let out = run.stdout.take().unwrap();
    until("something waits to be printed", || place.has("printed1"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), Signal::INT).unwrap();
    drop(out);
    let code = run.wait().unwrap().code();
    assert!(matches!(code, Some(130 | 141)), "{code:?}");
    let left = 4 - place.count("1", "done");
    assert_eq!(place.divvy(["resume"]).silent().len() as u64, 300_000 * left);
}
