//! Outputs in files.

use crate::place::Place;
use std::path::Path;

const SCRIPT: &str = "echo o{}; echo e{} >&2; exit 3";

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path.display().to_string()),
        }
    }
    found.sort();
    found
}

#[test]
fn results_are_kept_and_not_printed() {
    let place = Place::new();
    let ran = place.divvy(["run", "--results", "r", "sh", "-c", SCRIPT, ":::", "a/b"]);
    assert_eq!((ran.code, ran.out().as_str()), (Some(1), ""));
    assert_eq!((place.read("r/1/stdout"), place.read("r/1/stderr")), ("oa/b\n".into(), "ea/b\n".into()));
}

#[test]
fn names_are_made_of_the_input() {
    let place = Place::new();
    place.divvy(["run", "--results", "r/{}.txt", "sh", "-c", SCRIPT, ":::", "a/b", "c"]).exits(2);
    let names = files(&place.path("r"));
    let names: Vec<_> = names.iter().map(|name| name.rsplit_once("/r/").unwrap().1).collect();
    assert_eq!(names, ["a/b.txt", "a/b.txt.err", "a/b.txt.seq", "c.txt", "c.txt.err", "c.txt.seq"]);
    assert_eq!(
        [place.read("r/c.txt"), place.read("r/c.txt.err"), place.read("r/c.txt.seq")],
        ["oc\n", "ec\n", "2"]
    );
    place.divvy(["run", "--results", "d{#}/{/}/", "sh", "-c", SCRIPT, ":::", "a/b"]).exits(1);
    assert_eq!(
        [place.read("d1/b/stdout"), place.read("d1/b/stderr"), place.read("d1/b/seq")],
        ["oa/b\n", "ea/b\n", "1"]
    );
}

#[test]
fn rows_hold_what_was_printed() {
    let place = Place::new();
    let run =
        |name: &str| place.divvy(["run", "-j1", "--results", name, "sh", "-c", SCRIPT, ":::", "a,b", "c"]);
    // Starttime and JobRuntime are the clock's.
    let rows = |text: &str, separator: char| {
        let rows = text.split_inclusive('\n').map(|line| {
            let fields: Vec<_> = line.splitn(5, separator).collect();
            if fields.len() == 5 && fields[1] == ":" {
                format!("{}..{}", fields[0], fields[4])
            } else {
                line.into()
            }
        });
        rows.collect::<String>()
    };
    assert_eq!(run("r.csv").out(), "");
    let expected = "Seq,Host,Starttime,JobRuntime,Send,Receive,Exitval,Signal,Command,V1,Stdout,Stderr\n\
                    1..0,5,3,0,\"echo oa,b; echo ea,b >&2; exit 3\",\"a,b\",\"oa,b\n\",\"ea,b\n\"\n\
                    2..0,3,3,0,\"echo oc; echo ec >&2; exit 3\",c,\"oc\n\",\"ec\n\"\n";
    assert_eq!(rows(&place.read("r.csv"), ','), expected);
    assert_eq!(rows(&run("-.csv").out(), ','), expected);
    run("r.tsv");
    assert!(rows(&place.read("r.tsv"), '\t').ends_with("\tc\t\"oc\n\"\t\"ec\n\"\n"));
    run("r.tsv");
    assert_eq!(place.read("r.tsv").matches("Seq\t").count(), 1, "begun anew");
}

#[test]
fn files_are_named_on_stdout() {
    let place = Place::new();
    std::fs::create_dir(place.path("tmp")).unwrap();
    let ran = place.divvy([
        "run",
        "-k",
        "--files",
        "--tempdir",
        "tmp",
        "sh",
        "-c",
        "echo {}; echo e >&2",
        ":::",
        "a",
        "b",
    ]);
    let out = ran.out();
    let names: Vec<_> = out.lines().collect();
    let held: Vec<_> = names.iter().map(|name| std::fs::read_to_string(name).unwrap()).collect();
    assert_eq!((held, ran.exits(0).as_str()), (vec!["a\n".to_owned(), "b\n".into()], "e\ne\n"));
    assert!(names.iter().all(|name| name.contains("/tmp/")), "{names:?}");
    let ran = place.divvy(["run", "--files", "--tag", "--results", "r", "echo", ":::", "a"]);
    assert_eq!(ran.silent(), format!("a\t{}\n", place.path("r/1/stdout").display()));
}

#[test]
fn each_stream_goes_its_way() {
    let place = Place::new();
    let args =
        ["run", "--stdout", "j%{JOB_ID}/%{TASK_ID}.%{INSTANCE_ID}", "--retries", "2", "--array", "7-8"];
    let script = "echo o{}; echo e{} >&2; [ $DIVVY_ATTEMPT = 2 ]";
    let ran = place.divvy(args.iter().copied().chain(["sh", "-c", script]));
    let mut errors: Vec<_> = ran.exits(0).lines().map(str::to_owned).collect();
    errors.sort();
    assert_eq!((ran.out().as_str(), errors), ("", vec!["e7".to_owned(), "e8".into()]));
    assert_eq!([place.read("j1/7.1"), place.read("j1/8.1")], ["o7\n", "o8\n"]);
    let ran = place.divvy(["run", "--stderr", "none", "sh", "-c", "echo o; echo e >&2", ":::", "x"]);
    assert_eq!(ran.silent(), "o\n");
}
