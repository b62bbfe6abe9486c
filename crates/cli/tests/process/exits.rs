//! What cannot be done is refused: with a sentence, the right exit code, and nothing stored.

use crate::place::Place;
use std::os::unix::fs::PermissionsExt;

#[test]
fn the_exit_code_counts_failures_up_to_101() {
    let place = Place::new();
    assert_eq!(place.divvy(["run", "sh", "-c", "exit $(({} % 2))", ":::", "0", "2", "4"]).code, Some(0));
    assert_eq!(place.divvy(["run", "sh", "-c", "exit $(({} % 2))", ":::", "1", "2", "3"]).code, Some(2));
    assert_eq!(place.divvy(["run", "--array", "1-100", "false"]).code, Some(100));
    assert_eq!(place.divvy(["run", "--array", "1-130", "false"]).code, Some(101));
}

#[test]
fn failures_are_named() {
    let place = Place::new();
    let said = place.divvy(["run", "sh", "-c", "exit {}", ":::", "0", "3", "200"]).exits(2);
    for word in
        ["2 of 3 tasks failed", "2 (exit code 3)", "3 (exit code 200)", "divvy show 1", "divvy retry 1"]
    {
        assert!(said.contains(word), "{said}");
    }
    let said = place.divvy(["run", "sh", "-c", "kill -SEGV $$", ":::", "x"]).exits(1);
    assert!(said.contains("1 of 1 task failed") && said.contains("signal 11 (SIGSEGV)"), "{said}");
}

#[test]
fn a_missing_or_unknown_command_is_refused() {
    let place = Place::new();
    place.divvy(["run", "--array", "1-2"]).refused(125, &["no command"]);
    place.divvy(["run", "", ":::", "x"]).refused(125, &["empty"]);
    place.divvy(["run", "no-such-command", ":::", "x"]).refused(125, &["command not found: no-such-command"]);
    place.divvy(["run", "./none", ":::", "x"]).refused(125, &["command not found: ./none"]);
    place.write("text", "");
    place.divvy(["run", "./text", ":::", "x"]).refused(125, &["./text", "chmod +x"]);
    place.divvy(["run", "/", ":::", "x"]).refused(125, &["/"]);
    assert!(!place.state().exists(), "refused before anything is stored");
}

#[test]
fn a_list_that_cannot_be_read_is_refused() {
    let place = Place::new();
    place.divvy(["run", "--each-line", "none", "echo"]).refused(125, &["cannot read none", "No such file"]);
    std::fs::create_dir(place.path("dir")).unwrap();
    place.divvy(["run", "--each-line", "dir", "echo"]).refused(125, &["dir", "is a directory"]);
    let secret = place.write("secret", "x\n");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o0)).unwrap();
    // Root may read it.
    if std::fs::read(&secret).is_err() {
        place.divvy(["run", "--each-line", "secret", "echo"]).refused(125, &["secret", "denied"]);
    }
    assert!(!place.state().exists(), "refused before anything is stored");
}

#[test]
fn stdin_that_is_a_directory_is_refused_and_closes_nothing() {
    let place = Place::new();
    let dir = std::fs::File::open(place.path(".")).unwrap();
    let ran = place.spawn(place.command(["run", "echo"]).stdin(dir)).end();
    assert!(ran.code == Some(125) || ran.code == Some(126), "{:?}", ran.code);
    assert!(ran.err().contains("stdin") && ran.err().contains("directory"), "{}", ran.err());
}

#[test]
fn a_malformed_array_is_refused() {
    let place = Place::new();
    for array in ["", "x", "1-", "-5", "10-1", "1-10:0", "1-10:x", "1-99999999999999999999", "1-2-3", "1,2,4"]
    {
        place.divvy(["run", &format!("--array={array}"), "echo"]).refused(125, &["array"]);
    }
    assert!(!place.state().exists(), "refused before anything is stored");
}

#[test]
fn a_malformed_selector_or_an_unknown_job_is_refused() {
    let place = Place::new();
    place.divvy(["show"]).refused(125, &["no jobs yet"]);
    place.divvy(["run", "true", ":::", "x"]).silent();
    for verb in ["show", "resume", "wait", "cancel", "retry", "forget"] {
        place.divvy([verb, "x"]).refused(125, &["x"]);
        place.divvy([verb, "2-1"]).refused(125, &["2-1"]);
        place.divvy([verb, "77"]).refused(125, &["no job 77"]);
    }
    place.divvy(["cancel", "1", "--tasks", "a"]).refused(125, &["a"]);
    place.divvy(["show", "1", "--task", "9"]).refused(125, &["no task 9"]);
    place.divvy(["show", "1", "9"]).refused(125, &["no task 9", "the only one has the id 1"]);
    assert!(place.divvy(["show", "1", "1"]).silent().contains("task 1 of job 1 is done"));
}

#[test]
fn sources_that_do_not_go_together_are_refused() {
    let place = Place::new();
    place.write("list", "x\n");
    place.divvy(["run", "--array", "1-2", "echo", ":::", "x"]).refused(125, &["one place"]);
    place.divvy(["run", "--from-json", "list", "echo", ":::", "x"]).refused(125, &["one place"]);
    place.divvy(["run", "--array", "1-2", "-N2", "echo"]).refused(125, &["--max-replace-args"]);
    place.divvy(["run", "--array", "1-2", "--each-line", "list", "echo"]).refused(125, &["--each-line"]);
    place.divvy(["jobs", ":::", "x"]).refused(125, &["divvy run"]);
}

#[test]
fn malformed_flags_are_refused() {
    let place = Place::new();
    for flags in [
        &["--jobs=x"][..],
        &["-j", "-1000"],
        &["-j", "20000"],
        &["--timeout", "soon"],
        &["--timeout", "-1"],
        &["--retries", "0"],
        &["--crash-limit", "0"],
        &["--no-such-flag"],
    ] {
        let ran = place.divvy(["run"].iter().chain(flags).chain(&["true", ":::", "x"]));
        if ran.code != Some(0) || flags[0] != "-j" || flags[1] != "-1000" {
            ran.exits(125);
        }
    }
    place
        .divvy(["run", "--retries", "0", "true", ":::", "x"])
        .refused(125, &["--retries", "the first one too"]);
    place.divvy(["no-such-verb"]).exits(125);
    place.divvy([] as [&str; 0]).exits(125);
}

#[test]
fn help_and_version_are_answers() {
    let place = Place::new();
    for args in [&["--help"][..], &["run", "--help"], &["--version"], &["help", "run"]] {
        let ran = place.divvy(args);
        assert!(ran.code == Some(0) && ran.stderr.is_empty() && !ran.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn a_place_for_results_that_cannot_be_is_refused_before_anything_is_stored() {
    let place = Place::new();
    place.write("file", "");
    place.divvy(["run", "--results", "file/results", "echo", ":::", "x"]).refused(125, &["file/results"]);
    assert!(!place.state().exists());
}

#[test]
fn nowhere_to_keep_jobs_is_said() {
    let place = Place::new();
    let mut run = place.command(["run", "true", ":::", "x"]);
    run.env_remove("DIVVY_DIR").env_remove("HOME").env_remove("XDG_STATE_HOME");
    place.spawn(&mut run).end().refused(125, &["DIVVY_DIR"]);
}

#[test]
fn the_store_may_lie_apart_from_the_directory() {
    let place = Place::new();
    // More output than is kept in memory, so that the directory is needed as well.
    let mut run = place.command(["run", "head", "-c", "3000000", ":::", "/dev/zero"]);
    run.env("DIVVY_STORE", format!("sqlite:{}", place.path("apart/jobs.db").display()));
    let ran = place.spawn(&mut run).end();
    assert_eq!(ran.silent().len(), 3_000_000);
    assert!(place.has("apart/jobs.db") && !place.state().join("divvy.db").exists());
    let mut run = place.command(["jobs"]);
    place.spawn(run.env("DIVVY_STORE", "postgres://host/db")).end().refused(125, &["sqlite:"]);
}
