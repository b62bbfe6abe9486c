//! `divvy bill`: what was seen of a job is kept, and told again.

use crate::place::{Place, until};
use rustix::process::Signal;
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn sum_of_states(bill: &Value) -> f64 {
    bill["account"]["seconds"].as_object().unwrap().values().map(number).sum()
}

#[test]
fn the_bill_at_the_end_is_shown_again() {
    let place = Place::new();
    let said = place.divvy(["run", "-j2", "--bill", "--array", "1-20", "true"]).exits(0);
    assert!(said.contains("worker-seconds") && said.contains("20 tasks"), "{said}");
    let again = place.divvy(["bill"]).silent();
    assert!(again.contains(&said), "{said:?} is not in {again:?}");
    assert_eq!(place.divvy(["bill", "1"]).silent(), again);
}

#[test]
fn as_json_it_accounts_for_all_worker_time() {
    let place = Place::new();
    place.divvy(["run", "-j2", "--array", "1-20", "true"]).silent();
    let bill = place.json(&["bill", "--price", "3600/h", "--over-time"]);
    assert_eq!((&bill["tasks"], &bill["run_seconds"]["count"]), (&20.into(), &20.into()));
    assert_eq!(bill["wait_seconds"]["count"], 20);
    let offered = number(&bill["account"]["worker_seconds"]);
    assert!((sum_of_states(&bill) / offered - 1.0).abs() < 0.01, "{bill}");
    let seconds = &bill["account"]["seconds"];
    assert!(number(&seconds["run"]) > 0.0 && number(&seconds["spawn"]) > 0.0, "{bill}");
    // At a unit of money for a worker-second.
    assert!((number(&bill["cost"]["all"]) - offered).abs() < 1e-9);
    let over_time = bill["over_time"].as_array().unwrap();
    let tasks: f64 = over_time.iter().map(|stretch| number(&stretch["tasks"])).sum();
    assert!((tasks - 20.0).abs() < 1e-6, "{bill}");
}

#[test]
fn what_a_killed_node_saw_and_who_went_on_are_in_one_bill() {
    let place = Place::new();
    let run =
        place.start(["run", "-j2", "--shell", "--array", "1-4", "test -e go || (touch hung{} && sleep 60)"]);
    until("both workers are in a task", || place.has("hung1") && place.has("hung2"));
    until("a second has been told of", || {
        place.json(&["bill"])["account"]["seconds"]["run"].as_f64().unwrap() > 0.0
    });
    run.end_by(Signal::KILL);
    place.write("go", "");
    place.divvy(["resume", "-j1"]).exits(0);
    let bill = place.json(&["bill"]);
    assert_eq!((&bill["tasks"], &bill["account"]["nodes"]), (&4.into(), &2.into()));
    assert!(number(&bill["account"]["unaccounted"]).abs() < 0.01, "{bill}");
    let ratio = &bill["figures"]["queue_depth_ratio"];
    assert!(ratio["value"].is_number() || ratio["says"].as_str().unwrap().contains("waited"), "{bill}");
}

#[test]
fn what_a_killed_node_could_not_tell_of_is_said_to_be_missing() {
    let place = Place::new();
    // Nobody has told of anything in the first second; three tasks are reported, as the fourth keeps the node.
    let run = place.start(["run", "-j2", "--shell", "--array", "1-4", "test {} -lt 4 -o -e go || sleep 60"]);
    until("three tasks are done", || place.json(&["jobs"])[0]["done"] == 3);
    run.end_by(Signal::KILL);
    place.write("go", "");
    let said = place.divvy(["resume", "-j1", "--bill"]).exits(0);
    let bill = place.json(&["bill"]);
    let untold = 4 - bill["tasks"].as_u64().unwrap();
    assert_eq!((&bill["tasks_done"], &bill["tasks_untold"]), (&4.into(), &untold.into()));
    assert_eq!(said.contains("of the 4 tasks done"), untold > 0, "{said}");
}

/// All that the node waited after it went on being put down to the job, and the bill was told when the node left.
#[test]
fn a_canceled_job_has_its_bill_at_once_and_pays_for_nothing_afterwards() {
    let place = Place::new();
    let work = place.start(["work", "-j4"]);
    place
        .divvy([
            "submit",
            "--hold",
            "--shell",
            "--array",
            "1-1000",
            "test {} -lt 40 || (touch hung && sleep 60)",
        ])
        .exits(0);
    place.divvy(["unpause", "1"]).exits(0);
    until("it works on it", || place.has("hung"));
    place.divvy(["cancel", "1"]).exits(0);
    until("the bill is told", || place.json(&["bill"])["account"]["worker_seconds"].as_f64() > Some(0.0));
    work.end_by(Signal::TERM);
    let bill = place.json(&["bill"]);
    let idle = number(&bill["account"]["seconds"]["idle"]) + number(&bill["account"]["seconds"]["starved"]);
    let all = number(&bill["account"]["worker_seconds"]);
    assert!(number(&bill["account"]["unaccounted"]).abs() < 0.01, "{bill}");
    assert!(idle < all / 2.0, "{bill}");
}

#[test]
fn two_jobs_are_compared() {
    let place = Place::new();
    place.divvy(["run", "-j1", "--array", "1-8", "true"]).silent();
    place.divvy(["run", "-j2", "--array", "1-8", "true"]).silent();
    let said = place.divvy(["bill", "1", "2", "--price", "0.10/h"]).silent();
    for part in ["job 1: 1 worker x", "job 2: 2 workers x", "2.00 times the workers", "a task cost"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert_eq!(place.divvy(["bill", "1,2", "--price", "0.10/h"]).silent(), said);
    place.divvy(["bill", "1", "2", "--over-time"]).refused(125, &["--over-time is for one job"]);
    let both = place.json(&["bill", "1", "2"]);
    let [one, two] = [0, 1].map(|at| &both["bills"][at]["account"]);
    assert_eq!((&one["workers"], &two["workers"]), (&1.into(), &2.into()));
    let rate = |bill: &Value| 8.0 / number(&bill["wall_seconds"]);
    let ratio = number(&both["change"]["throughput_ratio"]);
    assert!((ratio / (rate(two) / rate(one)) - 1.0).abs() < 1e-6, "{both}");
}

#[test]
fn of_two_different_commands_it_is_said_that_they_differ() {
    let place = Place::new();
    place.divvy(["run", "-j1", "--name", "nightly", "--array", "1-8", "true"]).silent();
    place.divvy(["run", "-j2", "--array", "1-8", "true"]).silent();
    place.divvy(["run", "-j2", "--array", "1-8", "echo"]).exits(0);
    let told = |jobs: [&str; 2]| place.divvy(["bill", jobs[0], jobs[1]]).silent();
    assert!(!told(["1", "2"]).contains("different commands"), "a name is for people");
    let said = told(["2", "3"]);
    assert!(said.contains("8 tasks: true") && said.contains("8 tasks: echo"), "{said}");
    assert!(said.contains("different commands") && !said.contains("more workers"), "{said}");
    assert_eq!(place.json(&["bill", "2", "3"])["same_command"], false);
}

#[test]
fn of_a_map_reduce_all_phases_are_shown_together_and_each() {
    let place = Place::new();
    place.write("in", "a b a\n".repeat(1_000));
    let said = place.divvy(["mapreduce", "wordcount", "--bill", "-j2", "in"]).exits(0);
    let shown: Vec<String> = ["1", "2", "3", "1-3"].map(|job| place.divvy(["bill", job]).silent()).into();
    assert!(shown.iter().all(|other| *other == shown[0]), "{shown:?}");
    for part in ["wordcount, map", "wordcount, reduce", "wordcount, finish", "each phase has its own"] {
        assert!(shown[0].contains(part), "{part:?} is not in {}", shown[0]);
    }
    let spreads = shown[0].lines().filter(|line| line.contains("utilisation spread")).count();
    assert_eq!(spreads, 4, "of all together, and of each: {}", shown[0]);
    assert!(
        said.lines().filter(|line| line.contains("worker-seconds")).all(|line| shown[0].contains(line)),
        "{said}"
    );
    let bill = place.json(&["bill"]);
    let phases = bill["phases"].as_array().unwrap();
    let run = |bill: &Value| number(&bill["account"]["seconds"]["run"]);
    assert_eq!(phases.len(), 3);
    assert!((phases.iter().map(run).sum::<f64>() - run(&bill)).abs() < 1e-6, "{bill}");
    // Their workers hold on to what they map and make, and ran it all the same.
    assert!(phases.iter().all(|phase| phase["run_seconds"]["count"] == phase["tasks"]), "{bill}");
}

#[test]
fn a_job_that_nobody_ran_has_no_bill_yet() {
    let place = Place::new();
    place.divvy(["bill"]).refused(125, &["no jobs yet"]);
    place.divvy(["submit", "--hold", "true", ":::", "a"]).exits(0);
    assert!(place.divvy(["bill"]).silent().contains("job 1: no node has told of it yet"));
    place.divvy(["bill", "7"]).refused(125, &["7"]);
    place.divvy(["bill", "1", "1", "1"]).refused(125, &["JOB"]);
    for price in ["cheap", "1", "-1/h"] {
        place.divvy(["bill", "--price", price]).refused(125, &["--price"]);
    }
}

#[test]
fn two_jobs_on_one_node_each_pay_for_what_they_ran() {
    let place = Place::new();
    for task in ["sleep 0.2", "true"] {
        place.divvy(["submit", "--hold", "--shell", "--array", "1-4", task]).exits(0);
    }
    place.divvy(["unpause", "all"]).exits(0);
    let bills = || ["1", "2"].map(|job| place.json(&["bill", job]));
    until("all tasks have been told of", || bills().iter().all(|bill| bill["tasks"] == 4));
    let bills = bills();
    let run = bills.each_ref().map(|bill| number(&bill["account"]["seconds"]["run"]));
    assert!(run[0] >= 0.8 && run[1] < run[0], "{run:?}");
    for bill in &bills {
        assert!(number(&bill["account"]["unaccounted"]).abs() < 0.01, "{bill}");
    }
}
