//! Programs that are killed and started again. The programs are this test binary itself, run for `child`.

use crate::place::{Place, two_workers, until};
use divvy::{Divvy, Job, Results, Task};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const RECORDS: u64 = 2_500;
const DIR: &str = "DIVVY_TEST_DIR";
const WAY: &str = "DIVVY_TEST_WAY";
const GIVES: &str = "DIVVY_TEST_GIVES";

/// A program as a user would write it, but for its iterator: it gives so many records, and then none for ever.
#[test]
#[ignore = "the other process of these tests"]
fn child() {
    let dir = std::env::var_os(DIR).expect("started by a test of this file");
    let (way, gives) = (std::env::var(WAY).unwrap(), std::env::var(GIVES).unwrap().parse().unwrap());
    let divvy = Divvy::open_with(Path::new(&dir).join("jobs.db"), two_workers()).unwrap();
    let records = (1..=RECORDS).map(move |n| {
        if n > gives {
            loop {
                std::thread::park();
            }
        }
        format!("record {n}")
    });
    let job = Job::records(records).name("work").crash_limit(10_000);
    let job = if way == "in order" { job.in_order() } else { job };
    let run = divvy.submit_or_resume(job).unwrap();
    let path = Path::new(&dir).join(format!("results-{}", std::process::id()));
    keep(start(run, &way), File::create(path).unwrap());
}

fn start(run: divvy::Run<String>, way: &str) -> Results<String> {
    #[cfg(feature = "tokio")]
    if way == "async" {
        return run
            .results_async(|task: Task<String>| async move {
                tokio::time::sleep(Duration::from_millis(task.id % 8)).await;
                divvy::ok(task.input)
            })
            .unwrap();
    }
    let _ = way;
    run.results(|task: Task<String>| {
        std::thread::sleep(Duration::from_micros(200));
        divvy::ok(task.input)
    })
    .unwrap()
}

fn keep(results: Results<String>, mut file: File) {
    for done in results {
        let done = done.unwrap();
        file.write_all(format!("{} {}\n", done.task, done.output).as_bytes()).unwrap();
    }
}

fn begin(place: &Place, way: &str, gives: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(DIR, place.dir())
        .env(WAY, way)
        .env(GIVES, gives.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the processes kept, each with what it saw: task, record, how often.
fn kept(place: &Place) -> Vec<BTreeMap<(u64, String), u64>> {
    let files = std::fs::read_dir(place.dir()).unwrap().map(|entry| entry.unwrap().path());
    let results = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("results-"));
    let read = |path| {
        let mut seen = BTreeMap::new();
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let (task, record) = line.split_once(' ').unwrap();
            *seen.entry((task.parse().unwrap(), record.to_owned())).or_default() += 1;
        }
        seen
    };
    results.map(read).collect()
}

fn all(place: &Place) -> BTreeMap<(u64, String), u64> {
    let mut all = BTreeMap::new();
    for (key, n) in kept(place).into_iter().flatten() {
        *all.entry(key).or_default() += n;
    }
    all
}

fn every_record() -> impl Iterator<Item = (u64, String)> {
    (1..=RECORDS).map(|n| (n, format!("record {n}")))
}

/// Killed while it waits for records, and in the middle of work; in the end every record was read once, and every result
/// was seen.
fn killed_again_and_again(way: &str) {
    let place = Place::new();
    for round in 1..=5 {
        let gives = 400 * round;
        let mut child = begin(&place, way, gives);
        // Odd rounds: all that there is has come, and the iterator hangs. Even ones: in the middle of it.
        let enough = if round % 2 == 1 { gives } else { gives - 200 };
        until("results", || (all(&place).len() as u64 >= enough).then_some(()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(begin(&place, way, RECORDS).wait().unwrap().success());
    assert!(all(&place).into_keys().eq(every_record()));
    let job = place.divvy().job("work").unwrap();
    assert_eq!((job.tail, job.counts.done), (RECORDS, RECORDS));
    assert_eq!(place.divvy().jobs().unwrap().len(), 1);
}

#[test]
fn functions_survive_being_killed() {
    killed_again_and_again("function");
}

#[cfg(feature = "tokio")]
#[test]
fn async_handlers_survive_being_killed() {
    killed_again_and_again("async");
}

#[test]
fn order_survives_being_killed() {
    killed_again_and_again("in order");
}

/// Started at the same time, they find each other: one job, read by one, run by both, each result seen by one.
#[test]
fn two_programs_share_a_named_job() {
    let place = Place::new();
    let children = [begin(&place, "function", RECORDS), begin(&place, "function", RECORDS)];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let all = all(&place);
    assert!(all.values().all(|n| *n == 1), "{all:?}");
    assert!(all.into_keys().eq(every_record()));
    assert_eq!(place.divvy().jobs().unwrap().len(), 1);
}

/// Whoever reads the records is killed while another works on the job: the other one cannot read on, because its
/// iterator was let go; a third one does.
#[test]
fn a_third_program_reads_on() {
    let place = Place::new();
    let mut reader = begin(&place, "function", 300);
    until("the reader's results", || (all(&place).len() >= 300).then_some(()));
    let mut other = begin(&place, "function", RECORDS);
    until("the other one", || (place.divvy().job("work").is_ok() && kept(&place).len() == 2).then_some(()));
    reader.kill().unwrap();
    reader.wait().unwrap();
    let mut third = begin(&place, "function", RECORDS);
    assert!(third.wait().unwrap().success());
    assert!(other.wait().unwrap().success());
    assert!(all(&place).into_keys().eq(every_record()));
}
