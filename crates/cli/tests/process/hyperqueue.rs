//! What `docs/hyperqueue.md` says of arrays, failures and resources, as far as divvy alone can show it.

use crate::place::Place;

const DOCUMENT: &str = include_str!("../../../../docs/hyperqueue.md");

#[test]
fn arrays_and_their_variables() {
    let place = Place::new();
    let script = "echo $HQ_JOB_ID:$HQ_TASK_ID:$HQ_INSTANCE_ID";
    let ran = place.divvy(["run", "-k", "--array", "0-10:5", "sh", "-c", script]);
    assert_eq!(ran.silent(), "1:0:0\n1:5:0\n1:10:0\n");
    let ran = place.divvy(["run", "--array", "1-1_0:9", "-k", "echo", "{}"]);
    assert_eq!(ran.silent(), "1\n10\n");
}

#[test]
fn entries_are_lines_or_elements() {
    let place = Place::new();
    place.write("lines", "a b\nc\n");
    let script = "echo \"$HQ_TASK_ID $HQ_ENTRY\"";
    let ran = place.divvy(["run", "-k", "--each-line", "lines", "sh", "-c", script]);
    assert_eq!(ran.silent(), "1 a b\n2 c\n");
    place.write("items.json", r#"[{"rate": 0.01}, "x"]"#);
    let ran = place.divvy(["run", "-k", "--from-json", "items.json", "sh", "-c", script]);
    assert_eq!(ran.silent(), "1 {\"rate\": 0.01}\n2 \"x\"\n");
}

#[test]
fn outputs_go_where_the_placeholders_say() {
    let place = Place::new();
    let to = ["--stdout", "job-%{JOB_ID}/%{TASK_ID}-%{INSTANCE_ID}.out", "--stderr", "none"];
    let words = ["sh", "-c", "echo o$HQ_TASK_ID; echo e >&2"];
    place.divvy(["run", "--array", "3-4"].iter().chain(&to).chain(&words)).silent();
    assert_eq!((place.read("job-1/3-0.out"), place.read("job-1/4-0.out")), ("o3\n".into(), "o4\n".into()));
}

#[test]
fn after_more_failures_than_allowed_the_rest_is_canceled() {
    let place = Place::new();
    // The node tells of failures a few times a second, so a task has to take its time for some to be left.
    let words = ["sh", "-c", "sleep 0.1; exit 1"];
    let ran = place.divvy(["run", "-j1", "--max-fails", "2", "--array", "1-100"].iter().chain(&words));
    let failed = ran.code.unwrap();
    assert!((3..100).contains(&failed), "{failed}: {}", ran.err());
    assert_eq!(place.count("1", "dead"), failed as u64);
    assert!(place.count("1", "canceled") > 0);
}

#[test]
fn failed_tasks_are_run_again_in_the_same_job() {
    let place = Place::new();
    let script = "test -e mended || test $HQ_TASK_ID != 2 || exit 1; echo $HQ_TASK_ID:$HQ_INSTANCE_ID";
    let ran = place.divvy(["run", "-j1", "--array", "1-3", "sh", "-c", script]);
    ran.exits(1);
    assert_eq!(ran.out(), "1:0\n3:0\n");
    place.write("mended", "");
    place.divvy(["retry", "last"]).exits(0);
    let ran = place.divvy(["resume", "last"]);
    ran.exits(0);
    assert!(ran.out().starts_with("2:"), "{}", ran.out());
    place.divvy(["wait", "last"]).exits(0);
}

#[test]
fn a_time_limit_fails_the_task() {
    let place = Place::new();
    let ran = place.divvy(["run", "--time-limit", "100ms", "sleep", ":::", "60"]);
    ran.refused(1, &["timed out"]);
}

#[test]
fn what_is_missing_is_refused() {
    let place = Place::new();
    let missing = DOCUMENT.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let names = cells.next()?.strip_prefix("submit ")?;
        (cells.next()? == "missing").then(|| names.split(['`', ' ']).filter(|name| name.starts_with("--")))
    });
    let missing: Vec<_> = missing.flatten().collect();
    assert!(missing.contains(&"--priority") && missing.contains(&"--time-request"), "{missing:?}");
    for name in missing {
        let ran = place.divvy(["run", name, "1", "true", ":::", "a"]);
        ran.refused(125, &[name]);
    }
    for array in ["2,8-10", "2, 8-10"] {
        place.divvy(["run", "--array", array, "true"]).refused(125, &["--array"]);
    }
    for limit in ["never-restart", "unlimited"] {
        place.divvy(["run", "--crash-limit", limit, "true", ":::", "a"]).refused(125, &["--crash-limit"]);
    }
}
