//! `--halt`: which exit code, what is not run, and that it is not lost.

use crate::place::Place;

/// Exit codes and what ran, as GNU parallel 20221122 has them.
#[test]
fn the_exit_code_and_what_is_run() {
    let cases = [
        ("never", 3, "790b"),
        ("now,fail=1", 7, "7"),
        ("2", 7, "7"),
        ("soon,fail=1", 7, "7"),
        ("soon,fail=2", 2, "79"),
        ("now,success=1", 0, "790"),
        ("-1", 0, "790"),
        ("soon,success=2", 3, "790b"),
        ("soon,done=1", 7, "7"),
        ("now,done=3", 2, "790"),
        ("10%", 25, "7"),
        ("now,done=50%", 50, "79"),
        ("now,success=10%", 0, "790"),
        ("soon,success=50%", 75, "790b"),
    ];
    for (halt, code, ran) in cases {
        let place = Place::new();
        let script = "printf {}; exit $((0x{}))";
        let run = place.divvy(["run", "-j1", "--halt", halt, "sh", "-c", script, ":::", "7", "9", "0", "b"]);
        assert_eq!((run.code, run.out().as_str()), (Some(code), ran), "{halt}: {}", run.err());
        let resumed = place.divvy(["resume", "-j1"]);
        let rest = if ran.len() == 4 { "" } else { &"790b"[ran.len()..] };
        // Halted again, perhaps: by the same rule, with new counts.
        assert!(rest.starts_with(&resumed.out()), "{halt}: {:?}", resumed.out());
    }
}

#[test]
fn now_ends_the_running_tasks_uncharged_and_says_how_to_go_on() {
    let place = Place::new();
    let script = "if [ {} = 1 ]; then until [ -e up2 ]; do sleep 0.01; done; exit 5; fi; \
                  >up{}; [ -e go ] || exec sleep 600";
    let run = place.divvy(["run", "-j2", "--halt", "now,fail=1", "--array", "1-6", "sh", "-c", script]);
    let said = run.exits(5);
    for words in ["this task failed:\nif [ 1 = 1 ]", "5 tasks left", "divvy resume 1"] {
        assert!(said.contains(words), "{said}");
    }
    place.expect_no_task_alive();
    place.write("go", "");
    place.divvy(["resume", "-j2"]).exits(1);
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (5, 1));
}

#[test]
fn soon_lets_the_running_tasks_finish_however_long_they_take() {
    let place = Place::new();
    // The second ends only after the first has been reported failed, by what is said of it.
    let script = "if [ {} = 1 ]; then until [ -e up2 ]; do sleep 0.01; done; exit 5; fi; \
                  >up{}; until grep -q 'may finish' 0.err; do sleep 0.01; done; echo {}";
    // No grace time, which is for signals.
    let args = ["run", "-j2", "--grace", "0", "--halt", "soon,fail=1", "--array", "1-6", "sh", "-c", script];
    let run = place.divvy(args);
    assert_eq!((run.exits(5).contains("4 tasks left"), run.out().as_str()), (true, "2\n"));
    assert_eq!(place.count("1", "done"), 1);
}

#[test]
fn a_signal_and_a_time_limit_count_as_failures() {
    let place = Place::new();
    place.divvy(["run", "--halt", "now,fail=1", "sh", "-c", "kill -9 $$", ":::", "x"]).exits(137);
    let args = ["run", "--halt", "now,fail=1", "--timeout", "50ms", "sleep", ":::", "600"];
    place.divvy(args).exits(255);
}

#[test]
fn only_the_last_attempt_counts() {
    let place = Place::new();
    let script = "[ $DIVVY_ATTEMPT = 2 ]";
    place
        .divvy(["run", "--halt", "now,fail=1", "--retries", "2", "--array", "1-5", "sh", "-c", script])
        .silent();
}

#[test]
fn in_order_what_ended_is_printed_although_others_were_not_run() {
    let place = Place::new();
    let script = "echo {}; [ {} != 3 ]";
    let run =
        place.divvy(["run", "-k", "-j1", "--halt", "soon,fail=1", "--array", "1-9", "sh", "-c", script]);
    assert_eq!((run.code, run.out().as_str()), (Some(1), "1\n2\n3\n"));
    assert_eq!(place.divvy(["resume", "-j1"]).out(), "4\n5\n6\n7\n8\n9\n");
}

#[test]
fn nonsense_is_refused() {
    let place = Place::new();
    for halt in ["3", "now", "now,fail=0", "later,fail=1", "soon,done=%"] {
        place.divvy(["run", "--halt", halt, "true", ":::", "x"]).refused(125, &["--halt", "now,fail=1"]);
    }
}
