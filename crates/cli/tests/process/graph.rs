//! Tasks that wait for each other.

use crate::place::Place;

#[test]
fn tasks_run_after_those_they_wait_for_with_their_own_surroundings() {
    let place = Place::new();
    std::fs::create_dir(place.path("sub")).unwrap();
    place.write(
        "g.toml",
        r#"
        name = "night"
        [defaults]
        env = { WHO = "all" }
        [[task]]
        name = "last"
        command = "echo last $WHO $DIVVY_INPUT $DIVVY_TASK >> ../order"
        shell = true
        cwd = "sub"
        env = { WHO = "own" }
        after = ["left", "right"]
        [[task]]
        name = "left"
        command = ["sh", "-c", "echo side $WHO >> order"]
        after = "first"
        [[task]]
        name = "right"
        command = "sh -c 'echo side $WHO >> order'"
        deps = ["first"]
        [[task]]
        name = "first"
        command = "sh -c 'echo first {} >> order'"
        "#,
    );
    place.divvy(["run", "-j4", "--graph", "g.toml"]).silent();
    assert_eq!(place.read("order"), "first {}\nside all\nside all\nlast own last 1\n");
    assert_eq!(place.json(&["show"])["name"], "night");
    assert!(place.divvy(["show", "--task", "2"]).silent().starts_with("task 2 (left) of job 1 is done"));
    assert!(place.divvy(["show", "1", "right"]).silent().starts_with("task 3 (right) of job 1 is done"));
    place
        .divvy(["explain", "nope"])
        .refused(125, &["no task nope", "1 to 4", "names last, left, right, first"]);
}

#[test]
fn a_file_of_hyperqueue_runs_from_stdin_in_the_background() {
    let place = Place::new();
    let file = "[[task]]\nid = 7\ncommand = [\"echo\", \"seven\"]\n[[task.request]]\nresources = { \"cpus\" = \"1\" }\n\
                [[task]]\nid = 3\ncommand = [\"echo\", \"three\"]\ndeps = [7]\n";
    let ran = place.piped(file, ["submit", "--graph", "-"]);
    ran.exits(0);
    assert_eq!(ran.out(), "job 1\n");
    place.divvy(["wait", "--timeout", "25"]).silent();
    assert_eq!(place.divvy(["logs", "--tag"]).silent(), "1\tseven\n2\tthree\n");
}

#[test]
fn what_waits_for_a_failed_task_stays_blocked_until_that_is_mended() {
    let place = Place::new();
    let text = |name: &str, command: &str, after: &str| {
        format!("[[task]]\nname = \"{name}\"\ncommand = {command}\nafter = [{after}]\n")
    };
    let bad = r#"["sh", "-c", "[ -e mended ]"]"#;
    let end = r#"["sh", "-c", "echo end >> done"]"#;
    place.write("g.toml", text("bad", bad, "") + &text("end", end, "\"bad\"") + &text("free", end, ""));
    let ran = place.divvy(["run", "--graph", "g.toml"]);
    ran.exits(1);
    assert_eq!((place.task("1", 1), place.task("1", 2), place.task("1", 3)), {
        ("dead".to_owned(), "blocked".to_owned(), "done".to_owned())
    });
    let said = place.divvy(["explain", "end"]).silent();
    for word in
        ["task 2 (end) of job 1 is blocked", "task 1 (bad) is dead: exit code 1", "divvy retry 1 --tasks 1"]
    {
        assert!(said.contains(word), "{said}");
    }
    place.write("mended", "");
    place.divvy(["retry"]).silent();
    place.divvy(["resume"]).silent();
    assert_eq!(place.lines("done"), ["end", "end"]);
}

#[test]
fn output_in_the_order_of_the_file_does_not_hold_up_what_comes_first() {
    let place = Place::new();
    let task = |name: &str, after: &str| {
        format!("[[task]]\nname = \"{name}\"\ncommand = \"echo {name}\"\nafter = [{after}]\n")
    };
    place.write("g.toml", task("c", "\"b\"") + &task("b", "\"a\"") + &task("a", ""));
    // Each is printed as soon as nothing that can run stands before it.
    assert_eq!(place.divvy(["run", "-k", "-j2", "--graph", "g.toml"]).silent(), "a\nb\nc\n");
}

#[test]
fn a_program_that_is_not_there_fails_its_task_only() {
    let place = Place::new();
    place.write("g.toml", "[[task]]\ncommand = \"no-such-program\"\n[[task]]\ncommand = \"echo x\"\n");
    let ran = place.divvy(["run", "--graph", "g.toml"]);
    assert!(ran.exits(1).contains("command not found: no-such-program"));
    assert_eq!(ran.out(), "x\n");
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_nothing_is_stored() {
    let place = Place::new();
    let task = |name: &str, after: &str| {
        format!("[[task]]\nname = \"{name}\"\ncommand = \"x\"\nafter = [{after}]\n")
    };
    for (text, words) in [
        (task("a", "\"b\"") + &task("b", "\"c\"") + &task("c", "\"a\""), &["circle", " -> "][..]),
        (task("a", "\"b\""), &["g.toml", "task 1 (a) waits for `b`"]),
        (task("a", "") + &task("a", ""), &["both called `a`"]),
        ("[[task]]\ncomand = 1\n".into(), &["line 2", "comand"]),
    ] {
        place.write("g.toml", text);
        for verb in ["run", "submit"] {
            place.divvy([verb, "--graph", "g.toml"]).refused(125, words);
        }
    }
    place.divvy(["run", "--graph", "gone.toml"]).refused(125, &["cannot read gone.toml"]);
    for more in [&["echo"][..], &["--array", "1-2"], &["--shell"], &["--cpus", "1"]] {
        let ran = place.divvy([&["run", "--graph", "g.toml"], more].concat());
        assert_eq!(ran.code, Some(125), "{more:?}: {}", ran.err());
    }
    place.divvy(["run", "--graph", "g.toml", ":::", "x"]).refused(125, &["`:::`"]);
    assert!(!place.has("state/divvy.db"));
}

#[test]
fn ten_thousand_tasks_are_one_job() {
    let place = Place::new();
    let task = |n: u32| format!("[[task]]\nname = \"t{n}\"\ncommand = \"true\"\nafter = [\"t{}\"]\n", n / 2);
    let text: String = (1..10_000).map(task).collect();
    place.write("g.toml", "[[task]]\nname = \"t0\"\ncommand = \"true\"\n".to_owned() + &text);
    place.divvy(["submit", "--no-start", "--graph", "g.toml"]).exits(0);
    assert_eq!((place.count("1", "ready"), place.count("1", "blocked")), (1, 9_999));
    let task = place.json(&["explain", "t9999"]);
    assert_eq!((&task["task"], &task["details"]["by"][0]["task"]), (&10_000.into(), &5_000.into()));
}
