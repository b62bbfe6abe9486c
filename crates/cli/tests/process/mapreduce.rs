//! `divvy mapreduce`: the same bytes whatever the splits and workers, whoever is killed, whatever is damaged.

use crate::disk::SmallDisk;
use crate::place::{Place, until};
use rustix::process::{Pid, Signal, test_kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A text of many words, some of them often, long ones too.
fn text(words: u64, seed: u64) -> String {
    let mut state = seed | 1;
    let mut text = String::new();
    for n in 0..words {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (state >> 33) % 5_000;
        text += &match word % 7 {
            0 => format!("w{word}"),
            1 => format!("a-rather-long-word-that-has-no-room-in-a-slot-{word}"),
            _ => format!("w{}", word % 50),
        };
        text.push(if n % 9 == 8 { '\n' } else { ' ' });
    }
    text
}

/// What counts them independently.
fn counted(text: &str) -> String {
    let mut counts = BTreeMap::<&str, u64>::new();
    text.split_ascii_whitespace().for_each(|word| *counts.entry(word).or_default() += 1);
    counts.iter().map(|(word, count)| format!("{word}\t{count}\n")).collect()
}

/// All parts of an output, one after the other.
fn whole(dir: &Path) -> String {
    let mut parts: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.sort();
    assert!(parts.iter().any(|part| part.ends_with("_SUCCESS")), "{parts:?}");
    parts.iter().map(|part| fs::read_to_string(part).unwrap()).collect()
}

/// What another program makes of the files.
fn peer(place: &Place, program: &str, args: &[&str]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").current_dir(place.path("")).stderr(Stdio::inherit());
    command.output().unwrap().stdout
}

#[test]
fn words_are_counted_the_same_whatever_the_splits_and_workers() {
    let place = Place::new();
    let (first, second) = (text(40_000, 7), text(3_000, 8));
    fs::create_dir(place.path("books")).unwrap();
    place.write("books/a.txt", &first);
    place.write("books/b.txt", &second);
    let expected = counted(&(first + &second));
    assert_eq!(place.divvy(["mapreduce", "wordcount", "books"]).silent(), expected);
    let mut runs = 0;
    for workers in ["1", "3"] {
        for (split, parts, memory) in [("1000", "1", "64M"), ("70K", "13", "64M"), ("10M", "2", "12M")] {
            runs += 1;
            let out = format!("out{runs}");
            let place = &place;
            let flags = ["-j", workers, "--split", split, "--parts", parts, "--memory", memory, "-o", &out];
            place.divvy(["mapreduce", "wordcount", "books"].into_iter().chain(flags)).silent();
            assert!(whole(&place.path(&out)) == expected, "{flags:?}");
        }
    }
    // Nothing is left behind but what was asked for.
    let left: Vec<_> =
        fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("divvy-")), "{left:?}");
}

#[test]
fn a_word_that_is_most_of_the_text_is_no_burden() {
    let place = Place::new();
    let words = 300_000;
    let word = |n: u64| if n.is_multiple_of(10) { format!("{n}\n") } else { "most\n".to_owned() };
    place.write("in.txt", (0..words).map(word).collect::<String>());
    let flags = ["-j2", "--split", "100K", "--parts", "4", "-o", "out", "--output", "json"];
    let ran = place.divvy(["mapreduce", "wordcount", "in.txt"].into_iter().chain(flags));
    let said = ran.exits(0);
    let counted = said.lines().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).unwrap();
    // What is written between map and reduce are the thirty thousand other words: the one is a record or two a run.
    let spilled = counted["counters"]["spilled bytes"].as_u64().unwrap();
    assert!(spilled < 25 * words / 10, "{spilled} bytes for {words} words");
    assert!(whole(&place.path("out")).contains("most\t270000\n"));
    let parts = fs::read_dir(place.path("out")).unwrap().map(|part| part.unwrap().metadata().unwrap().len());
    let sizes: Vec<u64> = parts.filter(|size| *size > 0).collect();
    let mean = sizes.iter().sum::<u64>() / sizes.len() as u64;
    assert!(sizes.len() == 4 && sizes.iter().all(|size| *size < 2 * mean), "{sizes:?}");
}

#[test]
fn records_are_sorted_as_sort_does() {
    let place = Place::new();
    place.write("in.txt", text(30_000, 3));
    let expected = peer(&place, "sort", &["in.txt"]);
    let sorted =
        place.divvy(["mapreduce", "sort", "in.txt", "--split", "9K", "--memory", "8M", "--parts", "7"]);
    assert!(sorted.silent().as_bytes() == expected);
    let expected = peer(&place, "sort", &["-s", "-t", " ", "-k2,2", "in.txt"]);
    place
        .divvy([
            "mapreduce",
            "sort",
            "-t",
            " ",
            "-k",
            "2",
            "in.txt",
            "-o",
            "out",
            "--single",
            "--split",
            "5K",
        ])
        .silent();
    assert!(fs::read(place.path("out")).unwrap() == expected);
    let expected = peer(&place, "sort", &["-u", "in.txt"]);
    assert!(place.divvy(["mapreduce", "sort", "-u", "in.txt"]).silent().as_bytes() == expected);
}

#[test]
fn records_are_found_as_grep_does() {
    let place = Place::new();
    place.write("a.txt", text(30_000, 4));
    place.write("b.txt", "no newline at the end: w17");
    for args in [
        &["-F", "w17"][..],
        &["w1[0-9]+ w"],
        &["-i", "RATHER.*w3"],
        &["-v", "w1"],
        &["no such words"],
        &["^w"],
        &[""],
    ] {
        let mut expected = peer(
            &place,
            "grep",
            &[
                &["-h", "-a", "-E"][..],
                &args.iter().copied().filter(|a| *a != "-F").collect::<Vec<_>>(),
                &["a.txt", "b.txt"],
            ]
            .concat(),
        );
        // grep ends the last line as well.
        if expected.last().is_some_and(|last| *last != b'\n') {
            expected.push(b'\n');
        }
        let found = place.divvy(
            [&["mapreduce", "grep", "--split", "11K", "--parts", "3"][..], args, &["a.txt", "b.txt"]]
                .concat(),
        );
        assert!(found.silent().as_bytes() == expected, "{args:?}");
    }
}

/// Lines of two files, joined by the first word of each as nested loops do it.
fn joined(left: &str, right: &str, outer_left: bool, outer_right: bool) -> String {
    let key = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for a in left.lines() {
        let matches: Vec<_> = right.lines().filter(|b| key(b) == key(a)).collect();
        lines.extend(matches.iter().map(|b| (key(a), format!("{a}\t{b}\n"))));
        if matches.is_empty() && outer_left {
            lines.push((key(a), format!("{a}\t\n")));
        }
    }
    for b in right.lines().filter(|b| outer_right && left.lines().all(|a| key(a) != key(b))) {
        lines.push((key(b), format!("\t{b}\n")));
    }
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines.into_iter().map(|line| line.1).collect()
}

#[test]
fn records_are_joined_as_nested_loops_do() {
    let place = Place::new();
    let lines = |count: u64, step: u64, name: &str| -> String {
        (0..count).map(|n| format!("k{} {name}{n}\n", n * step % 701)).collect()
    };
    let (left, right) = (lines(3_000, 7, "left"), lines(600, 13, "right") + "only right\n");
    place.write("left.txt", &left);
    fs::create_dir(place.path("right")).unwrap();
    let (first, second) = right.split_at(right.match_indices('\n').nth(200).unwrap().0 + 1);
    place.write("right/1.txt", first);
    place.write("right/2.txt", second);
    for (outer, left_too, right_too) in [
        (None, false, false),
        (Some("left"), true, false),
        (Some("right"), false, true),
        (Some("full"), true, true),
    ] {
        let expected = joined(&left, &right, left_too, right_too);
        for (split, parts) in [("1M", "1"), ("3K", "5")] {
            let flags =
                ["mapreduce", "join", "left.txt", "--split", split, "--parts", parts, "--memory", "8M"];
            let outer = outer.iter().flat_map(|side| ["--outer", side]);
            let with = ["--with", "right"];
            let found = place.divvy(flags.into_iter().chain(outer).chain(with)).silent();
            assert!(found == expected, "{flags:?}");
        }
    }
    let piped =
        place.piped(left.clone(), ["mapreduce", "join", "-k1", "-", "--with", "right/1.txt", "right/2.txt"]);
    assert!(piped.silent() == joined(&left, &right, false, false));
}

#[test]
fn fields_of_both_sides_may_be_others() {
    let place = Place::new();
    place.write("orders", "1,ann\n2,bob\n3,ann\n4,eve\n");
    place.write("customers", "ann,Paris\nbob,Rome\n");
    let join =
        ["mapreduce", "join", "-k", "2", "-t", ",", "orders", "--with", "customers", "--with-field", "1"];
    assert_eq!(place.divvy(join).silent(), "1,ann\tann,Paris\n3,ann\tann,Paris\n2,bob\tbob,Rome\n");
    place.divvy(["mapreduce", "join", "orders", "--with", "-"]).refused(125, &["--with", "left"]);
}

#[test]
fn a_key_that_does_not_fit_is_named() {
    let place = Place::new();
    place.write("left", "few 1\nmany 2\n");
    place.write("right", format!("few 1\n{}", "many of them, and each of them is long\n".repeat(40_000)));
    let flags = ["--memory", "4M", "-j", "1"];
    let join = |left: &'static str, right: &'static str| {
        place.divvy(["mapreduce", "join", left, "--with", right].into_iter().chain(flags))
    };
    join("left", "right").refused(123, &["the key \"many\"", "change places"]);
    // It is as it says.
    assert_eq!(join("right", "left").silent().lines().count(), 40_001);
}

#[test]
fn the_list_names_each_program_and_its_examples_run() {
    let place = Place::new();
    let list = place.divvy(["mapreduce", "list"]).silent();
    let help = place.divvy(["mapreduce", "--help"]).silent();
    let programs = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let programs = programs.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let programs: Vec<_> = programs.filter(|name| !["list", "help"].contains(name)).collect();
    assert!(programs.len() > 4);
    fs::create_dir(place.path("books")).unwrap();
    place.write("books/a.txt", "to be or not to be\n");
    place.write("access.log", "1 2 3 4 5 6 /index.html TIMEOUT\n");
    place.write("orders.csv", "1,ann\n");
    place.write("customers.csv", "ann,Paris\n");
    for name in programs.into_iter().filter(|name| *name != "stream") {
        let entry = list.split("\n\n").find(|entry| entry.lines().next() == Some(name)).expect(name);
        let example = entry.lines().last().unwrap().strip_prefix("  $ divvy ").unwrap();
        let words: Vec<_> = example.split(' ').map(|word| word.trim_matches('\'')).collect();
        place.divvy(words).silent();
    }
    assert_eq!(whole(&place.path("joined")), "1,ann\tann,Paris\n");
}

#[test]
fn inputs_may_be_packed_or_come_from_stdin_or_be_nothing() {
    let place = Place::new();
    let book = text(5_000, 5);
    place.write("a.txt", &book);
    let expected = counted(&book);
    peer(&place, "gzip", &["-k", "a.txt"]);
    assert_eq!(place.divvy(["mapreduce", "wordcount", "a.txt.gz"]).silent(), expected);
    assert_eq!(place.piped(book.clone(), ["mapreduce", "wordcount"]).silent(), expected);
    assert_eq!(place.divvy(["mapreduce", "wordcount", "*.txt"]).silent(), expected);
    assert_eq!(place.piped("", ["mapreduce", "wordcount"]).silent(), "");
    place.write("nothing", "");
    place.divvy(["mapreduce", "wordcount", "nothing", "-o", "none"]).silent();
    assert_eq!(whole(&place.path("none")), "");
    place.divvy(["mapreduce", "wordcount", "missing*"]).refused(125, &["missing*", "names no file"]);
    place.divvy(["mapreduce", "wordcount", "a.txt", "-o", "none"]).refused(125, &["is there already"]);
}

#[test]
fn a_job_goes_on_after_everything_was_killed() {
    let book = text(400_000, 6);
    for kill_after in ["map", "reduce"] {
        let place = Place::new();
        place.write("a.txt", &book);
        let out = format!("out-{kill_after}");
        // Slow enough to be killed in the middle: nothing is held for long with so many splits.
        let run = place.start([
            "mapreduce",
            "wordcount",
            "a.txt",
            "-j",
            "2",
            "--split",
            "4K",
            "--parts",
            "400",
            "-o",
            &out,
        ]);
        let stage = format!("wordcount, {kill_after}");
        until("some of its tasks are done", || done(&place, &stage) > 10);
        run.end_by(Signal::KILL);
        assert!(!place.has(&out), "nothing is half there");
        place.divvy(["resume"]).silent();
        assert!(whole(&place.path(&out)) == counted(&book));
    }
}

/// A program whose splits, or parts, all wait for `go`, and two processes that have begun one each; the second is then stopped for
/// good, while its session lives.
fn finishes_without_one_that_is_stopped(phase: &str) {
    let place = Place::new();
    place.write("a.txt", (0..400).map(|n| format!("{}\n", n * 7919 % 400)).collect::<String>());
    // It becomes what it waits for, so that there is one process to look for.
    let waits = "sh -c 'touch begun.$$; until [ -e go ]; do sleep 0.01; done; exec cat'";
    let (mapper, reducer) = if phase == "map" { (waits, "cat") } else { ("cat", waits) };
    let script = |name: &str, line: &str| {
        let path = place.write(name, format!("#!/bin/sh\ncd {}\n{line}\n", place.path("").display()));
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    };
    let (mapper, reducer) = (script("mapper", mapper), script("reducer", reducer));
    let flags = ["--split", "200", "--parts", "6", "-j1", "a.txt", "-o", "out", "--output", "json"];
    let programs = ["mapreduce", "--mapper", &mapper, "--reducer", &reducer];
    let run = place.start(programs.into_iter().chain(flags));
    let begun = || {
        let names = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("begun.")).count()
    };
    until("one process has begun", || begun() == 1);
    let helper = place.start(["work", "-j1"]);
    until("both have", || begun() == 2);
    helper.signal(Signal::STOP);
    place.write("go", "");
    let said = run.end().exits(0);
    let told = said.lines().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).unwrap();
    assert!(told["skew"]["taken"].as_u64() >= Some(1), "{told}");
    let mut made: Vec<u32> =
        whole(&place.path("out")).lines().map(|line| line.trim_end().parse().unwrap()).collect();
    made.sort();
    assert!(made.iter().copied().eq(0..400), "{made:?}");
    // It goes on, in vain and without complaint.
    helper.signal(Signal::CONT);
    let helper = helper.end_by(Signal::TERM);
    assert_eq!(helper.err(), "", "{phase}");
}

#[test]
fn a_process_that_is_stopped_in_map_holds_nobody_up() {
    finishes_without_one_that_is_stopped("map");
}

#[test]
fn a_process_that_is_stopped_in_reduce_holds_nobody_up() {
    finishes_without_one_that_is_stopped("reduce");
}

/// It used to end in the process that had taken it, and to run to its end in the one it was taken from.
#[test]
fn a_task_that_two_run_ends_in_both_when_its_job_is_canceled() {
    let place = Place::new();
    place.write("a.txt", "one\n");
    let [begun, go] = ["begun", "go"].map(|name| place.path(name).display().to_string());
    let mapper = format!("sh -c 'touch {begun}.$$; until [ -e {go} ]; do sleep 0.01; done; exec cat'");
    let run =
        place.start(["mapreduce", "--mapper", &mapper, "--reducer", "cat", "-j1", "a.txt", "-o", "out"]);
    let pids = || {
        let names = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        let pids = names.filter_map(|name| name.to_str()?.strip_prefix("begun.")?.parse().ok());
        pids.filter_map(Pid::from_raw).collect::<Vec<_>>()
    };
    until("it runs", || pids().len() == 1);
    // Who runs one job only ends with it; the others are there for all.
    run.end_by(Signal::INT).exits(130);
    let [from, by] = [(2, "-j2"), (3, "-j1")].map(|(begun, workers)| {
        let worker = place.start(["work", workers]);
        until("it runs there", || pids().len() >= begun);
        worker
    });
    let has_nothing = "SELECT count(*) FROM node WHERE hungry = 1";
    let is_told = || place.raw().query_row(has_nothing, [], |row| row.get::<_, i64>(0)).unwrap() == 1;
    until("who it was taken from has heard of it", is_told);
    place.divvy(["cancel", "1"]).exits(0);
    until("nobody runs it", || pids().into_iter().all(|pid| test_kill_process(pid).is_err()));
    [from, by].into_iter().for_each(|worker| assert_eq!(worker.end_by(Signal::TERM).exits(130), ""));
}

/// How many tasks of the youngest job of this name are done.
fn done(place: &Place, name: &str) -> u64 {
    let jobs = place.json(&["jobs"]);
    let jobs = jobs.as_array().unwrap().iter().rev().find(|job| job["name"] == name).cloned();
    jobs.map_or(0, |job| job["done"].as_u64().unwrap())
}

#[test]
fn a_run_that_is_damaged_or_lost_is_made_anew() {
    let place = Place::new();
    let book = text(200_000, 9);
    place.write("a.txt", &book);
    // The reducer waits, so that all is mapped and nothing is made of it when divvy is killed.
    let [begun, go] = ["begun", "go"].map(|name| place.path(name).display().to_string());
    let words = "awk '{ for (n = 1; n <= NF; n++) print $n }'";
    let reducer = format!("sh -c 'touch {begun}; until [ -e {go} ]; do sleep 0.01; done; uniq -c'");
    let flags = ["--reducer", &reducer, "-j1", "--split", "100K", "--memory", "4M", "-o", "out"];
    let run = place.start(["mapreduce", "--mapper", words, "a.txt"].into_iter().chain(flags));
    until("all is mapped", || place.has("begun"));
    run.end_by(Signal::KILL);
    place.write("go", "");
    let work = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().path());
    let work = work
        .into_iter()
        .find(|path| path.to_string_lossy().contains(".out.divvy-"))
        .expect("the job's directory");
    let mut runs: Vec<_> =
        fs::read_dir(work.join("runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    let mut bytes = fs::read(&runs[0]).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    fs::File::create(&runs[0]).unwrap().write_all(&bytes).unwrap();
    assert!(runs.len() > 1, "one to damage and one to lose");
    fs::remove_file(&runs[1]).unwrap();
    place.divvy(["resume", "-j1"]).silent();
    let counts = whole(&place.path("out"));
    let counts = counts.lines().map(|line| line.trim().split_once(' ').unwrap());
    let counts: String = counts.map(|(count, word)| format!("{}\t{count}\n", word.trim())).collect();
    assert!(counts == counted(&book));
}

/// Starts a job whose mapper waits for `go`, and kills divvy while it does.
fn killed_while_it_maps(place: &Place) {
    place.write("a.txt", "one\ntwo\n");
    let [begun, go] = ["begun", "go"].map(|name| place.path(name).display().to_string());
    let mapper = format!("sh -c 'touch {begun}; until [ -e {go} ]; do sleep 0.01; done; cat'");
    let run = place.start(["mapreduce", "--mapper", &mapper, "--reducer", "cat", "a.txt", "-o", "out"]);
    until("the mapper runs", || place.has("begun"));
    run.end_by(Signal::KILL);
    place.write("go", "");
}

/// It used to say so and to wait for ever for a node that could.
#[test]
fn a_phase_that_cannot_run_here_ends_who_goes_on_with_it() {
    let place = Place::new();
    place.write("a.txt", "one\ntwo\n");
    let [begun, go] = ["begun", "go"].map(|name| place.path(name).display().to_string());
    let mapper = format!("sh -c 'touch {begun}; until [ -e {go} ]; do sleep 0.01; done; cat'");
    let small = ["--memory", "8M", "-j2", "a.txt", "-o", "out"];
    let run = place.start(["mapreduce", "--mapper", &mapper, "--reducer", "cat"].into_iter().chain(small));
    until("the mapper runs", || place.has("begun"));
    run.end_by(Signal::KILL);
    place.write("go", "");
    let said = ["job 1 cannot run here", "8M of memory, and 3 workers need 12M", "-j2"];
    place.divvy(["resume", "-j3"]).refused(126, &said);
    assert_eq!(place.count("1", "ready"), 1, "it is left to others");
    place.divvy(["resume", "-j2"]).silent();
    assert_eq!(whole(&place.path("out")), "one\t\ntwo\t\n");
}

#[test]
fn an_input_that_changed_fails_the_job() {
    let place = Place::new();
    killed_while_it_maps(&place);
    let mut input = fs::OpenOptions::new().append(true).open(place.path("a.txt")).unwrap();
    input.write_all(b"more\n").unwrap();
    place.divvy(["resume"]).refused(123, &["was changed"]);
    assert!(!place.has("out"));
}

#[test]
fn a_full_disk_stops_the_job_and_it_goes_on_when_there_is_room() {
    let place = Place::new();
    let Some(disk) = SmallDisk::below(&place, "3m") else { return };
    let book = text(800_000, 11);
    place.write("a.txt", &book);
    // The store elsewhere: else it may be the one that finds no room first, and says so in words of its own.
    let store = format!("sqlite:{}", place.path("jobs.db").display());
    let divvy = |args: &[&str]| place.spawn(place.command(args).env("DIVVY_STORE", &store)).end();
    let sort = ["mapreduce", "sort", "a.txt", "-j2", "--memory", "16M", "-o", "state/out"];
    divvy(&sort).refused(126, &["No space left on device", "divvy resume"]);
    assert!(!place.has("state/out"), "nothing is half there");
    disk.remount("size=64m");
    divvy(&["resume"]).silent();
    assert!(whole(&place.path("state/out")).into_bytes() == peer(&place, "sort", &["a.txt"]));
}

/// Short records take more memory than bytes: a few megabytes of them are a dozen runs. What divvy inherits takes most of
/// the files that there may be.
#[test]
fn there_may_be_more_runs_than_open_files() {
    let place = Place::new();
    let lines: String = (0..2_000_000usize).flat_map(|n| [['c', 'a', 'b'][n % 3], '\n']).collect();
    let input = fs::File::open(place.write("a.txt", lines)).unwrap();
    let _inherited: Vec<_> = (0..45).map(|_| rustix::io::dup(&input).unwrap()).collect();
    let sort = place.command(["mapreduce", "sort", "a.txt", "-j1", "--memory", "4M", "-o", "out"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 76 && exec \"$0\" \"$@\""]).arg(sort.get_program()).args(sort.get_args());
    limited.current_dir(place.path("")).env("DIVVY_DIR", place.state()).stdin(Stdio::null());
    place.spawn(&mut limited).end().silent();
    assert!(whole(&place.path("out")).into_bytes() == peer(&place, "sort", &["a.txt"]));
}

#[test]
fn a_limit_on_spills_is_kept() {
    let place = Place::new();
    place.write("a.txt", text(200_000, 12));
    let sort = ["mapreduce", "sort", "a.txt", "-o", "out", "--disk", "100K"];
    place.divvy(sort).refused(126, &["limit of", "for spills"]);
    assert!(!place.has("out"));
}

#[test]
fn a_record_that_is_larger_than_the_memory_fails_with_a_word() {
    let place = Place::new();
    place.write("a.txt", vec![b'x'; 20 << 20]);
    place
        .divvy(["mapreduce", "sort", "a.txt", "-j1", "--memory", "8M"])
        .refused(123, &["a record", "raise --memory"]);
    // Enough memory, and it goes through.
    let sorted = place.divvy(["mapreduce", "sort", "a.txt", "-j1", "--memory", "256M"]).silent();
    assert_eq!(sorted.len(), (20 << 20) + 1);
}

#[test]
fn what_a_forgotten_job_kept_is_removed() {
    let place = Place::new();
    killed_while_it_maps(&place);
    let kept = || {
        let entries = fs::read_dir(place.path("")).unwrap().map(|entry| entry.unwrap().file_name());
        entries.filter(|name| name.to_string_lossy().contains(".out.divvy-")).count()
    };
    assert_eq!(kept(), 1);
    for job in ["1", "2", "3"] {
        place.divvy(["cancel", job]).exits(0);
    }
    place.divvy(["forget", "all"]).exits(0);
    assert_eq!(kept(), 0);
}

#[test]
fn helpers_may_come_and_be_killed() {
    let place = Place::new();
    let book = text(600_000, 14);
    place.write("a.txt", &book);
    let run = place.start([
        "mapreduce",
        "wordcount",
        "a.txt",
        "-j1",
        "--split",
        "8K",
        "--parts",
        "90",
        "-o",
        "out",
    ]);
    until("the job is there", || done(&place, "wordcount, map") > 0);
    let mut helpers: Vec<_> = (0..3).map(|_| place.start(["work", "-j1", "--until-empty"])).collect();
    until("a part is made", || done(&place, "wordcount, reduce") > 0 || place.has("out"));
    helpers.swap_remove(1).end_by(Signal::KILL);
    run.end().silent();
    assert!(whole(&place.path("out")) == counted(&book));
}
