//! Why a task is where it is, and what runs where.

use crate::place::{Place, until};
use rustix::process::Signal;
use serde_json::Value;

const WAITS: &str = ">begun{}; until [ -e go ]; do sleep 0.01; done";

fn says(place: &Place, args: &[&str], words: &[&str]) -> Value {
    let said = place.divvy([&["explain"], args].concat()).silent();
    words.iter().for_each(|word| assert!(said.contains(word), "{args:?}: {said:?} does not say {word:?}"));
    assert!(said.contains("what to do: "), "{said}");
    place.json(&[&["explain"], args].concat())
}

#[test]
fn every_state_of_a_job_that_runs() {
    let place = Place::new();
    let script = "case {} in 1) exit 0;; 2) exit 3;; 3) >begun; until [ -e go ]; do sleep 0.01; done;; esac";
    let run = place.start(["run", "-j1", "--array", "1-5", "sh", "-c", script]);
    until("the third runs", || place.has("begun"));
    until("the first two are reported", || place.count("1", "done") + place.count("1", "dead") == 2);
    place.divvy(["cancel", "--tasks", "5"]).exits(0);
    says(&place, &["1"], &["task 1 of job 1 is done", "what to do: nothing"]);
    let dead =
        says(&place, &["1", "2"], &["is dead", "exit code 3", "1 of 1 attempts", "divvy retry 1 --tasks 2"]);
    assert_eq!((&dead["state"], &dead["details"]["attempts"]), (&"dead".into(), &1.into()));
    let pid = run.pid().as_raw_nonzero().get();
    let running = says(&place, &["3"], &["is running", &format!("process {pid}"), "runs it as process"]);
    assert_eq!((&running["details"]["node"], &running["details"]["node_pid"]), (&1.into(), &pid.into()));
    assert!(running["details"]["pid"].as_i64().is_some_and(|task| task != i64::from(pid)));
    says(&place, &["5"], &["is canceled", "somebody canceled it"]);
    let behind = place.json(&["explain", "4"]);
    assert!(["ready", "running"].contains(&behind["state"].as_str().unwrap()));
    run.signal(Signal::STOP);
    says(&place, &["3"], &["is stopped", &format!("kill -CONT {pid}")]);
    run.signal(Signal::CONT);
    run.end_by(Signal::KILL);
    says(&place, &["3"], &["has ended", "divvy resume 1"]);
    place.divvy(["explain", "9"]).refused(125, &["no task 9", "1 to 5"]);
    place.divvy(["explain", "7", "1"]).refused(125, &["job 7"]);
}

#[test]
fn a_task_that_nobody_takes() {
    let place = Place::new();
    let run = place.start(["run", "-j1", "--array", "1-4", "sh", "-c", WAITS]);
    until("it runs", || place.has("begun1"));
    run.end_by(Signal::INT).exits(130);
    says(&place, &["3"], &["is ready", "at most 2 tasks", "no node is there", "divvy resume 1"]);
    place.divvy(["pause"]).silent();
    says(&place, &["3"], &["job 1 is paused", "divvy unpause 1"]);
    place.divvy(["unpause"]).silent();
    place.divvy(["submit", "--no-start", "--after", "1", "echo", ":::", "x"]).exits(0);
    says(&place, &["2", "1"], &["starts when these have succeeded: job 1", "divvy show 1"]);
    place.divvy(["submit", "--no-start", "echo", ":::", "x"]).exits(0);
    let json = says(&place, &["3", "1"], &["served first: 4 tasks of job 1", "divvy work --until-empty"]);
    assert_eq!(json["details"]["jobs_before"], serde_json::json!([1]));
    place.write("go", "");
    assert!(place.divvy(["resume", "1"]).silent().is_empty());
}

#[test]
fn a_task_that_waits_for_another_attempt() {
    let place = Place::new();
    let run = place.start(["run", "--retries", "100", "sh", "-c", "exit 1", "_", ":::", "x"]);
    until("it waits", || place.has("state/divvy.db") && place.divvy(["show"]).out().contains("retrying 1"));
    let said = place.divvy(["explain", "1"]).silent();
    assert!(said.contains("of 100 attempts failed: exit code 1") || said.contains("is running"), "{said}");
    run.end_by(Signal::INT).exits(130);
    says(&place, &["1"], &["is retrying", "of 100 attempts failed", "due", "divvy resume 1"]);
}

#[test]
fn a_job_that_was_given_up_says_why() {
    let place = Place::new();
    place.write(
        "g.toml",
        "max_fails = 0\n[[task]]\nname = \"a\"\ncommand = \"false\"\n[[task]]\nname = \"b\"\ncommand = \"true\"\nafter = [\"a\"]\n\
         [[task]]\nname = \"c\"\ncommand = \"sleep 60\"\n",
    );
    // Something is left when the first one fails, else there is nothing to give up.
    place.divvy(["run", "-j1", "--graph", "g.toml"]).exits(1);
    says(&place, &["b"], &["is canceled", "1 task failed, more than the 0"]);
}

#[test]
fn ps_shows_nodes_and_what_they_run() {
    let place = Place::new();
    assert_eq!(place.divvy(["ps"]).silent(), "no node runs; `divvy work` starts one\n");
    let run = place.start(["run", "-j2", "--array", "1-5", "sh", "-c", WAITS]);
    until("two run", || place.has("begun1") && place.has("begun2"));
    let ps = place.json(&["ps"]);
    let node = &ps["nodes"][0];
    assert_eq!((&node["id"], &node["workers"], &node["state"]), (&1.into(), &2.into(), &"alive".into()));
    assert_eq!(node["pid"], run.pid().as_raw_nonzero().get());
    let tasks: Vec<_> =
        node["tasks"].as_array().unwrap().iter().map(|t| (t["job"].as_u64(), t["task"].as_u64())).collect();
    assert_eq!(tasks, [(Some(1), Some(1)), (Some(1), Some(2))]);
    assert_eq!(ps["jobs"][0]["tasks"], 5);
    let (leases, leased) = (node["leases"].as_u64().unwrap(), node["leased_tasks"].as_u64().unwrap());
    assert!(leases >= 1 && (2..=5).contains(&leased), "{node}");
    let text = place.divvy(["ps"]).silent();
    for word in [
        "node 1 on ",
        "2 workers, 2 tasks running, ",
        " leased to it in ",
        "task 2 of job 1, pid ",
        "job 1 is running: 0 of 5 done",
    ] {
        assert!(text.contains(word), "{text}");
    }
    place.write("go", "");
    run.end().silent();
    assert!(place.json(&["ps"])["jobs"].as_array().unwrap().is_empty());
}

#[test]
fn a_job_that_nobody_goes_on_with_is_shown_as_stopped() {
    let place = Place::new();
    let shown = |word: &str| {
        let jobs = place.divvy(["jobs"]).silent();
        assert!(jobs.lines().nth(1).unwrap().starts_with(&format!("    1 {word} ")), "{word}: {jobs}");
        let (ps, show) = (place.divvy(["ps"]).silent(), place.divvy(["show", "1"]).silent());
        assert!(ps.contains(&format!("job 1 is {word}: ")), "{ps}");
        assert!(show.starts_with(&format!("job 1 is {word}: ")), "{show}");
        show
    };
    let run = place.start(["run", "-j1", "--array", "1-4", "sh", "-c", WAITS]);
    until("it runs", || place.has("begun1"));
    shown("running");
    run.end_by(Signal::INT).exits(130);
    assert!(shown("stopped").contains("`divvy resume 1` goes on"));
    assert_eq!(place.json(&["show", "1"])["state"], "waiting", "what programs are told stays");
    let killed = place.start(["resume"]);
    until("it runs again", || place.task("1", 1) == "running");
    assert_eq!(killed.end_by(Signal::KILL).signal, Some(9));
    shown("stopped");
    place.divvy(["pause"]).silent();
    shown("paused");
    place.write("go", "");
    place.divvy(["resume"]).exits(0);
    assert!(place.divvy(["show", "1"]).silent().starts_with("job 1 is done: "));
    // Never begun: it waits for a node, as it was told to.
    place.divvy(["submit", "--no-start", "true", ":::", "x"]).exits(0);
    assert!(place.divvy(["show", "2"]).silent().starts_with("job 2 is waiting: "));
}
