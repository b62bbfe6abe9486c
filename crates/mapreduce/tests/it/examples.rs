//! The examples, run as they are.

use crate::place::{Place, counts, text, whole};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs one, and gives what it prints. Cargo puts examples beside the directory of the test binaries.
fn run(name: &str, args: &[&Path]) -> String {
    let test = std::env::current_exe().unwrap();
    let path: PathBuf = test.parent().and_then(Path::parent).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run all targets of this package", path.display());
    let ran = Command::new(path).args(args).output().unwrap();
    assert!(ran.status.success(), "{name}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// The output of a job in `work`.
fn output(place: &Place) -> String {
    whole(&place.path("work/output"))
}

#[test]
fn inverted_index_names_each_document_once() {
    let place = Place::new();
    let documents: Vec<_> = (1..200).map(|n| text(40, n).replace('\n', " ")).collect();
    let lines = |from: usize, documents: &[String]| -> String {
        documents.iter().zip(from..).map(|(text, n)| format!("doc{n}\t{text}\n")).collect()
    };
    let files = [place.write("a", lines(0, &documents[..90])), place.write("b", lines(90, &documents[90..]))];
    let mut expected = BTreeMap::<&str, String>::new();
    for (n, text) in documents.iter().enumerate() {
        for word in counts(text).into_keys() {
            *expected.entry(word).or_default() += &format!("\tdoc{n}");
        }
    }
    run("inverted_index", &[&place.path("work"), &files[0], &files[1]]);
    assert!(
        output(&place) == expected.iter().map(|(word, docs)| format!("{word}{docs}\n")).collect::<String>()
    );
}

#[test]
fn reverse_links_turns_each_link_round_once() {
    let place = Place::new();
    let links: Vec<_> =
        (0..5_000u64).map(|n| (format!("p{}", n * 7919 % 97), format!("p{}", n * n % 89))).collect();
    let lines: String = links.iter().map(|(source, target)| format!("{source} {target}\n")).collect();
    let input = place.write("links", lines + "nonsense\n");
    let mut expected = BTreeMap::<&str, BTreeSet<&str>>::new();
    for (source, target) in &links {
        expected.entry(target).or_default().insert(source);
    }
    let others: usize = expected.values().map(BTreeSet::len).sum();
    let line = |(target, sources): (&&str, &BTreeSet<&str>)| {
        format!("{target} <- {}\n", sources.iter().copied().collect::<Vec<_>>().join(" "))
    };
    let said = run("reverse_links", &[&place.path("work"), &input]);
    assert!(output(&place) == expected.iter().map(line).collect::<String>());
    assert!(
        said.contains("not two pages") && said.contains(&format!("5000 links, {others} are another")),
        "{said}"
    );
}

#[test]
fn term_vectors_have_the_words_that_are_most_used() {
    let place = Place::new();
    let mut hosts = BTreeMap::<String, String>::new();
    let mut lines = String::new();
    for n in 0..300u64 {
        let (host, text) = (format!("h{}.org", n % 7), text(50, n).replace('\n', " "));
        lines += &format!("http://{host}/{n}\t{text}\n");
        *hosts.entry(host).or_default() += &text;
    }
    let vector = |text: &str| {
        let mut terms: Vec<_> =
            counts(text).into_iter().map(|(word, n)| (std::cmp::Reverse(n), word)).collect();
        terms.sort();
        terms[..10].iter().map(|(n, word)| format!("{word}:{}", n.0)).collect::<Vec<_>>().join(" ")
    };
    let expected: String = hosts.iter().map(|(host, text)| format!("{host}\t{}\n", vector(text))).collect();
    run("term_vectors", &[&place.path("work"), &place.write("pages", lines)]);
    assert_eq!(output(&place), expected);
}

#[test]
fn distinct_keeps_each_line_once() {
    let place = Place::new();
    let text: String = text(20_000, 3).split(' ').map(|word| format!("{}\n", word.trim())).collect();
    let expected: BTreeSet<&str> = text.lines().collect();
    let said = run("distinct", &[&place.path("work"), &place.write("lines", &text)]);
    assert!(output(&place) == expected.iter().map(|line| format!("{line}\n")).collect::<String>());
    assert_eq!(said, format!("{} of {} lines\n", expected.len(), text.lines().count()));
}

#[test]
fn top_k_is_the_head_of_all_counts() {
    let place = Place::new();
    let text = text(30_000, 4);
    let mut all: Vec<_> = counts(&text).into_iter().map(|(word, n)| (std::cmp::Reverse(n), word)).collect();
    all.sort();
    let expected: String = all[..25].iter().map(|(n, word)| format!("{}\t{word}\n", n.0)).collect();
    let said = run("top_k", &[&place.path("work"), Path::new("25"), &place.write("in.txt", &text)]);
    assert_eq!(said, expected);
}

/// Without what lines begin with: the guide shows functions without what is around them.
fn flush(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_start())).collect()
}

#[test]
fn the_guide_shows_the_examples_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(root.join("../../docs/mapreduce.md")).unwrap();
    let shown: Vec<_> = guide.split("```rust\n// ").skip(1).collect();
    assert_eq!(shown.len(), 5);
    for block in shown {
        let (name, code) = block.split("```").next().unwrap().split_once('\n').unwrap();
        let example = std::fs::read_to_string(root.join("examples").join(name)).unwrap();
        assert!(flush(&example).contains(&flush(code)), "{name} is not what the guide shows");
    }
}
