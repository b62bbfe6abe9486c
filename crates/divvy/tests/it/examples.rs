//! The examples, run as they are.

use crate::place::{Place, until};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Cargo puts examples beside the directory of the test binaries.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let path: PathBuf = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run all targets of this package", path.display());
    Command::new(path)
}

fn run(name: &str, word: Option<&OsStr>) -> Output {
    let output = example(name).args(word).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn hash_files_names_every_file_once() {
    let place = Place::new();
    std::fs::create_dir(place.file("below")).unwrap();
    for n in 0..50 {
        std::fs::write(place.file(&format!("below/{n}")), n.to_string()).unwrap();
    }
    std::fs::write(place.file("empty"), "").unwrap();
    let output = run("hash_files", Some(place.dir().as_os_str()));
    let mut lines: Vec<_> = text(&output.stdout).lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 51);
    // The offset basis of FNV-1a is the hash of nothing.
    assert!(lines.iter().any(|line| line.starts_with("cbf29ce484222325  ") && line.ends_with("/empty")));
    assert!(text(&output.stderr).contains("51 files, 0 failed"));
}

#[cfg(feature = "tokio")]
#[test]
fn fetch_fetches_every_page_from_a_bad_server() {
    let output = run("fetch", None);
    let bytes: usize = (1..=1_000).map(|n| format!("this is /page/{n}").len()).sum();
    assert!(text(&output.stdout).starts_with(&format!("fetched 1000 pages, {bytes} bytes")), "{output:?}");
}

#[test]
fn resume_goes_on_after_it_was_killed() {
    let place = Place::new();
    let lines = || std::fs::read_to_string(place.file("results")).unwrap_or_default().lines().count();
    let mut first = example("resume").arg(place.dir()).stdout(Stdio::null()).spawn().unwrap();
    until("some results", || (lines() >= 300).then_some(()));
    first.kill().unwrap();
    first.wait().unwrap();
    let output = run("resume", Some(place.dir().as_os_str()));
    assert_eq!(text(&output.stdout), "all 2000 records are done\n");
    let results = std::fs::read_to_string(place.file("results")).unwrap();
    let mut tasks: Vec<u64> =
        results.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    tasks.sort_unstable();
    tasks.dedup();
    assert!(tasks.into_iter().eq(1..=2_000));
}

#[test]
fn in_order_is_a_sorted_file() {
    let place = Place::new();
    run("in_order", Some(place.file("squares").as_os_str()));
    let file = std::fs::read_to_string(place.file("squares")).unwrap();
    assert!(file.lines().map(|line| line.parse::<u64>().unwrap()).eq((1..=1_000_000u64).map(|n| n * n)));
}

#[test]
fn cancel_and_progress_ends_long_before_its_end() {
    let output = run("cancel_and_progress", None);
    assert!(text(&output.stdout).starts_with("canceled "), "{output:?}");
    assert!(text(&output.stderr).contains(" of 1000000000 done"), "{output:?}");
}
