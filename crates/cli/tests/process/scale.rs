//! `divvy scale`: programs run with several numbers of workers, measurements from files, and arithmetic.

use crate::place::{Place, until};
use crate::started::Ran;
use rustix::process::Signal;
use serde_json::Value;
use std::path::Path;

/// A program of known limits: `lock`, `waits` or `parallel`.
fn example(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scale");
    dir.join(format!("{name}.py")).to_str().unwrap().to_owned()
}

/// `scale run` with these arguments, as JSON, whatever its exit code.
fn run(place: &Place, args: &[&str]) -> (Ran, Value) {
    let ran = place.divvy(["--output", "json", "scale", "run"].iter().chain(args));
    let json = serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {}", ran.err()));
    (ran, json)
}

fn fit(place: &Place, points: &str) -> Value {
    place.write("points", points);
    place.json(&["scale", "fit", "points"])
}

/// What is said to limit a shell script that prints its throughput. What the script waits for is its own sleep, and what it
/// computes is next to nothing: however busy the machine is, its waiting can only grow.
fn limit_of(workers: &str, script: &str) -> Value {
    let place = Place::new();
    let args = ["-j", workers, "-r", "1", "--rate-regex", "rate ([0-9.]+)", "--shell", script];
    let (ran, json) = run(&place, &args);
    ran.exits(0);
    json["limit"].clone()
}

#[test]
fn who_waits_alone_and_gets_more_done_with_more_waits_for_something_outside() {
    let limit = limit_of("1,2,4", "sleep 0.1; echo rate {n}000");
    assert_eq!(limit["kind"], "io", "{limit:#}");
    assert_eq!(limit["efficiency"], 1.0);
    let full = limit_of("1,2,4", "sleep 0.1; echo rate 1000; : {n}");
    assert_eq!(full["kind"], "io-limit", "{full:#}");
    assert_eq!(full["efficiency"], 0.25);
}

#[test]
fn who_hands_over_again_and_again_waits_for_a_lock() {
    // With four there are a hundred short waits; nobody was seen alone, so only these tell what is waited for.
    let pauses = "i=0; [ {n} = 2 ] || while [ $i -lt 100 ]; do sleep 0.001; i=$((i + 1)); done";
    let limit = limit_of("2,4", &format!("sleep 0.2; {pauses}; echo rate $((2000 / {{n}}))"));
    assert_eq!(limit["kind"], "lock", "{limit:#}");
    assert!(limit["switches_per_worker"].as_f64().unwrap() >= 10.0, "{limit:#}");
    let without = limit_of("2,4", "sleep 0.2; echo rate $((2000 / {n}))");
    assert_eq!(without["kind"], "unknown", "{without:#}");
    assert!(without["switches_per_worker"].as_f64().unwrap() < 10.0, "{without:#}");
}

/// Real programs: what limits them cannot be told on a machine that is busy with other things, but all of it is measured,
/// and something is said.
#[test]
fn programs_of_known_limits_are_measured_and_their_limit_is_told() {
    let place = Place::new();
    let of = |from: &Value, field: &str| from[field].as_f64().unwrap();
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs();
    // Seconds that a run of each takes at the least, of processors and by the clock, with one worker.
    for (name, cpu_s, wall_s) in [("lock", 0.24, 0.24), ("waits", 0.0, 0.8)] {
        let (ran, json) = run(&place, &["-j", "1,2", "-r", "1", "--", "python3", &example(name), "{n}"]);
        ran.exits(0);
        let (limit, one, two) = (&json["limit"], &json["points"][0], &json["points"][1]);
        assert!(of(one, "cpu_seconds") >= cpu_s && of(one, "wall_seconds") >= wall_s, "{name}: {one}");
        assert!(near(of(limit, "efficiency"), of(two, "x") / of(one, "x") / 2.0), "{name}: {json:#}");
        assert!(
            near(of(limit, "cores_used"), of(two, "cpu_seconds") / of(two, "wall_seconds")),
            "{name}: {json:#}"
        );
        assert!(!json["advice"][0].as_str().unwrap().is_empty(), "{name}: {json:#}");
    }
    let (_, json) = run(&place, &["-j", "2", "-r", "1", "--", "python3", &example("parallel"), "{n}"]);
    // Twelve million turns of a loop, by two processes that the program itself has started.
    assert!(of(&json["runs"][0], "user_seconds") >= 0.1, "{json:#}");
}

#[test]
fn every_number_is_run_as_often_as_asked_and_told_its_number() {
    let place = Place::new();
    let args = ["-j", "4,1,2", "-r", "2", "-w", "1", "--shell", "--", "echo {n} $DIVVY_N >> log"];
    let (ran, json) = run(&place, &args);
    ran.exits(0);
    let mut expected: Vec<_> = [1, 2, 4].iter().flat_map(|n| vec![format!("{n} {n}"); 3]).collect();
    expected.sort();
    assert_eq!(place.lines("log"), expected);
    let runs: Vec<_> =
        json["points"].as_array().unwrap().iter().map(|p| (p["n"].clone(), p["runs"].clone())).collect();
    assert_eq!(runs, [(1.0.into(), 2.into()), (2.0.into(), 2.into()), (4.0.into(), 2.into())]);
    assert_eq!(json["runs"].as_array().unwrap().len(), 6);
}

#[test]
fn what_stands_around_the_runs_is_run_when_it_should() {
    let place = Place::new();
    let helpers =
        ["-s", "echo s >> log", "-p", "echo p{n} >> log", "-C", "echo C{n} >> log", "-c", "echo c{n} >> log"];
    let args = [&["-j", "1,2", "-r", "1"][..], &helpers, &["--shell", "echo r{n} >> log"]].concat();
    run(&place, &args).0.exits(0);
    let log = place.read("log");
    let one = |n: u32| format!("p{n}\nr{n}\nC{n}\n");
    let orders = [format!("{}{}", one(1), one(2)), format!("{}{}", one(2), one(1))];
    assert!(orders.iter().any(|order| log == format!("s\n{order}c1\nc2\n")), "{log}");
}

#[test]
fn throughput_is_what_the_program_says() {
    let place = Place::new();
    let said = "echo warming up; echo \"rate: $((1000 * {n})).0 ops/s\"";
    let args = ["-j", "1,2,4,8", "-r", "1", "--rate-regex", "rate: ([0-9.]+)", "--shell", said];
    let (ran, json) = run(&place, &args);
    ran.exits(0);
    let rates: Vec<_> = json["points"].as_array().unwrap().iter().map(|p| p["x"].as_f64().unwrap()).collect();
    assert_eq!(rates, [1000.0, 2000.0, 4000.0, 8000.0]);
    assert_eq!((&json["law"], &json["peak_n"]), (&"linear".into(), &Value::Null));
}

#[test]
fn throughput_is_work_by_time() {
    let place = Place::new();
    let (_, json) = run(&place, &["-j", "1,3", "-r", "1", "--work", "{n}*1000", "true", "{n}"]);
    for point in json["points"].as_array().unwrap() {
        let [n, x, wall, work] =
            ["n", "x", "wall_seconds", "work"].map(|field| point[field].as_f64().unwrap());
        assert!(work == 1000.0 * n && (x * wall / work - 1.0).abs() < 1e-9, "{point}");
    }
}

#[test]
fn two_numbers_have_no_law_and_still_an_answer() {
    let place = Place::new();
    let ran = place.divvy(["scale", "run", "-j", "1,2", "-r", "1", "true", "{n}"]);
    ran.exits(0);
    let said = ran.out();
    for words in ["efficiency", "none: there are too few numbers of workers", "a law takes three numbers"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_number_that_fails_is_left_out_and_said() {
    let place = Place::new();
    let script = "[ {n} != 4 ] || { echo no room >&2; exit 3; }";
    let (ran, json) = run(&place, &["-j", "1,2,3,4", "-r", "2", "--shell", script]);
    ran.exits(1);
    assert_eq!(json["failed"][0]["n"], 4);
    assert_eq!(
        (json["failed"][0]["why"].as_str(), json["failed"][0]["stderr"].as_str()),
        (Some("exit code 3"), Some("no room"))
    );
    assert_eq!(json["points"].as_array().unwrap().len(), 3);
    let (ran, json) = run(&place, &["-i", "-j", "1,2,3,4", "-r", "2", "--shell", script]);
    ran.exits(0);
    assert_eq!(json["points"].as_array().unwrap().len(), 4);
}

#[test]
fn what_cannot_be_run_is_refused_with_the_way_out() {
    let place = Place::new();
    let refused =
        |args: &[&str], words: &[&str]| place.divvy(["scale", "run"].iter().chain(args)).refused(125, words);
    refused(&["./bench", "--threads", "8"], &["{n}", "DIVVY_N"]);
    refused(&["-j", "0,1", "true", "{n}"], &["--workers", "0 workers"]);
    refused(&["-j", "1,x", "true", "{n}"], &["--workers", "`x`"]);
    refused(&["--work", "{n}*", "true", "{n}"], &["--work", "missing"]);
    refused(&["--work", "{n}-1", "-j", "1,2", "true", "{n}"], &["--work", "for 1 workers"]);
    refused(&["--rate-regex", "rate", "true", "{n}"], &["--rate-regex", "group"]);
    refused(&["--rate-regex", "(", "true", "{n}"], &["--rate-regex"]);
    refused(&["-j", "1,2", "false", "{n}"], &["no run succeeded", "exit code 1", "--ignore-failure"]);
    refused(&["-j", "1,2", "./there-is-none", "{n}"], &["no run succeeded", "does not start"]);
    refused(&["-j", "1,2", "--rate-regex", "(x)", "true", "{n}"], &["matches nothing"]);
    refused(&["-p", "exit 7", "true", "{n}"], &["--prepare", "7"]);
    refused(&["--png", "none/x.png", "true", "{n}"], &["none"]);
    refused(&["--export-csv", ".", "touch", "ran{n}"], &["cannot write ."]);
    refused(&["--machine", "a=1x@1", "--power", "nan", "touch", "ran{n}"], &["--power", "above 0"]);
    assert!(!place.has("ran1"), "refused only after it was measured");
}

#[test]
fn what_fails_around_a_run_leaves_out_that_number_and_tells_the_others() {
    let place = Place::new();
    for flag in ["--prepare", "--conclude"] {
        // In the last round only: two samples are there by then.
        let helper =
            "echo >> seen{n}; [ {n} != 2 ] || [ $(wc -l < seen2) -lt 3 ] || { echo full >&2; exit 7; }";
        let (ran, json) = run(&place, &["-j", "1,2,3", "-r", "3", flag, helper, "true", "{n}"]);
        ran.exits(1);
        let why = json["failed"][0]["why"].as_str().unwrap();
        assert!([flag, "7", "full"].iter().all(|word| why.contains(word)), "{why}");
        let left: Vec<_> =
            json["points"].as_array().unwrap().iter().map(|p| p["n"].as_f64().unwrap()).collect();
        assert_eq!(left, [1.0, 3.0], "{flag}");
        (1..=3).for_each(|n| std::fs::remove_file(place.path(&format!("seen{n}"))).unwrap());
    }
}

#[test]
fn what_was_measured_is_told_whatever_comes_after() {
    let place = Place::new();
    // A device that takes nothing.
    let (ran, json) = run(&place, &["-j", "1,2", "-r", "1", "--export-csv", "/dev/full", "true", "{n}"]);
    assert!(ran.exits(126).contains("cannot write /dev/full"), "{}", ran.err());
    assert_eq!(json["points"].as_array().unwrap().len(), 2);
    let (ran, json) = run(&place, &["-j", "1,2", "-r", "1", "--cleanup", "exit 7", "true", "{n}"]);
    assert!(ran.exits(125).contains("--cleanup"), "{}", ran.err());
    assert_eq!(json["points"].as_array().unwrap().len(), 2);
}

#[test]
fn ctrl_c_during_prepare_starts_no_program() {
    let place = Place::new();
    // It fails, as what Ctrl-C at a terminal has ended does.
    let prepare = "echo > preparing; until [ -e go ]; do sleep 0.01; done; exit 1";
    let args = ["scale", "run", "-j", "1,2", "--prepare", prepare, "touch", "ran{n}"];
    let run = place.start(args);
    until("it is prepared", || place.has("preparing"));
    run.signal(Signal::INT);
    place.write("go", "");
    run.end().exits(130);
    assert!(!place.has("ran1") && !place.has("ran2"));
}

#[test]
fn ctrl_c_ends_the_program_and_tells_what_was_measured() {
    let place = Place::new();
    // The second round waits for a file that never comes.
    let script =
        "[ ! -e done{n} ] || { echo $$ > waits; until [ -e never ]; do sleep 0.01; done; }; echo > done{n}";
    let run = place.start(["--output", "json", "scale", "run", "-j", "1,2", "-r", "2", "--shell", script]);
    until("the second round has begun", || place.read("waits").ends_with('\n'));
    let ran = run.end_by(Signal::INT);
    ran.exits(130);
    let json: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&json["interrupted"], json["runs"].as_array().unwrap().len()), (&true.into(), 2));
    let pid = place.read("waits");
    // It is reaped before we hear of the end, so its number is nobody's.
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn files_are_written_and_can_be_read_again() {
    let place = Place::new();
    let files = [
        "--png",
        "a.png",
        "--svg",
        "a.svg",
        "--export-csv",
        "a.csv",
        "--export-markdown",
        "a.md",
        "--export-json",
        "a.json",
    ];
    let args = [&["-j", "1,2,4", "-r", "2"][..], &files, &["true", "{n}"]].concat();
    let (ran, json) = run(&place, &args);
    ran.exits(0);
    assert!(std::fs::read(place.path("a.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(place.read("a.svg").starts_with("<svg"));
    assert!(place.read("a.md").starts_with("| n | measured runs/s |"));
    let exported: Value = serde_json::from_str(&place.read("a.json")).unwrap();
    assert_eq!(exported, json);
    let again = place.json(&["scale", "fit", "a.csv"]);
    assert_eq!(again["alpha"], json["alpha"]);
    assert_eq!(again["points"][0]["runs"], 2);
}

/// Three points, as told of a pipeline for photos: 1, 2 and 1.5 million an hour.
#[test]
fn three_points_of_a_story_prove_little() {
    let place = Place::new();
    let json = fit(&place, "n,x\n100,1e6\n1000,2e6\n10000,1.5e6\n");
    let value = |field: &str| json[field].as_f64().unwrap();
    assert!((value("alpha") - 0.00715).abs() < 5e-6, "{json}");
    assert!((value("beta") - 4.16e-7).abs() < 5e-10, "{json}");
    assert_eq!(value("projected_n").round(), 1544.0);
    assert!(json["peak_n"].is_null());
    assert!(json["reason"].as_str().unwrap().contains("prove little"), "{json}");
}

#[test]
fn what_is_no_measurement_is_refused_with_its_line() {
    let place = Place::new();
    let refused =
        |points: &str, words: &[&str]| place.piped(points, ["scale", "fit", "-"]).refused(125, words);
    refused("1,10\n2,19\n", &["three"]);
    refused("4,10\n4,11\n4,12\n", &["at 1 number of workers"]);
    refused("n,x\n1,10\n2,0\n4,30\n", &["line 3", "above zero"]);
    refused("n,x\n1,10\n2,-1\n4,30\n", &["line 3", "above zero"]);
    refused("n,x\n1,10\n2,fast\n4,30\n", &["line 3", "`fast`"]);
    refused("", &["no measurements"]);
    refused("1,10\n2,19\n4e9,30\n", &["line 3", "4e9"]);
    place.divvy(["scale", "fit", "nowhere.csv"]).refused(125, &["nowhere.csv"]);
    for verb in ["fit", "herd"] {
        place.divvy(["scale", verb, "."]).refused(125, &["cannot read ."]);
    }
}

#[test]
fn a_wildly_noisy_series_has_a_wide_interval_and_no_peak() {
    let place = Place::new();
    let json = fit(&place, "1 10\n2 35\n4 12\n8 90\n16 20\n32 160\n64 30\n128 300\n");
    assert!(json["peak_n"].is_null());
    let interval = json["alpha_interval"].as_array().unwrap();
    let [low, high] = [&interval[0], &interval[1]].map(|end| end.as_f64().unwrap());
    assert!(high - low > 0.05, "{json}");
}

#[test]
fn a_queue_that_grows_without_end_is_refused_with_the_servers_it_takes() {
    let place = Place::new();
    let queue = ["scale", "queue", "--arrival", "1000/s", "--service", "100ms"];
    place.divvy(queue.iter().chain(&["--servers", "1"])).refused(125, &["1 server is impossible", "101"]);
    let json = place.json(&[&queue[..], &["--servers", "102"]].concat());
    assert!((json["wait_seconds"].as_f64().unwrap() - 0.0389).abs() < 1e-4, "{json}");
    assert!((json["waiting"].as_f64().unwrap() - 38.9).abs() < 0.1, "{json}");
    assert_eq!(json["servers_least"], 101);
    let json = place.json(&[&queue[..], &["--target-wait", "50ms"]].concat());
    assert_eq!(json["servers"], 102);
}

/// Help teaches by examples, and those that need no file or program of the reader's can be run as they stand.
#[test]
fn examples_in_help_are_there_and_work() {
    let place = Place::new();
    let help = |args: &[&str]| place.divvy(args.iter().chain(&["--help"])).silent();
    for verb in ["run", "fit", "queue", "batch", "amdahl", "usl", "paths", "costs", "herd"] {
        let help = help(&["scale", verb]);
        let examples: Vec<_> =
            help.split("EXAMPLES:\n").nth(1).unwrap().lines().take_while(|l| !l.is_empty()).collect();
        assert!(examples.iter().all(|line| line.contains(&format!("divvy scale {verb}"))), "{examples:?}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        if ["queue", "batch", "amdahl", "usl", "paths"].contains(&verb) {
            assert!(examples.len() >= 2, "{verb}");
            for example in examples {
                place.divvy(example.split_whitespace().skip(1)).silent();
            }
        }
    }
    for verb in ["scale", "bill", "capacity"] {
        assert!(help(&[verb]).contains(&format!("EXAMPLES:\n  divvy {verb}")), "{verb}");
    }
}

#[test]
fn arithmetic_names_its_source() {
    let place = Place::new();
    for args in [
        &["queue", "--arrival", "10/s", "--service", "10ms"][..],
        &["amdahl", "--serial", "0.1"],
        &["usl", "--alpha", "0.1", "--beta", "0"],
        &["paths"],
        &["batch", "--setup", "5ms", "--item", "1ms"],
    ] {
        let json = place.json(&[&["scale"], args].concat());
        assert!(json["formula"].is_string() && json["source"].is_string(), "{args:?}: {json}");
    }
    let alone = place.divvy(["scale", "amdahl", "--serial", "1"]).silent();
    assert!(alone.contains("never above 1; half of that takes 1 worker, nine tenths 1 worker"), "{alone}");
}

#[test]
fn tables_have_the_true_values() {
    let place = Place::new();
    let of = |args: &[&str], field: &str| -> Vec<f64> {
        let json = place.json(&[&["scale"], args].concat());
        json["rows"].as_array().unwrap().iter().map(|row| row[field].as_f64().unwrap()).collect()
    };
    let rounded = |values: Vec<f64>| values.iter().map(|v| (v * 100.0).round() / 100.0).collect::<Vec<_>>();
    let usl = of(&["usl", "--alpha", "0.05", "--beta", "0.001", "-j", "10,32,50,100,200"], "speedup");
    assert_eq!(rounded(usl), [6.49, 9.03, 8.47, 6.31, 3.94]);
    assert_eq!(
        rounded(of(&["amdahl", "--serial", "0.1", "-j", "10,100,1000"], "speedup")),
        [5.26, 9.17, 9.91]
    );
    assert_eq!(of(&["paths", "-j", "10"], "pairs"), [45.0]);
    assert_eq!(rounded(of(&["paths", "-j", "10,100"], "share")), [0.82, 0.98]);
    let batch = place.json(&["scale", "batch", "--setup", "5ms", "--item", "1ms"]);
    assert_eq!(batch["size"], 32);
    let cheap = place.json(&["scale", "batch", "--setup", "1us", "--item", "1s"]);
    assert_eq!(cheap["decided_by"], "there taking and holding cost least");
    let free = place.json(&["scale", "batch", "--setup", "5ms", "--item", "1ms", "--holding", "0"]);
    assert_eq!(
        (&free["size"], &free["decided_by"]),
        (&250.into(), &"taking smaller ones would cost more than 2 %".into())
    );
}

#[test]
fn what_coordinating_costs_is_measured() {
    let place = Place::new();
    let json = place.json(&["scale", "costs", "--task", "1ms"]);
    for name in [
        "atomic_add",
        "lock",
        "lock_contended",
        "queue_hop",
        "pipe_round_trip",
        "loopback_TCP",
        "fsync",
        "process",
    ] {
        let cost = &json["costs"][name];
        if name == "lock_contended" && cost.is_null() {
            // Where others use the processors, threads need not meet; then that is said.
            assert!(json["missing"].as_str().unwrap().starts_with("lock contended"), "{json}");
            continue;
        }
        let [low, middle, high] = ["low", "seconds", "high"].map(|field| cost[field].as_f64().unwrap());
        assert!(low > 0.0 && low <= middle && middle <= high, "{name}: {cost}");
        assert_eq!(cost["batch"].as_f64().unwrap(), (middle / 0.02 / 1e-3).ceil().max(1.0));
    }
}

#[test]
fn ten_big_machines_are_compared_with_a_thousand_small_ones() {
    let place = Place::new();
    place.write("points", "1 10\n2 19.6\n4 37.5\n8 68\n16 110\n32 145\n64 150\n128 110\n");
    let machines = ["--machine", "small=1x@0.05", "--machine", "big=100x@4", "--power", "1000"];
    let json = place.json(&[&["scale", "fit", "points"][..], &machines].concat());
    let fleets = json["machines"]["equal_power"].as_array().unwrap();
    assert_eq!((&fleets[0]["name"], &fleets[0]["n"]), (&"big".into(), &10.into()));
    assert_eq!((&fleets[1]["name"], &fleets[1]["n"]), (&"small".into(), &1000.into()));
    place
        .divvy(["scale", "fit", "points", "--machine", "small"])
        .refused(125, &["--machine", "NAME=SPEEDx@PRICE"]);
}

#[test]
fn a_herd_in_a_log_is_found_and_spread() {
    let place = Place::new();
    // One a second for ten minutes, and two hundred at once in the middle.
    let quiet = (0..600).map(|s| format!("2026-11-22T09:{:02}:{:02}Z GET /\n", s / 60, s % 60));
    let herd = (0..200).map(|_| "2026-11-22T09:05:00Z GET /\n".to_owned());
    // A line that is longer than what is read of it: its rest is no line, although it begins with a time.
    let long = "x".repeat(1 << 20) + "2026-11-22T09:05:00Z\n";
    place.write("log", quiet.chain(herd).chain([long]).collect::<String>());
    let json = place.json(&["scale", "herd", "log", "--capacity", "20/s"]);
    let bursts = json["bursts"].as_array().unwrap();
    assert_eq!((bursts.len(), &bursts[0]["arrivals"]), (1, &201.into()));
    assert_eq!((&json["arrivals"], &json["lines_without_a_time"]), (&800.into(), &1.into()));
    let peaks: Vec<_> =
        json["jitter"].as_array().unwrap().iter().map(|j| j["peak_rate"].as_f64().unwrap()).collect();
    assert!(
        peaks[0] >= 201.0 && peaks.is_sorted_by(|a, b| a >= b) && peaks[peaks.len() - 1] < 3.0,
        "{peaks:?}"
    );
    assert!((json["jitter_for_capacity_seconds"].as_f64().unwrap() - 20.1).abs() < 1e-9);
    place.piped("hello\n", ["scale", "herd", "-"]).refused(125, &["no line has a time"]);
}
