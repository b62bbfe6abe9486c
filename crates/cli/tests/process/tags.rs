//! How outputs are printed: tagged, line by line, by the tasks themselves, with their commands.

use crate::place::{Place, until};

#[test]
fn each_line_has_its_tag() {
    let place = Place::new();
    let run = |flags: &[&str]| {
        let script = "echo 1{}; echo e{} >&2; printf 2{}";
        let ran =
            place.divvy(["run", "-k"].iter().chain(flags).chain(&["sh", "-c", script, ":::", "a/b", "c"]));
        (ran.out(), ran.exits(0))
    };
    let both = |out: &str, err: &str| (out.to_owned(), err.to_owned());
    assert_eq!(run(&["--tag"]), both("a/b\t1a/b\na/b\t2a/bc\t1c\nc\t2c", "a/b\tea/b\nc\tec\n"));
    assert_eq!(
        run(&["--tagstring", "{#}-{/}"]),
        both("1-b\t1a/b\n1-b\t2a/b2-c\t1c\n2-c\t2c", "1-b\tea/b\n2-c\tec\n")
    );
    assert_eq!(run(&["--tag", "--line-buffer"]), run(&["--tag"]), "in order, by lines or by tasks");
}

#[test]
fn lines_are_printed_as_they_come_and_whole() {
    let place = Place::new();
    // Each waits for a line of the other to be printed, in the middle of a line of its own.
    let script = "echo one{}; printf two; until grep -q one$((3 - {})) 0.out; do sleep 0.01; done; echo {}";
    let ran = place.divvy(["run", "-j2", "--lb", "--array", "1-2", "sh", "-c", script]);
    assert_eq!(ran.sorted(), ["one1", "one2", "two1", "two2"]);
}

#[test]
fn in_order_and_line_by_line_the_first_prints_while_it_runs() {
    let place = Place::new();
    // The first sees its own line printed, and the second too, which printed it before its turn had come.
    let script =
        "echo {}a; >begun{}; until [ -e begun2 ] && grep -q {}a 0.out; do sleep 0.01; done; echo {}b";
    let ran = place.divvy(["run", "-k", "-j2", "--lb", "--array", "1-2", "sh", "-c", script]);
    assert_eq!(ran.silent(), "1a\n1b\n2a\n2b\n");
}

#[test]
fn ungrouped_tasks_print_by_themselves() {
    let place = Place::new();
    // The file is the program's own stdout: what the task wrote is there before it ends.
    let script = "printf half; until grep -q half 0.out; do sleep 0.01; done; echo -{}; echo err >&2";
    let ran = place.divvy(["run", "-u", "--tag", "sh", "-c", script, ":::", "x"]);
    assert_eq!((ran.out().as_str(), ran.exits(0).as_str()), ("half-x\n", "err\n"));
}

#[test]
fn the_last_of_the_three_ways_to_print_counts() {
    let place = Place::new();
    let ran = place.divvy(["run", "-u", "--lb", "--group", "--tag", "echo", ":::", "x"]);
    assert_eq!(ran.silent(), "x\tx\n");
}

#[test]
fn commands_are_shown() {
    let place = Place::new();
    let run = |flags: &[&str]| {
        let ran = place.divvy(["run", "-k"].iter().chain(flags).chain(&["echo", "a b", ":::", "1", "2"]));
        (ran.out(), ran.exits(0))
    };
    let (out, err) = run(&["-v"]);
    assert_eq!((out.as_str(), err.as_str()), ("echo 'a b' 1\na b 1\necho 'a b' 2\na b 2\n", ""));
    assert_eq!(run(&["-v", "--lb"]).0, out);
    assert_eq!(run(&["-v", "--tag"]).0, "1\techo 'a b' 1\n1\ta b 1\n2\techo 'a b' 2\n2\ta b 2\n");
    let (out, err) = run(&["-t", "-j1"]);
    assert_eq!((out.as_str(), err.as_str()), ("a b 1\na b 2\n", "echo 'a b' 1\necho 'a b' 2\n"));
}

#[test]
fn a_dry_run_prints_the_commands_and_stores_nothing() {
    let place = Place::new();
    let ran = place.divvy(["run", "--dry-run", "--joblog", "log", "touch", "x{#}", "{}", ":::", "a b", "c"]);
    assert_eq!(ran.silent(), "touch x1 'a b'\ntouch x2 c\n");
    let ran = place.divvy(["run", "--dry-run", "--tag", "--array", "5-9:2", "--shell", "echo {} | cat"]);
    assert_eq!(ran.silent().lines().count(), 3);
    let ran = place.piped("a\nb\n", ["run", "--dry-run", "echo"]);
    assert_eq!(ran.silent(), "echo a\necho b\n");
    assert!(!place.state().exists() && !place.has("log") && !place.has("x1"));
}

#[test]
fn a_reader_that_goes_ends_a_job_that_prints_lines() {
    let place = Place::new();
    let mut run = place.command([
        "run",
        "--lb",
        "-j2",
        "--array",
        "1-4",
        "sh",
        "-c",
        "while :; do echo x; sleep 0.01; done",
    ]);
    let mut run =
        run.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::io::Read::read_exact(&mut run.stdout.take().unwrap(), &mut [0; 4]).unwrap();
    until("it leaves", || run.try_wait().unwrap().is_some());
    assert_eq!(run.wait().unwrap().code(), Some(141));
    place.expect_no_task_alive();
}
