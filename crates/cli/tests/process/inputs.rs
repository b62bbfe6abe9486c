//! Inputs are bytes: whatever they are, they arrive untouched.

use crate::place::Place;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Prints each of its arguments in brackets.
const SHOW: [&str; 4] = ["sh", "-c", r#"printf '[%s]' "$@"; echo"#, "show"];

fn run<'a>(options: &[&'a str], rest: &[&'a str]) -> Vec<&'a str> {
    [&["run"], options, &SHOW, rest].concat()
}

#[test]
fn spaces_quotes_and_newlines_arrive_untouched() {
    let place = Place::new();
    for input in ["two words", " a  b ", "it's", "\"q\"", "a\nb", "$HOME `id` \\n *", "", "\t", "ä→𝄞"] {
        let ran = place.divvy(run(&[], &[":::", input]));
        assert_eq!(ran.silent(), format!("[{input}]\n"));
    }
}

#[test]
fn bytes_that_are_no_text_arrive_untouched() {
    let place = Place::new();
    let odd: Vec<u8> = (1..=255).collect();
    let ran = place.divvy(run(&[], &[":::"]).iter().map(OsStr::new).chain([OsStr::from_bytes(&odd)]));
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.stdout, [b"[", &odd[..], b"]\n"].concat());

    let records: Vec<u8> = odd.iter().copied().filter(|b| *b != b'\n').chain([b'\n']).collect();
    let ran = place.piped(&records, run(&[], &[]));
    assert_eq!(ran.stdout, [b"[", &records[..records.len() - 1], b"]\n"].concat());
}

#[test]
fn a_leading_dash_is_no_flag() {
    let place = Place::new();
    assert_eq!(place.divvy(run(&[], &[":::", "-j", "--help", "--"])).sorted(), ["[--]", "[--help]", "[-j]"]);
    assert_eq!(place.piped("--version\n-\n", run(&[], &[])).sorted(), ["[--version]", "[-]"]);
}

#[test]
fn nul_ends_inputs_that_hold_newlines() {
    let place = Place::new();
    let ran = place.piped("a\nb\0c d\0\0last", run(&["-0", "-k"], &[]));
    assert_eq!(ran.silent(), "[a\nb]\n[c d]\n[]\n[last]\n");
}

#[test]
fn lines_come_from_a_file_from_stdin_or_from_a_dash() {
    let place = Place::new();
    place.write("list", "one\n\ntwo\r\nlast");
    let expected = "[one]\n[]\n[two\r]\n[last]\n";
    assert_eq!(place.divvy(run(&["-k", "--each-line", "list"], &[])).silent(), expected);
    assert_eq!(place.divvy(run(&["-k", "-a", "list"], &[])).silent(), expected);
    let list = place.read("list");
    assert_eq!(place.piped(&list, run(&["-k", "-a", "-"], &[])).silent(), expected);
    assert_eq!(place.piped(&list, run(&["-k"], &[])).silent(), expected);
}

#[test]
fn a_long_input_arrives_whole() {
    let place = Place::new();
    // Just under what the system takes as one argument, and above what goes into a variable.
    let long = "x".repeat(130_000);
    let ran = place.divvy([
        "run",
        "sh",
        "-c",
        r#"printf '%s %s' "${#1}" "${DIVVY_INPUT-unset}""#,
        "_",
        ":::",
        &long,
    ]);
    assert_eq!(ran.silent(), "130000 unset");
}

#[test]
fn what_no_program_can_be_given_fails_its_task_alone() {
    let place = Place::new();
    let mut list = b"good\nbad\0nul\n".to_vec();
    list.extend(vec![b'x'; 200_000]);
    list.push(b'\n');
    let ran = place.piped(list, run(&[], &[]));
    let said = ran.exits(2);
    assert_eq!(ran.out(), "[good]\n");
    assert!(
        said.contains("2 (cannot run: nul byte") && said.contains("3 (cannot run: Argument list too long"),
        "{said}"
    );
}

#[test]
fn an_empty_list_is_said_and_no_failure() {
    let place = Place::new();
    place.write("empty", "");
    for ran in [
        place.divvy(run(&[], &[":::"])),
        place.divvy(run(&["--each-line", "empty"], &[])),
        place.piped("", run(&[], &[])),
        place.piped("", run(&["-0"], &[])),
    ] {
        assert_eq!(
            (ran.exits(0).as_str(), ran.out().as_str()),
            ("divvy: no inputs, so nothing was run\n", "")
        );
    }
}

#[test]
fn an_array_is_first_last_and_step() {
    let place = Place::new();
    let args = |array| ["run", "-k", "--array", array, "sh", "-c", "echo {} $DIVVY_TASK $DIVVY_INPUT"];
    assert_eq!(place.divvy(args("3-10:3")).silent(), "3 3 3\n6 6 6\n9 9 9\n");
    assert_eq!(place.divvy(args("7-7")).silent(), "7 7 7\n");
    assert_eq!(place.divvy(args("0-2")).silent(), "0 0 0\n1 1 1\n2 2 2\n");
}
