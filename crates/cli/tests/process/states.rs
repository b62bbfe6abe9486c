//! Each state of the account is reached by what causes it.

use crate::place::{Place, until};
use serde_json::Value;
use std::io::Read;
use std::process::Stdio;

/// Seconds in a state, of the last job's bill.
fn seconds(place: &Place, state: &str) -> f64 {
    of(&place.json(&["bill"]), state)
}

fn of(bill: &Value, state: &str) -> f64 {
    bill["account"]["seconds"][state].as_f64().unwrap()
}

/// Runs this and returns its bill, in which all time has to be accounted for.
fn billed(args: &[&str]) -> Value {
    let place = Place::new();
    place.divvy(["run"].iter().chain(args)).exits(0);
    let bill = place.json(&["bill"]);
    let unaccounted = bill["account"]["unaccounted"].as_f64().unwrap();
    assert!(unaccounted.abs() < 0.01, "{bill}");
    bill
}

#[test]
fn a_command_is_spawned_and_runs() {
    let place = Place::new();
    let task = "touch begun; until [ -e go ]; do sleep 0.01; done; : {}";
    let run = place.start(["run", "-j1", "--shell", task, ":::", "a"]);
    until("it has begun", || place.has("begun"));
    // Starting it takes however long it takes, once; from then on it runs.
    until("its time is put down to `run`", || {
        let bill = place.json(&["bill"]);
        of(&bill, "spawn") > 0.0 && of(&bill, "run") > of(&bill, "spawn")
    });
    place.write("go", "");
    run.end().exits(0);
    let unaccounted = place.json(&["bill"])["account"]["unaccounted"].as_f64().unwrap();
    assert!(unaccounted.abs() < 0.01, "{unaccounted}");
}

#[test]
fn workers_are_parked_before_the_first_claim_and_then_wait_for_it() {
    let bill = billed(&["-j2", "true", ":::", "a"]);
    assert!(of(&bill, "parked") > 0.0 && of(&bill, "claim") > 0.0, "{bill}");
}

#[test]
fn output_is_reported() {
    let bill = billed(&["-j1", "--shell", "head -c 1000000 /dev/zero; : {}", ":::", "a", "b"]);
    assert!(of(&bill, "report") > 0.0, "{bill}");
}

#[test]
fn workers_look_for_tasks_in_each_others_slots() {
    let bill = billed(&["-j2", "--array", "1-40", "true"]);
    assert!(of(&bill, "steal") > 0.0, "{bill}");
}

#[test]
fn who_waits_until_another_has_printed_is_locked_out() {
    let place = Place::new();
    let print = "head -c 300000 /dev/zero; touch printed{}";
    let mut run = place.command(["run", "-j2", "--shell", "--array", "1-2", print]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until("both tasks have printed", || place.has("printed1") && place.has("printed2"));
    // Nobody reads: one worker stands before a full pipe, the other behind it.
    until("the other one is seen to wait", || seconds(&place, "lock") > 0.0);
    let mut printed = Vec::new();
    run.stdout.take().unwrap().read_to_end(&mut printed).unwrap();
    assert!(run.wait().unwrap().success());
    assert_eq!(printed.len(), 600_000);
    assert!(seconds(&place, "report") > 0.0);
}

#[test]
fn a_bound_holds_back() {
    let bill = billed(&["-j2", "--delay", "200ms", "--array", "1-3", "true"]);
    assert!(of(&bill, "held_back") >= 0.2, "{bill}");
}

#[test]
fn beside_the_last_task_a_worker_is_idle_and_not_starved() {
    let bill = billed(&["-j2", "sleep", ":::", "1"]);
    assert!(of(&bill, "idle") > of(&bill, "run") / 4.0, "{bill}");
    assert!(of(&bill, "starved") < of(&bill, "idle"), "{bill}");
}

#[test]
fn while_all_that_is_left_waits_for_another_task_a_worker_is_starved() {
    let place = Place::new();
    let graph =
        "[[task]]\nname = 'first'\ncommand = 'sleep 1'\n[[task]]\ncommand = 'true'\nafter = 'first'\n";
    place.write("graph.toml", graph);
    place.divvy(["run", "-j2", "--graph", "graph.toml"]).silent();
    let bill = place.json(&["bill"]);
    assert!(of(&bill, "starved") > of(&bill, "run") / 4.0, "{bill}");
    assert!(of(&bill, "idle") < of(&bill, "starved"), "{bill}");
}
