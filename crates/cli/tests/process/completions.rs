//! What is made of the flags: completions and manual pages.

use crate::place::Place;
use std::collections::BTreeSet;
use std::process::Command;

/// The verbs that help names.
fn verbs(place: &Place) -> Vec<String> {
    let help = place.divvy(["--help"]).silent();
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let verbs: Vec<_> = names.map(str::to_owned).filter(|name| name != "help").collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    verbs
}

/// The long flags that a verb's help names at the beginning of a line.
fn flags(place: &Place, verb: &str) -> BTreeSet<String> {
    let help = place.divvy([verb, "--help"]).silent();
    let words = help.lines().filter_map(|line| {
        let line = line.trim_start();
        line.starts_with('-').then(|| line.split_whitespace().find(|word| word.starts_with("--")))?
    });
    words.map(|word| word.trim_end_matches([',', ':']).to_owned()).collect()
}

#[test]
fn completions_name_every_verb_and_flag() {
    let place = Place::new();
    let [bash, zsh, fish] = ["bash", "zsh", "fish"].map(|shell| place.divvy(["completions", shell]).silent());
    for verb in verbs(&place) {
        assert!(
            bash.contains(&format!("divvy__subcmd__{verb}")) || bash.contains(&format!("divvy__{verb}")),
            "{verb}"
        );
        assert!(zsh.contains(&format!("({verb})")) && fish.contains(&format!("-a \"{verb}\"")), "{verb}");
        for flag in flags(&place, &verb) {
            let (long, name) = (format!("{flag} "), flag.trim_start_matches("--"));
            assert!(bash.contains(&long), "bash: {verb} {flag}");
            assert!(zsh.contains(&flag) && fish.contains(&format!("-l {name} ")), "{verb} {flag}");
        }
    }
    assert!(flags(&place, "submit").contains("--no-start"));
}

#[test]
fn shells_accept_their_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.write(shell, place.divvy(["completions", shell]).silent());
        match Command::new(shell).arg("-n").arg(script).output() {
            Ok(checked) => {
                assert!(checked.status.success(), "{shell}: {}", String::from_utf8_lossy(&checked.stderr));
            }
            Err(e) => assert!(shell != "bash", "bash is everywhere: {e}"),
        }
    }
    place.divvy(["completions", "basic"]).refused(125, &["basic", "bash"]);
}

#[test]
fn there_is_a_page_for_every_verb_with_its_flags() {
    let place = Place::new();
    let main = place.divvy(["man"]).silent();
    assert!(main.starts_with(".ie") || main.contains(".TH divvy 1"), "{main}");
    place.divvy(["man", "pages"]).silent();
    for verb in verbs(&place) {
        let page = place.read(&format!("pages/divvy-{verb}.1"));
        assert!(page.contains(&format!(".TH divvy-{verb} 1")), "{verb}: {page}");
        for flag in flags(&place, &verb) {
            let roff = flag.replace('-', "\\-");
            assert!(page.contains(&roff), "{verb} {flag}");
        }
    }
    assert!(place.read("pages/divvy-bench-noop.1").contains("payload"));
    assert!(!place.has("pages/divvy-help.1") && !place.read("pages/divvy-work.1").contains("linger"));
}
