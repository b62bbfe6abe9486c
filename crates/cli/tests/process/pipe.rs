//! Stdin in blocks, each the stdin of a task.

use crate::place::Place;

fn pipe(place: &Place, data: &str, args: &[&str]) -> String {
    place.piped(data, [&["run", "-k", "--shell", "--pipe"], args].concat()).silent()
}

#[test]
fn blocks_end_where_records_do() {
    let place = Place::new();
    let numbers = "1\n2\n3\n4\n5\n";
    for (data, args, expected) in [
        (numbers, &["-N2", "echo [; cat"][..], "[\n1\n2\n[\n3\n4\n[\n5\n"),
        (numbers, &["--block", "5", "echo [; cat"], "[\n1\n2\n[\n3\n4\n[\n5\n"),
        (numbers, &["-L2", "-N1", "wc -l"], "2\n2\n1\n"),
        (numbers, &["wc -l"], "5\n"),
        ("h\n1\n2\n", &["--header", ":", "-N1", "paste -s -d,"], "h,1\nh,2\n"),
        ("%a\n%b\n1\n2\n", &["--header", "(%.*\\n)*", "-N1", "paste -s -d,"], "%a,%b,1\n%a,%b,2\n"),
        ("a;b;c", &["--recend", ";", "-N2", "cat; echo"], "a;b;\nc\n"),
        ("a;b;c", &["--recend", ";", "--rrs", "-N2", "cat; echo"], "ab\nc\n"),
        (">a\n1\n>b\n", &["--recstart", ">", "-N1", "echo [; cat"], "[\n>a\n1\n[\n>b\n"),
        ("a12b3c", &["--regexp", "--recend", "[0-9]+", "-N1", "cat; echo"], "a12\nb3\nc\n"),
        (" \n1\n", &["-r", "-N1", "cat"], "1\n"),
        ("", &["echo never"], ""),
    ] {
        if data.is_empty() {
            let ran = place.piped(data, [&["run", "--shell", "--pipe"], args].concat());
            assert_eq!(
                (ran.exits(0).as_str(), ran.out().as_str()),
                ("divvy: no inputs, so nothing was run\n", "")
            );
            continue;
        }
        assert_eq!(pipe(&place, data, args), expected, "{args:?}");
    }
}

#[test]
fn a_block_larger_than_any_pipe_arrives_whole_and_need_not_be_read() {
    let place = Place::new();
    let data: String = (0..400_000).map(|n| format!("{n}\n")).collect();
    let ran = place.piped(&data, ["run", "-k", "--pipe", "--block", "1m", "cat"]);
    assert!(ran.silent() == data, "cut and put together again");
    assert_eq!(place.piped(&data, ["run", "--pipe", "--block", "10M", "head", "-n1"]).silent(), "0\n");
    assert_eq!(place.piped(&data, ["run", "--pipe", "--block", "10M", "true"]).silent(), "");
}

#[test]
fn a_block_may_be_a_file() {
    let place = Place::new();
    let data = "1\n2\n3\n";
    for flag in ["--cat", "--fifo"] {
        let args = [flag, "-N2", "cat {}; tail -n1 {} | tac; wc -c < {}; cat"];
        assert_eq!(pipe(&place, data, &args), "1\n2\n2\n4\n3\n3\n2\n");
    }
    let args = ["run", "-k", "--pipe", "-N2", "sh", "-c", "echo [{}] ${DIVVY_INPUT-unset}; cat"];
    assert_eq!(place.piped(data, args).silent(), "[] unset\n1\n2\n[] unset\n3\n");
}

#[test]
fn parts_of_a_file_are_read_where_they_are() {
    let place = Place::new();
    let data: String = (0..1_000).map(|n| format!("{n}\n")).collect();
    place.write("data", format!("head\n{data}"));
    let args = ["run", "-k", "--pipepart", "-a", "data", "--header", ":", "--block", "1k", "tail", "-n+2"];
    assert_eq!(place.divvy(args).silent(), data);
    let halves = ["run", "-j2", "-k", "--pipepart", "-a", "data", "--block", "-1", "wc", "-l"];
    assert_eq!(place.divvy(halves).out().lines().count(), 2);
    place.divvy(["run", "--pipepart", "cat"]).refused(125, &["-a"]);
}

#[test]
fn a_block_that_was_interrupted_is_there_again() {
    let place = Place::new();
    let args =
        ["run", "--crash-limit", "99", "--shell", "--pipe", "-N2", "-k", "test -e go || kill -9 $PPID; cat"];
    assert_eq!(place.piped("1\n2\n3\n", args).signal, Some(9));
    place.write("go", "");
    let ran = place.divvy(["resume"]);
    assert!(ran.out().starts_with("1\n2\n"), "{} {}", ran.out(), ran.err());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::new();
    for (args, said) in [
        (&["run", "--pipe", "cat", ":::", "a"][..], "one place"),
        (&["run", "--pipe", "--block", "0", "cat"], "--block"),
        (&["run", "--pipe", "--block", "-1", "cat"], "--pipepart"),
        (&["run", "--pipe", "--block", "1x", "cat"], "no size"),
        (&["run", "--pipe", "-N0", "cat"], "-N"),
        (&["run", "--pipe", "--regexp", "--recend", "(", "cat"], "--recend"),
    ] {
        place.divvy(args).refused(125, &[said]);
    }
}
