//! `divvy mapreduce` with scripts: Python and sh, as people run them with Hadoop streaming.

use crate::place::{Place, until};
use crate::started::Ran;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A script of `examples/streaming`.
fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/streaming").join(name);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

/// A script of a test's own.
fn script(place: &Place, name: &str, text: &str) {
    let path = place.write(name, text);
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// Some words.
fn text(lines: u32) -> String {
    let mut state = 7u64;
    let mut text = String::new();
    for _ in 0..lines {
        for _ in 0..8 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = state >> 40;
            text += &format!("w{} ", word % (1 << (word % 11)));
        }
        text.push('\n');
    }
    text
}

fn counted(text: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    text.split_ascii_whitespace().for_each(|word| *counts.entry(word.to_owned()).or_default() += 1);
    counts
}

/// The parts of an output, each as text.
fn parts(place: &Place, out: &str) -> Vec<String> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(place.path(out)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.remove(0).ends_with("_SUCCESS"), "{paths:?}");
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Lines `word TAB count`.
fn counts(lines: &str) -> BTreeMap<String, u64> {
    let pair = |line: &str| {
        let (word, count) = line.split_once('\t').unwrap();
        (word.to_owned(), count.parse().unwrap())
    };
    lines.lines().map(pair).collect()
}

/// Runs `divvy mapreduce` with these words, split at spaces.
fn run(place: &Place, line: &str) -> Ran {
    let ran = place.divvy(["mapreduce"].into_iter().chain(line.split_whitespace()));
    assert_eq!(ran.code, Some(0), "{line}: {}", ran.err());
    ran
}

#[test]
fn scripts_count_words_the_same_whatever_the_splits_and_workers() {
    let place = Place::new();
    let text = text(3_000);
    place.write("text", &text);
    let mut all = Vec::new();
    for (n, (language, flags)) in [
        ("py", "-j 1"),
        ("py", "-j 2 --split 20K"),
        ("sh", "-j 3 --split 7000"),
        ("py", "-j 2 --split 50K --combiner COMBINE"),
        ("sh", "--memory 12M -j 2 --combiner COMBINE"),
    ]
    .into_iter()
    .enumerate()
    {
        let reduce = example(&format!("count_reduce.{language}"));
        let map = example(&format!("count_map.{language}"));
        let flags = flags.replace("COMBINE", &reduce);
        run(&place, &format!("--mapper {map} --reducer {reduce} text -o out{n} --parts 3 {flags}"));
        all.push(parts(&place, &format!("out{n}")));
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "the same parts with the same bytes");
    let counts: Vec<_> = all[0].iter().map(|part| counts(part)).collect();
    assert!(counts.len() == 3 && counts.iter().all(|part| !part.is_empty()));
    assert_eq!(counts.into_iter().flatten().collect::<BTreeMap<_, _>>(), counted(&text));
    for part in &all[0] {
        assert!(part.lines().is_sorted_by_key(|line| line.split_once('\t').unwrap().0));
    }
}

#[test]
fn a_command_line_of_hadoop_runs_as_it_is() {
    let place = Place::new();
    let text = text(500);
    fs::create_dir_all(place.path("in")).unwrap();
    place.write("in/a", &text);
    place.write("in/b", "last words");
    // Files that are shipped may be executed, wherever they come from.
    for name in ["count_map.py", "count_reduce.py"] {
        place.write(name, fs::read(example(name)).unwrap());
    }
    run(
        &place,
        "-D mapred.job.name=words -Dmapreduce.job.reduces=2 -D stream.num.map.output.key.fields=1 -input in/a,in/b \
         -output out -mapper count_map.py -combiner ./count_reduce.py -reducer count_reduce.py -file count_map.py \
         -file count_reduce.py -cmdenv A=b -inputformat org.apache.hadoop.mapred.TextInputFormat -verbose",
    );
    let parts = parts(&place, "out");
    assert_eq!(parts.len(), 2);
    assert_eq!(counts(&parts.concat()), counted(&(text + " last words")));
}

#[test]
fn lines_without_a_tab_are_as_hadoop_has_them() {
    let place = Place::new();
    place.write("in", "b\tx\na\n\nc\t\ny 1\tz\tz");
    let expected = "\t\na\t\nb\tx\nc\t\ny 1\tz\tz\n";
    run(&place, "-input in -output out -mapper cat -reducer cat");
    assert_eq!(parts(&place, "out"), [expected]);
    run(&place, "-input in -output only -mapper cat -numReduceTasks 0");
    assert_eq!(parts(&place, "only").concat(), "b\tx\na\t\n\t\nc\t\ny 1\tz\tz\n");
    run(&place, "-input in -output sorted -mapper org.apache.hadoop.mapred.lib.IdentityMapper");
    assert_eq!(parts(&place, "sorted"), [expected]);
    // In our own words lines are what scripts print.
    run(&place, "--mapper cat --reducer NONE in -o ours");
    assert_eq!(parts(&place, "ours").concat(), "b\tx\na\n\nc\t\ny 1\tz\tz\n");
    let ran = run(&place, "--mapper cat --reducer NONE in");
    assert_eq!(ran.stdout, b"b\tx\na\n\nc\t\ny 1\tz\tz\n");
}

#[test]
fn separators_and_numbers_of_fields_are_those_asked_for() {
    let place = Place::new();
    place.write("in", "11.12.1.2.z\n11.14.2.3.y\n11.11.4.1.x\n11.12.1.1.w\n11.14.2.2.v\n");
    run(
        &place,
        "-D stream.map.output.field.separator=. -D stream.num.map.output.key.fields=4 \
         -D mapreduce.map.output.key.field.separator=. -D mapreduce.partition.keypartitioner.options=-k1,2 \
         -D mapreduce.job.reduces=12 -D mapreduce.output.textoutputformat.separator=: -input in -output out \
         -mapper cat -reducer cat -partitioner org.apache.hadoop.mapred.lib.KeyFieldBasedPartitioner",
    );
    let all = parts(&place, "out");
    assert_eq!(all.len(), 12);
    let of = |begin: &str| {
        let with: Vec<_> = all.iter().filter(|part| part.contains(begin)).collect();
        assert_eq!(with.len(), 1, "{begin} is in one part");
        let lines = with[0].lines().filter(|line| line.starts_with(begin));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("11.11"), ["11.11.4.1:x"]);
    assert_eq!(of("11.12"), ["11.12.1.1:w", "11.12.1.2:z"]);
    assert_eq!(of("11.14"), ["11.14.2.2:v", "11.14.2.3:y"]);
}

#[test]
fn values_come_sorted_where_that_is_asked_for() {
    let place = Place::new();
    let mut readings = String::from("not a reading\n");
    let mut warmest = BTreeMap::new();
    for n in 0..2_000i64 {
        let (station, day, degrees) = (n % 37, n, (n * 7919) % 977 - 400);
        readings += &format!("s{station},{day},{}.5\n", degrees);
        let best = warmest.entry(format!("s{station}")).or_insert((degrees, day));
        *best = (*best).max((degrees, day));
    }
    place.write("in", &readings);
    let (map, reduce) = (example("warmest_map.py"), example("warmest_reduce.py"));
    let expected: Vec<_> =
        warmest.iter().map(|(station, (degrees, day))| format!("{station}\t{day}\t{degrees}.5")).collect();
    let args = ["mapreduce", "--mapper", &map, "--reducer", &reduce, "--key-fields", "2", "--split", "3000"];
    let order = ["--order", "-k1,1 -k2,2nr", "--partition", "-k1,1", "--parts", "4", "in", "-o", "out"];
    let ran = place.divvy(args.into_iter().chain(order));
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    assert!(ran.err().contains("1  readings,malformed"), "{}", ran.err());
    let mut lines: Vec<_> = parts(&place, "out").concat().lines().map(str::to_owned).collect();
    lines.sort();
    let mut sorted = expected.clone();
    sorted.sort();
    assert_eq!(lines, sorted);
    // The same, as Hadoop says it.
    let hadoop = [
        "mapreduce",
        "-D",
        "stream.num.map.output.key.fields=2",
        "-D",
        "mapred.output.key.comparator.class=org.apache.hadoop.mapred.lib.KeyFieldBasedComparator",
        "-D",
        "mapred.text.key.comparator.options=-k1,1 -k2,2nr",
        "-D",
        "num.key.fields.for.partition=1",
        "-D",
        "mapred.reduce.tasks=4",
        "-partitioner",
        "org.apache.hadoop.mapred.lib.KeyFieldBasedPartitioner",
        "-input",
        "in",
        "-output",
        "hadoop",
        "-mapper",
        &map,
        "-reducer",
        &reduce,
    ];
    assert_eq!(place.divvy(hadoop).code, Some(0));
    assert_eq!(parts(&place, "hadoop"), parts(&place, "out"));
}

/// A mapper of the kind that tutorials have: keys say what becomes of their values.
#[test]
fn keys_that_name_an_aggregate_get_it_whatever_the_splits_and_workers() {
    let place = Place::new();
    let text = text(600);
    place.write("in", &text);
    script(
        &place,
        "map.py",
        "#!/usr/bin/env python3\nimport sys\nfor line in sys.stdin:\n    for word in line.split():\n        \
         print('LongValueSum:' + word + '\\t1')\n        print('UniqValueCount:words\\t' + word)\n        \
         print('DoubleValueSum:tenths\\t0.1')\n        print('ValueHistogram:words\\t' + word)\n",
    );
    for (out, flags) in
        [("one", "-j 1"), ("more", "-j 2 --split 5000"), ("tight", "-j 1 --split 3000 --memory 4M")]
    {
        run(
            &place,
            &format!("-input in -output {out} -mapper map.py -file map.py -reducer aggregate {flags}"),
        );
    }
    let all = parts(&place, "one").concat();
    assert!(parts(&place, "more").concat() == all && parts(&place, "tight").concat() == all);
    let (sums, rest): (Vec<_>, Vec<_>) = all.lines().partition(|line| line.matches('\t').count() == 1);
    let expected = counted(&text);
    let number = |line: &str| line.split_once('\t').unwrap().1.parse::<f64>().unwrap();
    // Sorted by the whole key, as with Hadoop: first the sum of floats, last the count of different words.
    assert_eq!(number(sums[0]), (0..text.split_whitespace().count()).fold(0.0, |sum, _| sum + 0.1));
    assert_eq!(sums[sums.len() - 1], format!("words\t{}", expected.len()));
    assert_eq!(counts(&sums[1..sums.len() - 1].join("\n")), expected);
    let (mut times, mut sorted) =
        (expected.values().copied().collect::<Vec<_>>(), rest[0].split('\t').skip(1));
    times.sort_unstable();
    let described = [times.len() as u64, times[0], times[times.len() / 2], times[times.len() - 1]];
    assert!(described.iter().all(|n| sorted.next() == Some(&n.to_string())), "{rest:?}");

    place.write("bad", "LongValueSum:a\tx\n");
    let ran = place.divvy([
        "mapreduce",
        "-input",
        "bad",
        "-output",
        "out",
        "-mapper",
        "cat",
        "-reducer",
        "aggregate",
    ]);
    assert!(
        ran.code != Some(0) && ran.err().contains("`x` of the key `LongValueSum:a` is no number"),
        "{}",
        ran.err()
    );
}

#[test]
fn archives_are_unpacked_where_the_processes_are() {
    let place = Place::new();
    place.write("in", "b\na\nx\n");
    fs::create_dir_all(place.path("lib/names")).unwrap();
    place.write("lib/names/good", "a\nb\n");
    script(&place, "lib/only.sh", "#!/bin/sh\ngrep -x -f lists/names/good || true\n");
    let make =
        "import shutil\nfor form in ['zip', 'tar', 'gztar']: shutil.make_archive('lib', form, 'lib')\n";
    assert!(
        Command::new("python3").args(["-c", make]).current_dir(place.path("")).status().unwrap().success()
    );
    for archive in ["lib.zip", "lib.tar", "lib.tar.gz"] {
        let out = format!("out-{archive}");
        run(
            &place,
            &format!("-archives {archive}#lists -input in -output {out} -mapper lists/only.sh -reducer NONE"),
        );
        assert_eq!(parts(&place, &out).concat(), "b\t\na\t\n", "{archive}");
    }
    for (archive, why) in [("in", "ends with none of"), ("no.zip", "No such file"), ("bad.zip", "bad.zip")] {
        place.write("bad.zip", "no zip file");
        let line = format!("mapreduce -archives {archive} -input in -output out -mapper cat");
        place.divvy(line.split(' ')).refused(125, &[why]);
    }
}

/// As for a sweep over parameters, one line of which is hours of work.
#[test]
fn a_split_may_be_a_number_of_lines() {
    let place = Place::new();
    let lines: Vec<_> = (0..7).map(|n| format!("{n}{}", "x".repeat(n * n))).collect();
    place.write("in", lines.join("\n"));
    script(&place, "map.sh", "#!/bin/sh\necho begin\ncat\n");
    let format = "-inputformat org.apache.hadoop.mapred.lib.NLineInputFormat";
    let run = |flags: &str, out: &str| {
        run(
            &place,
            &format!("{flags} {format} -input in -output {out} -mapper map.sh -file map.sh -reducer NONE"),
        );
        let parts = parts(&place, out).into_iter();
        parts.map(|part| part.replace("begin\t\n", "").replace("\t\n", "\n")).collect::<Vec<_>>()
    };
    let chunks = |n| lines.chunks(n).map(|lines| lines.join("\n") + "\n").collect::<Vec<_>>();
    let ignore = "-D stream.map.input.ignoreKey=true";
    assert_eq!(run(ignore, "one"), chunks(1));
    assert_eq!(
        run(&format!("{ignore} -D mapreduce.input.lineinputformat.linespermap=3"), "three"),
        chunks(3)
    );
    // Unless it is told not to, it gets the place of each line in the file, as with Hadoop.
    let mut place = 0;
    let placed = lines.chunks(2).map(|lines| {
        let line = |line: &String| {
            let begin = place;
            place += line.len() + 1;
            format!("{begin}\t{line}\n")
        };
        lines.iter().map(line).collect::<String>()
    });
    let expected: Vec<_> = placed.collect();
    assert_eq!(run("-D mapred.line.input.format.linespermap=2", "places"), expected);
}

#[test]
fn what_a_script_says_it_is_doing_is_seen_while_it_runs_and_when_it_fails() {
    let place = Place::new();
    place.write("in", "x\n");
    let text = "#!/bin/sh\necho 'reporter:status:reading tables' >&2\nuntil [ -e go ]; do sleep 0.01; done\n\
                echo 'reporter:status:adding up' >&2\nexit 3\n";
    script(&place, "map.sh", text);
    let run = ["mapreduce", "--mapper", "./map.sh", "in", "-o", "out", "--retries", "1", "--progress"];
    let run = place.start(run);
    until("it is shown", || run.err().contains(": reading tables"));
    place.write("go", "");
    let ran = run.end();
    assert!(ran.err().contains("exit code 3 at \"adding up\""), "{}", ran.err());
}

#[test]
fn processes_are_told_where_they_are_and_may_count() {
    let place = Place::new();
    script(
        &place,
        "map.sh",
        "#!/bin/sh\necho 'reporter:status:begun' >&2\necho 'reporter:counter:my group,my lines,2' >&2\necho heard >&2\n\
         cat >/dev/null\necho \"$mapreduce_map_input_file $map_input_start $mapreduce_task_ismap $A $my_own_name\"\n\
         echo \"$mapreduce_job_id\" | sed 's/[0-9][0-9]*/N/g'; echo \"$mapreduce_task_attempt_id\" | sed 's/^attempt_[0-9]*_[0-9]*//'\n",
    );
    script(
        &place,
        "reduce.sh",
        "#!/bin/sh\necho 'reporter:counter:my group,my lines,40' >&2\ncat\necho \"$mapred_task_is_map $mapred_task_partition $mapreduce_job_reduces\"\n",
    );
    place.write("in", "x\n".repeat(100));
    let ran = run(
        &place,
        "--mapper ./map.sh --reducer ./reduce.sh --split 100 -D my.own-name=q --env A=b in -o out --retries 1",
    );
    let path = place.path("in");
    let path = path.to_str().unwrap();
    let told = |at: u32| format!("{path} {at} true b q\t\n");
    let names = "_m_000000_0\t\n_m_000001_0\t\n";
    let jobs = "job_N_N\t\njob_N_N\t\n";
    let expected = [told(0), told(100), names.into(), jobs.into(), "false 0 1\n".into()].concat();
    assert_eq!(parts(&place, "out"), [expected]);
    let err = ran.err();
    assert!(err.contains("44  my group,my lines"), "{err}");
    assert!(err.matches("heard\n").count() == 2 && !err.contains("reporter:"), "{err}");
    assert!(err.contains("-D my.own-name: nothing here depends on it"), "{err}");
}

#[test]
fn a_script_that_fails_says_why_and_leaves_nothing() {
    let place = Place::new();
    place.write("in", "x\ny\n");
    script(&place, "bad.sh", "#!/bin/sh\ncat\necho no such luck >&2\nexit 3\n");
    for line in ["--mapper ./bad.sh", "--mapper cat --reducer ./bad.sh", "--mapper cat --combiner ./bad.sh"] {
        let ran = place.divvy(["mapreduce"].into_iter().chain(line.split(' ')).chain(["in", "-o", "out"]));
        assert_ne!(ran.code, Some(0), "{line}");
        assert!(
            ran.err().contains("exit code 3") && ran.err().contains("no such luck"),
            "{line}: {}",
            ran.err()
        );
        assert!(!place.has("out"));
    }
    // The attempts before the last one count for nothing.
    script(&place, "third.sh", "#!/bin/sh\ncat\necho x >> tries\n[ $(wc -l < tries) -ge 3 ] || exit 1\n");
    run(&place, "--mapper ./third.sh --reducer cat in -o out");
    assert_eq!(parts(&place, "out"), ["x\t\ny\t\n"]);
    run(&place, "-D stream.non.zero.exit.is.failure=false --mapper ./bad.sh --reducer NONE in -o any");
    assert_eq!(parts(&place, "any"), ["x\ny\n"]);
}

#[test]
fn a_mapper_need_not_read_all_and_may_print_while_it_does_not_read() {
    let place = Place::new();
    place.write("in", "a line that is longer than most of them are\n".repeat(100_000));
    run(&place, "--mapper true --reducer NONE in -o nothing");
    assert_eq!(parts(&place, "nothing").concat(), "");
    let ran = place.divvy([
        "mapreduce",
        "--mapper",
        "head -n 1",
        "--reducer",
        "NONE",
        "-j1",
        "--split",
        "10M",
        "in",
    ]);
    assert_eq!(ran.stdout, b"a line that is longer than most of them are\n");
    // Megabytes are printed before anything is read.
    script(&place, "late.sh", "#!/bin/sh\nseq 1000000\ncat > /dev/null\n");
    let ran = place.divvy([
        "mapreduce",
        "--mapper",
        "./late.sh",
        "--reducer",
        "NONE",
        "-j1",
        "--split",
        "10M",
        "in",
    ]);
    assert_eq!(ran.stdout, (1..=1_000_000).map(|n| format!("{n}\n")).collect::<String>().into_bytes());
}

#[test]
fn records_that_end_the_mapper_are_found_and_nothing_else_is_lost() {
    let place = Place::new();
    script(
        &place,
        "crash.sh",
        "#!/bin/sh\nwhile read -r line; do\n  case $line in 17|3000|6000) kill -SEGV $$ ;; esac\n  echo \"$line\"\ndone\n",
    );
    let numbers: String = (1..=6_000).map(|n| format!("{n}\n")).collect();
    place.write("in", numbers.trim_end());
    let good = (1..=6_000).filter(|n| ![17, 3_000, 6_000].contains(n));
    let expected: String = good.map(|n| format!("{n}\n")).collect();
    for (out, split) in [("one", "10M"), ("more", "10K")] {
        let line =
            format!("--mapper ./crash.sh --reducer NONE --split {split} --skip-bad 3 -j 2 in -o {out}");
        let err = run(&place, &line).err();
        assert!(parts(&place, out).concat() == expected, "{split}");
        assert!(err.contains("3 records were passed over"), "{err}");
        for bad in ["2 bytes at byte 39 ", "4 bytes at byte 13888 ", "4 bytes at byte 28888 "] {
            assert!(err.contains(bad) && err.contains("signal 11"), "{bad}: {err}");
        }
    }
    let ran = place.divvy(
        "mapreduce --mapper ./crash.sh --reducer NONE --skip-bad 2 in -o few".split(' ').collect::<Vec<_>>(),
    );
    assert_ne!(ran.code, Some(0));
    assert!(ran.err().contains("more than --skip-bad 2 records fail"), "{}", ran.err());
    // Who fails on nothing at all fails on no record.
    let ran = place.divvy([
        "mapreduce",
        "--mapper",
        "false",
        "--reducer",
        "NONE",
        "--skip-bad",
        "9",
        "in",
        "-o",
        "none",
    ]);
    assert_ne!(ran.code, Some(0));
    assert!(ran.err().contains("exit code 1") && !ran.err().contains("passed over"), "{}", ran.err());
}

#[test]
fn a_hanging_script_ends_with_the_node() {
    let place = Place::new();
    place.write("in", "x\n");
    for line in ["--mapper ./hang.sh", "--mapper cat --reducer ./hang.sh"] {
        script(&place, "hang.sh", "#!/bin/sh\ntouch begun\nsleep 1000 &\nwait\n");
        let started = place.start(
            ["mapreduce"].into_iter().chain(line.split(' ')).chain(["in", "-o", "out", "--grace", "0"]),
        );
        until("the script has begun", || place.has("begun"));
        started.signal(Signal::TERM);
        let ran = started.end();
        assert_eq!(ran.code, Some(130), "{}", ran.err());
        place.expect_no_task_alive();
        fs::remove_file(place.path("begun")).unwrap();
        script(&place, "hang.sh", "#!/bin/sh\ncat\n");
        let ran = place.divvy(["resume"]);
        assert_eq!(ran.code, Some(0), "{}", ran.err());
        assert_eq!(parts(&place, "out").concat(), "x\t\n");
        fs::remove_dir_all(place.path("out")).unwrap();
    }
}

/// The scripts never read, print or end, so that whoever asks at the next record asks too late. One of them runs on a node
/// that has nothing to do with the job's own end.
#[test]
fn scripts_end_on_all_nodes_when_their_job_is_canceled() {
    for (line, job) in
        [("--mapper ./hang.sh --split 100", "1"), ("--mapper cat --reducer ./hang.sh --parts 2", "2")]
    {
        let place = Place::new();
        place.write("in", "x\n".repeat(100));
        script(&place, "hang.sh", "#!/bin/sh\ntouch begun$mapreduce_task_partition\nsleep 1000 &\nwait\n");
        let line = format!("mapreduce {line} -j 1 in -o out");
        let started = place.start(line.split(' '));
        until("a script has begun", || place.has("begun0") || place.has("begun1"));
        let other = place.start(["work", "-j", "1"]);
        until("both have begun", || place.has("begun0") && place.has("begun1"));
        assert_eq!(place.divvy(["cancel", job]).code, Some(0));
        place.expect_no_task_alive();
        assert_ne!(started.end().code, Some(0));
        assert!(!place.has("out"));
        other.end_by(Signal::TERM);
    }
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is() {
    let place = Place::new();
    place.write("in", "x\n");
    place.write("plain.py", "print(1)\n");
    for (line, why) in [
        ("--mapper ./plain.py in -o out", "chmod +x ./plain.py"),
        ("--mapper no-such-program in -o out", "there is no program no-such-program"),
        ("-input in -output out -mapper cat -inputformat a.b.SequenceFileInputFormat", "inputs are lines"),
        (
            "-D mapred.line.input.format.linespermap=0 -input in -output out -mapper cat -inputformat NLineInputFormat",
            "one line",
        ),
        ("-input in -output out -mapper cat -libjars x.jar", "-libjars"),
        ("-input in -output out -mapper org.apache.hadoop.Some", "runs no classes"),
        ("-input in -output out -mapper cat -partitioner x.TotalOrderPartitioner", "--partition"),
        ("--mapper cat -D mapreduce.job.reduces=many in -o out", "a number"),
        ("--mapper cat -D nothing in -o out", "NAME=VALUE"),
        ("--mapper cat --order=-k0 in -o out", "-k FIELD"),
        ("--mapper cat --records fixed:3 in -o out", "lines"),
        ("--mapper cat --file no-such-file in -o out", "no-such-file"),
    ] {
        let ran = place.divvy(["mapreduce"].into_iter().chain(line.split(' ')));
        assert_eq!(ran.code, Some(125), "{line}: {}", ran.err());
        assert!(ran.err().contains(why), "{line}: {}", ran.err());
    }
    let left = fs::read_dir(place.path(""))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("divvy-"));
    assert_eq!(left.count(), 0, "no directory is left behind");
}
