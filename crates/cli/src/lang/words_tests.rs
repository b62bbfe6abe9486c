//! Tables for [`super::words`]: what splits, what is refused, and what the refusals say.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use super::spelling::Spelling;
use super::words::{WordsError, split};

fn words(text: &[u8]) -> Vec<Vec<u8>> {
    split(text, &Spelling::default()).unwrap_or_else(|error| panic!("{}: {error}", text.escape_ascii()))
}

/// Texts that split, with their words. `sh` is asked for its opinion below.
const GOOD: &[(&[u8], &[&[u8]])] = &[
    (b"a", &[b"a"]),
    (b"a b", &[b"a", b"b"]),
    (b" \t a \t b \t ", &[b"a", b"b"]),
    (b"a\n", &[b"a"]),
    (b"\n \na b \n\n ", &[b"a", b"b"]),
    (b"a 'b c'", &[b"a", b"b c"]),
    (b"a ''", &[b"a", b""]),
    (b"a \"\"", &[b"a", b""]),
    (b"a ''\"\"''", &[b"a", b""]),
    (b"a x'y'z", &[b"a", b"xyz"]),
    (b"a 'b'\"c\"d\\ e", &[b"a", b"bcd e"]),
    (b"a '\\'", &[b"a", b"\\"]),
    (b"a 'it'\\''s'", &[b"a", b"it's"]),
    (b"a \"it's\"", &[b"a", b"it's"]),
    (b"a '\"'", &[b"a", b"\""]),
    (b"a \"\\\"\"", &[b"a", b"\""]),
    (b"a \"\\$x \\` \\\\ \\n \\' \\a\"", &[b"a", b"$x ` \\ \\n \\' \\a"]),
    (b"a \"x\\\ny\"", &[b"a", b"xy"]),
    (b"a 'x\\\ny'", &[b"a", b"x\\\ny"]),
    (b"a 'x\ny' \"z\n\"", &[b"a", b"x\ny", b"z\n"]),
    (b"a\\\nb", &[b"ab"]),
    (b"a \\\n b", &[b"a", b"b"]),
    (b"a\\\n", &[b"a"]),
    (b"\\\na", &[b"a"]),
    (b"a \\\n", &[b"a"]),
    (b"a \\a\\b\\\\", &[b"a", b"ab\\"]),
    (b"a \\  b", &[b"a", b" ", b"b"]),
    (
        b"a \\| \\& \\; \\< \\> \\( \\) \\$ \\` \\* \\? \\[ \\~ \\# \\{ \\} \\' \\\" \\\t",
        &[
            b"a", b"|", b"&", b";", b"<", b">", b"(", b")", b"$", b"`", b"*", b"?", b"[", b"~", b"#", b"{",
            b"}", b"'", b"\"", b"\t",
        ],
    ),
    (b"a '|&;<>()$`*?[~#{a,b}'", &[b"a", b"|&;<>()$`*?[~#{a,b}"]),
    (b"a \"|&;<>()*?[~#{a,b}!\"", &[b"a", b"|&;<>()*?[~#{a,b}!"]),
    (b"a b#c d~e ''#f ''~", &[b"a", b"b#c", b"d~e", b"#f", b"~"]),
    (b"a x=1 --y=z =", &[b"a", b"x=1", b"--y=z", b"="]),
    (
        b"a -rf -- ] ! % ^ @ + , . : / _",
        &[b"a", b"-rf", b"--", b"]", b"!", b"%", b"^", b"@", b"+", b",", b".", b":", b"/", b"_"],
    ),
    (b"a \xff\xfe '\xc3' \"\xe2\x82\"", &[b"a", b"\xff\xfe", b"\xc3", b"\xe2\x82"]),
    (b"a \r \x0b \x01 \x7f", &[b"a", b"\r", b"\x0b", b"\x01", b"\x7f"]),
    (b"a cd if", &[b"a", b"cd", b"if"]),
];

#[test]
fn splits_as_expected() {
    for (text, expected) in GOOD {
        assert_eq!(words(text), *expected, "{}", text.escape_ascii());
    }
}

#[test]
fn sh_makes_the_same_words() {
    for (text, expected) in GOOD {
        // Functions stand in for the program; they print every argument and a separator that no word holds.
        let mut script = b"a() { for w; do printf '%s\\036' \"$w\"; done; }\nab() { a \"$@\"; }\n".to_vec();
        script.extend_from_slice(text);
        let output =
            Command::new("sh").arg("-c").arg(OsStr::from_bytes(&script)).output().expect("sh starts");
        let wanted: Vec<u8> =
            expected[1..].iter().flat_map(|word| [word, b"\x1e".as_slice()].concat()).collect();
        assert_eq!(output.stdout.escape_ascii().to_string(), wanted.escape_ascii().to_string());
    }
}

#[test]
fn replacement_strings_survive_in_and_out_of_quotes() {
    for placeholder in [
        "{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{%}", "{1}", "{-1}", "{2}", "{2.}", "{12/}", "{3//}",
        "{4/.}",
    ] {
        for text in [
            format!("a {placeholder}"),
            format!("a '{placeholder}'"),
            format!("a \"{placeholder}\""),
            format!("a \\{placeholder}").replace('}', "\\}"),
        ] {
            assert_eq!(words(text.as_bytes()), [b"a", placeholder.as_bytes()], "{text}");
        }
        let glued = format!("a x{placeholder}y{placeholder}.z");
        assert_eq!(words(glued.as_bytes())[1], format!("x{placeholder}y{placeholder}.z").as_bytes());
        assert_eq!(words(placeholder.as_bytes()), [placeholder.as_bytes()], "as the program");
    }
}

#[test]
fn every_unquoted_syntax_byte_is_refused_where_it_stands() {
    for byte in *b"|&;<>()$`*?[{}" {
        for before in ["a ", "a b", "a 'b'", ""] {
            let mut text = before.as_bytes().to_vec();
            text.push(byte);
            text.extend_from_slice(b" c");
            let at = before.len();
            let expected = WordsError::Syntax { byte, at, in_double_quotes: false };
            assert_eq!(split(&text, &Spelling::default()), Err(expected), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn refusals_with_their_offsets() {
    let syntax = |byte, at| WordsError::Syntax { byte, at, in_double_quotes: false };
    let quoted = |byte, at| WordsError::Syntax { byte, at, in_double_quotes: true };
    let builtin = |word: &[u8], at| WordsError::Builtin { word: word.to_vec(), at };
    let assignment = |name: &[u8], at| WordsError::Assignment { name: name.to_vec(), at };
    for (text, expected) in [
        (b"ls ~".as_slice(), syntax(b'~', 3)),
        (b"ls ~/x", syntax(b'~', 3)),
        (b"ls \\\n~", syntax(b'~', 5)),
        (b"~/bin/x", syntax(b'~', 0)),
        (b"ls # note", syntax(b'#', 3)),
        (b"#!/bin/sh", syntax(b'#', 0)),
        (b"a\nb", syntax(b'\n', 1)),
        (b"a b\n\n \\\n c", syntax(b'\n', 3)),
        (b"a\n'b'", syntax(b'\n', 1)),
        (b"a\n\\b", syntax(b'\n', 1)),
        (b"a\n\"b\"", syntax(b'\n', 1)),
        (b"a 2>&1", syntax(b'>', 3)),
        (b"a && b", syntax(b'&', 2)),
        (b"a {a,b}", syntax(b'{', 2)),
        (b"a {1..3}", syntax(b'{', 2)),
        (b"a {x}", syntax(b'{', 2)),
        (b"a { }", syntax(b'{', 2)),
        (b"a {'}'", syntax(b'{', 2)),
        (b"{ a; }", syntax(b'{', 0)),
        (b"a {}}", syntax(b'}', 4)),
        (b"[ -f x ]", syntax(b'[', 0)),
        (b"a $'x'", syntax(b'$', 2)),
        (b"a \"$x\"", quoted(b'$', 3)),
        (b"a \"x $(y)\"", quoted(b'$', 5)),
        (b"a \"`y`\"", quoted(b'`', 3)),
        (b"a \"\\\\$x\"", quoted(b'$', 5)),
        (b"FOO=1 cmd", assignment(b"FOO", 0)),
        (b" _f0=", assignment(b"_f0", 1)),
        (b"FOO+=1 cmd", assignment(b"FOO", 0)),
        (b"FOO='1 2' cmd", assignment(b"FOO", 0)),
        (b"cd x", builtin(b"cd", 0)),
        (b"  if true", builtin(b"if", 2)),
        (b"export X", builtin(b"export", 0)),
        (b". ./x", builtin(b".", 0)),
        (b"! grep x", builtin(b"!", 0)),
        (b"c\\\nd", builtin(b"cd", 0)),
        (b"set\n", builtin(b"set", 0)),
        (b"a 'b", WordsError::Unterminated { opener: b'\'', at: 2 }),
        (b"a b'c d", WordsError::Unterminated { opener: b'\'', at: 3 }),
        (b"a \"b", WordsError::Unterminated { opener: b'"', at: 2 }),
        (b"a \"b\\\"", WordsError::Unterminated { opener: b'"', at: 2 }),
        (b"a \"b\\", WordsError::Unterminated { opener: b'"', at: 2 }),
        (b"a b\\", WordsError::Unterminated { opener: b'\\', at: 3 }),
        (b"a \0", WordsError::Nul { at: 2 }),
        (b"", WordsError::Empty),
        (b" \t\n\\\n ", WordsError::Empty),
        (b"''", WordsError::Empty),
        (b"\"\" a", WordsError::Empty),
    ] {
        assert_eq!(split(text, &Spelling::default()), Err(expected), "{}", text.escape_ascii());
    }
}

#[test]
fn quoting_turns_a_keyword_or_assignment_into_a_program_name() {
    assert_eq!(words(b"'cd' x")[0], b"cd");
    assert_eq!(words(b"\\if")[0], b"if");
    assert_eq!(words(b"'FOO'=1")[0], b"FOO=1");
    assert_eq!(words(b"FOO\\=1")[0], b"FOO=1");
    assert_eq!(words(b"1a=1 x")[0], b"1a=1");
    assert_eq!(words(b"{}=1 x")[0], b"{}=1");
    assert_eq!(words(b"a-b=1")[0], b"a-b=1");
}

#[test]
fn builtins_that_are_programs_too_are_let_through() {
    for program in ["echo", "printf", "test", "true", "false", "kill", "pwd", "time", "env", "sh"] {
        assert_eq!(words(program.as_bytes()), [program.as_bytes()]);
    }
}

#[test]
fn messages_name_the_byte_the_place_and_the_way_out() {
    for (text, message) in [
        (
            b"sort {} | uniq".as_slice(),
            "`|` at byte 9 is shell syntax (it connects commands): add --shell to run it in sh, or quote it",
        ),
        (
            b"a\nb",
            "a newline at byte 2 is shell syntax (it separates commands): add --shell to run it in sh, or quote it",
        ),
        (
            b"echo \"$HOME\"",
            "`$` at byte 7 inside double quotes is shell syntax (it expands a variable or a command): \
             add --shell to run it in sh, or put it in single quotes",
        ),
        (
            b"cd {}",
            "`cd` at byte 1 is a shell builtin or keyword, not a program: add --shell to run it in sh, \
             or quote it if a program of that name is meant",
        ),
        (
            b"X=1 a",
            "`X=` at byte 1 sets a shell variable: add --shell to run it in sh, or put `env` in front of it",
        ),
        (
            b"a 'b",
            "the quote `'` at byte 3 is never closed: close it, or put a backslash in front to mean the character",
        ),
    ] {
        assert_eq!(split(text, &Spelling::default()).unwrap_err().to_string(), message);
    }
}
