//! Sources, columns and several inputs to a task: each command line is one that GNU parallel understands the same way.

use crate::place::Place;

/// Runs `divvy run -k --shell`, as people do who have written `alias parallel='divvy run --shell'`.
fn shell(place: &Place, input: &str, args: &[&str]) -> String {
    place.piped(input, [&["run", "-k", "--shell"], args].concat()).silent()
}

#[test]
fn all_combinations_of_sources_or_linked_ones() {
    let place = Place::new();
    place.write("list", "x y\nz\n");
    for (args, expected) in [
        (&["echo", ":::", "a", "b", ":::", "1", "2"][..], "a 1\na 2\nb 1\nb 2\n"),
        (&["echo", ":::", "a", "b", "c", ":::+", "1", "2"], "a 1\nb 2\n"),
        (&["echo", ":::", "X", "Y", ":::", "a", "b", ":::+", "1", "2"], "X a 1\nX b 2\nY a 1\nY b 2\n"),
        (&["--link", "echo", ":::", "a", "b", "c", ":::", "1", "2"], "a 1\nb 2\nc 1\n"),
        (&["echo", "{2}-{1/}", "{-1}", ":::", "d/a", "::::", "list"], "x y-a x y\nz-a z\n"),
        (&["echo", "::::", "list", "::::+", "-"], "x y p\nz q\n"),
        (&["-a", "list", "-a", "-", "echo"], "x y p\nx y q\nz p\nz q\n"),
        (&["--arg-sep", ",,", "echo", ",,", "a", ",,", ":::"], "a :::\n"),
        (&["echo", "x{}y", "\"{}\"", ":::", "a", ":::", "b c"], "xa b cy a b c\n"),
        (&["echo", ":::"], "p\nq\n"),
        (&["echo", ":::+"], "p\nq\n"),
        (&["-a", "list", "echo", ":::"], "x y\nz\n"),
    ] {
        assert_eq!(shell(&place, "p\nq\n", args), expected, "{args:?}");
    }
    assert_eq!(place.divvy(["run", "printf", "<%s>", ":::", "a b", ":::", "c"]).silent(), "<a b><c>");
    assert_eq!(place.divvy(["run", "printf", "<%s>", "-{}-", ":::", "a", ":::", "b"]).silent(), "<-a b->");
}

#[test]
fn a_product_beyond_memory_is_made_while_it_runs() {
    let place = Place::new();
    let many: String = (0..10_000).map(|n| format!("{n}\n")).collect();
    place.write("many", many);
    let files = ["::::", "many", "many", "many", "many"];
    let script = "test {1}{2}{3}{4} != 0003 || kill -INT $PPID; echo {}";
    let job = place.divvy([&["run", "--shell", "-j1", "-k", script], &files[..]].concat());
    assert_eq!(job.code, Some(130), "{}", job.err());
    assert!(job.out().starts_with("0 0 0 0\n0 0 0 1\n0 0 0 2\n"), "{}", job.out());
}

#[test]
fn columns_headers_and_what_is_left_out() {
    let place = Place::new();
    for (input, args, expected) in [
        ("a,b\nc , d,e\nf\n", &["--colsep", ",", "echo", "{2}-{1}-{3}"][..], "b-a-\nd-c-e\n-f-\n"),
        ("x y,n\na,1\nb,2\n", &["-C", ",", "--header", ":", "echo", "{n}={x y} {1}"], "1=a a\n2=b b\n"),
        ("", &["--header", ":", "echo", "{a}/{b.}", ":::", "a", "1", "2", ":::", "b", "3.x"], "1/3\n2/3\n"),
        ("first\na\n", &["--skip-first-line", "echo"], "a\n"),
        ("a\nSTOP\nb\n", &["-E", "STOP", "echo"], "a\n"),
        ("a\n\n  \nb\n", &["-r", "echo"], "a\nb\n"),
        (" a \n", &["--trim", "l", "printf '<%s>'"], "<a >"),
        ("a;b;c", &["-d", ";", "echo"], "a\nb\nc\n"),
        ("a::b", &["--delimiter", "::", "echo"], "a\nb\n"),
        ("a\tb", &["-d", "\\t", "echo"], "a\nb\n"),
    ] {
        assert_eq!(shell(&place, input, args), expected, "{args:?}");
    }
    place.divvy(["run", "-C", "(", "echo", ":::", "a"]).refused(125, &["--colsep"]);
    place.divvy(["run", "-d", "", "echo"]).refused(125, &["-d"]);
}

#[test]
fn several_inputs_to_a_task() {
    let place = Place::new();
    for (args, expected) in [
        (&["-N2", "echo", "{2} {1}"][..], "2 1\n4 3\n5\n"),
        (&["-n2", "echo", "x{}y"], "x1 2y\nx3 4y\nx5y\n"),
        (&["-N0", "echo", "hi"], "hi\nhi\nhi\nhi\nhi\n"),
        (&["-X", "-j2", "echo", "x{}y"], "x1y x2y x3y\nx4y x5y\n"),
        (&["-m", "-j2", "echo", "x{}y"], "x1 2 3y\nx4 5y\n"),
        (&["--xargs", "-j2", "echo"], "1 2 3 4 5\n"),
        (&["--xargs", "-s", "9", "echo"], "1 2\n3 4\n5\n"),
        (&["-L2", "echo", "x{}"], "x1 x2\nx3 x4\nx5\n"),
    ] {
        assert_eq!(shell(&place, "1\n2\n3\n4\n5\n", args), expected, "{args:?}");
    }
    assert_eq!(shell(&place, "a \nb\nc\n", &["-l", "echo", "-{}"]), "-a b\n-c\n");
    let args = ["run", "-k", "-n2", "sh", "-c", r#"echo "$#:$*:$DIVVY_INPUT""#, "_"];
    assert_eq!(place.piped("a b\n\nc\n", args).silent(), "2:a b :a b \n1:c:c\n");
    place.divvy(["run", "-s", "9", "echo", ":::", "a"]).refused(125, &["-s", "-X"]);
}

#[test]
fn placeholders_may_be_written_otherwise() {
    let place = Place::new();
    for (args, expected) in [
        (&["-I", ",,", "echo", ",,", "{}", "{.}", ":::", "a.b"][..], "a.b {} a\n"),
        (
            &[
                "-j1",
                "--er",
                "E",
                "--bnr",
                "B",
                "--dnr",
                "D",
                "--bner",
                "N",
                "--seqreplace",
                "S",
                "--slotreplace",
                "@",
                "echo",
                "E",
                "B",
                "D",
                "N",
                "S",
                "@",
                "{}",
                ":::",
                "d/a.b",
            ],
            "d/a a.b d a 1 1 d/a.b\n",
        ),
        (&["--plus", "echo", "{..}", "{+.}", "{+/}", "{/...}", ":::", "d/a.b.c.d"], "d/a.b d d a\n"),
        (&["-i", "echo", "{}", ":::", "a"], "a\n"),
        (&["-q", "printf", "%s|", "a  $HOME", "{}", ":::", "x y"], "a  $HOME|x y|"),
    ] {
        assert_eq!(shell(&place, "", args), expected, "{args:?}");
    }
    assert_eq!(place.divvy(["run", "-I", ",,", "echo ,, '{}'", ":::", "a b"]).silent(), "a b {}\n");
    for (args, said) in [
        (&["run", "echo {= s/a/b/ =}", ":::", "a"][..], "Perl"),
        (&["run", "--rpl", "{x} s/a/b/", "echo", ":::", "a"], "Perl"),
        (&["run", "--plus", "echo", "{%.gz}", ":::", "a"], "--plus"),
        (&["run", "-I", "", "echo", ":::", "a"], "-I"),
        (&["run", "echo", "{3}", ":::", "a", ":::", "b"], "2 inputs"),
    ] {
        place.divvy(args).refused(125, &[said]);
    }
}

#[test]
fn without_a_command_inputs_are_commands() {
    let place = Place::new();
    assert_eq!(
        place.divvy(["run", "-k", ":::", "echo a; echo b", "echo $((1+2)) | cat"]).silent(),
        "a\nb\n3\n"
    );
    assert_eq!(place.piped("echo 'x  y'\nexit 3\n", ["run"]).exits(1).lines().count(), 2);
    assert_eq!(place.piped("", ["run"]).exits(0), "divvy: no inputs, so nothing was run\n");
    assert_eq!(place.divvy(["run", "-k", ":::", "echo", "printf", ":::", "a", "b"]).silent(), "a\nb\nab");
    for args in [&["run", "--array", "1-3"][..], &["run", "--pipe"]] {
        place.divvy(args).refused(125, &["no command"]);
    }
}

#[test]
fn shuffled_inputs_are_the_same_inputs() {
    let place = Place::new();
    let args = ["run", "--shuf", "echo", ":::", "a", "b", "c", ":::", "1", "2"];
    assert_eq!(place.divvy(args).sorted(), ["a 1", "a 2", "b 1", "b 2", "c 1", "c 2"]);
    assert_eq!(place.piped("x\ny\nz\n", ["run", "--shuf", "echo"]).sorted(), ["x", "y", "z"]);
}

#[test]
fn elements_of_a_json_array_are_inputs() {
    let place = Place::new();
    place.write("list.json", r#"[1, "a b", {"x": [1,  2]}, null]"#);
    let ran = place.divvy(["run", "-k", "--from-json", "list.json", "printf", "%s\\n"]);
    assert_eq!(ran.silent(), "1\n\"a b\"\n{\"x\": [1,  2]}\nnull\n");
    place.write("no.json", "{}");
    place.divvy(["run", "--from-json", "no.json", "echo"]).refused(125, &["no.json", "array"]);
}

#[test]
fn an_interrupted_job_of_several_fields_goes_on() {
    let place = Place::new();
    let script = "test -e go || kill -9 $PPID; echo {2} {1}";
    let ran = place.divvy(["run", "--crash-limit", "99", "--shell", script, ":::", "a b", ":::", "c"]);
    assert_eq!(ran.signal, Some(9));
    place.write("go", "");
    assert_eq!(place.divvy(["resume"]).silent(), "c a b\n");
}

#[test]
fn nothing_behind_the_separator_and_nothing_on_stdin_is_an_empty_list() {
    let place = Place::new();
    let said = "divvy: no inputs, so nothing was run\n";
    assert_eq!(place.divvy(["run", "echo", ":::"]).exits(0), said);
    assert_eq!(place.piped("", ["run", "echo", ":::"]).exits(0), said);
    assert_eq!(place.piped("a\n", ["run", "echo", ":::", ":::"]).exits(0), said);
}
