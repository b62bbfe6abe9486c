//! Programs that are killed and started again. The programs are this test binary itself, run for `child`.

use crate::place::{Place, counts, text, until, whole};
use divvy_mapreduce::typed::{Emit, MapReduce, Summary};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DIR: &str = "DIVVY_TEST_DIR";
/// In which of the functions the program is to be slow, so that it is killed there.
const SLOW: &str = "DIVVY_TEST_SLOW";

/// Words by how often they are there, in two stages, with a record that it fails on.
fn program(dir: &Path, slow: &'static str) -> Summary {
    // What is mapped is written down after two seconds: all of it takes longer.
    let pause = move |here: &str, ms| {
        if here == slow {
            std::thread::sleep(Duration::from_millis(ms));
        }
    };
    MapReduce::new("by count")
        .inputs([dir.join("in.txt")])
        .map(move |line: &str, out: &mut Emit<String, u64>| {
            pause("map", 4);
            out.count("lines", 1);
            line.split_ascii_whitespace().for_each(|word| out.emit(word, 1));
            if line == "bad" { Err("it says so") } else { Ok(()) }
        })
        .combine(|a, b| *a += b)
        // Neither stage is looked at before it begins, where the functions would be as slow.
        .hashed(40)
        .reduce_to(move |word, n, out: &mut Emit<(Reverse<u64>, String), ()>| {
            pause("reduce", 5);
            out.count("words", 1);
            out.emit((Reverse(n), word), ());
        })
        .map(move |key, (), out: &mut Emit<(Reverse<u64>, String), ()>| {
            pause("second map", 15);
            out.count("pairs", 1);
            out.emit(key, ());
        })
        .parts(1)
        .reduce(|(Reverse(n), word), _, out| out.line(format_args!("{n} {word}")))
        .workers(2)
        .split(2_000)
        .skip_bad(1)
        .run(dir.join("work"))
        .unwrap()
}

#[test]
#[ignore = "the other process of these tests"]
fn child() {
    let dir = std::env::var_os(DIR).expect("started by a test of this file");
    program(Path::new(&dir), std::env::var(SLOW).unwrap().leak());
}

fn begin(place: &Place, slow: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DIR, place.path(""))
        .env(SLOW, slow)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How many entries there are in a directory.
fn entries(dir: &Path) -> usize {
    std::fs::read_dir(dir).map_or(0, Iterator::count)
}

#[test]
fn a_killed_program_goes_on_and_its_counters_are_exact() {
    let text = text(30_000, 7) + "\nbad\n";
    let words = counts(&text).into_iter().filter(|(word, _)| *word != "bad").collect::<BTreeMap<_, _>>();
    let mut expected: Vec<_> = words.iter().map(|(word, n)| (Reverse(*n), *word)).collect();
    expected.sort();
    let expected: String = expected.iter().map(|(Reverse(n), word)| format!("{n} {word}\n")).collect();
    let place = Place::new();
    place.write("in.txt", &text);
    let work = place.path("work");
    // Each is killed when some of what it is slow at is written down, and the next goes on.
    let stages = [("map", "stage-0/runs"), ("reduce", "stage-0/parts"), ("second map", "stage-1/runs")];
    for (slow, shows) in stages {
        let mut child = begin(&place, slow);
        until("some of it is done", || entries(&work.join(shows)) > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!work.join("output").exists(), "nothing is half there");
    }
    // The first stage was done before the last of them was killed: it is not begun again.
    assert!(work.join("between-0/_SUCCESS").exists());
    let done = program(&place.path(""), "");
    assert!(whole(&done.output) == expected);
    assert_eq!(done.counter("lines"), text.lines().count() as u64 - 1);
    assert_eq!((done.counter("words"), done.counter("pairs")), (words.len() as u64, words.len() as u64));
    assert_eq!(done.skipped().map(|bad| &*bad.error).collect::<Vec<_>>(), ["it says so"]);
}
