//! The table of options in `docs/parallel.md`: none is left out, and what is said to be missing is.

use crate::place::Place;
use std::collections::BTreeSet;
use std::fs;

const DOCUMENT: &str = include_str!("../../../../../docs/parallel.md");
/// Where the manual is that the package installs; its headings are its options.
const MANUAL: &str = "/usr/share/doc/parallel/parallel.html";
/// What the manual documents only to say that one should not use it, and what belongs to its own helpers.
const UNSEEN: [&str; 1] = ["--total"];

/// The rows of the tables: names, and the verdict.
fn rows() -> impl Iterator<Item = (Vec<&'static str>, &'static str)> {
    DOCUMENT.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let names = cells.next()?.split('`').filter(|name| name.starts_with('-'));
        Some((names.collect(), cells.next()?.trim()))
    })
}

#[test]
fn every_option_of_the_manual_is_in_the_table() {
    let Ok(html) = fs::read_to_string(MANUAL) else {
        return eprintln!("GNU parallel's manual is not installed: passed over");
    };
    let known: BTreeSet<_> = rows().flat_map(|(names, _)| names).collect();
    let headings = html.split("<dt").skip(1).filter_map(|rest| {
        // The text is behind the id, and in tags of its own.
        let text = &rest[rest.find('>')? + 1..rest.find("</dt>")?];
        text.split('<')
            .map(|piece| piece.rsplit('>').next().unwrap_or_default())
            .find(|text| text.starts_with('-'))
    });
    let names = headings.filter_map(|heading| heading.split([' ', '=', '[']).next());
    let is_option = |name: &&str| !name[1..].starts_with(|c: char| c.is_ascii_digit());
    let unknown: BTreeSet<_> =
        names.filter(is_option).filter(|name| !known.contains(name) && !UNSEEN.contains(name)).collect();
    assert!(unknown.is_empty(), "not in docs/parallel.md: {unknown:?}");
    assert!(known.len() > 150, "the table was not found");
}

#[test]
fn what_is_missing_is_refused_with_what_there_is_instead() {
    let place = Place::new();
    let missing = rows().filter(|(_, verdict)| *verdict == "missing").flat_map(|(names, _)| names);
    for name in missing {
        let given = [&["run", "--shell", name][..], &["run", "--shell", name, "x"]];
        let refused = given.map(|flags| {
            let ran = place.divvy(flags.iter().copied().chain(["true", ":::", "a"]));
            ran.code == Some(125) && (ran.err().contains("there is no") || ran.err().contains(name))
        });
        assert!(refused.contains(&true), "{name} is taken");
    }
    assert!(!place.state().exists(), "refused before anything is stored");
}
